"""A learner's page of competencies."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col
from starlette.testclient import TestClient

from app.core.clock import now
from app.issuer.models import Credential
from app.programme import service as programme
from app.wiring import Services
from tests.issuer.test_framework_pins import reworded
from tests.web.badge_states import Stage
from tests.web.people import SignedIn, sign_in


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess")


def award(services: Services, person: SignedIn, key: str = "M01", level: int = 3) -> str:
    """A badge of a module in its current version."""
    with services.runtime.database.read() as session:
        module = programme.current_module(session, key)
    results = tuple((criterion.key, level) for criterion in module.rubric.criteria)
    issued = Stage(services).issue(
        person_id=person.person_id, achievement_key=key, achievement_version=module.version, results=results
    )
    return issued.credential_id


def test_a_new_learner_sees_every_competency_and_which_module_shows_it(tess: SignedIn) -> None:
    page = tess.get("/competencies")
    assert page.status_code == 200
    assert "0 of 35" in page.text
    assert "This fills as you earn badges" in page.text
    assert page.text.count('scope="row"') == 35
    assert 'href="/programme/modules/M01"' in page.text
    assert "No badge at this level assesses it" in page.text


def test_a_badge_shows_what_its_rubric_assesses_with_level_and_dates(services: Services, tess: SignedIn) -> None:
    badge = award(services, tess)
    page = tess.get("/competencies").text
    with services.runtime.database.read() as session:
        module = programme.current_module(session, "M01")
    assessed = {code for criterion in module.rubric.criteria for code in criterion.competencies}
    assert f"{len(assessed)} of 35" in page
    assert f'href="{tess.root}/badges/{badge}"' in page
    assert "Level 3 of 4, Proficient" in page
    still_open = tess.get("/competencies?show=open").text
    assert still_open.count('scope="row"') == 35 - len(assessed)


def test_a_badge_that_ended_shows_nothing_and_stays_to_be_seen(services: Services, tess: SignedIn) -> None:
    badge = award(services, tess)
    with services.runtime.database.write() as session:
        session.exec(sa.update(Credential).where(col(Credential.id) == badge).values(valid_until=now() - timedelta(1)))
    page = tess.get("/competencies").text
    assert "0 of 35" in page
    assert "Badge ended" in page


def test_a_new_wording_is_shown_beside_the_old_one(services: Services, tess: SignedIn) -> None:
    award(services, tess)
    assert "Worded anew" not in tess.get("/competencies").text
    with services.runtime.database.write() as session:
        programme.store(session, reworded(programme.current_programme(session)))
    page = tess.get("/competencies").text
    assert "The wording has moved on" in page
    assert page.count("Worded anew since your badge") == 1
    assert "open the door to everybody who asks" in page
    assert "spot informal gatekeeping" in page
    assert "version 0.1" in page
    assert "version 0.2" in page


def test_others_see_their_own(services: Services, client: TestClient, tess: SignedIn) -> None:
    award(services, tess)
    assert "0 of 35" in sign_in(services, client, "Noor").get("/competencies").text
