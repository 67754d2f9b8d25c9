"""What a centre's manager is shown: who works there, and results; never what anybody wrote, or how it was marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from app.awards.proposals import asking
from app.core.clock import now
from app.core.db import ReadSession
from app.issuer import service as issuer
from app.issuer.schemas import CredentialSummary
from app.learning.overview import Outcome, outcomes
from app.people import service as people
from app.people.schemas import Centre, KnownPerson, Relation, StaffFunction, StaffMember
from app.programme import service as programme
from app.programme.stacks import is_pathway_key

EXPIRES_WITHIN = timedelta(days=90)
KNOWN_SHOWN = 20

FUNCTION_WORDS: Mapping[StaffFunction, str] = {
    "specialist": "Vocational specialist",
    "supervisor": "Supervisor or manager",
    "mentor": "Mentor",
    "clinician": "Clinician",
}
FUNCTION_OPTIONS = tuple(FUNCTION_WORDS.items())


@dataclass(frozen=True)
class Result:
    """Where somebody stands with one module, or a badge they have.

    Attributes:
        state: as the status chips call it: current, submitted, returned, awarded; expired, suspended, revoked.
        awarded_at: when the badge was awarded, if it was.
        valid_until: when the badge ends, if it does.
        is_ending: whether that is within 90 days.
    """

    key: str
    title: str
    state: str
    awarded_at: datetime | None = None
    valid_until: datetime | None = None
    is_ending: bool = False

    @property
    def name(self) -> str:
        """A module with its code; a pathway's badge has none."""
        return self.title if is_pathway_key(self.key) else f"{self.key} · {self.title}"


@dataclass(frozen=True)
class Line:
    """Somebody's line manager or mentor; without a name if they are not of this agency's staff."""

    other_id: str
    relation: Relation
    name: str | None = field(repr=False)


@dataclass(frozen=True)
class Colleague:
    """A person of the centre's staff, in all their functions there."""

    person_id: str
    name: str = field(repr=False)
    email: str | None = field(repr=False)
    memberships: tuple[StaffMember, ...]
    lines: tuple[Line, ...]
    results: tuple[Result, ...] = ()

    @property
    def functions(self) -> str:
        """What they do there, in words."""
        return ", ".join(FUNCTION_WORDS[each.function] for each in self.memberships)

    @property
    def is_specialist(self) -> bool:
        """Whether their results are the manager's to see."""
        return any(each.function == "specialist" for each in self.memberships)

    def others(self, relation: Relation) -> tuple[Line, ...]:
        """Their line manager, or their mentors."""
        return tuple(each for each in self.lines if each.relation == relation)


@dataclass(frozen=True)
class CentrePage:
    """Context of centre/centre.html.

    Attributes:
        others: further centres of the same manager.
        ending: badges of specialists that end within 90 days, the next one first.
        known: persons whom the agency's LMSs brought here and who are not staff yet.
        more_known: whether there are more of them than shown.
        requests: how many colleagues wait for the manager's word.
        errors: what is wrong with the form that was sent, by field, with what was typed.
    """

    centre: Centre
    organisation: str
    others: tuple[Centre, ...]
    specialists: tuple[Colleague, ...]
    others_here: tuple[Colleague, ...]
    ending: tuple[tuple[Colleague, Result], ...]
    known: tuple[KnownPerson, ...]
    more_known: bool
    find: str
    own_id: str
    requests: int = 0
    functions: tuple[tuple[str, str], ...] = FUNCTION_OPTIONS
    done: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ColleaguePage:
    """Context of centre/colleague.html; `choices` are who may be their manager or mentor."""

    centre: Centre
    colleague: Colleague
    choices: tuple[tuple[str, str], ...]
    own_id: str
    function_words: Mapping[StaffFunction, str] = field(default_factory=lambda: FUNCTION_WORDS)
    done: str | None = None


def centre_page(
    db: ReadSession, centre: Centre, others: Sequence[Centre], own_id: str, *, find: str = "",
    done: str | None = None, errors: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None,
) -> CentrePage:  # fmt: skip
    """The page of one centre."""
    staff = colleagues(db, centre)
    specialists = tuple(each for each in staff if each.is_specialist)
    known = people.known_from(db, centre.organisation_id, find=find, limit=KNOWN_SHOWN + 1)
    return CentrePage(
        centre=centre,
        organisation=people.organisation(db, centre.organisation_id).name,
        others=tuple(each for each in others if each.id != centre.id),
        specialists=specialists,
        others_here=tuple(each for each in staff if not each.is_specialist),
        ending=_ending(specialists),
        known=known[:KNOWN_SHOWN],
        more_known=len(known) > KNOWN_SHOWN,
        find=find,
        own_id=own_id,
        requests=len(asking.to_answer(db, own_id)),
        done=done,
        errors=errors or {},
        typed=typed or {},
    )


def colleagues(db: ReadSession, centre: Centre) -> tuple[Colleague, ...]:
    """Everybody who works in a centre, each once, by name."""
    by_person: dict[str, list[StaffMember]] = {}
    for member in people.staff_of(db, centre.id):
        by_person.setdefault(member.person_id, []).append(member)
    specialists = [
        person_id for person_id, members in by_person.items() if any(each.function == "specialist" for each in members)
    ]
    begun: dict[str, list[Outcome]] = {}
    for outcome in outcomes(db, specialists):
        begun.setdefault(outcome.person_id, []).append(outcome)
    titles = {module.key: module.title for module in programme.modules(db)} if begun else {}
    agency = _agency_names(db, centre.organisation_id)
    return tuple(
        Colleague(
            person_id=person_id,
            name=members[0].name,
            email=next((each.email for each in members if each.is_entered), None),
            memberships=tuple(members),
            lines=_lines(db, person_id, agency),
            results=_results(db, person_id, centre, begun.get(person_id, ()), titles)
            if person_id in specialists
            else (),
        )
        for person_id, members in by_person.items()
    )


def _agency_names(db: ReadSession, organisation_id: str) -> dict[str, str]:
    """Everybody who is staff of an agency, by id."""
    return {
        member.person_id: member.name
        for each in people.centres(db, organisation_id)
        for member in people.staff_of(db, each.id)
    }


def _lines(db: ReadSession, person_id: str, agency: Mapping[str, str]) -> tuple[Line, ...]:
    return tuple(
        Line(each.other_id, each.relation, agency.get(each.other_id)) for each in people.lines_of(db, person_id)
    )


def _results(
    db: ReadSession, person_id: str, centre: Centre, begun: Sequence[Outcome], titles: Mapping[str, str]
) -> tuple[Result, ...]:
    """A specialist's modules and badges. What they do at another agency is that agency's until it is awarded."""
    results: dict[str, Result] = {}
    for outcome in begun:
        is_own = outcome.organisation_id in (None, centre.organisation_id)
        if is_own or outcome.state == "awarded":
            key = outcome.module_key
            results[key] = Result(key, titles.get(key, key), {"working": "current"}.get(outcome.state, outcome.state))
    badges: dict[str, CredentialSummary] = {}
    for badge in issuer.credentials_of(db, person_id):
        badges.setdefault(badge.achievement_key, badge)  # the newest first: a renewed one counts
    results |= {key: _of_badge(badge) for key, badge in badges.items()}
    return tuple(results[key] for key in sorted(results))


def _of_badge(badge: CredentialSummary) -> Result:
    moment, ends = now(), badge.valid_until
    is_over = ends is not None and ends <= moment
    state: Literal["revoked", "suspended", "expired", "awarded"]
    if badge.state == "revoked":
        state = "revoked"
    elif badge.suspended_at is not None:
        state = "suspended"
    else:
        state = "expired" if is_over else "awarded"
    return Result(
        key=badge.achievement_key,
        title=badge.name,
        state=state,
        awarded_at=badge.awarded_at,
        valid_until=ends,
        is_ending=state == "awarded" and ends is not None and ends <= moment + EXPIRES_WITHIN,
    )


def _ending(specialists: Sequence[Colleague]) -> tuple[tuple[Colleague, Result], ...]:
    found = [(each, result) for each in specialists for result in each.results if result.is_ending]
    return tuple(sorted(found, key=lambda pair: (pair[1].valid_until or now(), pair[0].name)))
