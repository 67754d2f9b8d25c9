"""`waymark verify` needs no database and answers by its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli import verify
from tests.ports import free_ports
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


@pytest.mark.parametrize(
    "address",
    ["http://tool.localhost:8000/credentials/x", "http://localhost:1/x", "https://127.0.0.1/x", "http://[::1]:80/x",
     "https://10.0.0.7/x"],
)  # fmt: skip
def test_of_a_server_on_this_machine_it_names_the_setting_that_lets_it_ask(command: typer.Typer, address: str) -> None:
    done = CliRunner().invoke(command, [address])
    assert (done.exit_code, done.output.startswith("unknown")) == (1, True)
    assert "WAYMARK_ALLOW_PRIVATE_NETWORKS=1" in done.output
    json.loads(CliRunner().invoke(command, [address, "--json"]).output)


def test_of_a_server_elsewhere_it_names_no_setting(command: typer.Typer) -> None:
    done = CliRunner().invoke(command, ["http://example.org/credentials/x"])
    assert (done.exit_code, "only public https" in done.output) == (1, True)
    assert "WAYMARK_ALLOW" not in done.output


def test_who_has_set_it_is_not_told_of_it(command: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_ALLOW_PRIVATE_NETWORKS", "1")
    (port,) = free_ports(1)
    done = CliRunner().invoke(command, [f"http://127.0.0.1:{port}/x"])
    assert done.output.startswith("unknown")
    assert "WAYMARK_ALLOW" not in done.output


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
