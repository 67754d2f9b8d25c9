"""The learners of one course: as the LMS lists them, else as their launches have told."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from sqlmodel import col, select

from app.core.db import ReadSession
from app.core.logging import get_logger
from app.core.runtime import Runtime
from app.lti.connector import Connectors
from app.lti.errors import ServiceFailed
from app.lti.models import LtiContext, LtiGradeLink, LtiRegistration
from app.lti.registrations import platform_of
from app.lti.roles import course_roles
from app.lti.roster import Member, course_members
from app.lti.schemas import Platform
from app.people import service as people

log = get_logger()

PATIENCE = 8.0  # seconds that a page may wait for an LMS's list
KEPT_FOR = 60.0  # seconds that a list is good for
MOST_KEPT = 200
MOST_MEMBERS_KEPT = 100_000  # of all lists together
AT_A_TIME = 8  # pages of one LMS that may wait for it, so that a slow one does not take every thread of the process
DELETED = "deleted"
INACTIVE = "inactive"


@dataclass(frozen=True)
class Learner:
    """One learner of a course.

    Attributes:
        subject: the LMS's id.
        name: None where neither the LMS nor a launch has told one.
        person_id: None for somebody who has not opened Waymark yet.
        is_inactive: whether the LMS has suspended them in this course.
    """

    subject: str
    name: str | None
    person_id: str | None
    is_inactive: bool = False


@dataclass(frozen=True)
class Cohort:
    """The learners of a course, by name.

    Attributes:
        learners: those without a name last.
        is_complete: whether the LMS listed them; else only those are here who opened Waymark.
        reason: why the LMS's list is missing, in words; None if it is there.
    """

    learners: tuple[Learner, ...]
    is_complete: bool
    reason: str | None = None


class Rosters:
    """Asks LMSs for course lists, and keeps each for a minute, in memory only: names of people who never came here.

    Args:
        runtime: database, secrets, the guarded way out.
        clock: seconds that only ever grow.
    """

    def __init__(self, runtime: Runtime, clock: Callable[[], float] = time.monotonic) -> None:
        self._connectors = Connectors.shared(runtime)
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, tuple[Member, ...]]] = OrderedDict()
        self._waiting: Counter[str] = Counter()
        self._guard = Lock()

    def members(self, platform: Platform, memberships_url: str) -> tuple[Member, ...]:
        """Everybody whom the LMS lists.

        Raises:
            ServiceFailed: no usable answer in a few seconds, or too many are waiting for this LMS already.
        """
        key = f"{platform.registration_id} {memberships_url}"
        with self._guard:
            until, members = self._kept.get(key, (0.0, ()))
            if self._clock() < until:
                return members
        with self._place(platform.registration_id):
            members = course_members(self._connectors.to(platform), memberships_url, patience=PATIENCE)
        with self._guard:
            self._kept[key] = (self._clock() + KEPT_FOR, members)
            self._kept.move_to_end(key)
            self._forget()
        return members

    @contextmanager
    def _place(self, registration_id: str) -> Iterator[None]:
        with self._guard:
            if self._waiting[registration_id] >= AT_A_TIME:
                raise ServiceFailed("it has not answered those who asked before")
            self._waiting[registration_id] += 1
        try:
            yield
        finally:
            with self._guard:
                self._waiting[registration_id] -= 1
                self._waiting += Counter()  # drops those at nought

    def _forget(self) -> None:
        """Let go of lists that are over, and of the oldest ones where there are too many or too many people in them."""
        moment, kept = self._clock(), sum(len(members) for _, members in self._kept.values())
        while self._kept:
            until, oldest = next(iter(self._kept.values()))
            if moment < until and len(self._kept) <= MOST_KEPT and kept <= MOST_MEMBERS_KEPT:
                return
            self._kept.popitem(last=False)
            kept -= len(oldest)


def cohort(runtime: Runtime, rosters: Rosters, *, registration_id: str, deployment_id: str, context_id: str) -> Cohort:
    """The learners of a course; asks the LMS, so not inside a database session.

    Args:
        runtime: database.
        rosters: asks LMSs.
        registration_id: ours, of the platform.
        deployment_id: ours, of the deployment.
        context_id: the LMS's id of the course.
    """
    with runtime.database.read() as session:
        platform = platform_of(session.get_one(LtiRegistration, registration_id))
        url = _memberships_url(session, deployment_id, context_id)
    if url is None:
        reason = "Your LMS has not given Waymark the list of this course's members."
        return _from_launches(runtime, registration_id, deployment_id, context_id, reason)
    try:
        members = rosters.members(platform, url)
    except ServiceFailed as error:
        log.warning("lti.roster_unavailable", registration_id=registration_id, reason=error.reason)
        reason = f"Your LMS did not give the list of this course's members just now ({error.reason})."
        return _from_launches(runtime, registration_id, deployment_id, context_id, reason)
    return _from_roster(runtime, registration_id, members)


def opened_from(session: ReadSession, registration_id: str, person_ids: Collection[str]) -> frozenset[tuple[str, str]]:
    """Which modules persons have opened from one LMS: (person, module key).

    Whoever works at several agencies is one person here; each LMS is told of what was opened from it.
    """
    rows = session.exec(
        select(LtiGradeLink.person_id, LtiGradeLink.module_key).where(
            LtiGradeLink.registration_id == registration_id, col(LtiGradeLink.person_id).in_(set(person_ids))
        )
    ).all()
    return frozenset((person_id, module_key) for person_id, module_key in rows if module_key is not None)


def _memberships_url(session: ReadSession, deployment_id: str, context_id: str) -> str | None:
    return session.exec(
        select(LtiContext.memberships_url).where(
            LtiContext.deployment_id == deployment_id, LtiContext.context_id == context_id
        )
    ).first()


def _from_roster(runtime: Runtime, registration_id: str, members: Sequence[Member]) -> Cohort:
    wanted = [each for each in members if course_roles(each.roles).is_learner and each.status.lower() != DELETED]
    with runtime.database.read() as session:
        known = people.person_ids_by_subject(session, registration_id, [each.user_id for each in wanted])
        names = people.names_told_by(session, registration_id, known.values())
    return Cohort(
        _by_name(
            Learner(
                subject=each.user_id,
                name=each.name or names.get(known.get(each.user_id, "")),
                person_id=known.get(each.user_id),
                is_inactive=each.status.lower() == INACTIVE,
            )
            for each in wanted
        ),
        is_complete=True,
    )


def _from_launches(runtime: Runtime, registration_id: str, deployment_id: str, context_id: str, reason: str) -> Cohort:
    with runtime.database.read() as session:
        found = session.exec(
            select(LtiGradeLink.subject, LtiGradeLink.person_id)
            .where(
                LtiGradeLink.registration_id == registration_id,
                LtiGradeLink.deployment_id == deployment_id,
                LtiGradeLink.context_id == context_id,
            )
            .distinct()
            .order_by(col(LtiGradeLink.subject))
        ).all()
        names = people.names_told_by(session, registration_id, [person_id for _, person_id in found])
    learners = (Learner(subject, names.get(person_id), person_id) for subject, person_id in found)
    return Cohort(_by_name(learners), is_complete=False, reason=reason)


def _by_name(learners: Iterable[Learner]) -> tuple[Learner, ...]:
    return tuple(sorted(learners, key=lambda each: (each.name is None, (each.name or "").casefold(), each.subject)))
