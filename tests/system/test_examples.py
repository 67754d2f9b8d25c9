"""The examples for people who write programs do what they say, against a server and a worker as operators run them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.ports import free_ports
from tests.system.house import ROOT, House

FEW_A_MINUTE = 15  # so that a program that is slow to start still has to wait
EXAMPLES = ROOT / "examples"
DECIDED = ("--decided-by", "Priya Raman", "--role", "panel chair")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.connect()
    yield house
    house.close()


EVERY_SCOPE = "credentials:read credentials:issue credentials:issue:advanced credentials:override"


def added(house: House, calls_a_minute: int = 600, scopes: str = EVERY_SCOPE) -> dict[str, str]:
    """A client as an operator enters it, as the examples want it."""
    told = house.waymark(
        "client", "add", "--name", "Awards office", "--scope", scopes, "--rate", str(calls_a_minute), "--json"
    )
    assert told.returncode == 0, told.stderr
    client = json.loads(told.stdout)
    url = f"http://127.0.0.1:{house.ports[0]}"
    others = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return others | {"ISSUER_URL": url, "CLIENT_ID": client["client_id"], "CLIENT_SECRET": client["client_secret"]}


def run(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(environment, sys.executable, str(EXAMPLES / "issue_advanced.py"), *arguments)


def said(answer: subprocess.CompletedProcess[str]) -> Any:
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return json.loads(answer.stdout)


def spend_every_call(environment: dict[str, str]) -> None:
    """Call as often as the client may, so that the next call has to wait."""
    with httpx2.Client(base_url=environment["ISSUER_URL"], trust_env=False, timeout=60) as http:
        told = http.post(
            "/oauth/token", data={"grant_type": "client_credentials"},
            auth=(environment["CLIENT_ID"], environment["CLIENT_SECRET"]),
        )  # fmt: skip
        headers = {"Authorization": f"Bearer {told.json()['access_token']}"}
        while http.get("/api/v1/credentials", headers=headers).status_code != 429:
            pass


def test_the_examples_issue_badges_and_nothing_twice(house: House) -> None:
    house.start_app()
    house.start_worker()
    environment = added(house)
    advanced = ("one", "--achievement", "X1", "--email", "tess@example.org", *DECIDED, "--key", "award-1")

    no = python(environment, *advanced)
    assert (no.returncode, no.stdout) == (1, "")
    assert "prerequisite practitioner: missing" in no.stderr

    override = (*advanced, "--override-reason", "Finished before there were badges.")
    first = said(python(environment, *override))
    assert first["status"] == "issued"

    assert said(python(environment, *override)) == first

    other = python(environment, *override, "--name", "Somebody else")
    assert other.returncode == 1
    assert "Use the award that the key was made for" in other.stderr

    done = python(environment, "batch", str(EXAMPLES / "batch.csv"))
    told = said(done)
    assert (told["state"], told["total"], told["issued"], told["failed"]) == ("done", 3, 3, 0), done.stderr
    assert said(python(environment, "batch", str(EXAMPLES / "batch.csv"))) == told

    limited = added(house, FEW_A_MINUTE)
    spend_every_call(limited)
    waited = python(limited, "one", "--achievement", "M01", "--email", "kim@example.org", *DECIDED)
    assert said(waited)["status"] == "issued"
    assert re.search(r"status 429; trying again in \d+ s with the same key", waited.stderr)

    narrow = added(house, scopes="credentials:issue:advanced credentials:override")
    reason = ("--override-reason", "Finished before there were badges.")
    alone = python(narrow, "one", "--achievement", "X1", "--email", "lee@example.org", *DECIDED, *reason)
    assert said(alone)["status"] == "issued"

    absent = [tool for tool in ("curl", "jq", "sha256sum") if shutil.which(tool) is None]
    if absent:
        pytest.skip(f"the example for curl needs {', '.join(absent)}; the one in Python passed")
    shell = run(environment, "sh", str(EXAMPLES / "issue.sh"), "robin@example.org", str(EXAMPLES / "batch.csv"))
    assert shell.returncode == 0, shell.stdout + shell.stderr
    one, same, batch = map(json.loads, shell.stdout.splitlines())
    assert one == same
    assert (batch["state"], batch["issued"]) == ("done", 3)
    assert shell.stderr.splitlines()[-1] == "line,code,field,message", shell.stderr
    assert house.count("credential") == 1 + 3 + 1 + 1 + 1


def loaded() -> Any:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("issue_advanced", EXAMPLES / "issue_advanced.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The example, which waits for nothing here and goes past no proxy."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    module = loaded()
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)
    yield module
    del sys.modules["issue_advanced"]


def test_a_server_whose_name_cannot_be_found_is_asked_once(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"no answer \(.+\)\. Is ISSUER_URL right\?"):
        example.Waymark("http://no-such-server.invalid", "id", "secret").issue({}, "key")
    assert "trying again" not in capsys.readouterr().err


def test_why_a_server_does_not_answer_is_told_each_time(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    with pytest.raises(SystemExit, match="Run this again with the same key later"):
        example.Waymark(f"http://127.0.0.1:{port}", "id", "secret").issue({}, "key")
    told = capsys.readouterr().err
    assert told.count("Connection refused") == example.TRIES - 1
    assert "URLError" not in told
