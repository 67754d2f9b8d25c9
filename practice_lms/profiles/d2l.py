"""D2L Brightspace, as its documents and other tools' reports describe it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from practice_lms.profiles.documents import CONFIGURATION
from practice_lms.profiles.standard import Endpoints, Facts, Profile

AUDIENCE: Final = "https://api.d2l.practice.invalid/auth/token"


class D2l(Profile):
    """D2L: an audience that is no address of its own, no registration token, and no line item until one is made."""

    key: ClassVar[str] = "d2l"
    label: ClassVar[str] = "D2L Brightspace"
    product_family: ClassVar[str] = "desire2learn"
    version: ClassVar[str] = "20.26.11"
    storage_target: ClassVar[str] = "_parent"
    service_query: ClassVar[Mapping[str, str]] = {}
    has_columns: ClassVar[bool] = False
    wants_registration_token: ClassVar[bool] = False
    checks_keys_at_registration: ClassVar[bool] = True
    names_tools_once: ClassVar[bool] = True
    updates_registrations: ClassVar[bool] = False

    def audience(self, token_url: str) -> str:
        """One for all its customers."""
        return AUDIENCE

    def extra_claims(self, facts: Facts) -> dict[str, Any]:
        """Its own claim, which also holds the histories."""
        link = facts.activity
        return {
            "http://www.brightspace.com": {
                "tenant_id": "41b6a0de-0000-4000-8000-practice0000",
                "org_defined_id": f"org-{facts.user.key}",
                "user_id": facts.user.sub,
                "username": facts.user.key,
                "Context.id.history": ",".join(facts.course.history),
                "ResourceLink.id.history": ",".join(link.history) if link else "",
            }
        }

    def deep_linking_settings(self) -> dict[str, Any]:
        """Many kinds of items, with data to give back."""
        return super().deep_linking_settings() | {
            "accept_types": ["ltiResourceLink", "link", "html", "file", "image"],
            "title": "",
            "text": "",
        }

    def configuration(self, here: Endpoints) -> dict[str, Any]:
        """With the audience of its tokens."""
        document = super().configuration(here)
        document["authorization_server"] = AUDIENCE
        document[CONFIGURATION]["messages_supported"] = [
            {"type": "LtiResourceLinkRequest", "placements": ["FullScreen", "Widget"]},
            {"type": "LtiDeepLinkingRequest", "placements": ["QuickLink", "InsertStuff"]},
        ]
        return document

    def new_client_id(self, number: int) -> str:
        """A UUID."""
        return f"6f1d0c5e-2b7a-4d19-9c30-{number:012d}"

    def new_deployment_id(self, number: int) -> str:
        """A UUID."""
        return f"b8e47a02-51c3-4f6e-8d15-{number:012d}"
