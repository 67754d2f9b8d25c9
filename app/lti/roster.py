"""Who is in a course (Names and Role Provisioning Services 2.0, https://www.imsglobal.org/spec/lti-nrps/v2p0)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pylti1p3.names_roles import NamesRolesProvisioningService

from app.core.text import is_plain_text
from app.lti.connector import PlatformConnector
from app.lti.errors import ServiceFailed
from app.lti.urls import same_origin

MOST_PAGES = 200
MOST_MEMBERS = 20_000
MOST_ROLES = 50  # of one member
LONGEST_ID = 255
LONGEST_TEXT = 1000


@dataclass(frozen=True)
class Member:
    """One member of a course, as the LMS tells it."""

    user_id: str
    name: str | None
    email: str | None
    roles: tuple[str, ...]
    status: str


def course_members(
    connector: PlatformConnector, memberships_url: str, *, patience: float | None = None
) -> tuple[Member, ...]:
    """Every member, over all pages; one who is on two of them, because somebody joined in between, once.

    Args:
        connector: to the platform.
        memberships_url: from a launch of the course.
        patience: seconds after which no further page is asked for; None asks for all.

    Raises:
        ServiceFailed: no usable answer; a page on another host, which never gets our token; pages without end; more
            members than any course has.
    """
    service = NamesRolesProvisioningService(connector, {"context_memberships_url": memberships_url})
    members: dict[str, Member] = {}
    seen: set[str] = set()
    began = time.monotonic()
    page_url: str | None = memberships_url
    while page_url:
        if page_url in seen or len(seen) >= MOST_PAGES:
            raise ServiceFailed("the roster's pages have no end")
        if seen and patience is not None and time.monotonic() - began > patience:
            raise ServiceFailed("the roster took too long")
        if not same_origin(page_url, memberships_url):
            raise ServiceFailed("the roster's next page lies on another host")
        seen.add(page_url)
        answer = service.get_nrps_data(page_url)
        body = answer["body"]
        found = body.get("members") if isinstance(body, dict) else None
        if not isinstance(found, list):
            raise ServiceFailed("the roster's answer has no members")
        members |= {each.user_id: each for each in map(_member, found)}
        if len(members) > MOST_MEMBERS:
            raise ServiceFailed(f"the roster has more than {MOST_MEMBERS:,} members")
        page_url = answer["next_page_url"]
    return tuple(members.values())


def _member(entry: Any) -> Member:
    user_id = entry.get("user_id") if isinstance(entry, dict) else None
    if not isinstance(user_id, str) or not user_id:
        raise ServiceFailed("a member of the roster has no user_id")
    if len(user_id) > LONGEST_ID or not is_plain_text(user_id):
        raise ServiceFailed("a member of the roster has a user_id that is none")
    return Member(
        user_id=user_id,
        name=_text(entry.get("name")),
        email=_text(entry.get("email")),
        roles=_roles(entry.get("roles")),
        status=_text(entry.get("status")) or "Active",
    )


def _roles(value: object) -> tuple[str, ...]:
    found = value[:MOST_ROLES] if isinstance(value, list) else []
    return tuple(role for role in map(_text, found) if role is not None)


def _text(value: object) -> str | None:
    """A text that can be shown and kept; whatever else stands in its place counts as not told."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not is_plain_text(value):
        return None
    return value
