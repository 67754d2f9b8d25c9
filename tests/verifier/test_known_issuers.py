"""The register of known issuers: read by running servers, changed by a command, and never half of it."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from app.cli.demo import KNOWN_ISSUERS_TEXT, MARK
from app.verifier import known_issuers_file
from app.verifier.errors import KnownIssuersUnreadable
from app.verifier.known_issuers import FILE_NAME, WatchedRegister, parse
from app.verifier.known_issuers_file import EntryRefused
from app.verifier.schemas import KnownIssuer
from app.wiring import Services
from tests.cli.conftest import Terminal, terminal
from tests.verifier.field import Stranger

__all__ = ["terminal"]

ONE = KnownIssuer("did:web:one.example", "One", "the tests")
TWO = KnownIssuer("did:web:two.example", "Two", "the tests", "Two Ltd", "https://two.example")
WITH_COMMENTS = """\
# Kept by the office.

[[issuer]]
id = "did:web:one.example"  # asked on 1 March
name = "One"
listed_by = "the tests"

# The second one, by letter.
[[issuer]]
id = "did:web:two.example"
name = "Two"
listed_by = "the tests"
# its papers:
legal_name = "Two Ltd"
url = "https://two.example"

# The end.
"""


def _write(folder: Path, text: str) -> None:
    """As an editor does: another file in its place."""
    draft = folder / "draft"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder / FILE_NAME)


def _text_of(*entries: KnownIssuer) -> str:
    text = ""
    for entry in entries:
        text = known_issuers_file.with_entry(text, entry).text
    return text


def _ok() -> float | None:
    return REGISTRY.get_sample_value("waymark_known_issuers_ok")


def test_a_changed_file_counts_from_the_next_question_on(tmp_path: Path) -> None:
    register = WatchedRegister(tmp_path)
    assert register.current().get(ONE.id) is None
    _write(tmp_path, _text_of(ONE))
    assert register.current().get(ONE.id) == ONE
    _write(tmp_path, _text_of(TWO))
    assert (register.current().get(ONE.id), register.current().get(TWO.id)) == (None, TWO)
    (tmp_path / FILE_NAME).unlink()
    assert register.current().entries == ()


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    _write(tmp_path, _text_of(ONE))
    register = WatchedRegister(tmp_path)
    assert register.current() is register.current()


@pytest.mark.parametrize("broken", ["[[issuer]]\n", "nonsense", "[[issuer]]\nid = 5\n", "\ufeff\x00"])
def test_a_file_with_a_mistake_keeps_what_was_read_before_and_is_told(
    tmp_path: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(tmp_path, _text_of(ONE))
    register = WatchedRegister(tmp_path)
    _write(tmp_path, broken)
    for _ in range(3):
        assert register.current().get(ONE.id) == ONE
    assert _ok() == 0
    said = capsys.readouterr().err
    assert said.count("known_issuers.unreadable") == 1, "told once, not at every badge"
    _write(tmp_path, _text_of(TWO))
    assert register.current().get(TWO.id) == TWO
    assert _ok() == 1


def test_a_server_does_not_start_with_a_mistake(tmp_path: Path) -> None:
    _write(tmp_path, "[[issuer]]\n")
    with pytest.raises(KnownIssuersUnreadable):
        WatchedRegister(tmp_path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[[issuer]]\nid = "did:web:x"\nname =\n', ", line 3: This is not TOML"),
        ('[[issuer]]\nid = "did:web:x', ", line 2: This is not TOML"),
        (WITH_COMMENTS.replace('"Two"', "2"), ", line 9: Entry 2"),
        (WITH_COMMENTS.replace('two.example"\nname', 'one.example"\nname'), ", line 9: Entry 2"),
        ('issuer = [{id = "did:web:x"}]\n', ": Entry 1"),
        ("issuers = []\n", ": The register"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(tmp_path: Path, text: str, place: str) -> None:
    _write(tmp_path, text)
    with pytest.raises(KnownIssuersUnreadable, match=re.escape(f"{tmp_path / FILE_NAME}{place}")):
        WatchedRegister(tmp_path)


def test_many_threads_ask_while_the_file_changes(tmp_path: Path) -> None:
    _write(tmp_path, _text_of(ONE))
    register = WatchedRegister(tmp_path)
    found: list[bool] = []

    def ask() -> None:
        found.extend(register.current().get(ONE.id) == ONE for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(30):
        _write(tmp_path, _text_of(ONE, *([TWO] if number % 2 else [])))
    for thread in threads:
        thread.join()
    assert all(found)
    assert register.current().get(TWO.id) == TWO


def test_a_running_server_knows_an_issuer_from_the_moment_it_is_listed(
    services: Services, client: TestClient, issuer: Stranger
) -> None:
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    badge = issuer.sign(issuer.credential(credentialStatus=None), method=f"{issuer.name}#{key}")

    def verdict() -> str:
        return str(client.post("/api/v1/verify", json={"credential": badge}).json()["verdict"])

    assert verdict() == "valid_unknown_issuer"
    folder = services.runtime.settings.data_dir
    known_issuers_file.write(folder, _text_of(KnownIssuer(issuer.name, "The Registered Name", "the tests")))
    assert verdict() == "valid"
    page = client.post("/verify", files={"file": ("badge.json", json.dumps(badge), "application/json")}).text
    assert page.index("The Registered Name") < page.index("Signed from")
    assert "Agency of Claims" not in page, "what it says of itself has no place beside the registered name"


def test_an_entry_added_leaves_every_comment_where_it_was() -> None:
    third = KnownIssuer("did:web:three.example", 'Three "é" \\ \t', "the tests")
    changed = known_issuers_file.with_entry(WITH_COMMENTS, third)
    assert changed.text.startswith(WITH_COMMENTS.rstrip("\n"))
    assert changed.comments_kept
    assert parse(changed.text) == (ONE, TWO, third)


def test_an_entry_removed_leaves_every_comment_outside_it() -> None:
    changed = known_issuers_file.without_entry(WITH_COMMENTS, ONE.id)
    assert changed.comments_kept
    assert parse(changed.text) == (TWO,)
    assert "asked on 1 March" not in changed.text
    for comment in ("# Kept by the office.", "# The second one", "# its papers:", "# The end."):
        assert comment in changed.text
    last = known_issuers_file.without_entry(changed.text, TWO.id)
    assert parse(last.text) == ()
    assert "# The end." in last.text


@pytest.mark.parametrize(
    "text",
    [
        'issuer = [{id = "did:web:one.example", name = "One", listed_by = "the tests"},'
        ' {id = "did:web:two.example", name = "Two", listed_by = "the tests"}]  # on few lines\n',
        '[[issuer]]\nid = "did:web:one.example"\nname = "One"\nlisted_by = """\n[[issuer]]\nid = 5\n"""\n'
        '# and\n[[issuer]]\nid = "did:web:two.example"\nname = "Two"\nlisted_by = "the tests"\n',
    ],
)
def test_a_file_in_another_style_is_changed_rightly_and_it_is_said_if_comments_are_lost(text: str) -> None:
    before = parse(text)
    changed = known_issuers_file.without_entry(text, ONE.id)
    assert parse(changed.text) == before[1:]
    assert changed.comments_kept == ("#" in changed.text)
    added = known_issuers_file.with_entry(text, third := KnownIssuer("did:web:three.example", "Three", "x"))
    assert parse(added.text) == (*before, third)


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp"]), min_size=1, max_size=30).filter(
    str.strip
)


@given(names=st.lists(NAMES, min_size=1, max_size=5), gone=st.integers(0, 4))
def test_whatever_is_added_can_be_read_and_removed(names: list[str], gone: int) -> None:
    entries = tuple(KnownIssuer(f"did:web:{n}.example", name, name) for n, name in enumerate(names))
    for entry in entries:
        known_issuers_file.check(entry)
    text = _text_of(*entries)
    assert parse(text) == entries
    left = tuple(entry for entry in entries if entry.id != f"did:web:{gone}.example")
    assert parse(known_issuers_file.without_entry(text, f"did:web:{gone}.example").text) == left


@pytest.mark.parametrize(
    "entry",
    [
        KnownIssuer("", "A", "x"),
        KnownIssuer("one.example", "A", "x"),
        KnownIssuer("http://one.example", "A", "x"),
        KnownIssuer("https://", "A", "x"),
        KnownIssuer("https://user@one.example", "A", "x"),
        KnownIssuer("did:web:one.example#key", "A", "x"),
        KnownIssuer("did:web:оne.example", "A", "x"),
        KnownIssuer("did:ion:one", "A", "x"),
        KnownIssuer("did:web:one.example\n", "A", "x"),
        KnownIssuer("did:web:one.example", " ", "x"),
        KnownIssuer("did:web:one.example", "A\nB", "x"),
        KnownIssuer("did:web:one.example", "A\u202eB", "x"),
        KnownIssuer("did:web:one.example", "A" * 501, "x"),
        KnownIssuer("did:web:one.example", "A", ""),
        KnownIssuer("did:web:one.example", "A", "x", legal_name="\x7f"),
        KnownIssuer("did:web:one.example", "A", "x", url="http://one.example"),
        KnownIssuer("did:web:one.example", "A", "x", url="javascript:alert(1)"),
        KnownIssuer("did:web:one.example", "A", "x", url="https://[nonsense"),
    ],
)
def test_an_entry_that_could_never_match_or_would_be_shown_wrongly_is_refused(entry: KnownIssuer) -> None:
    with pytest.raises(EntryRefused):
        known_issuers_file.check(entry)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known_issuers_file.write(tmp_path, _text_of(ONE))

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        known_issuers_file.write(tmp_path, _text_of(TWO))
    assert (tmp_path / FILE_NAME).read_text() == _text_of(ONE)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_the_command_lists_adds_and_removes(terminal: Terminal) -> None:
    assert terminal.json("known-issuer", "list") == {"items": []}
    added = terminal.json("known-issuer", "add", ONE.id, "--name", "One", "--listed-by", "the tests")
    assert added == {"id": ONE.id, "name": "One", "listed_by": "the tests", "added": True, "resembles": None}
    again = terminal.json("known-issuer", "add", ONE.id, "--name", "One", "--listed-by", "the tests")
    assert again["added"] is False
    listed = terminal.json("known-issuer", "list")["items"]
    assert listed == [{"id": ONE.id, "name": "One", "listed_by": "the tests"}]
    removed = terminal.json("known-issuer", "remove", ONE.id)
    assert (removed["removed"], removed["comments_kept"]) == (True, True)
    assert terminal.json("known-issuer", "list") == {"items": []}


def test_an_entry_is_never_replaced_in_silence(terminal: Terminal) -> None:
    terminal.json("known-issuer", "add", ONE.id, "--name", "One", "--listed-by", "the tests")
    other = terminal.waymark("known-issuer", "add", ONE.id, "--name", "Uno", "--listed-by", "the tests")
    assert other.exit_code == 1
    assert "listed already, as One" in other.stderr
    assert terminal.json("known-issuer", "list")["items"][0]["name"] == "One"


def test_who_is_not_listed_cannot_be_removed(terminal: Terminal) -> None:
    answer = terminal.waymark("known-issuer", "remove", ONE.id)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "Nothing was changed" in answer.stderr


def test_an_entry_that_is_like_another_is_taken_with_a_word(terminal: Terminal) -> None:
    terminal.json("known-issuer", "add", "did:web:orygen.org.au", "--name", "Orygen", "--listed-by", "the tests")
    answer = terminal.waymark(
        "known-issuer", "add", "did:web:origen.org.au", "--name", "Origen", "--listed-by", "the tests"
    )
    assert answer.exit_code == 0
    assert "could be taken for Orygen" in answer.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["add", ONE.id, "--name", "One", "--listed-by", "x"],
        ["remove", ONE.id],
    ],
)
def test_a_file_with_a_mistake_is_misuse_and_stays_as_it_is(terminal: Terminal, arguments: list[str]) -> None:
    path = terminal.house.folder / FILE_NAME
    path.write_text("[[issuer]]\n")
    answer = terminal.waymark("known-issuer", *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "Entry 1" in answer.stderr
    assert path.read_text() == "[[issuer]]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["add"], ["add", ONE.id], ["add", ONE.id, "--name", "One"], ["add", "x", "--name", "One", "--listed-by", "x"],
        ["add", ONE.id, "--name", "\x1b[31mOne", "--listed-by", "x"], ["remove"], ["change"],
    ],
)  # fmt: skip
def test_misuse_exits_2_and_writes_nothing(terminal: Terminal, arguments: list[str]) -> None:
    answer = terminal.waymark("known-issuer", *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert list(terminal.house.folder.iterdir()) == []


def test_what_somebody_adds_to_the_demos_file_survives_the_next_demo(terminal: Terminal) -> None:
    path = terminal.house.folder / FILE_NAME
    path.write_text(KNOWN_ISSUERS_TEXT.format(did='"did:web:demo.example"', name='"Demo"', url='"https://d.example"'))
    terminal.json("known-issuer", "add", ONE.id, "--name", "One", "--listed-by", "the tests")
    assert MARK not in path.read_text(), "the demo writes only files with its mark anew"
    assert [entry.name for entry in parse(path.read_text())] == ["Demo", "One"]
