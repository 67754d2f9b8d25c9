"""`waymark consequences list`: what is in question, at the terminal, by ids and keys only."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.config import Settings
from app.people import service as people
from app.wiring import Services
from tests.awards.shelf import DAY, Shelf


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["consequences", "list", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_in_question_is_listed_until_it_is_settled(
    settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WAYMARK_DATABASE_URL", settings.database_url)
    assert "No badge is in question." in run()
    with services.runtime.database.write() as session:
        tess = people.person_for_lms_identity(
            session, registration_id="registration-1", subject="Tess", name="Tess", email=None, organisation_id=None
        ).id
    shelf = Shelf(services, tess)
    shelf.issue("M07", lasts=10 * DAY)
    shelf.issue("practitioner", on=("M07",))
    shelf.after(10)
    line = run()
    assert f"practitioner {shelf.badges['practitioner'].credential_id}: M07" in line
    assert "Tess" not in line
    (item,) = json.loads(run("--json"))["items"]
    assert (item["state"], item["reason"], item["consequence"]) == ("grace", "expired", "grace")
    shelf.issue("M07")
    shelf.after(11)
    assert "No badge is in question." in run()
    (settled,) = json.loads(run("--all", "--json"))["items"]
    assert settled["state"] == "cleared"
