"""Evidence for tests: days counted from one first day, invented people, and rules and records to draw from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.pathways.schemas import (
    BadgeHeld,
    Confirmed,
    ConversationHeld,
    Evidence,
    Recognition,
    RolePeriod,
)
from app.programme.pathways import (
    ConfirmationRule,
    ConversationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
)
from app.programme.schemas import Criterion, Rubric, RubricLevel

# How long one example takes says something of the machine and nothing of the rule.
CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# A year with 29 February in it, begun in a month of 31 days: months of every length lie within reach.
FIRST = datetime(2028, 1, 1, tzinfo=UTC)
HORIZON = 150
KEYS = ("M01", "M02", "M03")
THEIRS = "did:web:college.example"

LEVELS = tuple(RubricLevel(level, f"Level {level}", "As it looks") for level in range(1, 5))
RUBRIC = Rubric(1, tuple(Criterion(key, key.title(), (), (), (), LEVELS) for key in ("principles", "drift")))
TALK = ConversationRule("talk", "A talk", "About one way", 45, RUBRIC, 3)
WORD = ConfirmationRule("support", "Your manager's support", "Your manager agrees.", "manager")
FIRST_AID = ExternalBadgeRule(THEIRS, "The college", "First aid")
STATISTICS = ExternalBadgeRule(THEIRS, "The college", "Statistics", "https://college.example/achievements/7")


def day(number: int) -> datetime:
    """A day by its number; day 0 is the first."""
    return FIRST + timedelta(days=number)


def pathway(rule: Rule, *, key: str = "way", leads_to: str | None = "X1") -> Pathway:
    """A pathway with a rule, and nothing else of note."""
    return Pathway(
        key, 1, "A way", "Somewhere", "advanced", "en", rule, date(2030, 1, 1), leads_to=leads_to, digest="d"
    )


def badge(
    achievement: str = "M01",
    awarded: int = 0,
    until: int | None = None,
    *,
    credential: str = "",
    version: int = 1,
    starts: int | None = None,
    revoked: int | None = None,
    suspended: int | None = None,
    issuer: str | None = None,
    name: str = "",
    renewed: int | None = None,
) -> BadgeHeld:
    """A badge, its moments as days."""

    def moment(number: int | None) -> datetime | None:
        return None if number is None else day(number)

    return BadgeHeld(
        achievement,
        version,
        credential or f"urn:uuid:{achievement}-{awarded}-{until}",
        day(awarded),
        day(awarded if starts is None else starts),
        moment(until),
        moment(revoked),
        moment(suspended),
        issuer,
        name,
        moment(renewed),
    )


def role(began: int, ended: int | None = None, agency: str = "north") -> RolePeriod:
    """Work at an agency, from a day to a day."""
    return RolePeriod(day(began), None if ended is None else day(ended), agency)


def word(given: int = 0, withdrawn: int | None = None) -> Confirmed:
    """The manager's word for the rule `WORD`."""
    return Confirmed("way", WORD.key, "manager", day(given), None if withdrawn is None else day(withdrawn))


def talk(held: int = 0, *levels: int) -> ConversationHeld:
    """A conversation for the rule `TALK`; each level 3 if none are given."""
    reached = tuple(zip(("principles", "drift"), levels or (3, 3), strict=False))
    return ConversationHeld("way", TALK.key, day(held), reached, f"decision-{held}-{levels}")


DAYS = st.integers(0, HORIZON)
LEAVES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(HeldRule, st.sampled_from(KEYS), st.none() | st.integers(1, 3)),
    st.builds(TimeInRoleRule, st.integers(1, 3), st.just("an IPS role"), st.none() | st.integers(0, 20)),
    st.sampled_from([WORD, TALK, FIRST_AID, STATISTICS]),
)
RULES: st.SearchStrategy[Rule] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=4).flatmap(
        lambda of: st.integers(1, len(of)).map(lambda needed: GroupRule(needed, tuple(of)))
    ),
    max_leaves=6,
)


@st.composite
def badges(draw: st.DrawFn, *, standing: bool = False) -> BadgeHeld:
    """Any badge, ours or the college's; one that stands is neither revoked nor suspended, nor another one's version."""
    awarded = draw(DAYS)
    theirs = draw(st.sampled_from([None, None, FIRST_AID, STATISTICS]))
    achievement = draw(st.sampled_from(KEYS))
    if theirs is not None:
        achievement = theirs.achievement or "https://college.example/achievements/1"
    seldom = st.none() if standing else st.one_of(st.none(), st.none(), st.none(), DAYS)
    return badge(
        achievement,
        awarded,
        draw(st.none() | st.integers(awarded, awarded + 90)),
        credential=f"urn:uuid:{draw(st.uuids()) if standing else draw(st.integers(0, 3))}",
        version=1 if standing else draw(st.integers(1, 3)),
        starts=awarded + draw(st.integers(-5, 10)),
        revoked=draw(seldom),
        suspended=draw(seldom),
        issuer=theirs.issuer if theirs else None,
        name=theirs.name if theirs else "",
        renewed=draw(st.none() | st.integers(awarded, awarded + 60)),
    )


@st.composite
def roles(draw: st.DrawFn) -> RolePeriod:
    """Work for some days, or without an end."""
    began = draw(st.integers(-30, HORIZON))
    return role(began, draw(st.none() | st.integers(began, began + 60)), draw(st.sampled_from(["north", "south"])))


RECOGNITIONS = st.builds(
    lambda step, granted, pathway, withdrawn: Recognition(
        *step, day(granted), f"decision-{granted}", pathway, None if withdrawn is None else day(withdrawn)
    ),
    st.sampled_from([("held", "M01"), ("held", "M02"), ("time_in_role", ""), ("external_badge", "First aid"),
                     ("confirmation", "support"), ("conversation", "talk")]),
    DAYS,
    st.sampled_from([None, "way", "another"]),
    st.none() | DAYS,
)  # fmt: skip
WORDS = st.builds(word, DAYS, st.none() | DAYS)
TALKS = st.builds(talk, DAYS, st.integers(1, 4), st.integers(1, 4))
EVIDENCE = st.builds(
    Evidence,
    st.lists(badges(), max_size=6).map(tuple),
    st.lists(RECOGNITIONS, max_size=2).map(tuple),
    st.lists(roles(), max_size=4).map(tuple),
    st.lists(WORDS, max_size=2).map(tuple),
    st.lists(TALKS, max_size=3).map(tuple),
)
