"""What this LMS knows of a tool: entered by hand, or told by the tool itself in a dynamic registration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from practice_lms.scopes import SCOPE_ITEMS, SCOPE_ITEMS_READ, SCOPE_RESULTS_READ, SCOPE_ROSTER, SCOPE_SCORE

PENDING = "pending"
ACTIVE = "active"
_PERMISSIONS = {
    SCOPE_ITEMS_READ: "read line items",
    SCOPE_ITEMS: "change line items",
    SCOPE_RESULTS_READ: "read results",
    SCOPE_SCORE: "send scores",
    SCOPE_ROSTER: "read the roster",
}
_PERSONAL = ("name", "given_name", "family_name", "email")
PERSONAL_CLAIMS = frozenset(_PERSONAL)


@dataclass
class Tool:
    """One registration of a tool.

    `shared` names the personal claims it is given; `deployment_id` is what its launches carry; `document` is what it
    sent to register itself, empty if it was entered by hand.
    """

    client_id: str
    deployment_id: str
    name: str
    login_url: str
    redirect_uris: tuple[str, ...]
    target_link_uri: str
    jwks_url: str
    scopes: frozenset[str]
    shared: frozenset[str] = PERSONAL_CLAIMS
    custom: Mapping[str, str] = field(default_factory=dict)
    deep_linking_url: str = ""
    domain: str = ""
    source: str = "manual"
    state: str = ACTIVE
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Scheme, host and port the tool's pages come from."""
        parts = urlsplit(self.target_link_uri)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def login_origin(self) -> str:
        """Scheme, host and port its login lies on."""
        parts = urlsplit(self.login_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def permissions(self) -> str:
        """What its scopes allow, in words."""
        return ", ".join(words for scope, words in _PERMISSIONS.items() if scope in self.scopes)

    @property
    def told_of_people(self) -> str:
        """What it is told of people, in words."""
        return ", ".join(name.replace("_", " ") for name in _PERSONAL if name in self.shared)
