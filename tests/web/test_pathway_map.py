"""The map of the pathways: what its words, its picture and its pages say of what somebody has, does and can do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.awards.proposals.schemas import ProposalState
from app.learning.schemas import OverallState
from app.pathways.progress import progress
from app.pathways.schemas import (
    BadgeHeld,
    BadgeVersion,
    Confirmed,
    ConversationHeld,
    Evidence,
    Need,
    Recognition,
    RolePeriod,
    Step,
)
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    GroupRule,
    HeldRule,
    Pathway,
    TimeInRoleRule,
    leaves,
)
from app.web import pathway_map_words as words
from app.web import pathway_next, pathway_view
from app.web.pathway_drawing import Drawing, Plan, drawings, length, wrapped
from app.web.pathway_map import catalogue_of, sheets
from app.web.pathway_stops import Stop, StopState, Way
from app.web.pathway_view import Catalogue, Traveller
from app.wiring import Services
from tests.web.people import SignedIn, sign_in
from tests.web.walkers import walker

AT = datetime(2027, 6, 1, tzinfo=UTC)
ROOT = "/at/somebody"
PAGE = {"Accept": "text/html"}


@pytest.fixture
def catalogue(services: Services) -> Catalogue:
    """All that this programme publishes."""
    with services.runtime.database.read() as session:
        return catalogue_of(session)


def badge(key: str, *, until: int | None = 700, **states: datetime) -> BadgeHeld:
    """A badge of somebody's, awarded a hundred days ago, with so many days to go."""
    awarded, ends = AT - timedelta(days=100), None if until is None else AT + timedelta(days=until)
    return BadgeHeld(key, 1, f"credential-{key}", awarded, awarded, ends, **states)


def traveller(
    catalogue: Catalogue, evidence: Evidence, *, module_key: str | None = None, **work: OverallState
) -> Traveller:
    """Somebody with this evidence, who has begun this work."""
    known = {each.key: progress(each, evidence, AT) for each in catalogue.pathways}
    return Traveller(ROOT, known, work, module_key, AT)


def ways(
    catalogue: Catalogue, *badges: BadgeHeld, evidence: Evidence | None = None, **work: OverallState
) -> tuple[Way, ...]:
    """The whole map of somebody."""
    return pathway_view.ways(catalogue, traveller(catalogue, replace(evidence or Evidence(), badges=badges), **work))


def stop_of(found: tuple[Way, ...], key: str, pathway: str = "practitioner") -> Stop:
    """One stop of a pathway, its end among them."""
    (way,) = [each for each in found if each.key == pathway]
    return next(stop for stop in (*way.stops, way.end) if stop.key == key)


def way_of(found: tuple[Way, ...], key: str) -> Way:
    """One pathway."""
    return next(each for each in found if each.key == key)


def modules_of(pathway: Pathway) -> list[str]:
    """The badges that a pathway asks for."""
    return [leaf.achievement for leaf in leaves(pathway.rule) if isinstance(leaf, HeldRule)]


def basic(catalogue: Catalogue) -> Pathway:
    """The first pathway."""
    return catalogue.pathways[0]


def everything(catalogue: Catalogue) -> tuple[BadgeHeld, ...]:
    """Every badge of the basic pathway and the one at its end."""
    return tuple(badge(key) for key in (*modules_of(basic(catalogue)), basic(catalogue).key))


# What a stop says


@pytest.mark.parametrize(
    ("held", "work", "state"),
    [
        ([badge("M01")], {}, "have"),
        ([badge("M01", until=None)], {}, "have"),
        ([badge("M01", until=91)], {}, "have"),
        ([badge("M01", until=90)], {}, "ending"),
        ([badge("M01", until=0)], {}, "ended"),
        ([badge("M01", revoked_at=AT)], {}, "ended"),
        ([badge("M01", suspended_at=AT)], {}, "ended"),
        ([], {}, "open"),
        ([], {"M01": "working"}, "begun"),
        ([], {"M01": "submitted"}, "handed_in"),
        ([], {"M01": "returned"}, "returned"),
        ([], {"M01": "awarded"}, "open"),
        ([badge("M01", revoked_at=AT)], {"M01": "awarded"}, "ended"),
        ([badge("M01", revoked_at=AT)], {"M01": "working"}, "ended"),
        ([badge("M01", suspended_at=AT)], {"M01": "working"}, "ended"),
    ],
)
def test_a_module_is_told_by_its_badge_and_then_by_its_work(
    catalogue: Catalogue, held: list[BadgeHeld], work: dict[str, OverallState], state: StopState
) -> None:
    assert stop_of(ways(catalogue, *held, **work), "m01").state == state


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        (badge("M01", revoked_at=AT), "It was revoked on 1 June 2027."),
        (badge("M01", until=-400), "It ended on 27 April 2026."),
        (badge("M01", until=-400, suspended_at=AT), "It ended on 27 April 2026."),
        (badge("M01", suspended_at=AT), "It has been suspended since 1 June 2027."),
    ],
)
def test_a_module_that_is_done_again_stands_where_its_work_stands(
    catalogue: Catalogue, lost: BadgeHeld, why: str
) -> None:
    who = replace(traveller(catalogue, Evidence(badges=(lost,)), M01="submitted"), again=frozenset({"M01"}))
    stop = stop_of(pathway_view.ways(catalogue, who), "m01")
    assert (stop.state, stop.why) == ("handed_in", f"{why} You are doing it again.")


def test_a_module_that_waits_for_another_says_for_which(catalogue: Catalogue) -> None:
    none, one = ways(catalogue), ways(catalogue, badge("M04"))
    assert stop_of(none, "m05").state == "later"
    assert stop_of(none, "m05").line == "after M04"
    assert "Its badge waits for M04." in stop_of(none, "m05").why
    assert stop_of(one, "m05").state == "open"
    assert "M05 or M06" in stop_of(none, "m09").line
    assert "M05" in stop_of(none, "m04").opens


def test_a_badge_that_is_recognised_says_so(catalogue: Catalogue) -> None:
    evidence = Evidence(recognitions=(Recognition("held", "M02", AT - timedelta(days=3), "decision"),))
    stop = stop_of(ways(catalogue, evidence=evidence), "m02")
    assert (stop.state, stop.word, stop.is_behind) == ("recognised", "Recognised", True)


def test_time_in_a_role_says_the_day_it_is_full(catalogue: Catalogue) -> None:
    half = Evidence(roles=(RolePeriod(AT - timedelta(days=200), None, "agency"),))
    stop = stop_of(ways(catalogue, evidence=half), "time-in-role", "mentor")
    assert (stop.state, stop.word) == ("begun", "Counting")
    assert "13\u00a0Nov\u00a02027" in stop.line
    assert "fills up by itself on 13 November 2027" in stop.why
    nothing = stop_of(ways(catalogue), "time-in-role", "mentor")
    assert nothing.state == "open"
    assert "missing on our record" in nothing.why
    assert "centre’s manager" in nothing.why


def test_a_word_that_was_taken_back_can_be_asked_for_again(catalogue: Catalogue) -> None:
    given = Confirmed("mentor", "managers-support", "manager", AT - timedelta(days=9))
    there = stop_of(ways(catalogue, evidence=Evidence(confirmations=(given,))), "managers-support", "mentor")
    assert (there.state, there.ask) == ("have", None)
    back = replace(given, withdrawn_at=AT - timedelta(days=2))
    gone = stop_of(ways(catalogue, evidence=Evidence(confirmations=(back,))), "managers-support", "mentor")
    assert (gone.state, gone.ask, gone.word) == ("ended", "managers-support", "Taken back")
    assert "Your manager took it back on 30 May 2027." in gone.why


def test_a_conversation_below_the_level_names_what_fell_short(catalogue: Catalogue) -> None:
    (rule,) = [leaf for leaf in leaves(basic(catalogue).rule) if isinstance(leaf, ConversationRule)]
    first, *others = rule.rubric.criteria
    levels = ((first.key, 2), *((each.key, 3) for each in others))
    talk = ConversationHeld("practitioner", rule.key, AT - timedelta(days=4), levels, "decision")
    stop = stop_of(ways(catalogue, evidence=Evidence(conversations=(talk,))), rule.key)
    assert (stop.state, stop.word) == ("open", "Talk again")
    assert f"“{first.title}” has not reached level 3" in stop.why
    assert others[0].title not in stop.why


@pytest.mark.parametrize(
    ("proposal", "state", "word", "why"),
    [
        ("open", "handed_in", "Being decided", "An assessor looks at it and decides"),
        ("declined", "later", "Not awarded yet", "did not award it"),
        ("awarded", "handed_in", "Being made", "An assessor has awarded it"),
        ("withdrawn", "later", "Not proposed yet", "It is proposed next"),
        (None, "later", "Not proposed yet", "It is proposed next"),
    ],
)
def test_when_every_step_is_there_the_end_says_what_became_of_its_proposal(
    catalogue: Catalogue, proposal: ProposalState | None, state: StopState, word: str, why: str
) -> None:
    (rule,) = [leaf for leaf in leaves(basic(catalogue).rule) if isinstance(leaf, ConversationRule)]
    levels = tuple((each.key, 3) for each in rule.rubric.criteria)
    talk = ConversationHeld("practitioner", rule.key, AT - timedelta(days=4), levels, "decision")
    held = tuple(badge(key) for key in modules_of(basic(catalogue)))
    someone = traveller(catalogue, Evidence(badges=held, conversations=(talk,)))
    known = {} if proposal is None else {"practitioner": proposal}
    end = pathway_view.ways(catalogue, replace(someone, proposals=known))[0].end
    assert (end.state, end.word) == (state, word)
    assert why in end.why
    assert any(link.text == "See why" for link in end.links) == (proposal == "declined")
    fewer = ways(catalogue, *held[1:], evidence=Evidence(conversations=(talk,)))[0].end
    assert (fewer.state, fewer.line) == ("later", f"{len(held)} of {len(held) + 1} steps there")


def test_a_choice_shows_its_parts_and_how_many_are_there(catalogue: Catalogue) -> None:
    rule = GroupRule(2, (GroupRule(1, (HeldRule("M01"), HeldRule("M02"))), HeldRule("M03")))
    changed = replace(basic(catalogue), rule=rule)
    made = replace(catalogue, pathways=(changed,))
    choice = pathway_view.ways(made, traveller(made, Evidence(badges=(badge("M02"),))))[0].stops[0]
    assert (choice.kind, choice.title, choice.line) == ("choice", "One of these two", "1 of 1 there")
    assert [part.state for part in choice.parts] == ["open", "have"]
    public = pathway_view.ways(made, None)[0].stops[0]
    assert [part.state for part in public.parts] == ["plain", "plain"]


REASONS: list[tuple[Step, str]] = [
    (Step(HeldRule("M01"), "open", None, need=Need("missing")), ""),
    (Step(HeldRule("M01"), "open", None, need=Need("begins", on=AT)), "It counts from 1 June 2027."),
    (Step(HeldRule("M01"), "open", None, need=Need("suspended", on=AT)), "suspended since 1 June 2027"),
    (Step(HeldRule("M01"), "lapsed", AT, need=Need("expired", on=AT)), "It ended on 1 June 2027. Renew it"),
    (Step(HeldRule("M01", 12), "lapsed", AT, need=Need("too_old", on=AT)), "been recognised in the last twelve months"),
    (
        Step(HeldRule("M01", 12), "lapsed", AT, need=Need("too_old", on=AT, badge=BadgeVersion("M01", "a", 1))),
        "awarded or renewed in the last twelve months, and that was over on 1 June 2027. Renew it, and it counts",
    ),
    (
        Step(HeldRule("M01", 1), "lapsed", AT, need=Need("too_old", on=AT, badge=BadgeVersion("M01", "a", 1))),
        "awarded or renewed in the last month",
    ),
    (Step(HeldRule("M01"), "lapsed", AT, need=Need("revoked", on=AT)), "revoked on 1 June 2027. It can be earned anew"),
    (Step(HeldRule("M01"), "open", None, need=Need("withdrawn", on=AT)), "took it back on 1 June 2027"),
    (Step(HeldRule("M01"), "open", None, need=Need("replaced", on=AT)), "A newer version"),
    (Step(TimeInRoleRule(12, "a role"), "lapsed", AT, need=Need("time_short", on=AT, days_left=1)), "1 day of work is"),
    (Step(GroupRule(2, ()), "open", None, need=Need("too_few", count=2)), "Two more of these are needed."),
    (Step(GroupRule(1, ()), "open", None, need=Need("too_few", count=1)), "One more of these is needed."),
    (
        Step(ConfirmationRule("k", "T", "t", "supervisor"), "open", None, need=Need("missing")),
        "Your supervisor has not",
    ),
    (Step(HeldRule("M01"), "met", AT), ""),
]


@pytest.mark.parametrize(("step", "said"), REASONS)
def test_every_reason_has_words(step: Step, said: str) -> None:
    told = words.why_open(step)
    assert said in told
    assert bool(told) == bool(said)


@pytest.mark.parametrize("told", [words.ended_until_talk, lambda step: words.why_renewing(step, "begun")])
def test_a_badge_that_is_too_old_for_a_rule_is_not_said_to_have_ended(told: Callable[[Step], str]) -> None:
    of = BadgeVersion("practitioner", "a", 1)
    old, ended = (
        Step(HeldRule("practitioner", 6), "lapsed", AT, need=Need(reason, on=AT, badge=of))
        for reason in ("too_old", "expired")
    )
    assert told(old).startswith("It must have been awarded or renewed in the last six months, and that was over on 1")
    assert told(ended).startswith("It ended on 1 June 2027. ")


# What is next


def next_titles(found: tuple[Way, ...]) -> list[str]:
    return [each.title for each in pathway_next.suggestions(found)]


def test_who_is_new_begins_at_the_first_module(catalogue: Catalogue) -> None:
    found = ways(catalogue)
    first = pathway_next.suggestions(found)[0]
    assert first.title.startswith("M01 ·")
    marked = pathway_next.with_next(found, first)
    assert [stop.code for way in marked for stop in way.stops if stop.is_next] == ["M01"]


def test_what_came_back_comes_before_what_ended_and_that_before_what_is_new(catalogue: Catalogue) -> None:
    found = ways(catalogue, badge("M01"), badge("M02", until=-1), badge("M07", until=30), M03="returned", M04="working")
    assert [title[:3] for title in next_titles(found)] == ["M03", "M02", "M07"]


def test_once_the_basic_pathway_is_walked_nothing_new_is_urged(catalogue: Catalogue) -> None:
    assert next_titles(ways(catalogue, *everything(catalogue))) == []
    assert [title[:2] for title in next_titles(ways(catalogue, *everything(catalogue), X5="working"))] == ["X5"]


def test_a_practitioner_whose_badge_has_ended_is_told_first(catalogue: Catalogue) -> None:
    held = [each for each in everything(catalogue) if each.achievement != "M07"]
    assert [title[:3] for title in next_titles(ways(catalogue, *held, badge("M07", until=-3)))] == ["M07"]


def test_a_module_begun_on_the_way_to_an_advanced_badge_waits_for_its_learner(catalogue: Catalogue) -> None:
    assert [title[:3] for title in next_titles(ways(catalogue, *everything(catalogue), X2a="working"))] == ["X2a"]


def test_what_runs_out_is_told_once_the_earliest_first(catalogue: Catalogue) -> None:
    held = [each for each in everything(catalogue) if each.achievement not in ("M07", "practitioner")]
    found = ways(catalogue, *held, badge("M07", until=60), badge("practitioner", until=20))
    assert [stop.key for stop in pathway_next.running_out(found)] == ["practitioner", "m07"]


def test_how_far_one_is_says_what_is_left_and_never_more(catalogue: Catalogue) -> None:
    nobody, some, done = ways(catalogue), ways(catalogue, badge("M01")), ways(catalogue, *everything(catalogue))
    assert "Eleven steps, about 75\u00a0h of work." in words.here_on(nobody)
    assert "One of eleven steps is there. Ten to go, about 69\u00a0h of work." in words.here_on(some)
    assert "Five ways go on from here." in words.here_on(done)


def test_only_the_first_way_is_where_everybody_begins(catalogue: Catalogue) -> None:
    found = ways(catalogue)
    assert "Everybody begins here." in words.here_on(found)
    assert words.here_on((way_of(found, "mentor"),)) == "Three steps, about 75\u00a0h of work."


def test_somebody_whose_first_way_is_open_again_is_told_of_that_one(catalogue: Catalogue) -> None:
    held = [each for each in everything(catalogue) if each.achievement not in ("M03", "practitioner")]
    found = ways(catalogue, *held, badge("practitioner", suspended_at=AT), badge("X1"))
    assert "Nine of eleven steps are there." in words.here_on(found)


# What was asked, and what can be renewed


def test_a_word_that_was_asked_for_is_told_as_asked(catalogue: Catalogue) -> None:
    someone = replace(traveller(catalogue, Evidence()), asked={("mentor", "managers-support"): AT - timedelta(days=2)})
    found = pathway_view.ways(catalogue, someone)
    stop = next(each for each in way_of(found, "mentor").stops if each.kind == "confirmation")
    assert (stop.state, stop.word, stop.ask) == ("handed_in", "Asked", None)
    assert "has not answered yet" in stop.why
    other = next(each for each in way_of(found, "fidelity-reviewer").stops if each.kind == "confirmation")
    assert other.word == "To ask for"


def test_only_where_it_can_be_renewed_does_the_map_lead_to_renewing(catalogue: Catalogue) -> None:
    someone = traveller(catalogue, Evidence(badges=(badge("M01", until=0), badge("M02", until=0), badge("M04"))))
    found = pathway_view.ways(catalogue, replace(someone, renewable=frozenset({"credential-M01", "credential-M04"})))
    first, second, third = (stop_of(found, key) for key in ("m01", "m02", "m04"))
    assert (first.links[0].text, first.links[0].href.endswith("/renew")) == ("Renew it", True)
    assert "Renew it" in first.why
    assert second.links[0].text == third.links[0].text == "Your badge"
    assert "Renew it" not in second.why


def test_a_way_alone_points_to_the_word_that_is_all_it_still_asks_for(catalogue: Catalogue) -> None:
    long = RolePeriod(AT - timedelta(days=2000), None, "agency")
    for held, due in ((everything(catalogue), True), ((), False)):
        known = Evidence(badges=held, roles=(long,))
        way = way_of(pathway_view.ways(catalogue, traveller(catalogue, known)), "mentor")
        todo = pathway_next.suggestions((way,), is_alone=True)
        assert any(each.stop.kind == "confirmation" for each in todo) == due
        assert not any(each.stop.kind == "confirmation" for each in pathway_next.suggestions((way,)))


# The picture

TITLES = st.text("abc MW", min_size=1, max_size=60).map(str.strip).filter(bool)
STATES = st.sampled_from(["plain", "have", "begun", "open", "later"])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A way of any length with any titles, and ways beyond it."""

    def stop(number: int) -> Stop:
        kind = draw(st.sampled_from(["badge", "conversation", "choice"]))
        return Stop(
            f"s{number}", kind, f"M{number:02}", draw(TITLES), draw(STATES), line="after M01", image="/a.svg", href="#s"
        )

    stops = tuple(stop(number) for number in range(draw(st.integers(1, 17))))
    beyond = tuple((stop(50 + number), stops[:3]) for number in range(draw(st.integers(0, 6))))
    return Plan(stops, stop(40), beyond)


@settings(deadline=None, max_examples=60)
@given(plans())
def test_no_map_runs_over_its_edge_or_draws_a_stop_on_another(plan: Plan) -> None:
    for drawing in drawings(plan):
        for mark in drawing.marks:
            assert mark.r <= mark.x <= drawing.width - mark.r, drawing.kind
            assert mark.r <= mark.y <= drawing.height - mark.r, drawing.kind
            for text in mark.texts:
                half = length(text.words, 15) / 2
                right = text.x + (half if text.anchor == "middle" else 0)
                assert right <= drawing.width, (drawing.kind, text)
                assert text.y < drawing.height, (drawing.kind, text)
        for one, other in combinations(drawing.marks, 2):
            away = ((one.x - other.x) ** 2 + (one.y - other.y) ** 2) ** 0.5
            assert away > one.r + other.r, (drawing.kind, one.stop.key, other.stop.key)
            assert not _on(one, other), (drawing.kind, one.stop.key, other.stop.key)
        assert len(drawing.tracks) == len(drawing.marks) - 1


def _on(one: object, other: object) -> bool:
    """Whether the words of one stop and those of another share a place."""

    def boxes(mark: object) -> list[tuple[float, float, float, float]]:
        found = []
        for text in mark.texts:  # type: ignore[attr-defined]
            wide = length(text.words, 14)
            left = text.x - (wide / 2 if text.anchor == "middle" else 0)
            found.append((left, text.y - 11, left + wide, text.y + 2))
        return found

    return any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for a in boxes(one) for b in boxes(other))


def test_the_order_of_the_picture_is_the_order_of_the_way(catalogue: Catalogue) -> None:
    (sheet,) = sheets(ways(catalogue))
    for drawing in sheet.pictures:
        keys = [mark.stop.key for mark in drawing.marks]
        assert keys == [*(stop.key for stop in sheet.way.stops), sheet.way.end.key, *(w.end.key for w in sheet.beyond)]


def test_the_track_is_walked_only_between_stops_that_count(catalogue: Catalogue) -> None:
    (sheet,) = sheets(ways(catalogue, badge("M01"), badge("M02"), badge("M04")))
    assert [track.walked for track in sheet.pictures[0].tracks].count(True) == 1


def test_words_are_broken_where_a_space_is_and_end_in_an_ellipsis() -> None:
    assert wrapped("one two three", 1000, 15, 2) == ("one two three",)
    assert wrapped("aaaaaaaa bbbbbbbb cccccccc", 80, 15, 2)[1].endswith("…")
    assert wrapped("about 8\u00a0h", 50, 15, 2) == ("about", "8\u00a0h")
    (cut,) = wrapped("MMMMMMMMMMMMMMMM", 80, 15, 2)
    assert cut.endswith("…")
    assert length(cut, 15) <= 80


def test_without_a_basic_pathway_each_way_has_a_map(catalogue: Catalogue) -> None:
    made = replace(catalogue, pathways=catalogue.pathways[1:])
    found = pathway_view.ways(made, None)
    drawn = sheets(found)
    assert len(drawn) == len(found)
    assert all(isinstance(picture, Drawing) for sheet in drawn for picture in sheet.pictures)


# The pages


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    """Half-way."""
    return walker(services, client, "half-way")


def test_the_map_says_what_is_there_what_ends_and_what_is_next(tess: SignedIn) -> None:
    page = tess.get("/pathway").text
    assert "Four of eleven steps are there." in page
    assert "It ended on" in page, "M03, which has ended, comes first"
    assert "Ends in the next 90 days" in page
    assert "M07 Money, Disclosure and Rights: Ends " in page, "what a screen reader hears of a stop"
    assert re.search(r'<tr class="stop-row--next">\s*<th scope="row"><a href="[^"]+#m03">', page)
    assert page.count('<svg class="map ') == 3
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


def test_every_stop_of_the_map_is_in_the_table_and_leads_to_a_place_that_is_there(tess: SignedIn) -> None:
    page = tess.get("/pathway").text
    linked = set(re.findall(r'<a class="map__stop[^"]*" href="([^"]+)"', page))
    table = page[page.index("<table") : page.index("</table>")]
    assert linked == set(re.findall(r'href="([^"]+)"', table))
    for href in linked:
        path, _, anchor = href.partition("#")
        assert f'id="{anchor}"' in tess.get(path.removeprefix(tess.root)).text, href


def test_a_way_says_why_each_step_is_open_and_what_can_be_done(tess: SignedIn) -> None:
    page = tess.get("/pathway/mentor").text
    assert "It fills up by itself on" in page
    assert "Your manager has not confirmed it yet." in page
    assert f'href="{tess.root}/pathway/practitioner"' in page
    basic_page = tess.get("/pathway/practitioner").text
    assert "Its badge waits for M05 or M06." in basic_page
    assert re.search(rf'href="{tess.root}/badges/[0-9a-f-]+/renew">Renew it', basic_page)


def test_a_pathway_that_is_none_is_not_found(tess: SignedIn, client: TestClient) -> None:
    assert tess.get("/pathway/nowhere").status_code == 404
    assert client.get("/programme/pathways/nowhere", headers=PAGE).status_code == 404


def test_who_is_new_is_told_how_to_read_the_map(services: Services, client: TestClient) -> None:
    page = walker(services, client, "new").get("/pathway").text
    assert "How to read this map" in page
    assert "Your first weeks" in page
    assert "Go to this module" in page


def test_a_practitioner_sees_the_ways_that_go_on_and_what_each_still_asks(
    services: Services, client: TestClient
) -> None:
    person = walker(services, client, "practitioner")
    page = person.get("/pathway").text
    assert "Five ways go on from here." in page
    assert "Where you could go from here" in page
    assert "Your first weeks" not in page
    assert "How to read this map" not in page


def test_a_placed_pathway_opens_the_map_and_other_launches_the_modules(services: Services, client: TestClient) -> None:
    placed = sign_in(services, client, "Placed", module_key=None, view="pathway")
    assert placed.get("/").headers["location"] == f"{placed.root}/pathway"
    assert 'aria-current="page">Map</a>' in placed.get("/pathway").text
    other = sign_in(services, client, "Other", module_key=None)
    assert other.get("/").headers["location"] == f"{other.root}/modules"
    assert other.get("/modules").status_code == 200


def test_the_public_map_shows_nobodys_progress_and_every_way_has_a_page(
    client: TestClient, catalogue: Catalogue
) -> None:
    page = client.get("/programme/pathways", headers=PAGE).text
    assert page.count('<svg class="map ') == 3
    assert "map__stop--have" not in page
    assert "map__stop--later" not in page
    for pathway in catalogue.pathways:
        assert f'href="/programme/pathways/{pathway.key}"' in page
        own = client.get(f"/programme/pathways/{pathway.key}", headers=PAGE)
        assert own.status_code == 200
        for anchor in re.findall(rf'href="/programme/pathways/{pathway.key}#([^"]+)"', own.text):
            assert f'id="{anchor}"' in own.text
        assert not re.search(r"<style|\sstyle=|\son\w+=", own.text)
