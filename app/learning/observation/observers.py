"""Who may observe: confirmed staff of the learner's own centres, or somebody an assessor approved; never the learner.

An address is the learner's own also with other letters' case, other dots in it or a tag after a plus: mail to all of
these commonly reaches one inbox.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from app.core.db import ReadSession
from app.learning.observation.errors import ObserverNotUsable
from app.learning.observation.schemas import Candidate
from app.people import service as people
from app.people.errors import StaffMemberNotFound
from app.people.schemas import StaffFunction, StaffMember
from app.programme.schemas import Activity, Observer

_SAME_HOSTS = {"googlemail.com": "gmail.com"}


def folded(address: str) -> str:
    """An address reduced to what tells inboxes apart: lower case, no dots before the @, nothing after a plus."""
    local, _, domain = address.strip().lower().rpartition("@")
    domain = domain.rstrip(".")
    return f"{local.partition('+')[0].replace('.', '')}@{_SAME_HOSTS.get(domain, domain)}"


def domain_of(address: str) -> str:
    """What stands after the @."""
    return address.rpartition("@")[2].lower()


def is_own(address: str, own: Collection[str]) -> bool:
    """Whether an address reaches somebody who is known by these."""
    return folded(address) in {folded(each) for each in own}


def refuse_own(session: ReadSession, learner_id: str, address: str) -> None:
    """Refuse an address that is the learner's own.

    Raises:
        ObserverNotUsable: it is.
    """
    if is_own(address, people.addresses_of(session, learner_id)):
        raise ObserverNotUsable(
            "email",
            "This is one of your own addresses. Somebody else has to observe you.",
            "Give the work address of the person who will observe you.",
        )


def staff_roles(activity: Activity) -> tuple[StaffFunction, ...]:
    """The functions at a centre that may observe this."""
    return tuple(cast(StaffFunction, role) for role in activity.observers if role != "assessor")


def candidates(session: ReadSession, learner_id: str, activity: Activity) -> tuple[Candidate, ...]:
    """Staff of the learner's own centres who may observe this activity, by name."""
    return tuple(
        Candidate(member.membership_id, member.name, cast(Observer, member.function), member.centre_name)
        for member in _fitting(session, learner_id, activity)
    )


def chosen(session: ReadSession, learner_id: str, activity: Activity, membership_id: str) -> StaffMember:
    """The member of staff whom the learner chose.

    Raises:
        ObserverNotUsable: they are not among those to choose from.
    """
    for member in _fitting(session, learner_id, activity):
        if member.membership_id == membership_id:
            return member
    raise ObserverNotUsable("observer", "Please choose one of the people in the list.", "Choose somebody and send it.")


def still_staff(session: ReadSession, membership_id: str) -> bool:
    """Whether somebody who was asked as staff is still staff."""
    try:
        people.staff_member(session, membership_id)
    except StaffMemberNotFound:
        return False
    return True


def _fitting(session: ReadSession, learner_id: str, activity: Activity) -> tuple[StaffMember, ...]:
    own = people.addresses_of(session, learner_id)
    found = people.colleagues(session, learner_id, staff_roles(activity))
    return tuple(each for each in found if each.email and each.person_id != learner_id and not is_own(each.email, own))
