"""Does the connection to a platform work? Each part on its own, with the reason where it does not, and the mend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from sqlmodel import col, select

from app.core import metrics
from app.core.clock import now
from app.core.db import ReadSession
from app.core.errors import AppError
from app.core.http import HttpResponse
from app.core.logging import get_logger
from app.core.runtime import Runtime
from app.lti import registrations
from app.lti.connector import Connectors, PlatformConnector
from app.lti.errors import ServiceFailed
from app.lti.grades import SCORE_SCOPE
from app.lti.models import ACTIVE, DISABLED, LtiContext, LtiRegistration, LtiResourceLink
from app.lti.registrations import platform_of
from app.lti.schemas import Platform

log = get_logger()

Result = Literal["pass", "fail", "unknown"]

LINE_ITEM_SCOPES = (
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly",
)
ROSTER_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
ROSTER_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
MOST_SKEW = 10  # seconds; what launches and token requests are granted


@dataclass(frozen=True)
class HealthCheck:
    """One part of a connection.

    Attributes:
        name: `configuration`, `keys`, `clock`, `token`, `line_items` or `roster`.
        result: `unknown` where it cannot be told yet.
        detail: what was found, in a sentence.
        mend: what to do, where something is to be done.
    """

    name: str
    result: Result
    detail: str
    mend: str | None = None


@dataclass(frozen=True)
class _Connection:
    """What the checks look at, free of any database session."""

    platform: Platform
    state: str
    active_deployments: int
    waiting_deployments: int
    line_items_url: str | None
    line_item_scopes: tuple[str, ...]
    memberships_url: str | None


class _Found(Exception):
    """No error: ends a check early with what was found."""

    def __init__(self, result: Result, detail: str, mend: str | None = None) -> None:
        super().__init__(detail)
        self.check = (result, detail, mend)


def check_platform(runtime: Runtime, registration_id: str) -> tuple[HealthCheck, ...]:
    """Ask a platform for everything we need of it, once.

    Args:
        runtime: database, keys, the guarded way out.
        registration_id: ours, of the platform.

    Raises:
        RegistrationNotFound: there is no such platform.
    """
    with runtime.database.read() as session:
        connection = _connection(session, registrations.registration(session, registration_id))
    connector = Connectors(runtime).to(connection.platform)  # with no token kept from before
    keys, clock = _keys_and_clock(runtime, connection.platform)
    found = (
        _told("configuration", lambda: _configuration(connection)),
        keys,
        clock,
        _told("token", lambda: _token(connector)),
        _told("line_items", lambda: _line_items(connector, connection)),
        _told("roster", lambda: _roster(connector, connection)),
    )
    for each in found:
        metrics.PLATFORM_CHECKS.labels(each.name, each.result).inc()
        if each.result == "fail":
            log.warning("lti.platform_check_failed", registration_id=registration_id, check=each.name)
    return found


def _connection(session: ReadSession, row: LtiRegistration) -> _Connection:
    known = registrations.deployments(session, row.id)
    link = session.exec(
        select(LtiResourceLink)
        .where(LtiResourceLink.registration_id == row.id, col(LtiResourceLink.line_items_url).is_not(None))
        .order_by(col(LtiResourceLink.updated_at).desc())
        .limit(1)
    ).first()
    course = session.exec(
        select(LtiContext)
        .where(LtiContext.registration_id == row.id, col(LtiContext.memberships_url).is_not(None))
        .order_by(col(LtiContext.seen_at).desc())
        .limit(1)
    ).first()
    return _Connection(
        platform=platform_of(row),
        state=row.state,
        active_deployments=sum(each.state == ACTIVE for each in known),
        waiting_deployments=sum(each.state not in (ACTIVE, DISABLED) for each in known),
        line_items_url=link.line_items_url if link else None,
        line_item_scopes=tuple(link.scopes) if link else (),
        memberships_url=course.memberships_url if course else None,
    )


def _told(name: str, check: Callable[[], str]) -> HealthCheck:
    """Run a check that returns its good news, or raises what it found."""
    try:
        return HealthCheck(name, "pass", check())
    except _Found as found:
        return HealthCheck(name, *found.check)
    except ServiceFailed as error:
        return HealthCheck(name, "fail", f"{error.reason[:1].upper()}{error.reason[1:]}.", _mend(name, error))
    except AppError as error:
        return HealthCheck(name, "fail", error.detail, _MENDS[name])


def _configuration(connection: _Connection) -> str:
    if connection.state != ACTIVE:
        words = "switched off" if connection.state == DISABLED else "not approved yet"
        raise _Found("fail", f"The connection is {words}.", "Approve it: waymark platform approve.")
    if connection.active_deployments == 0 and connection.waiting_deployments == 0:
        raise _Found(
            "unknown",
            "No deployment is known yet.",
            "Open an activity once from the LMS; its deployment then appears here to be approved.",
        )
    if connection.active_deployments == 0:
        raise _Found("fail", "No deployment is approved.", "Approve the one that waits.")
    waiting = connection.waiting_deployments
    more = f"; {waiting} more {'waits' if waiting == 1 else 'wait'} for approval" if waiting else ""
    return f"Approved, with {_number(connection.active_deployments, 'deployment')}{more}."


def _keys_and_clock(runtime: Runtime, platform: Platform) -> tuple[HealthCheck, HealthCheck]:
    try:
        answer = runtime.http.get(platform.jwks_url, headers={"Accept": "application/json"})
    except AppError as error:
        unknown = HealthCheck("clock", "unknown", "The LMS did not answer, so its clock was not seen.")
        return HealthCheck("keys", "fail", f"The key set cannot be fetched: {error.detail}", _MENDS["keys"]), unknown
    return _told("keys", lambda: _keys(answer)), _told("clock", lambda: _clock(answer.headers))


def _keys(answer: HttpResponse) -> str:
    if not answer.ok:
        raise _Found("fail", f"The address of the key set answered {answer.status}.", _MENDS["keys"])
    content = answer.json()
    keys = content.get("keys") if isinstance(content, dict) else None
    usable = [key for key in keys if _is_usable(key)] if isinstance(keys, list) else []
    if not usable:
        raise _Found("fail", "There is no RSA key with a name (kid) in the key set.", _MENDS["keys"])
    return f"The key set has {_number(len(usable), 'key')} for us."


def _is_usable(key: Any) -> bool:
    return isinstance(key, dict) and key.get("kty") == "RSA" and bool(key.get("kid")) and key.get("use", "sig") == "sig"


def _clock(headers: Mapping[str, str]) -> str:
    try:
        theirs = parsedate_to_datetime(headers["date"])
        ahead = (theirs - now()).total_seconds()
    except (KeyError, ValueError, TypeError, OverflowError):
        raise _Found("unknown", "The LMS does not say what time it has.") from None
    if abs(ahead) > MOST_SKEW:
        direction = "ahead of" if ahead > 0 else "behind"
        raise _Found(
            "fail",
            f"The LMS's clock is {abs(ahead):.0f} seconds {direction} this server's.",
            "Set both clocks by a time server (NTP): launches and token requests are refused otherwise.",
        )
    return f"The clocks agree to {_number(max(1, round(abs(ahead))), 'second')}."


def _token(connector: PlatformConnector) -> str:
    connector.get_access_token([SCORE_SCOPE])
    return "The LMS gives tokens for sending scores."


def _line_items(connector: PlatformConnector, connection: _Connection) -> str:
    url = connection.line_items_url
    if url is None:
        raise _Found(
            "unknown",
            "No launch has told an address of gradebook columns yet.",
            "Switch grades on for the tool in the LMS and open an activity of a course as a learner.",
        )
    if SCORE_SCOPE not in connection.line_item_scopes:
        raise _Found("fail", "The LMS does not let the tool send scores.", _MENDS["line_items"])
    scopes = [scope for scope in LINE_ITEM_SCOPES if scope in connection.line_item_scopes]
    if not scopes:
        raise _Found("unknown", "The LMS takes scores and does not let the tool look at its columns.")
    answer = connector.make_service_request(scopes[-1:], url, accept=LINE_ITEMS_TYPE)
    return f"The gradebook answers with {_number(_count(answer['body']), 'column')}."


def _roster(connector: PlatformConnector, connection: _Connection) -> str:
    url = connection.memberships_url
    if url is None:
        raise _Found(
            "unknown",
            "No launch has told an address of a course's members yet.",
            "Switch names and roles (NRPS) on for the tool in the LMS and open an activity of a course.",
        )
    answer = connector.make_service_request([ROSTER_SCOPE], url, accept=ROSTER_TYPE)
    body = answer["body"]
    members = body.get("members") if isinstance(body, dict) else None
    if not isinstance(members, list):
        raise _Found("fail", "The LMS's list of members cannot be read.", _MENDS["roster"])
    return f"The course's list of members answers; its first page has {_count(members)}."


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _count(value: object) -> int:
    return len(value) if isinstance(value, Sequence) else 0


_MENDS: Mapping[str, str] = {
    "configuration": "Compare the addresses with those on the LMS's page of the tool.",
    "keys": "Check the address of the key set (JWKS) in the LMS, and that this server may reach it.",
    "clock": "Set both clocks by a time server (NTP).",
    "token": "In the LMS see that the tool is switched on, that its client id is the one here, and that the LMS may "
    "fetch the tool's keys (/lti/jwks); a firewall or a list of blocked ports often stands between. A few LMSs want "
    "another audience than the address of their token endpoint: give it with --audience.",
    "line_items": "In the LMS allow the tool to use grades (Assignment and Grade Services) and approve it again.",
    "roster": "In the LMS allow the tool to see names and roles (Names and Role Provisioning Services).",
}


def _mend(name: str, error: ServiceFailed) -> str:
    """A service that fails for want of a token is mended where the token is."""
    return _MENDS["token"] if "token" in error.reason else _MENDS[name]
