"""An administrator connects an LMS by pasting one URL (LTI Dynamic Registration 1.0).

The LMS opens our page with the address of its configuration and, mostly, a one-time token. Fetch, judge, register,
remember: all at once and in this order, with no network inside a transaction. What comes of it is pending here until an
operator approves it, and there until the administrator switches it on.
https://www.imsglobal.org/spec/lti-dr/v1p0
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from sqlmodel import col, select

from app.core import audit
from app.core.audit import SYSTEM, AuditEntry
from app.core.db import WriteSession
from app.core.http import HttpFailed, HttpRefused, HttpResponse
from app.core.runtime import Runtime
from app.lti import registration_errors as errors
from app.lti.errors import RegistrationExists, RegistrationInvalid
from app.lti.models import DYNAMIC, PENDING, LtiDeployment, LtiRegistration
from app.lti.openid_configuration import CANVAS, PlatformConfiguration, fetch_configuration, short_text
from app.lti.platform_families import Family, family_of
from app.lti.registrations import LONGEST_ID, PlatformDetails, record_dynamic
from app.lti.tool_configuration import TOOL_CONFIGURATION, scopes_to_ask_for, tool_registration
from app.lti.toolkeys import ensure_tool_key
from app.lti.urls import origin, origins, same_origin, split_http_url

MAX_BYTES: Final = 200_000
TIMEOUT: Final = 10.0
LONGEST_QUOTE: Final = 200
MOST_SCOPES: Final = 100
MOST_UNAPPROVED: Final = 200
REGISTRATIONS_A_MINUTE: Final = 20
AT_A_TIME: Final = 4
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]{1,8000}=*")  # RFC 6750 §2.1


@dataclass(frozen=True)
class RegistrationRequest:
    """What the LMS put into the address of our page (LTI Dynamic Registration 1.0 §3.3)."""

    configuration_url: str = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True)
class Registered:
    """A platform that has registered us: who it is, what it gave, and how it stands here.

    Attributes:
        registration_id: ours.
        family: what kind of LMS it is.
        account_name: the school, where many share the issuer.
        deployment: the platform's name for where the tool is, if it told one.
        asked: the scopes we asked for.
        granted: those it gave; None if it does not say.
        settings_url: the tool's page in the LMS, if it told one of its own.
        is_active: whether it may launch already, because it was approved before.
        frame_origins: who may frame the page that tells all this; None for anybody.
    """

    registration_id: str
    family: Family
    issuer: str
    client_id: str
    account_name: str | None
    deployment: str | None
    asked: tuple[str, ...]
    granted: tuple[str, ...] | None
    settings_url: str | None
    is_active: bool
    frame_origins: tuple[str, ...] | None


@dataclass(frozen=True)
class _Answer:
    """What the platform answered to our registration."""

    client_id: str
    deployment: str | None
    granted: tuple[str, ...] | None
    settings_url: str | None


class RegistrationLimit:
    """How often one visitor may have this server register itself somewhere, and how many may do so at a time.

    Counts in this process's memory; nothing is written down.

    Args:
        a_minute: registrations of one visitor in one minute.
        at_a_time: registrations under way in this process.
    """

    def __init__(self, a_minute: int = REGISTRATIONS_A_MINUTE, at_a_time: int = AT_A_TIME) -> None:
        self._item = RateLimitItemPerMinute(a_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._places = threading.BoundedSemaphore(at_a_time)

    @contextmanager
    def spend(self, visitor: str) -> Iterator[None]:
        """Count one registration of `visitor` (an address on the network) and hold a place while it lasts.

        Raises:
            TooManyRegistrations: the visitor has begun too many.
            TooBusy: too many are under way.
        """
        if not self._limiter.hit(self._item, "register", visitor):
            raise errors.TooManyRegistrations
        if not self._places.acquire(blocking=False):
            raise errors.TooBusy
        try:
            yield
        finally:
            self._places.release()


def registration_request(base_url: str, configuration_url: str, token: str | None) -> RegistrationRequest:
    """The parameters of the LMS, judged.

    Args:
        base_url: our address, which no LMS has.
        configuration_url: `openid_configuration`.
        token: `registration_token`; D2L sends none.

    Raises:
        RequestUnusable: they cannot be an address and a bearer token.
    """
    parts = split_http_url(configuration_url)
    if parts is None or parts.fragment:
        raise errors.RequestUnusable("Your LMS opened this page with “openid_configuration”, but it is no web address.")
    if same_origin(configuration_url, base_url):
        raise errors.RequestUnusable("The address your LMS gave for its settings is Waymark’s own.")
    if token and not _TOKEN.fullmatch(token):
        raise errors.RequestUnusable("The registration token has characters that no such token has.")
    return RegistrationRequest(configuration_url, token or None)


def register(runtime: Runtime, request: RegistrationRequest) -> Registered:
    """Register this tool with a platform and remember the platform, pending.

    Args:
        runtime: settings, database, the guarded way out.
        request: what `registration_request` judged.

    Raises:
        ConnectionRefused: the subclass says what went wrong; nothing was recorded.
    """
    allow_private = runtime.settings.allow_private_networks
    # The platform may fetch our keys while we register. And a database that cannot be written is better met now.
    ensure_tool_key(runtime.database, runtime.secret_box)
    configuration = fetch_configuration(
        runtime.http, request.configuration_url, request.token, allow_private=allow_private
    )
    family = family_of(configuration.product_family)
    document = tool_registration(runtime.settings.base_url, family, configuration)
    answer = _read_answer(_post(runtime, configuration, request.token, document), configuration)
    with runtime.database.write() as session:
        row = _record(session, configuration, family, answer, allow_private)
        _give_up_oldest(session, but=row.id)
        return Registered(
            registration_id=row.id,
            family=family,
            issuer=row.issuer,
            client_id=row.client_id,
            account_name=configuration.account_name,
            deployment=answer.deployment,
            asked=scopes_to_ask_for(configuration.scopes_supported),
            granted=answer.granted,
            settings_url=answer.settings_url,
            is_active=row.state != PENDING,
            frame_origins=None if family.framed_by_anybody else _own_origins(configuration),
        )


def _post(
    runtime: Runtime, configuration: PlatformConfiguration, token: str | None, document: Mapping[str, Any]
) -> HttpResponse:
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        return runtime.http.post(
            configuration.registration_endpoint,
            json_body=document,
            headers=headers,
            max_bytes=MAX_BYTES,
            timeout=TIMEOUT,
        )
    except HttpRefused as error:
        raise errors.ConfigurationUnreachable(
            f"Waymark’s server could not register with your LMS. {error.detail}"
        ) from None
    except HttpFailed as error:
        raise errors.ConfigurationUnreachable(
            f"Waymark’s server sent its registration, and your LMS gave no usable answer. {error.detail}",
            kept=errors.HALF_MADE,
        ) from None


def _read_answer(answer: HttpResponse, configuration: PlatformConfiguration) -> _Answer:
    """The client information (RFC 7591 §3.2.1), taken as platforms give it."""
    said = quote(answer)
    if answer.status in (401, 403):
        raise errors.TokenUsed(said=said)
    if not answer.ok:
        raise errors.LmsRefused(said=said)
    document = _json(answer)
    if not isinstance(document, dict):
        raise errors.AnswerUnusable
    client_id = _identifier(document.get("client_id"))
    if client_id is None:
        raise errors.AnswerUnusable
    tool = document.get(TOOL_CONFIGURATION)
    tool = tool if isinstance(tool, dict) else {}
    return _Answer(
        client_id=client_id,
        deployment=_identifier(tool.get("deployment_id")) or _identifier(document.get("deployment_id")),
        granted=_scopes(document.get("scope")),
        settings_url=_settings_url(tool.get(CANVAS + "registration_config_url"), configuration),
    )


def quote(answer: HttpResponse) -> str | None:
    """What an LMS says about its refusal, in one short line; None if it is a page or nothing at all.

    Args:
        answer: with a body of RFC 7591 §3.2.2, of some other JSON, or plain text (Moodle).
    """
    document = _json(answer)
    if isinstance(document, dict):
        text = ": ".join(filter(None, (_words(document.get(name)) for name in _ERROR_MEMBERS)))
    else:
        text = answer.body[: LONGEST_QUOTE * 4].decode("utf-8", "replace")
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if not text or text.startswith(("<", "{", "[")):
        return None
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


_ERROR_MEMBERS: Final = ("error", "error_description", "errorMessage", "message", "errors", "title", "detail")


def _words(value: object, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth > 2:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(each, depth + 1) for each in value[:5])))
    if isinstance(value, dict):
        return _words(value.get("message") or value.get("detail") or value.get("error"), depth + 1)
    return ""


def _json(answer: HttpResponse) -> object:
    try:
        document: object = answer.json()
    except HttpFailed:
        return None
    return document


def _identifier(value: object) -> str | None:
    """A client or deployment id; some platforms write numbers."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**LONGEST_ID:
        value = str(value)
    return short_text(value)


def _scopes(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        return None
    found = (short_text(each) for each in value[:MOST_SCOPES])
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _settings_url(value: object, configuration: PlatformConfiguration) -> str | None:
    """The page of our settings in the LMS, if it lies there: a link that we show must not lead to a stranger."""
    own = _own_origins(configuration)
    return str(value) if split_http_url(value) is not None and origin(value) in own else None


def _own_origins(configuration: PlatformConfiguration) -> tuple[str, ...]:
    return origins(
        configuration.url,
        configuration.issuer,
        configuration.registration_endpoint,
        configuration.authorization_endpoint,
    )


def _record(
    session: WriteSession,
    configuration: PlatformConfiguration,
    family: Family,
    answer: _Answer,
    allow_private: bool,
) -> LtiRegistration:
    details = PlatformDetails(
        issuer=configuration.issuer,
        client_id=answer.client_id,
        auth_login_url=configuration.authorization_endpoint,
        auth_token_url=configuration.token_endpoint,
        jwks_url=configuration.jwks_uri,
        audience=family.audience(configuration),
        name=configuration.account_name or configuration.issuer_host,
        product_family=configuration.product_family,
        # A school of hosted Canvas is seen under its own address, which neither issuer nor endpoints name.
        extra_frame_origins=origins(configuration.registration_endpoint, configuration.url),
    )
    account = (configuration.account_name, configuration.account_guid)
    try:
        return record_dynamic(
            session,
            details,
            deployment=answer.deployment,
            configuration_url=configuration.url,
            account_name=" · ".join(filter(None, account)) or None,
            granted_scopes=answer.granted,
            allow_http=allow_private,
        )
    except RegistrationExists:
        raise errors.KnownOtherwise from None
    except RegistrationInvalid as error:
        raise errors.AnswerUnusable(error.detail) from None


def _give_up_oldest(session: WriteSession, *, but: str) -> None:
    """Anybody may cause a pending registration, so there is an end to how many are kept; the oldest go first.

    One that was ever approved is kept for good: people's work hangs on it.
    """
    was_approved = sa.exists().where(
        col(AuditEntry.subject_id) == LtiRegistration.id, col(AuditEntry.action) == "lti.platform_approved"
    )
    surplus = session.exec(
        select(LtiRegistration.id)
        .where(
            LtiRegistration.source == DYNAMIC,
            LtiRegistration.state == PENDING,
            LtiRegistration.id != but,
            ~was_approved,
        )
        .order_by(col(LtiRegistration.updated_at).desc(), col(LtiRegistration.id))
        .offset(MOST_UNAPPROVED - 1)
    ).all()
    if not surplus:
        return
    session.exec(sa.delete(LtiDeployment).where(col(LtiDeployment.registration_id).in_(surplus)))
    session.exec(sa.delete(LtiRegistration).where(col(LtiRegistration.id).in_(surplus)))
    for registration_id in surplus:
        audit.record(
            session,
            actor=SYSTEM,
            action="lti.platform_given_up",
            subject="lti_registration",
            subject_id=registration_id,
        )
