"""A calibration set on the pages: marked with nothing agreed in sight, counted at hand-in, compared once decided."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import AuditEntry
from app.learning import service as learning
from app.learning.calibration import compare
from app.learning.errors import NotReady
from app.programme.schemas import Module
from app.wiring import Services
from tests.web.calibrating import AT, KEY, as_agreed, begin_set, hand_in_set, publish_set, set_of
from tests.web.people import SignedIn, sign_in


@pytest.fixture
def module(services: Services) -> Module:
    return publish_set(services)


@pytest.fixture
def solveig(services: Services, client: TestClient, module: Module) -> SignedIn:
    """She begins the set."""
    return begin_set(services, client)


@pytest.fixture
def priya(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Priya", roles=("assessor",), teacher=True)


def gives_away(text: str, module: Module) -> list[str]:
    """What of the agreed marks stands in a page or document, by the beginnings of the reasons."""
    words = re.sub(r"\s+", " ", text)
    return [one.key for one in set_of(module).samples if re.sub(r"\s+", " ", one.reason)[:40] in words]


def chosen(page: str) -> set[tuple[str, str]]:
    """Name and value of every radio that is chosen."""
    radios = [tag for tag in re.findall(r"<input[^>]*>", page, re.S) if 'type="radio"' in tag and " checked" in tag]
    return {(re.search(r'name="([^"]*)"', tag)[1], re.search(r'value="([^"]*)"', tag)[1]) for tag in radios}  # type: ignore[index]


def test_each_sample_stands_there_with_its_words_its_observation_and_the_rubric_and_nothing_agreed(
    solveig: SignedIn, module: Module
) -> None:
    page = solveig.get(AT).text
    for sample in set_of(module).samples:
        assert sample.title in page
        radios = re.findall(rf'<input type="radio"[^>]*name="level-{sample.key}-[^"]+"', page)
        assert len(radios) == 4 * len(sample.levels)
    assert "Most of the eight said it at intake" in page  # an answer
    assert page.count("Observed:") == 4
    assert gives_away(page, module) == []
    assert not chosen(page)
    for word in ("clear award", "clear return", "borderline"):
        assert word not in page


def test_what_is_chosen_is_a_draft_that_is_saved_as_one_goes(solveig: SignedIn) -> None:
    body = {"level-s1-principles-in-use": "3", "level-s1-seeing-gates": "", "s1-decision": "award", "s1-reason": "So."}
    answer = solveig.put_json(f"{AT}/draft", {"revision": 0, "content": body})
    assert answer.status_code == 200, answer.text
    page = solveig.get(AT).text
    assert chosen(page) == {("level-s1-principles-in-use", "3"), ("s1-decision", "award")}
    assert "0 of 8" in re.sub(r"<[^>]+>", "", page)


def test_two_devices_are_told_of_each_other_in_the_words_of_the_form(solveig: SignedIn) -> None:
    one, other = ({"level-s1-principles-in-use": level} for level in ("3", "2"))
    solveig.put_json(f"{AT}/draft", {"revision": 0, "content": one})
    answer = solveig.put_json(f"{AT}/draft", {"revision": 0, "content": other})
    assert answer.status_code == 409
    assert answer.json()["content"]["level-s1-principles-in-use"] == "3"
    assert "s1-levels" not in answer.json()["content"]


@pytest.mark.parametrize("name", ["level-s9-seeing-gates", "level-s1-no-such-criterion", "level-s1-seeing-gates"])
def test_a_level_that_is_none_is_refused_and_nothing_is_saved(solveig: SignedIn, name: str) -> None:
    answer = solveig.put_json(f"{AT}/draft", {"revision": 0, "content": {name: "5"}})
    assert answer.status_code in (400, 422)
    assert not chosen(solveig.get(AT).text)


def test_what_is_missing_is_named_at_its_sample(solveig: SignedIn, module: Module) -> None:
    sent = as_agreed(module)
    del sent["level-s3-seeing-gates"], sent["s5-quarantine"]
    assert solveig.post(f"{AT}/draft", {**sent, "revision": "0"}).headers["location"].endswith("missing=1")
    page = solveig.get(f"{AT}?missing=1").text
    assert "Choose a level for one more criterion of submission 3." in page
    assert "Submission 5: would you put it into quarantine?" in page
    assert solveig.get("/hand-in").text.count("Submission 5") >= 1


def test_before_the_decision_only_the_assessor_sees_what_was_agreed(
    services: Services, solveig: SignedIn, priya: SignedIn, module: Module
) -> None:
    every = [one.key for one in set_of(module).samples]
    work = hand_in_set(services, solveig, as_agreed(module, off=3))
    for path in (AT, "/module", "/hand-in", "/your-data/everything.json"):
        assert gives_away(solveig.get(path).text, module) == [], path
    page = priya.get(f"/assess/{work.id}").text
    assert gives_away(page, module) == every
    assert "29 of 32" in page
    assert "8 of 8" in page
    assert "The standard is reached" in page
    assert "My reason for s1." in page


def test_after_the_decision_the_learner_sees_the_same_and_their_marks_stay(
    services: Services, solveig: SignedIn, priya: SignedIn, module: Module
) -> None:
    work = hand_in_set(services, solveig, as_agreed(module, off=4))
    assert "28 of 32" in priya.get(f"/assess/{work.id}").text
    assert priya.post(f"/assess/{work.id}", {"decision": "return", "comment": "Talk it over."}).status_code == 303
    page = solveig.get(AT).text
    assert gives_away(page, module) == [one.key for one in set_of(module).samples]
    assert "28 of 32" in page
    assert "The standard is not reached" in page
    answer = solveig.put_json(f"{AT}/draft", {"revision": 1, "content": as_agreed(module)})
    assert answer.status_code == 400
    assert "Your marks of this set stay as you handed them in" in answer.text
    kept = {"s1-reason": "I read the gate as two.", "differences": "Page four.", **_comments()}
    assert solveig.put_json(f"{AT}/draft", {"revision": 1, "content": kept}).status_code == 200


def test_below_the_standard_the_machine_proposes_no_award(
    services: Services, solveig: SignedIn, priya: SignedIn, module: Module
) -> None:
    work = hand_in_set(services, solveig, as_agreed(module, decisions_off=2))
    with services.runtime.database.write() as session:
        for criterion in module.rubric.criteria:
            learning.mark(
                session, submission_id=work.id, assessor_id=priya.person_id, criterion_key=criterion.key, level=3
            )
        with pytest.raises(NotReady) as refused:
            learning.award(session, submission_id=work.id, assessor_id=priya.person_id)
    assert [(item.code, item.activity_key) for item in refused.value.missing] == [("calibration_below", "calibration")]
    assert "6 of 8 decisions as agreed (7 needed)" in refused.value.missing[0].detail


def test_a_person_awards_below_the_standard_only_by_saying_that_they_do_and_why(
    services: Services, solveig: SignedIn, priya: SignedIn, module: Module
) -> None:
    work = f"/assess/{hand_in_set(services, solveig, as_agreed(module, off=4)).id}"
    levels = {f"level-{criterion.key}": "3" for criterion in module.rubric.criteria}
    asked = priya.post(work, levels | {"decision": "award"})
    assert "The machine proposes no award" in asked.text
    assert priya.post(f"{work}/award", {"comment": "31 of 32 in a second set, at the table."}).status_code == 422
    assert priya.post(f"{work}/award", {"below": "yes", "comment": " "}).status_code == 422
    given = priya.post(f"{work}/award", {"below": "yes", "comment": "31 of 32 in a second set, at the table."})
    assert given.headers["location"].endswith("done=awarded")
    with services.runtime.database.read() as session:
        noted = select(AuditEntry.actor_id).where(AuditEntry.action == "learning.awarded_below_standard")
        assert session.exec(noted).all() == [priya.person_id]


@pytest.mark.parametrize(
    ("off", "decisions_off", "within", "met"), [(0, 0, 32, True), (3, 1, 29, True), (4, 0, 28, False)]
)
def test_the_count_is_of_marks_within_one_level_and_of_decisions(
    services: Services, solveig: SignedIn, module: Module, off: int, decisions_off: int, within: int, met: bool
) -> None:
    work = hand_in_set(services, solveig, as_agreed(module, off=off, decisions_off=decisions_off))
    found = compare(module, work.texts)
    assert found is not None
    assert (found.within, found.within_needed, found.exact, found.exact_needed) == (within, 29, 8 - decisions_off, 7)
    assert (found.to_stop, found.stopped, found.stopped_more, found.met) == (1, 1, 0, met)


def test_a_mark_one_level_away_is_within_and_a_share_of_marks_is_rounded_up(
    services: Services, solveig: SignedIn, module: Module
) -> None:
    sent = as_agreed(module)
    for one in set_of(module).samples[0].levels:
        sent[f"level-s1-{one.criterion}"] = str(one.level - 1)
    work = hand_in_set(services, solveig, sent)
    lower = replace(module, calibration=replace(set_of(module), within_one_level=0.85))
    found = compare(lower, work.texts)
    assert found is not None
    assert (found.within, found.within_needed) == (32, 28)
    assert [one.apart for one in found.samples[0].criteria] == [1, 1, 1, 1]
    assert found.samples[0].as_agreed


def test_no_public_page_or_document_carries_what_was_agreed(client: TestClient, module: Module) -> None:
    values = {"key": KEY, "version": str(module.version)}
    paths = {
        re.sub(r"{(\w+)[^}]*}", lambda found: values[found[1]], route.path)
        for route in client.app.router.routes  # type: ignore[attr-defined]
        if "GET" in (getattr(route, "methods", None) or ()) and set(re.findall(r"{(\w+)", route.path)) <= values.keys()
    }
    assert {f"/programme/modules/{KEY}", f"/achievements/{KEY}/v{module.version}"} <= paths
    seen = 0
    for path in paths | {"/programme/ips/2.json", "/programme/ips/3.json"}:
        for accept in ("text/html", "application/json"):
            answer = client.get(path, headers={"Accept": accept}, follow_redirects=True)
            seen += answer.status_code == 200
            assert gives_away(answer.text, module) == [], path
    assert seen > 10


def _comments() -> dict[str, str]:
    return {"comment-return": "Please rewrite the four lines.", "comment-hard": "Take the clock further."}
