"""`waymark verify` for people: the verdict first, then how we know; colour only for those who look at a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app, verify
from tests.verifier.field import contain
from tests.web.test_verify import BADGES, _badge

ESCAPE = "\x1b["


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(tmp_path / "data"))


def _say(badge: bytes) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["verify", "-"], input=badge)
    return answer.exit_code, answer.stdout


@pytest.mark.parametrize("name", BADGES)
def test_the_verdict_comes_first_and_every_check_after_it(name: str) -> None:
    code, said = _say(BADGES[name]())
    lines = said.splitlines()
    verdict = lines[0].partition(" ")[0]
    assert re.fullmatch(r"\w+ \(checked at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)", lines[0])
    assert code == (0 if verdict in ("valid", "valid_unknown_issuer") else 1)
    named = [line.split()[1] for line in lines[lines.index("Checks") + 1 :]]
    assert named == ["read", "form", "signature", "issuer_binding", "dates", "status", "issuer_known"]


def test_nothing_depends_on_colour() -> None:
    for make in BADGES.values():
        assert ESCAPE not in _say(make())[1]


@pytest.mark.parametrize(
    ("no_color", "term", "coloured"), [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)]
)
def test_a_terminal_gets_colour_unless_somebody_asked_for_none(
    monkeypatch: pytest.MonkeyPatch, no_color: str, term: str, coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(verify.sys.stdout, "isatty", lambda: True, raising=False)
    assert verify._has_colours() is coloured


def test_in_colour_it_says_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    badge = _badge()
    plain = _say(badge)[1]
    monkeypatch.setattr(verify, "_has_colours", lambda: True)
    painted = _say(badge)[1]
    assert ESCAPE in painted
    without = re.sub(r"\x1b\[[0-9;]*m", "", painted)
    assert without.splitlines()[1:] == plain.splitlines()[1:]


def test_what_a_badge_names_cannot_command_the_terminal() -> None:
    assert verify._printable("a\x1b]0;owned\x07b\u202ec\n") == "a�]0;owned�b�c�"


@pytest.mark.parametrize(
    ("sent", "words"), [(b"", "Nothing came in"), (b" \n", "Nothing came in"), (b"x" * 5_000_001, "larger than 5 MB")]
)
def test_a_pipe_with_nothing_or_too_much_in_it_is_misuse(sent: bytes, words: str) -> None:
    answer = CliRunner().invoke(app, ["verify", "-"], input=sent)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert words in answer.stderr


def test_an_address_may_come_by_a_pipe() -> None:
    code, said = _say(b"https://no-such-name.invalid/credentials/1\n")
    assert code == 1
    assert "url_unavailable" in said


def test_a_picture_may_come_by_a_pipe() -> None:
    assert _say(contain(_badge(), "png"))[0] == 0
