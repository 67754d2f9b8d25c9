"""`waymark override`: awards that were made without a prerequisite are seen and reviewed at the terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from app.awards import requests
from app.awards.award_input import award_from_json
from app.awards.schemas import IssuingRights
from app.cli import app
from app.config import Settings
from app.wiring import Services

NOBODY = "00000000-0000-4000-8000-000000000000"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["override", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def told(*arguments: str) -> Any:
    code, output = run(*arguments, "--json")
    assert code == 0, output
    return json.loads(output)


@pytest.fixture(autouse=True)
def badge(settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch) -> str:
    """Commands open this test's database, in which a badge was awarded without the one it rests on; its id."""
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", settings.database_url)
    runtime = services.runtime
    award = award_from_json(
        {
            "achievement": "M02",
            "recipient": {"email": "tess@example.org"},
            "decided_by": {"name": "Priya", "role": "panel chair"},
            "override": {"reason": "Did it all in Bendigo."},
        }
    )
    fingerprint, *_ = requests.fingerprints(runtime.secret_box, award)
    rights = IssuingRights("a-client", frozenset({"credentials:issue", "credentials:override"}), None)
    return requests.issue_by_client(
        runtime.database, runtime.secret_box, runtime.settings.base_url,
        award=award, rights=rights, idempotency_key="k", fingerprint=fingerprint,
    ).credential_id  # fmt: skip


def test_what_waits_for_a_review_is_listed_until_somebody_has_looked(badge: str) -> None:
    (item,) = told("list")["items"]
    assert (item["credential_id"], item["missing"], item["reason"]) == (badge, ["M01"], "Did it all in Bendigo.")
    assert "without M01: Did it all in Bendigo." in run("list")[1]
    assert told("review", item["id"], "--note", "Borne out.")["note"] == "Borne out."
    assert told("list")["items"] == []
    assert "Nothing waits" in run("list")[1]
    assert told("list", "--all")["items"][0]["reviewed_at"]


def test_a_review_of_nothing_or_without_a_word_is_refused() -> None:
    (item,) = told("list")["items"]
    for arguments in (("review", NOBODY, "--note", "x"), ("review", item["id"], "--note", " ")):
        code, output = run(*arguments)
        assert (code != 0, "Traceback" in output) == (True, False)
    assert len(told("list")["items"]) == 1
