"""Where the practice LMS lives, which tool it knows, and how strict it is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from practice_lms.profiles import Profile, profile_named

DEFAULT_PORT = 8100


@dataclass(frozen=True)
class Settings:
    """Everything that may differ between one practice LMS and another.

    Browsers use the front-channel names (`lms.localhost`, `tool.localhost`), because two names make two sites and so
    show what real browsers do with cookies in frames. Servers call each other by address, because not every machine
    resolves `*.localhost`.
    """

    profile: str = "standard"
    """Which platform it plays: standard, moodle, canvas or d2l."""
    host: str = "127.0.0.1"
    """Address to listen on, and the one the tool's server calls."""
    port: int = DEFAULT_PORT
    front_host: str = "lms.localhost"
    """Name under which a browser reaches this LMS."""
    tool_url: str = "http://tool.localhost:8000"
    """The tool as a browser reaches it; no trailing slash."""
    tool_backchannel_url: str = "http://127.0.0.1:8000"
    """The tool as this server reaches it; no trailing slash."""
    client_id: str = "waymark-practice"
    deployment_id: str = "1"
    smtp_port: int = 8125
    """Port of the mail catcher; used by `python -m practice_lms` only."""
    single_use_hint: bool = False
    """True: a login hint works once, as in Moodle and Canvas. False: as the profile has it."""
    hint_seconds: int = 600
    id_token_seconds: int = 60
    access_token_seconds: int = 3600
    custom_parameters: Mapping[str, str] = field(default_factory=dict)
    """Custom parameters of the tool as entered by hand; values may be variables such as `$Context.id.history`."""
    storage_target: str = ""
    """Frame named in `lti_storage_target`, where the profile itself names none: `_parent` or a frame's name."""
    attempts_allowed: int | None = None
    """Most submissions of one learner in one column; a new submission beyond is refused, as in Canvas."""
    account_name: str = "Practice agency"
    """Name of the school or agency, where the platform tells it at registration."""

    def __post_init__(self) -> None:
        """Refuse a profile that does not exist."""
        profile_named(self.profile)

    @property
    def plays(self) -> Profile:
        """The platform it plays."""
        return profile_named(self.profile)

    @property
    def front_url(self) -> str:
        """This LMS as a browser reaches it."""
        return f"http://{self.front_host}:{self.port}"

    @property
    def back_url(self) -> str:
        """This LMS as the tool's server reaches it."""
        return f"http://{self.host}:{self.port}"

    @property
    def issuer(self) -> str:
        """`iss` of every id_token."""
        return self.plays.issuer(self.front_url)

    @property
    def auth_url(self) -> str:
        """OIDC authorization endpoint."""
        return f"{self.front_url}/auth"

    @property
    def token_url(self) -> str:
        """OAuth 2 token endpoint."""
        return f"{self.back_url}/token"

    @property
    def audience(self) -> str:
        """What a client assertion's `aud` must be."""
        return self.plays.audience(self.token_url)

    @property
    def jwks_url(self) -> str:
        """Public keys of this LMS."""
        return f"{self.back_url}/jwks"

    @property
    def configuration_url(self) -> str:
        """What a tool reads before it registers itself."""
        return f"{self.front_url}/.well-known/openid-configuration"

    @property
    def registration_url(self) -> str:
        """Where a tool registers itself."""
        return f"{self.front_url}/register"

    @property
    def tool_registration_url(self) -> str:
        """The tool's page for an administrator who connects it by URL."""
        return f"{self.tool_url}/lti/register"

    @property
    def login_url(self) -> str:
        """Where the tool starts a login."""
        return f"{self.tool_url}/lti/login"

    @property
    def redirect_uri(self) -> str:
        """The one registered redirect URI; compared character by character."""
        return f"{self.tool_url}/lti/launch"

    @property
    def target_link_uri(self) -> str:
        """What every resource link points at."""
        return f"{self.tool_url}/lti/launch"

    @property
    def tool_jwks_url(self) -> str:
        """Public keys of the tool, fetched server to server."""
        return f"{self.tool_backchannel_url}/lti/jwks"

    def seen_from_here(self, url: str) -> str:
        """An address of the tool as this server reaches it: browsers and servers use different names."""
        if url == self.tool_url or url.startswith(f"{self.tool_url}/"):
            return self.tool_backchannel_url + url[len(self.tool_url) :]
        return url


def port_from_environment() -> int:
    """The port asked for by `WAYMARK_PRACTICE_LMS_PORT`, else 8100."""
    return int(os.environ.get("WAYMARK_PRACTICE_LMS_PORT") or DEFAULT_PORT)


def profile_from_environment() -> str:
    """The platform asked for by `PRACTICE_LMS_AS`, else the standard one; checked by `Settings`."""
    return os.environ.get("PRACTICE_LMS_AS") or "standard"


def platform_details(settings: Settings) -> dict[str, str]:
    """What a tool must know to register this platform: the values an LMS administrator copies across."""
    return {
        "issuer": settings.issuer,
        "client_id": settings.client_id,
        "deployment_id": settings.deployment_id,
        "auth_login_url": settings.auth_url,
        "auth_token_url": settings.token_url,
        "jwks_url": settings.jwks_url,
        "audience": settings.audience,
    }
