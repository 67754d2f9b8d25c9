"""`waymark verify` needs no database and answers by its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli import verify
from tests.verifier.field import Stranger, contain


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    verify.register(app)
    return app


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(tmp_path / "data"))


def _badge(issuer: Stranger) -> bytes:
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    return json.dumps(issuer.sign(issuer.credential(credentialStatus=None), method=f"{issuer.name}#{key}")).encode()


def test_a_good_badge_exits_0_and_writes_nothing(command: typer.Typer, issuer: Stranger, tmp_path: Path) -> None:
    (tmp_path / "badge.png").write_bytes(contain(_badge(issuer), "png"))
    done = CliRunner().invoke(command, ["badge.png"])
    assert done.exit_code == 0
    assert done.output.startswith("valid_unknown_issuer (checked at ")
    assert [path.name for path in tmp_path.iterdir()] == ["badge.png"]


def test_a_bad_badge_exits_1_and_says_which_check(command: typer.Typer, issuer: Stranger, tmp_path: Path) -> None:
    (tmp_path / "badge.json").write_bytes(_badge(issuer).replace(b"tested one gate", b"tested two gates"))
    done = CliRunner().invoke(command, ["badge.json", "--json"])
    assert done.exit_code == 1
    report = json.loads(done.output)
    assert report["verdict"] == "invalid"
    assert {"name": "signature", "result": "fail", "code": "bad_signature"}.items() <= report["checks"][2].items()


def test_a_file_that_is_not_there_exits_2(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["nowhere.json"])
    assert done.exit_code == 2
    assert "There is no file nowhere.json" in done.output


@pytest.mark.parametrize("name", ["eyJ" + "A" * 5000, "a/" * 3000, "nul\0byte"])
def test_what_cannot_be_the_name_of_a_file_exits_2(command: typer.Typer, name: str) -> None:
    done = CliRunner().invoke(command, [name])
    assert done.exit_code == 2
    assert "There is no file" in done.output


def test_a_register_with_a_mistake_exits_2(command: typer.Typer, issuer: Stranger, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "known_issuers.toml").write_text("[[issuer]]\n")
    (tmp_path / "badge.json").write_bytes(_badge(issuer))
    assert CliRunner().invoke(command, ["badge.json"]).exit_code == 2


def test_an_issuer_in_the_operators_register_is_known(command: typer.Typer, issuer: Stranger, tmp_path: Path) -> None:
    badge = _badge(issuer)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "known_issuers.toml").write_text(
        f'[[issuer]]\nid = "{issuer.name}"\nname = "A"\nlisted_by = "the tests"\n'
    )
    (tmp_path / "badge.json").write_bytes(badge)
    assert CliRunner().invoke(command, ["badge.json"]).output.startswith("valid (")


def test_an_address_out_of_reach_exits_1(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["https://no-such-name.invalid/credentials/1"])
    assert done.exit_code == 1
    assert done.output.startswith("unknown (")
