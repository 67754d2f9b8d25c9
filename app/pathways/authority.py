"""Who may vouch for whom: looked at in the transaction in which it is done, by what is entered here alone."""

from __future__ import annotations

from datetime import timedelta

from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning.marking_errors import NotAnAssessor
from app.pathways.errors import NotForYourself, NotYoursToConfirm, TooNear
from app.people import service as people
from app.people.email import lock_person
from app.people.errors import PersonNotFound
from app.programme.pathways import ConfirmedBy

# Whoever also manages a centre could end a line, judge, and enter it again.
LINES_COUNT_AFTER = timedelta(days=90)
WHO: dict[ConfirmedBy, str] = {
    "manager": "the person's line manager, or by a supervisor of their centre who has the manager role",
    "supervisor": "the person's line manager or a supervisor of their centre",
    "assessor": "an assessor who is neither above the person at their centre nor their line manager or mentor",
}


def lock(session: WriteSession, person_id: str) -> None:
    """Let all that is decided about one person queue up, also behind their being joined with another, or erased.

    Raises:
        PersonNotFound: nobody goes by this id, or not any more.
    """
    lock_person(session, person_id)
    if people.is_erased(session, person_id):
        raise PersonNotFound("Nobody here has this id.")


def require_confirmer(session: ReadSession, *, person_id: str, by: ConfirmedBy, given_by: str) -> None:
    """See that somebody may give their word as the one whom a pathway asks.

    Args:
        session: the transaction in which the word is given.
        person_id: for whom.
        by: whom the pathway asks.
        given_by: who gives it.

    Raises:
        NotForYourself: it is the person, under whatever address.
        NotYoursToConfirm: they are not the one who is asked.
        NotAnAssessor, TooNear: an assessor is asked, and they are none, or stand too near.
    """
    if by == "assessor":
        require_assessor(session, person_id=person_id, assessor_id=given_by)
        return
    _not_oneself(session, person_id, given_by)
    if not _is_above(session, person_id, given_by, needs_grant=by == "manager"):
        raise NotYoursToConfirm(WHO[by])


def require_assessor(session: ReadSession, *, person_id: str, assessor_id: str) -> None:
    """See that an assessor may judge a person.

    Raises:
        NotForYourself: it is the person, under whatever address.
        NotAnAssessor: they have no assessor role.
        TooNear: they are the person's line manager or mentor, or ended that themselves in the last 90 days; or they
            manage, supervise or mentor at a centre where the person works, or did so in the last 90 days.
    """
    if not people.has_role(session, assessor_id, "assessor"):
        raise NotAnAssessor
    _not_oneself(session, person_id, assessor_id)
    near = people.relation_to(session, person_id=person_id, other_id=assessor_id)
    since = now() - LINES_COUNT_AFTER
    near |= people.relations_put_off(session, person_id=person_id, other_id=assessor_id, since=since)
    # Many centres enter no lines: what somebody is there counts without one, as for the work of a module.
    if near or people.above_at_centre(session, person_id=person_id, other_id=assessor_id, since=since):
        raise TooNear


def may_confirm(session: ReadSession, *, person_id: str, by: ConfirmedBy, given_by: str) -> bool:
    """Whether somebody may give their word, for a page that offers it."""
    try:
        require_confirmer(session, person_id=person_id, by=by, given_by=given_by)
    except (NotForYourself, NotYoursToConfirm, NotAnAssessor, TooNear):
        return False
    return True


def may_assess(session: ReadSession, *, person_id: str, assessor_id: str) -> bool:
    """Whether an assessor may judge a person, for a page that offers it."""
    try:
        require_assessor(session, person_id=person_id, assessor_id=assessor_id)
    except (NotForYourself, NotAnAssessor, TooNear):
        return False
    return True


def _not_oneself(session: ReadSession, person_id: str, other_id: str) -> None:
    """One human being may be known here twice, but receives mail at the same address."""
    same = person_id == other_id
    if same or people.addresses_of(session, person_id) & people.addresses_of(session, other_id):
        raise NotForYourself


def _is_above(session: ReadSession, person_id: str, other_id: str, *, needs_grant: bool) -> bool:
    if "line_manager" in people.relation_to(session, person_id=person_id, other_id=other_id):
        return True
    if needs_grant and not people.has_role(session, other_id, "manager"):
        return False
    return any(
        "supervisor" in people.functions_at(session, other_id, centre.id)
        for centre in people.centres_of(session, person_id)
    )
