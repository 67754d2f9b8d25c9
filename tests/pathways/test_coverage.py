"""What a centre covers, and that what is told of all centres tells nothing of anybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.issuer.judged import JudgedBadge
from app.pathways import coverage
from app.pathways.coverage import Chosen, Coverage
from app.pathways.suppression import BAND, Band, Holding, publish
from app.programme.frameworks import FidelityItem, FidelityScale, ScaleSection
from tests.pathways.test_competencies import assesses, badge, catalogue, competency, pinned

AT = datetime(2027, 6, 1, tzinfo=UTC)
A, B, C, NONE = frozenset("a"), frozenset("b"), frozenset("c"), frozenset[str]()
BOTH = A | B

EVERYTHING = Chosen()
World = tuple[int, ...]


def worlds(people: int, patterns: int) -> Iterator[World]:
    """Every way in which so many people may hold one of so many things."""
    if patterns == 1:
        yield (people,)
        return
    for number in range(people + 1):
        for rest in worlds(people - number, patterns - 1):
            yield (number, *rest)


@pytest.mark.parametrize(
    ("people", "patterns", "rows", "known"),
    [
        (14, (NONE, A, B, BOTH), (A, B, BOTH), ()),
        (17, (NONE, A, B, BOTH), (A, BOTH), (A, BOTH, NONE)),
        (16, (NONE, A, BOTH, A | B | C), (A, BOTH, A | B | C), ()),
        (20, (NONE, A, B), (A, B, BOTH), (A,)),
        # Here the bands alone give it away: 7 to 11 and 7 to 11 must make 22 to 26, so nobody holds both.
        (31, (NONE, A, B, BOTH), (A, B, BOTH), (BOTH, BOTH, BOTH)),
    ],
    ids=["sums", "a part of a whole", "a chain of parts", "one of one's own", "what one knows oneself"],
)
def test_no_set_of_numbers_tells_a_count_below_five(
    people: int, patterns: tuple[Holding, ...], rows: tuple[Holding, ...], known: Sequence[Holding]
) -> None:
    # Whoever reads the page knows their own staff, how many others there are, and how the numbers are made.
    by_page: defaultdict[tuple[Band | None, ...], list[World]] = defaultdict(list)
    for world in worlds(people, len(patterns)):
        others = [held for held, number in zip(patterns, world, strict=True) for _ in range(number)]
        by_page[publish(known, others, rows)].append(world)
    assert any(any(page) for page in by_page)
    for page, possible in by_page.items():
        for cell in range(1, 2 ** len(patterns) - 1):  # any kind of people: holders, others, one thing without another
            counts = {sum(number for place, number in enumerate(world) if cell >> place & 1) for world in possible}
            assert len(counts) > 1 or min(counts) >= BAND, (page, cell)


HOLDINGS = st.lists(st.frozensets(st.sampled_from("abcde")), max_size=60)
ROWS = st.lists(st.frozensets(st.sampled_from("abcde")), min_size=1, max_size=8)


@given(HOLDINGS, HOLDINGS, ROWS)
def test_a_band_holds_the_count_and_leaves_five_on_either_side_of_the_others(
    known: list[Holding], others: list[Holding], rows: list[Holding]
) -> None:
    bands = publish(known, others, rows)
    assert bands == publish(known[::-1], others[::-1], rows)  # and says nothing of the order
    for row, band in zip(rows, bands, strict=True):
        own = sum(bool(each & row) for each in known)
        if band is not None:
            assert band.low <= own + sum(bool(each & row) for each in others) <= band.high
            assert (band.low % BAND, band.high - band.low) == (0, BAND - 1)
            assert band.low - own >= BAND
            assert band.high - own <= len(others) - BAND


@pytest.mark.parametrize("count", range(31))
def test_of_thirty_others_only_five_to_twenty_four_are_told(count: int) -> None:
    [band] = publish([], [A] * count + [NONE] * (30 - count), [A])
    assert (band is not None) is (5 <= count <= 24)


def test_the_total_minus_ones_own_is_never_a_small_number() -> None:
    others = [A] * 4 + [NONE] * 40
    assert publish([A] * 30, others, [A]) == (None,)  # 34 in all, and 30 of them one's own


def test_numbers_are_told_where_there_are_enough_people() -> None:
    others = [frozenset(thing for place, thing in enumerate("abcde") if (number * 11 + place * 3) % (place + 3) < 2)
              for number in range(200)]  # fmt: skip
    rows = [A, B, BOTH, frozenset("cd"), frozenset("abcd"), frozenset("e")]
    assert all(publish([A, BOTH], others, rows))


FRAMEWORK = pinned("0.1", competency("A"), competency("B"), competency("C"))
ASSESSMENTS = (assesses("M1", A=("a",)), assesses("M2", A=("a",), B=("b",)))
ITEMS = (
    FidelityItem("FI-1", "One", "s", "scale", "specialist"),
    FidelityItem("FI-2", "Two", "s", "scale", "organisation"),
    FidelityItem("FI-3", "Three", "s", "scale", "both"),
)


def scale() -> FidelityScale:
    section = ScaleSection("s", "A section", ITEMS)
    return FidelityScale("scale", "x", "1", "en", "x", "x", AT.date(), 1, 5, (section,), ())


def laid_out(chosen: Chosen = EVERYTHING, **theirs: Sequence[JudgedBadge]) -> Coverage:
    framework = FRAMEWORK.framework
    mapped = {"A": ("FI-1", "FI-2"), "B": ("FI-1",), "C": ("FI-3",)}
    [domain] = framework.domains
    of = tuple(
        replace(each, fidelity_items=mapped[each.id], themes=("T1",) if each.id != "B" else ("T2",),
                level="advanced" if each.id == "C" else "basic")
        for each in domain.competencies
    )  # fmt: skip
    known = replace(FRAMEWORK, framework=replace(framework, domains=(replace(domain, competencies=of),)))
    found = catalogue(known, of=ASSESSMENTS)
    members = [coverage.member(found, name, badges, AT) for name, badges in theirs.items()]
    return coverage.coverage(found, (scale(),), members, chosen, None, AT)


def holders(of: Coverage) -> dict[str, list[str]]:
    rows = [(row.competency.id, row.holders) for _domain, rows in of.domains for row in rows]
    rows += [(row.item.id, row.holders) for _name, rows in of.sections for row in rows]
    return {name: [each.person_id for each in who] for name, who in rows}


def test_an_item_is_covered_by_whoever_has_shown_a_competency_mapped_to_it() -> None:
    found = laid_out(tess=(badge("M1"),), noor=(badge("M2"),), uma=())
    assert found.staff == 3
    assert holders(found) == {
        "A": ["tess", "noor"], "B": ["noor"], "C": [], "FI-1": ["tess", "noor"], "FI-2": [], "FI-3": [],
    }  # fmt: skip
    assert [row.needs_organisation for _name, rows in found.sections for row in rows] == [False, True, False]


def test_a_theme_or_level_narrows_competencies_and_the_evidence_for_items() -> None:
    theirs = {"tess": (badge("M1"),), "noor": (badge("M2"),)}
    assert holders(laid_out(Chosen(theme="T2"), **theirs)) == {"B": ["noor"], "FI-1": ["noor"], "FI-2": [], "FI-3": []}
    assert set(holders(laid_out(Chosen(level="advanced"), **theirs))) == {"C", "FI-1", "FI-2", "FI-3"}


def test_evidence_ends_with_the_last_badge_that_shows_it() -> None:
    soon, later = AT + timedelta(days=30), AT + timedelta(days=300)
    tess = (badge("M1", valid_until=soon), badge("M2", valid_until=later))
    noor = (badge("M1", valid_until=soon), badge("M2", valid_until=AT))
    uma = (badge("M1", valid_until=None), badge("M2", valid_until=soon))
    found = laid_out(tess=tess, noor=noor, uma=uma)
    [row] = [row for _domain, rows in found.domains for row in rows if row.competency.id == "A"]
    assert [(each.person_id, each.until, each.is_ending) for each in row.holders] == [
        ("tess", later, False), ("noor", soon, True), ("uma", None, False),
    ]  # fmt: skip
    assert holders(laid_out(Chosen(ending=True), tess=tess, noor=noor, uma=uma))["A"] == ["noor"]


@pytest.mark.parametrize(
    "changes",
    [{"valid_until": AT}, {"revoked_at": AT}, {"suspended_at": AT}, {"issued_at": AT + timedelta(seconds=1)}],
)
def test_a_badge_counts_only_while_it_stands(changes: dict[str, object]) -> None:
    assert holders(laid_out(tess=(badge("M1", **changes),)))["A"] == []
    assert coverage.holding((badge("M1", **changes),), AT) == frozenset()


def test_evidence_under_an_earlier_wording_covers_the_new_one() -> None:
    second = pinned("0.2", competency("A2", replaces=("A",)))
    found = catalogue(second, FRAMEWORK, of=ASSESSMENTS)
    assert "A2" in coverage.member(found, "tess", (badge("M1"),), AT).shown


def test_what_is_told_of_all_centres_counts_people_and_not_badges() -> None:
    found = catalogue(FRAMEWORK, of=ASSESSMENTS)
    both = coverage.holding((badge("M1"), badge("M2")), AT)
    told = coverage.everywhere(found, (scale(),), [both], [both] * 12 + [frozenset()] * 12, AT)
    assert told is not None
    assert told.staff == Band(25, 29)
    assert told.bands == {"A": Band(10, 14), "B": Band(10, 14)}


def test_fewer_than_five_others_are_told_nothing_of() -> None:
    found = catalogue(FRAMEWORK, of=ASSESSMENTS)
    assert coverage.everywhere(found, (scale(),), [NONE] * 30, [NONE] * 4, AT) is None
    assert coverage.everywhere(found, (scale(),), [NONE] * 30, [NONE] * 5, AT) is not None


def test_one_who_came_meanwhile_cannot_be_told_from_two_months() -> None:
    found = catalogue(FRAMEWORK, of=ASSESSMENTS)
    held = coverage.holding((badge("M1"),), AT)
    before = coverage.everywhere(found, (scale(),), [], [held] * 9 + [NONE] * 31, AT)
    after = coverage.everywhere(found, (scale(),), [], [held] * 10 + [NONE] * 31, AT)
    assert before is not None
    assert after is not None
    assert (before.bands["A"], after.bands["A"]) == (Band(5, 9), Band(10, 14))
    assert before.staff == after.staff == Band(40, 44)  # so anybody may have earned it
