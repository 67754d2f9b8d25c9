"""The assessor's pages about pathways: the conversation, recognised steps, and a proposed badge from list to award."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.pathways import service as pathways
from app.pathways.standing import recompute
from app.people import service as people
from app.programme.pathways import conversation
from app.programme.stacks import current_pathway
from app.wiring import Services
from tests.awards.proposing import PATHWAY, Way
from tests.web.people import SignedIn, sign_in

HERE = "/assess/pathways"


@pytest.fixture
def priya(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Priya Raman", roles=("assessor",), teacher=True)


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess Nguyen")


@pytest.fixture
def way(services: Services, tess: SignedIn, priya: SignedIn) -> Way:
    """Tess has every badge of the basic pathway."""
    found = Way(services, tess.person_id, priya.person_id)
    found.earn(found.below())
    recompute(services.runtime.database, tess.person_id)
    found.work()
    return found


def person(tess: SignedIn) -> str:
    return f"{HERE}/people/{tess.person_id}/{PATHWAY}"


def levels(services: Services, level: int = 3) -> dict[str, str]:
    with services.runtime.database.read() as session:
        rule = conversation(current_pathway(session, PATHWAY))
    assert rule is not None
    return {f"level-{each.key}": str(level) for each in rule.rubric.criteria}


def talk_form(services: Services, level: int = 3, **more: str) -> dict[str, str]:
    return {**levels(services, level), "held_on": (now() - timedelta(days=1)).date().isoformat(), **more}


def proposed(way: Way) -> str:
    """The conversation is held and the badge is proposed; the proposal's id."""
    way.talk()
    return way.propose().id


def facts_on(page: str) -> str:
    found = re.search(r'name="facts" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found.group(1)


def test_from_the_list_to_the_badge(services: Services, way: Way, priya: SignedIn, tess: SignedIn) -> None:
    ready = priya.get(HERE).text
    assert "Ready for the conversation" in ready
    assert f"{person(tess)}/conversation" in ready

    asked = priya.post(f"{person(tess)}/conversation", talk_form(services, comment="Well told."))
    assert "Is this right?" in asked.text
    assert "3 Proficient" in asked.text
    with services.runtime.database.read() as session:
        assert pathways.conversations_of(session, tess.person_id) == ()
    kept = priya.post(
        f"{person(tess)}/conversation", talk_form(services, comment="Well told.", sure="yes"), follow_redirects=False
    )
    assert kept.headers["location"].endswith("?done=talk")
    recompute(services.runtime.database, tess.person_id)
    way.work()

    (proposal,) = way.open()
    address = f"{HERE}/proposals/{proposal.id}"
    assert address in priya.get(HERE).text
    page = priya.get(address).text
    assert all(f"{key} ·" in page for key in way.below())
    assert "Well told." in page
    sure = priya.post(f"{address}/award", {"comment": "Well done.", "facts": facts_on(page)}).text
    assert "Yes, award" in sure
    assert way.badges() == ()
    assert len(way.open()) == 1
    done = priya.post(
        f"{address}/award", {"comment": "Well done.", "facts": facts_on(sure), "sure": "yes"}, follow_redirects=False
    )
    assert done.status_code == 303
    way.work()
    assert len(way.badges()) == 1
    after = priya.get(address).text
    assert "Awarded by Priya Raman" in after
    assert "Well done." in after
    assert "Well done." in tess.get(f"/pathway/{PATHWAY}").text


def test_a_conversation_without_a_level_or_day_says_what_is_missing_and_keeps_the_rest(
    services: Services, way: Way, priya: SignedIn, tess: SignedIn
) -> None:
    form = talk_form(services, comment="So far so good.")
    missing = next(iter(levels(services)))
    del form[missing], form["held_on"]
    answer = priya.post(f"{person(tess)}/conversation", form)
    assert answer.status_code == 422
    assert "has no level yet" in answer.text
    assert "day of the conversation" in answer.text
    assert "So far so good." in answer.text
    assert answer.text.count("checked") == len(levels(services)) - 1


@pytest.mark.parametrize("day", ["2999-01-01", "1999-01-01", "yesterday"])
def test_a_conversation_of_an_impossible_day_is_refused_and_nothing_is_kept(
    services: Services, way: Way, priya: SignedIn, tess: SignedIn, day: str
) -> None:
    answer = priya.post(f"{person(tess)}/conversation", talk_form(services) | {"held_on": day, "sure": "yes"})
    assert answer.status_code == 422
    with services.runtime.database.read() as session:
        assert pathways.conversations_of(session, tess.person_id) == ()


def test_a_conversation_below_the_level_is_kept_and_says_so(
    services: Services, way: Way, priya: SignedIn, tess: SignedIn
) -> None:
    assert "does not reach the level" in priya.post(f"{person(tess)}/conversation", talk_form(services, 2)).text
    priya.post(f"{person(tess)}/conversation", talk_form(services, 2, sure="yes"))
    page = priya.get(person(tess)).text
    assert "Below the level" in page
    assert "below level 3" in page


def test_one_can_go_back_from_the_question_with_everything_still_there(
    services: Services, way: Way, priya: SignedIn, tess: SignedIn
) -> None:
    form = priya.post(f"{person(tess)}/conversation", talk_form(services, comment="Kept.", sure="change")).text
    assert "Kept." in form
    assert form.count("checked") == len(levels(services))


def test_a_proposal_is_declined_with_a_reason_and_can_be_opened_again(way: Way, priya: SignedIn) -> None:
    address = f"{HERE}/proposals/{proposed(way)}"
    refused = priya.post(f"{address}/decline", {"reason": " "})
    assert refused.status_code == 422
    assert len(way.open()) == 1
    priya.post(f"{address}/decline", {"reason": "It was another person."})
    page = priya.get(address).text
    assert "Declined by Priya Raman" in page
    assert "It was another person." in page
    assert "Open it again" in page
    again = priya.post(f"{address}/again", follow_redirects=False)
    assert again.status_code == 303
    assert len(way.open()) == 1
    assert "Earlier decisions" in priya.get(again.headers["location"].removeprefix(priya.root)).text


def test_its_holder_reads_on_the_map_whether_it_is_being_decided_and_where_to_see_why_not(
    way: Way, priya: SignedIn, tess: SignedIn
) -> None:
    own = f"/pathway/{PATHWAY}"
    address = f"{HERE}/proposals/{proposed(way)}"
    for path in ("/pathway", own):
        assert "Being decided" in tess.get(path).text, path
    priya.post(f"{address}/decline", {"reason": "It was another person."})
    way.work()
    for path in ("/pathway", own):
        page = tess.get(path).text
        assert "Being decided" not in page, path
        assert "Not awarded yet" in page, path
    page = tess.get(own).text
    assert f'href="{tess.root}{own}#decision"' in page
    assert 'id="decision"' in page
    assert "It was another person." in page
    priya.post(f"{address}/again")
    assert "Being decided" in tess.get("/pathway").text


def test_before_anything_is_proposed_the_map_does_not_say_that_it_is_being_decided(way: Way, tess: SignedIn) -> None:
    way.talk()
    page = tess.get(f"/pathway/{PATHWAY}").text
    assert "Being decided" not in page
    assert "Not proposed yet" in page


def test_a_proposal_that_changed_since_it_was_shown_is_shown_again_and_not_decided(
    way: Way, priya: SignedIn, tess: SignedIn
) -> None:
    address = f"{HERE}/proposals/{proposed(way)}"
    shown = facts_on(priya.get(address).text)
    way.talk(4, days_ago=0)
    answer = priya.post(f"{address}/award", {"facts": shown, "sure": "yes", "comment": "My words."})
    assert answer.status_code == 409
    assert "has changed since you were shown it" in answer.text
    assert "My words." in answer.text
    assert len(way.open()) == 1


def test_a_proposal_whose_ground_is_gone_offers_no_award_and_says_where_to_look(way: Way, priya: SignedIn) -> None:
    address = f"{HERE}/proposals/{proposed(way)}"
    way.revoke(way.open()[0].rests_on[0].credential_id)
    page = priya.get(address).text
    assert "A step does not hold any more" in page
    assert 'name="facts"' not in page
    answer = priya.post(f"{address}/award", {"sure": "yes"})
    assert answer.status_code == 409
    assert way.badges() == ()


def test_somebody_too_near_sees_nothing_of_the_person_but_who_may_decide(
    services: Services, client: TestClient, way: Way, priya: SignedIn, tess: SignedIn
) -> None:
    address = f"{HERE}/proposals/{proposed(way)}"
    sign_in(services, client, "Paul Other", roles=("assessor",), teacher=True)
    with services.runtime.database.write() as session:
        people.set_line(
            session, person_id=tess.person_id, other_id=priya.person_id, relation="line_manager", actor=OPERATOR
        )
    for path in (address, person(tess), f"{person(tess)}/conversation"):
        answer = priya.get(path)
        assert answer.status_code == 403
        assert "Paul Other" in answer.text
        assert "Tess" not in answer.text
    assert "For another assessor" in priya.get(HERE).text
    for path, form in (
        (f"{address}/award", {"sure": "yes"}),
        (f"{address}/decline", {"reason": "x"}),
        (f"{person(tess)}/recognise", {"step": "held:M01", "reason": "x"}),
        (f"{person(tess)}/conversation", talk_form(services, sure="yes")),
    ):
        assert priya.post(path, form).status_code == 403
    assert len(way.open()) == 1


def test_nobody_without_the_assessor_role_sees_or_does_any_of_it(services: Services, way: Way, tess: SignedIn) -> None:
    address = f"{HERE}/proposals/{proposed(way)}"
    for path in (HERE, address, person(tess), f"{person(tess)}/conversation"):
        assert tess.get(path).status_code == 403
    for path in (f"{address}/award", f"{address}/decline", f"{address}/again", f"{person(tess)}/recognise"):
        assert tess.post(path, {"sure": "yes", "reason": "x", "step": "held:M01"}).status_code == 403
    assert len(way.open()) == 1


def test_a_step_is_recognised_with_a_reason_and_taken_back(services: Services, priya: SignedIn, tess: SignedIn) -> None:
    refused = priya.post(f"{person(tess)}/recognise", {"step": "held:M04", "reason": ""})
    assert refused.status_code == 422
    assert 'value="held:M04" selected' in refused.text
    assert priya.post(f"{person(tess)}/recognise", {"step": "", "reason": "Because."}).status_code == 422
    priya.post(f"{person(tess)}/recognise", {"step": "held:M04", "reason": "Ten years of it, seen."})
    page = priya.get(person(tess)).text
    assert "Ten years of it, seen." in page
    assert "Recognised steps" in page
    with services.runtime.database.read() as session:
        (granted,) = pathways.recognitions_of(session, tess.person_id)
    assert granted.pathway_key == PATHWAY
    back = f"{person(tess)}/recognitions/{granted.id}/withdraw"
    assert priya.post(back, {"why": ""}).status_code == 422
    assert priya.post(back, {"why": "It was of somebody else."}).status_code == 303
    assert "It was of somebody else." in priya.get(person(tess)).text


@pytest.mark.parametrize("step", ["conversation:practice-conversation", "held:M99", "nonsense:x", "held:"])
def test_what_cannot_be_recognised_is_refused_with_a_page(priya: SignedIn, tess: SignedIn, step: str) -> None:
    answer = priya.post(f"{person(tess)}/recognise", {"step": step, "reason": "Because."})
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize(
    "path",
    ["/proposals/none", "/people/nobody/practitioner", "/people/nobody/practitioner/conversation"],
)
def test_what_is_not_there_is_not_found(priya: SignedIn, path: str) -> None:
    assert priya.get(HERE + path).status_code == 404


def test_a_pathway_that_is_not_there_or_has_no_conversation_is_not_found(priya: SignedIn, tess: SignedIn) -> None:
    assert priya.get(f"{HERE}/people/{tess.person_id}/no-such").status_code == 404
    assert priya.get(f"{HERE}/people/{tess.person_id}/mentor").status_code == 200
    assert priya.get(f"{HERE}/people/{tess.person_id}/mentor/conversation").status_code == 404


def test_others_on_the_way_are_found_by_name(services: Services, priya: SignedIn, tess: SignedIn) -> None:
    Way(services, tess.person_id, priya.person_id).earn(["M01"])
    recompute(services.runtime.database, tess.person_id)
    assert "Nobody of that name" in priya.get(f"{HERE}?find=Zebedee").text
    assert "Tess Nguyen: The basic pathway" in priya.get(f"{HERE}?find=tess").text
