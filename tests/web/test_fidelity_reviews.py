"""The form that asks whose service was reviewed, and what the assessor reads of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.learning import service as learning
from app.people import service as people
from app.programme import service as programme
from app.wiring import Services
from tests.web.people import SignedIn, sign_in

ACTIVITY = "/activity/first-co-review"
NAME = f"{ACTIVITY}/observer/reviewed"
YESTERDAY = (now() - timedelta(days=1)).date().isoformat()


@dataclass(frozen=True)
class Reviewer:
    """Tess on the way to fidelity reviewer; she works at a centre of her own agency."""

    signed: SignedIn
    own: str
    other: str

    def name(self, agency: str, **changes: str) -> tuple[int, str]:
        """Fill in the form; status and text of what comes of it."""
        answer = self.signed.post(
            NAME,
            {"agency": agency, "reviewed-on": YESTERDAY, "declared": "yes"} | changes,
            follow_redirects=False,
        )
        return answer.status_code, answer.text


@pytest.fixture
def tess(services: Services, client: TestClient) -> Reviewer:
    signed = sign_in(services, client, "Tess", module_key="X5")
    with services.runtime.database.write() as session:
        module = programme.current_module(session, "X5")
        learning.enrol(session, person_id=signed.person_id, module=module, organisation_id=None)
        own = people.ensure_organisation(session, key="own", name="Own Agency").id
        other = people.ensure_organisation(session, key="other", name="Other <b>Agency</b>").id
        centre = people.add_centre(session, organisation_id=own, key="here", name="Here", actor=OPERATOR)
        people.join_centre(
            session, person_id=signed.person_id, centre_id=centre.id, function="specialist", actor=OPERATOR
        )
    return Reviewer(signed, own, other)


def test_a_learner_names_the_reviewed_agency_and_changes_it(tess: Reviewer) -> None:
    page = tess.signed.get(ACTIVITY).text
    assert "Whose service was reviewed?" in page
    assert "Another agency, not in this list" in page
    assert "<b>Agency" not in page
    status, _text = tess.name(tess.other)
    assert status == 303
    page = tess.signed.get(f"{ACTIVITY}?changed=reviewed").text
    assert "Other &lt;b&gt;Agency&lt;/b&gt;" in page
    assert "On record" in page
    assert tess.name("elsewhere")[0] == 303
    assert "An agency that is not in our list" in tess.signed.get(ACTIVITY).text


def test_ones_own_agency_is_refused_and_the_form_keeps_what_was_filled_in(tess: Reviewer) -> None:
    status, text = tess.name(tess.own)
    assert status == 409
    assert "you belong to Own Agency" in text
    assert f'value="{tess.own}" selected' in text
    assert f'value="{YESTERDAY}"' in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agency": ""}, "choose the lead agency"),
        ({"agency": "nobody"}, "choose one of the list"),
        ({"reviewed-on": "yesterday"}, "the last day of the review"),
        ({"reviewed-on": "9999-01-01"}, "cannot lie ahead"),
        ({"declared": ""}, "did not work for this agency"),
    ],
)
def test_each_gap_is_named_at_its_field(tess: Reviewer, changes: dict[str, str], said: str) -> None:
    status, text = tess.name(**({"agency": tess.other} | changes))
    assert status in (400, 422)
    assert said in text
    assert "The service was" not in text


def test_an_observation_of_no_review_asks_nothing_and_takes_nothing(services: Services, tess: Reviewer) -> None:
    answer = tess.signed.post(
        "/activity/reflection/observer/reviewed", {"agency": tess.other, "reviewed-on": YESTERDAY}
    )
    assert answer.status_code in (404, 422, 400)
