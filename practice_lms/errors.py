"""What the platform says when it refuses. Each refusal is shown to the caller and kept in the log on Ali's page."""


class Refused(Exception):
    """A request the platform will not serve.

    `part` names the endpoint for the log (auth, token, grades, roster, registration, deep_linking, pages), `reason` is
    a plain sentence, `status` an HTTP status, `code` the OAuth 2 error code where there is one, `retry_after` the
    seconds to wait where that is known.
    """

    part = "pages"

    def __init__(self, reason: str, *, status: int = 400, code: str = "", retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code
        self.retry_after = retry_after


class PageRefused(Refused):
    """A page that does not exist or is not for this person."""


class AuthRefused(Refused):
    """The OIDC authorization request is not what was registered.

    `code` is what the tool is told on platforms that tell it (OpenID Connect Core 1.0 §3.1.2.6).
    """

    part = "auth"


class TokenRefused(Refused):
    """The access token request is wrong (RFC 6749 §5.2)."""

    part = "token"


class KeysRefused(Refused):
    """The key set is not given out."""

    part = "jwks"


class GradesRefused(Refused):
    """A call to Assignment and Grade Services is wrong."""

    part = "grades"


class RosterRefused(Refused):
    """A call to Names and Role Provisioning Services is wrong."""

    part = "roster"


class RegistrationRefused(Refused):
    """A tool that registers itself did it wrong (RFC 7591 §3.2.2)."""

    part = "registration"


class DeepLinkRefused(Refused):
    """The answer to a deep linking request is wrong (Deep Linking 2.0 §4.5)."""

    part = "deep_linking"
