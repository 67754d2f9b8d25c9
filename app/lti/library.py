"""The only place where pylti1p3's login and launch are met.

The library builds the authorization request and judges the message by its kind. State, nonce, signature, times and
parties are judged by us, before it: it takes replays, foreign targets and messages without times, and it would fetch
keys on every launch. It keeps nothing; the database does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

import requests
from pylti1p3.cookie import CookieService
from pylti1p3.deployment import Deployment
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch, TJwtData, TLaunchData
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.redirect import Redirect
from pylti1p3.registration import Registration
from pylti1p3.request import Request
from pylti1p3.session import SessionService
from pylti1p3.tool_config.abstract import ToolConfAbstract

from app.core.ids import new_token
from app.lti import errors
from app.lti.claims import LTI, check_binding, check_message, deployment_id
from app.lti.schemas import RESOURCE_LINK_REQUEST, BegunLogin, LoginRequest, Platform
from app.lti.tokens import KeySource, parse, verify

MESSAGE_TYPE = LTI + "message_type"

DeploymentSource = Callable[[str, str], str | None]
"""Our registration id and the platform's deployment id in; our id of the deployment out, if it is approved."""


def library_registration(platform: Platform) -> Registration:
    """A platform in the library's form."""
    registration = Registration()
    registration.set_issuer(platform.issuer)
    registration.set_client_id(platform.client_id)
    registration.set_auth_login_url(platform.auth_login_url)
    registration.set_auth_token_url(platform.auth_token_url)
    if platform.audience:
        registration.set_auth_audience(platform.audience)
    return registration


class _Fields(Request):
    """A request as a mapping of its fields."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    @property
    def session(self) -> dict[str, Any]:
        """Nothing is kept in a web framework's session."""
        return {}

    def is_secure(self) -> bool:
        """Cookies are set by the web room, not here."""
        return True

    def get_param(self, key: str) -> str:
        """One field; empty if it is missing."""
        return self._fields.get(key, "")


class _NoCookies(CookieService):
    """Cookies are the web room's; the library only asks."""

    def get_cookie(self, name: str) -> str | None:
        """There is none."""
        return None

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        """State is kept in the database."""


class _Drawn(SessionService):
    """Catches the nonce that the library drew, for the login's row."""

    nonce = ""

    def save_nonce(self, nonce: str) -> None:
        """Keep it until the row is written."""
        self.nonce = nonce


class _OnePlatform(ToolConfAbstract[_Fields]):
    """The library's view of our registrations: the one that the login chose."""

    def __init__(self, platform: Platform, find_deployment: DeploymentSource | None = None) -> None:
        self._platform = platform
        self._find_deployment = find_deployment
        self.own_deployment_id: str | None = None

    def check_iss_has_one_client(self, iss: str) -> bool:
        """Never: an issuer such as Canvas has many."""
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        """Always."""
        return True

    def find_registration_by_issuer(self, iss: str, *args: Any, **kwargs: Any) -> Registration:
        """Not asked, as no issuer has one client."""
        raise NotImplementedError

    def find_registration_by_params(self, iss: str, client_id: str, *args: Any, **kwargs: Any) -> Registration:
        """The platform that was found before."""
        return library_registration(self._platform)

    def find_deployment(self, iss: str, deployment_id: str) -> Deployment | None:
        """Not asked, as no issuer has one client."""
        raise NotImplementedError

    def find_deployment_by_params(
        self, iss: str, deployment_id: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Deployment | None:
        """The deployment, if an operator has approved it."""
        if self._find_deployment is not None:
            self.own_deployment_id = self._find_deployment(self._platform.registration_id, deployment_id)
        return Deployment().set_deployment_id(deployment_id) if self.own_deployment_id is not None else None


class _Login(OIDCLogin[_Fields, _OnePlatform, _Drawn, _NoCookies, str]):
    """The library's login with our randomness."""

    def __init__(self, platform: Platform, fields: dict[str, str]) -> None:
        request = _Fields(fields)
        self.drawn = _Drawn(request)
        super().__init__(request, _OnePlatform(platform), session_service=self.drawn, cookie_service=_NoCookies())
        self._random = new_token()

    @property
    def state(self) -> str:
        """The state that the library makes of our random text."""
        return f"state-{self._random}"

    def _get_uuid(self) -> str:
        return self._random

    def _generate_nonce(self) -> str:
        return new_token()

    def get_redirect(self, url: str) -> Redirect[str]:
        """Not asked: the web room redirects."""
        raise NotImplementedError

    def authorization_url(self, redirect_uri: str) -> str:
        """The platform's authorization endpoint with the request's parameters."""
        return self._prepare_redirect_url(redirect_uri)


def authorization_request(platform: Platform, request: LoginRequest, redirect_uri: str) -> tuple[str, str, str]:
    """The authentication request (1EdTech Security Framework 1.0 §5.1.1.2).

    Hints go back exactly as they came.

    Returns:
        The address to send the browser to, the state and the nonce in it.
    """
    fields = {"iss": request.issuer, "login_hint": request.login_hint, "client_id": platform.client_id}
    if request.message_hint:
        fields["lti_message_hint"] = request.message_hint
    login = _Login(platform, fields)
    url = login.authorization_url(redirect_uri)
    if request.deployment_id:
        url += "&" + urlencode({"lti_deployment_id": request.deployment_id})
    return url, login.state, login.drawn.nonce


# The library would make itself a client for each launch, and go out with it past our guard. This one reaches nobody.
_NO_WAY_OUT = requests.Session()
_NO_WAY_OUT.adapters.clear()


class GuardedLaunch(MessageLaunch[_Fields, _OnePlatform, SessionService, _NoCookies]):
    """The library's launch behind our checks.

    Args:
        id_token: as it was posted.
        login: the login it answers, found by its state.
        base_url: our own origin.
        key_source: where platforms' keys come from.
        find_deployment: which deployments are approved.
    """

    def __init__(
        self,
        id_token: str,
        login: BegunLogin,
        *,
        base_url: str,
        key_source: KeySource,
        find_deployment: DeploymentSource,
    ) -> None:
        request = _Fields({"id_token": id_token})
        self._platforms = _OnePlatform(login.platform, find_deployment)
        super().__init__(
            request,
            self._platforms,
            session_service=SessionService(request),
            cookie_service=_NoCookies(),
            requests_session=_NO_WAY_OUT,
        )
        self._login = login
        self._base_url = base_url
        self._key_source = key_source

    @property
    def own_deployment_id(self) -> str:
        """Our id of the deployment; after `validate`."""
        if self._platforms.own_deployment_id is None:
            raise LookupError("validate the launch first")
        return self._platforms.own_deployment_id

    @property
    def claims(self) -> dict[str, Any]:
        """The claims; after `validate`."""
        return cast(dict[str, Any], self.get_launch_data())

    @property
    def authentic_claims(self) -> dict[str, Any]:
        """The claims as soon as signature, times and parties were good, even if the launch is refused; else none."""
        return cast(dict[str, Any], self._jwt.get("body", {}))

    def _get_request_param(self, key: str) -> str:
        return self._request.get_param(key)

    def get_client_id(self) -> str:
        """Ours: the library would take the first of several audiences."""
        return self._login.platform.client_id

    def validate(self) -> GuardedLaunch:
        """Every check in our order: form, signature, times, parties, binding, deployment, message.

        Raises:
            LtiRefused: the subclass says which check failed.
            JwksUnavailable: the platform's keys cannot be had.
        """
        token = parse(self._get_id_token())
        claims = verify(token, self._login.platform, self._key_source)
        self._jwt = cast(TJwtData, {"header": token.header, "body": cast(TLaunchData, claims)})
        self._validated = True
        try:
            check_binding(claims, self._login, self._base_url)
            check_message(claims)
            self.validate_deployment()
            self.validate_message()
        except Exception:
            self._validated = False
            raise
        return self

    def validate_deployment(self) -> GuardedLaunch:
        """An approved deployment of this very registration.

        Raises:
            DeploymentPending: nobody has approved it.
        """
        deployment_id(self._jwt["body"])
        try:
            super().validate_deployment()
        except LtiException:
            raise errors.DeploymentPending(technical="the deployment is not approved") from None
        return self

    def validate_message(self) -> GuardedLaunch:
        """The library's second opinion on a resource link launch.

        Not on deep linking: the library refuses a platform that takes no links of ours, and we tell its teacher so.

        Raises:
            ClaimMalformed: it finds something that we did not.
        """
        if self._jwt["body"].get(MESSAGE_TYPE) != RESOURCE_LINK_REQUEST:
            return self
        try:
            super().validate_message()
        except LtiException:
            raise errors.ClaimMalformed(technical="the message is not complete") from None
        return self
