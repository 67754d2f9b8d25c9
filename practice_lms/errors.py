"""What the platform says when it refuses. Each refusal is shown to the caller and kept in the log on Ali's page."""


class Refused(Exception):
    """A request the platform will not serve.

    `part` names the endpoint for the log (auth, token, grades, roster, pages), `reason` is a plain sentence, `status`
    an HTTP status, `code` the OAuth 2 error code where there is one.
    """

    part = "pages"

    def __init__(self, reason: str, *, status: int = 400, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code


class PageRefused(Refused):
    """A page that does not exist or is not for this person."""


class AuthRefused(Refused):
    """The OIDC authorization request is not what was registered."""

    part = "auth"


class TokenRefused(Refused):
    """The access token request is wrong (RFC 6749 §5.2)."""

    part = "token"


class GradesRefused(Refused):
    """A call to Assignment and Grade Services is wrong."""

    part = "grades"


class RosterRefused(Refused):
    """A call to Names and Role Provisioning Services is wrong."""

    part = "roster"
