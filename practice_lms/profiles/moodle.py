"""Moodle 4.5, as measured on a real one."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from practice_lms.catalogue import INSTITUTION, SYSTEM, User
from practice_lms.errors import RegistrationRefused
from practice_lms.profiles import documents
from practice_lms.profiles.documents import CONFIGURATION, TOOL_CONFIGURATION, Registration
from practice_lms.profiles.standard import Endpoints, Facts, Profile, Value

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
_READING = frozenset(_AGS + name for name in ("score", "result.readonly", "lineitem.readonly"))
_WRITING = frozenset((_AGS + "lineitem",))
_NAMES = frozenset(("name", "given_name", "family_name"))


class Moodle(Profile):
    """Moodle: hints in JSON that work once, doubled custom parameters, broken paging links, short roles."""

    key: ClassVar[str] = "moodle"
    label: ClassVar[str] = "Moodle"
    product_family: ClassVar[str] = "moodle"
    version: ClassVar[str] = "2024100706"
    json_hints: ClassVar[bool] = True
    single_use_hint: ClassVar[bool] = True
    id_token_seconds: ClassVar[int | None] = 60
    hears_messages: ClassVar[bool] = False
    typographic_links: ClassVar[bool] = True
    grant_media_type: ClassVar[str] = "text/html"
    roster_without_accept: ClassVar[bool] = True
    roster_tells_custom: ClassVar[bool] = False
    scoring: ClassVar[str] = "moodle"
    reads_item_types: ClassVar[bool] = False
    dies_of_empty_custom: ClassVar[bool] = True
    registration_errors_are_text: ClassVar[bool] = True

    def roles(self, user: User) -> list[str]:
        """Roles of the course; an administrator's beside them, who also counts as a teacher."""
        if user.membership_role != "Administrator":
            return self.full_roles(user)
        return [INSTITUTION + "Administrator", SYSTEM + "Administrator", *self.full_roles(user)]

    def full_roles(self, user: User) -> list[str]:
        """The roles of a course, which Moodle's administrators have as teachers."""
        known = super().roster_roles(user)
        return [role.replace("#Administrator", "#Instructor") for role in known]

    def roster_roles(self, user: User) -> list[str]:
        """Short names, not addresses."""
        return [role.rpartition("#")[2] for role in self.full_roles(user)]

    def variables(self, facts: Facts) -> dict[str, Value]:
        """The history of a context is known, that of a link is not."""
        values = super().variables(facts)
        for unknown in ("ResourceLink.id.history", "ToolPlatform.productFamilyCode", "Message.locale"):
            values.pop(unknown, None)
        return values | {"Membership.role": self.roster_roles(facts.user)[0]}

    def custom(self, parameters: Mapping[str, str], facts: Facts) -> dict[str, Value]:
        """Each name with capitals or signs comes a second time in the spelling of LTI 1.1; services add their own."""
        sent: dict[str, Value] = {}
        for name, value in super().custom(parameters, facts).items():
            sent[name] = value
            sent[re.sub(r"[^a-z0-9]", "_", name.lower())] = value
        if facts.activity is None:
            return sent
        return sent | {"context_memberships_url": facts.roster_url, "link_setting_url": "$LtiLink.custom.url"}

    def extra_claims(self, facts: Facts) -> dict[str, Any]:
        """Whom Moodle knows, and the grade service of LTI 1.1, which it offers too."""
        claims: dict[str, Any] = {
            "https://purl.imsglobal.org/spec/lti/claim/ext": {"user_username": facts.user.key, "lms": "moodle-2"}
        }
        if facts.activity is not None and facts.activity.score_maximum is not None:
            claims["https://purl.imsglobal.org/spec/lti-bo/claim/basicoutcome"] = {
                "lis_result_sourcedid": f"{facts.activity.resource_link_id}:{facts.user.sub}",
                "lis_outcome_service_url": f"{facts.front_url}/basicoutcome",
            }
        return claims

    def for_user(self, user: User) -> dict[str, Any]:
        """Only who it is."""
        return {"user_id": user.sub}

    def deep_linking_settings(self) -> dict[str, Any]:
        """No data, and no word on line items, which it takes."""
        return {
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["frame", "iframe", "window"],
            "accept_multiple": True,
            "auto_create": False,
        }

    def configuration(self, here: Endpoints) -> dict[str, Any]:
        """Messages and variables as Moodle lists them."""
        document = super().configuration(here)
        document["subject_types_supported"] = ["public", "pairwise"]
        document[CONFIGURATION] = {
            "product_family_code": self.product_family,
            "version": self.version,
            "messages_supported": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
            ],
            "variables": ["Context.id", "Context.title", "Context.id.history", "ResourceLink.id", "User.id"],
        }
        return document

    def read_registration(self, document: Mapping[str, Any], known_scopes: frozenset[str]) -> Registration:
        """Moodle's checks in Moodle's order and words; of the messages it keeps deep linking only."""
        for name in ("response_types", "initiate_login_uri", "redirect_uris", "client_name", "jwks_uri"):
            _require(document, name)
        _require(document, "token_endpoint_auth_method")
        _require(document, TOOL_CONFIGURATION)
        tool = document[TOOL_CONFIGURATION]
        domain, target = _domain_and_target(tool if isinstance(tool, dict) else {})
        if "id_token" not in document["response_types"]:
            raise refuse("invalid_response_types")
        if not isinstance(document["redirect_uris"], list):
            raise refuse("invalid_redirect_uris")
        if document.get("token_endpoint_auth_method") != "private_key_jwt":
            raise refuse("invalid_token_endpoint_auth_method")
        if document.get("application_type") not in (None, "", "web"):
            raise refuse("invalid_application_type")
        claims = set(documents.texts(tool, "claims")) if tool.get("claims") else set()
        shared = (_NAMES if claims & _NAMES else frozenset()) | (claims & {"email"})
        messages = documents.messages_in({"messages": tool.get("messages") or []})
        messages = [message for message in messages if message["type"] == "LtiDeepLinkingRequest"]
        asked = documents.text(document, "scope") if document.get("scope") else ""
        return Registration(
            name=documents.text(document, "client_name"),
            login_url=documents.address(document, "initiate_login_uri"),
            redirect_uris=tuple(document["redirect_uris"]),
            target_link_uri=target,
            jwks_url=documents.address(document, "jwks_uri"),
            scopes=_granted(set(asked.split())) & known_scopes,
            shared=frozenset(shared),
            custom=documents.custom_in(tool),
            deep_linking_url=(messages[-1].get("target_link_uri") or "") if messages else "",
            domain=domain,
            messages=("LtiDeepLinkingRequest",) if messages else (),
        )

    def new_client_id(self, number: int) -> str:
        """Fifteen characters."""
        return f"moodleclient{number % 1000:03d}"

    def new_deployment_id(self, number: int) -> str:
        """The tool type's number."""
        return str(number % 1000)


def refuse(code: str) -> RegistrationRefused:
    """Moodle's way to refuse: a word as plain text."""
    return RegistrationRefused(code, status=400, code=code)


def _require(document: Mapping[str, Any], name: str) -> None:
    if not document.get(name):
        raise refuse(f"missing required attribute {name}")


def _domain_and_target(tool: Mapping[str, Any]) -> tuple[str, str]:
    if not tool.get("domain"):
        raise refuse("missing_domain")
    domain = documents.text(tool, "domain")
    target = documents.text(tool, "target_link_uri") if tool.get("target_link_uri") else f"https://{domain}"
    # A leading www counts for nothing, here and when Moodle looks for the tool of an address.
    host, wanted = (documents.host_of(each).removeprefix("www.") for each in (domain, target))
    if host != wanted:
        raise refuse("domain_targetlinkuri_mismatch")
    return host, target


def _granted(asked: set[str]) -> frozenset[str]:
    """Any grade scope switches reading and scores on; line items are written only if that was asked for."""
    scopes: frozenset[str] = frozenset(asked)
    if asked & (_READING | _WRITING):
        scopes |= _READING
    return scopes
