"""What a platform says of itself before it is connected, and whether it may say so.

Nobody vouches for the address that comes with a registration, so the configuration is believed for one party only: the
one on whose host it lies (LTI Dynamic Registration 1.0 §3.4, https://www.imsglobal.org/spec/lti-dr/v1p0). Hosted Canvas
and Blackboard speak for all their schools under one issuer; there, everything must lie on domains of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from app.core.http import HttpClient, HttpFailed, HttpRefused, HttpResponse
from app.core.text import is_plain_text
from app.lti.registration_errors import (
    ConfigurationRefused,
    ConfigurationUnreachable,
    ConfigurationUnusable,
    EndpointElsewhere,
    IssuerElsewhere,
)
from app.lti.urls import split_http_url

PLATFORM_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS: Final = "https://canvas.instructure.com/lti/"
MAX_BYTES: Final = 200_000
TIMEOUT: Final = 5.0
LONGEST_TEXT: Final = 255
MOST_NAMES: Final = 200
_MAY: Final = (
    "Waymark must be able to read your LMS’s settings by https, at a public address, without being sent on to another "
    "host. For an LMS on its own network, whoever runs Waymark may set WAYMARK_ALLOW_PRIVATE_NETWORKS=1."
)


@dataclass(frozen=True)
class SharedIssuer:
    """An issuer that speaks for many schools.

    Attributes:
        domains: below these lie its configuration and all its endpoints.
        registers_at_schools: a school registers tools at its own address, which may be a domain of its own.
    """

    domains: tuple[str, ...]
    registers_at_schools: bool = False


_HOSTED_CANVAS = SharedIssuer(("instructure.com", "canvaslms.com"), registers_at_schools=True)
SHARED_ISSUERS: Final[Mapping[str, SharedIssuer]] = {
    "canvas.instructure.com": _HOSTED_CANVAS,
    "canvas.beta.instructure.com": _HOSTED_CANVAS,
    "canvas.test.instructure.com": _HOSTED_CANVAS,
    "blackboard.com": SharedIssuer(("blackboard.com", "anthology.com")),
}
"""By the issuer's host."""

ONE_COMPANY: Final = ("brightspace.com",)
"""Domains whose hosts may name each other as the audience of a token request."""


@dataclass(frozen=True)
class PlatformConfiguration:
    """A platform's configuration, judged (OpenID Connect Discovery 1.0 §3, LTI Dynamic Registration 1.0 §3.4).

    Attributes:
        url: where it lies, without its query, which may hold a token.
        audience: what token requests must name instead of the token endpoint, if the platform says so.
        scopes_supported: what may be asked for; None if it does not say.
        messages: kinds of messages and, for each, its placements if they are listed; None if it does not say.
        account_name: the school, where many share the issuer.
        account_guid: the same, as an id that stays.
    """

    url: str
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str = field(repr=False)
    audience: str | None
    scopes_supported: frozenset[str] | None
    messages: Mapping[str, frozenset[str] | None] | None
    product_family: str | None
    account_name: str | None
    account_guid: str | None

    @property
    def issuer_host(self) -> str:
        """Where the platform lives, for people to recognise it by."""
        return host_of(self.issuer)

    @property
    def is_shared(self) -> bool:
        """Whether many schools share the issuer."""
        return self.issuer_host in SHARED_ISSUERS


def fetch_configuration(http: HttpClient, url: str, token: str | None, *, allow_private: bool) -> PlatformConfiguration:
    """Fetch a platform's configuration and judge it.

    Args:
        http: the guarded way out.
        url: where the platform says it lies.
        token: shown as a bearer token, if the platform gave one.
        allow_private: whether plain http is good enough (a demo, an LMS next door).

    Raises:
        ConfigurationUnreachable: it could not be fetched in time and size, or may not be.
        ConfigurationRefused: the LMS answered with an error.
        ConfigurationUnusable: it is not JSON, or lacks what it must have.
        IssuerElsewhere: it speaks for a platform on another host.
        EndpointElsewhere: one of its addresses lies where it must not.
    """
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        answer = http.get(url, headers=headers, max_bytes=MAX_BYTES, timeout=TIMEOUT)
    except HttpRefused as error:
        raise ConfigurationUnreachable(f"{ConfigurationUnreachable.sentence} {error.detail}", next_step=_MAY) from None
    except HttpFailed as error:
        raise ConfigurationUnreachable(f"{ConfigurationUnreachable.sentence} {error.detail}") from None
    if not answer.ok:
        raise ConfigurationRefused(f"Waymark asked your LMS for its settings, and it answered {answer.status}.")
    return read_configuration(_document(answer), url, allow_private=allow_private)


def read_configuration(document: Mapping[str, Any], url: str, *, allow_private: bool) -> PlatformConfiguration:
    """Judge a configuration. Members that are optional and of a wrong type count as absent.

    Args:
        document: what was fetched.
        url: where from.
        allow_private: see `fetch_configuration`.

    Raises:
        ConfigurationUnusable: it lacks what it must have.
        IssuerElsewhere: it speaks for a platform on another host.
        EndpointElsewhere: one of its addresses lies where it must not.
    """
    lti = document.get(PLATFORM_CONFIGURATION)
    lti = lti if isinstance(lti, dict) else {}
    found = PlatformConfiguration(
        url=urlunsplit((*urlsplit(url)[:3], "", "")),
        issuer=_issuer(document, allow_private),
        authorization_endpoint=_address(document, "authorization_endpoint", allow_private),
        token_endpoint=_address(document, "token_endpoint", allow_private),
        jwks_uri=_address(document, "jwks_uri", allow_private),
        registration_endpoint=_address(document, "registration_endpoint", allow_private),
        audience=_audience(document),
        scopes_supported=_names(document.get("scopes_supported")),
        messages=_messages(lti.get("messages_supported")),
        product_family=short_text(lti.get("product_family_code")),
        account_name=short_text(lti.get(CANVAS + "account_name")),
        account_guid=short_text(lti.get(CANVAS + "account_lti_guid")),
    )
    _check_hosts(found, allow_private)
    return found


def host_of(url: str) -> str:
    """The host of an address that was judged before."""
    return urlsplit(url).hostname or ""


def short_text(value: object) -> str | None:
    """A text of one line that can be kept and shown; None for anything else."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not is_plain_text(value):
        return None
    value = value.strip()
    return value if value and value.isprintable() else None


def _document(answer: HttpResponse) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except HttpFailed:
        raise ConfigurationUnusable("Where your LMS’s settings should be there is something else, not JSON.") from None
    if not isinstance(document, dict):
        raise ConfigurationUnusable("The settings of your LMS are JSON, but not an object.")
    return document


def _address(document: Mapping[str, Any], name: str, allow_private: bool) -> str:
    value = document.get(name)
    if value is None:
        raise ConfigurationUnusable(f"The settings of your LMS do not have “{name}”.")
    parts = split_http_url(value)
    if parts is None or parts.fragment:
        raise ConfigurationUnusable(f"In the settings of your LMS, “{name}” is not a plain web address.")
    if parts.scheme != "https" and not allow_private:
        raise ConfigurationUnusable(f"In the settings of your LMS, “{name}” is not an https address.")
    return str(value)


def _issuer(document: Mapping[str, Any], allow_private: bool) -> str:
    issuer = _address(document, "issuer", allow_private)
    if urlsplit(issuer).query:
        raise ConfigurationUnusable("In the settings of your LMS, “issuer” has a query, which no issuer has.")
    return issuer


def _audience(document: Mapping[str, Any]) -> str | None:
    """The `aud` of token requests. Canvas gives a bare host name here, and wants its token endpoint."""
    value = document.get("authorization_server")
    if split_http_url(value) is None or value == document.get("token_endpoint"):
        return None
    return str(value)


def _names(value: object) -> frozenset[str] | None:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        return None
    return frozenset(each for each in value if isinstance(each, str))


def _messages(value: object) -> Mapping[str, frozenset[str] | None] | None:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        return None
    kinds = [each for each in value if isinstance(each, dict) and isinstance(each.get("type"), str)]
    return {each["type"]: _names(each.get("placements")) for each in kinds} or None


def _check_hosts(found: PlatformConfiguration, allow_private: bool) -> None:
    host, shared = host_of(found.url), SHARED_ISSUERS.get(found.issuer_host)
    if shared is not None:
        _check_shared(found, shared)
    elif found.issuer_host != host and not (allow_private and _is_nowhere(found.issuer_host)):
        raise IssuerElsewhere(f"The settings lie on {host}, but they speak for {found.issuer_host}.")
    where = host_of(found.registration_endpoint)
    at_school = shared is not None and (shared.registers_at_schools or _below(where, shared.domains))
    if where != host and not at_school:
        # The registration token goes there, and so would whatever a stranger has us send to somebody else.
        raise EndpointElsewhere(f"The settings lie on {host}, but tools would be registered on {where}.")
    _check_audience(found, allow_private)


def _check_shared(found: PlatformConfiguration, shared: SharedIssuer) -> None:
    if not _below(host_of(found.url), shared.domains):
        raise IssuerElsewhere(f"The settings lie on {host_of(found.url)}, but they speak for {found.issuer_host}.")
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        if not _below(host_of(address), shared.domains):
            raise EndpointElsewhere(
                f"The settings speak for {found.issuer_host}, but lead to {host_of(address)}, which is not theirs."
            )


def _check_audience(found: PlatformConfiguration, allow_private: bool) -> None:
    """A token request that names somebody else's server could be taken there by whoever got it."""
    if found.audience is None:
        return
    named, taker = host_of(found.audience), host_of(found.token_endpoint)
    together = any(_below(named, (domain,)) and _below(taker, (domain,)) for domain in ONE_COMPANY)
    if named in (taker, host_of(found.url)) or together or (allow_private and _is_nowhere(named)):
        return
    raise EndpointElsewhere(f"Token requests would go to {taker}, but would be made out to {named}.")


def _below(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _is_nowhere(host: str) -> bool:
    """Names below `invalid` belong to nobody (RFC 6761 §6.4), so nobody is spoken for; a practice LMS may use them."""
    return host.endswith(".invalid")
