"""An older copy of one of our badges, handed over as a file: it holds, and who checks it learns of the newer one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.issuer.schemas import IssuedCredential
from app.vc.baking import bake_svg
from app.wiring import Services
from tests.web.badge_states import EMAIL, Stage

TITLE = re.compile(r'class="verdict__title">([^<]+)<')
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><circle r="1"/></svg>'


@pytest.fixture
def stage(services: Services) -> Stage:
    return Stage(services)


def replaced(stage: Stage, **changes: Any) -> IssuedCredential:
    """A badge's first version, after it was signed again."""
    badge = stage.issue(recipient_email=None, **changes)
    stage.reissue(badge)
    return badge


def checked(client: TestClient, data: bytes) -> Any:
    answer = client.post("/verify", files={"file": ("badge", data)})
    assert answer.status_code == 200
    return answer.text


def by_api(client: TestClient, data: bytes) -> Any:
    return client.post("/api/v1/verify", content=data, headers={"Content-Type": "text/plain"}).json()


def copies(badge: IssuedCredential) -> list[bytes]:
    return [badge.document, badge.jwt.encode(), bake_svg(SVG, badge.document)]


def title(page: str) -> str:
    (found,) = TITLE.findall(page)
    return str(found)


def test_an_older_copy_of_every_kind_is_told_as_replaced_and_leads_to_the_newest(
    client: TestClient, stage: Stage
) -> None:
    badge = replaced(stage)
    for data in copies(badge):
        page = checked(client, data)
        assert title(page) == "Replaced by a newer version"
        assert "Rely on the newer version" in page
        assert f'href="{badge.url}"' in page
        assert "What Makes IPS" in page, "it holds, so what it says is shown"


def test_where_the_newest_is_not_shared_the_older_copy_names_no_address(client: TestClient, stage: Stage) -> None:
    badge = replaced(stage, shared=False)
    page = checked(client, badge.document)
    assert title(page) == "Replaced by a newer version"
    assert "ask its holder for it" in page
    assert "Open the newest version" not in page


def test_programs_learn_it_from_a_check_and_the_verdict_stays_that_of_the_copy(
    client: TestClient, stage: Stage
) -> None:
    badge = replaced(stage)
    answer = by_api(client, badge.document)
    assert answer["verdict"] == "valid"
    names = [check["name"] for check in answer["checks"]]
    assert names[3:6] == ["issuer_binding", "refresh", "dates"]
    assert (answer["checks"][4]["result"], answer["checks"][4]["code"]) == ("fail", "superseded")


def test_the_newest_copy_and_a_badge_that_was_signed_once_are_plainly_valid(client: TestClient, stage: Stage) -> None:
    once = stage.issue()
    newest = stage.reissue(stage.issue(recipient_email=None), EMAIL)
    for badge in (once, newest):
        for data in copies(badge):
            assert title(checked(client, data)) == "Valid"
        assert "refresh" not in [check["name"] for check in by_api(client, badge.document)["checks"]]


def test_what_is_worse_is_said_first(client: TestClient, stage: Stage) -> None:
    badge = replaced(stage)
    stage.revoke(badge)
    assert title(checked(client, badge.document)) == "Revoked: do not rely on it"
    assert "superseded" in [check["code"] for check in by_api(client, badge.document)["checks"]]
    suspended = replaced(stage)
    stage.suspend(suspended)
    assert title(checked(client, suspended.document)) == "Suspended"


def test_of_an_erased_badge_no_newer_version_is_told(client: TestClient, stage: Stage) -> None:
    badge = replaced(stage)
    stage.erase(badge)
    assert title(checked(client, badge.document)) == "Valid"


def test_a_forged_copy_learns_nothing_of_versions(client: TestClient, stage: Stage) -> None:
    badge = replaced(stage)
    answer = by_api(client, badge.document.replace(b"What Makes IPS", b"What Fakes IPS"))
    assert answer["verdict"] == "invalid"
    assert "refresh" not in [check["name"] for check in answer["checks"]]
