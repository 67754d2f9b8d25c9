"""Canvas, as its source and its documents describe it."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from practice_lms.catalogue import INSTITUTION, MEMBERSHIP, SYSTEM, User
from practice_lms.errors import RegistrationRefused
from practice_lms.profiles import documents
from practice_lms.profiles.documents import CONFIGURATION, TOOL_CONFIGURATION, Registration
from practice_lms.profiles.standard import Endpoints, Facts, Profile, Value
from practice_lms.tools import PERSONAL_CLAIMS

ISSUER: Final = "https://canvas.practice.invalid"
VENDOR: Final = "https://canvas.instructure.com/lti/"
PLACEMENTS: Final = (
    "account_navigation",
    "assignment_selection",
    "course_assignments_menu",
    "course_navigation",
    "editor_button",
    "homework_submission",
    "link_selection",
    "migration_selection",
    "module_index_menu_modal",
    "module_menu_modal",
    "user_navigation",
)
_DEEP_LINKING_PLACEMENT = "module_index_menu_modal"
_MESSAGES = ("LtiResourceLinkRequest", "LtiDeepLinkingRequest")
_ALIASES = ("ContentArea", "RichTextEditor")
_OTHER_SCOPES = (
    "https://canvas.instructure.com/lti/public_jwk/scope/update",
    "https://canvas.instructure.com/lti/account_lookup/scope/show",
    "https://canvas.instructure.com/lti-ags/progress/scope/show",
    "https://purl.imsglobal.org/spec/lti/scope/noticehandlers",
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}(?::[0-9]{{1,5}})?")
_PRIVACY: Mapping[str, frozenset[str]] = {
    "public": PERSONAL_CLAIMS,
    "name_only": frozenset(("name", "given_name", "family_name")),
    "email_only": frozenset(("email",)),
    "anonymous": frozenset(),
}


class Canvas(Profile):
    """Canvas: one issuer for all schools, fifty to a page, and scores that use up attempts."""

    key: ClassVar[str] = "canvas"
    label: ClassVar[str] = "Canvas"
    product_family: ClassVar[str] = "canvas"
    version: ClassVar[str] = "cloud"
    single_use_hint: ClassVar[bool] = True
    posts_errors: ClassVar[bool] = True
    id_token_seconds: ClassVar[int | None] = 3600
    storage_target: ClassVar[str] = "post_message_forwarding"
    service_query: ClassVar[Mapping[str, str]] = {}
    largest_page: ClassVar[int | None] = 50
    usual_grades_page: ClassVar[int | None] = 10
    largest_grades_page: ClassVar[int | None] = 100
    scoring: ClassVar[str] = "canvas"
    knows_deployment_at_once: ClassVar[bool] = False
    updates_registrations: ClassVar[bool] = False

    def issuer(self, front_url: str) -> str:
        """The same for every school, and no address of any of them."""
        return ISSUER

    def login_extras(self) -> dict[str, str]:
        """Which of its environments this is."""
        return {"canvas_region": "ap-southeast-2", "canvas_environment": "prod"}

    def roles(self, user: User) -> list[str]:
        """Roles of the whole institution beside that of the course: a learner here teaches somewhere else."""
        elsewhere = {"Learner": ("Student", "Instructor"), "Instructor": ("Instructor",)}
        institution = elsewhere.get(user.membership_role, ("Administrator",))
        return [*(INSTITUTION + role for role in institution), MEMBERSHIP + user.membership_role, SYSTEM + "User"]

    def variables(self, facts: Facts) -> dict[str, Value]:
        """Its own variables give numbers and, where there is nothing, null."""
        values = super().variables(facts)
        values.pop("ResourceLink.id.history", None)
        return values | {
            "Canvas.user.id": _number(facts.user.sub),
            "Canvas.user.sisSourceId": None,
            "Canvas.course.id": _number(facts.course.context_id),
            "Canvas.course.name": facts.course.title,
            "Canvas.environment.prod": "true",
        }

    def extra_claims(self, facts: Facts) -> dict[str, Any]:
        """Where in Canvas the tool was opened."""
        placement = _DEEP_LINKING_PLACEMENT if facts.activity is None else "link_selection"
        return {
            "https://www.instructure.com/placement": placement,
            "https://www.instructure.com/lti1_1_user_id": f"legacy-{facts.user.sub}",
        }

    def deep_linking_settings(self) -> dict[str, Any]:
        """Those of the menu of a course's modules."""
        return {
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_media_types": "application/vnd.ims.lti.v1.ltilink",
            "accept_multiple": True,
            "accept_lineitem": True,
            "auto_create": True,
        }

    def configuration(self, here: Endpoints) -> dict[str, Any]:
        """Placements, Canvas's own scopes, and the account whose administrator asks."""
        document = super().configuration(here)
        document["authorization_server"] = "canvas.practice.invalid"
        document["scopes_supported"] = [*here.scopes, *_OTHER_SCOPES]
        document[CONFIGURATION] = {
            "product_family_code": self.product_family,
            "version": "vCloud",
            "messages_supported": [{"type": message, "placements": list(PLACEMENTS)} for message in _MESSAGES],
            "notice_types_supported": ["LtiHelloWorldNotice", "LtiContextCopyNotice"],
            "variables": ["ResourceLink.id", "Context.id.history", "Canvas.course.id", "Canvas.environment.prod"],
            VENDOR + "account_name": here.account_name,
            VENDOR + "account_lti_guid": "9d3c1f:practice-lms",
        }
        return document

    def read_registration(self, document: Mapping[str, Any], known_scopes: frozenset[str]) -> Registration:
        """Canvas's schema: everything it wants, in the types it wants."""
        try:
            kept = self._read(document, known_scopes)
        except RegistrationRefused as refused:
            raise RegistrationRefused(refused.reason, status=422, code=refused.code) from refused
        return kept

    def _read(self, document: Mapping[str, Any], known_scopes: frozenset[str]) -> Registration:
        if document.get("application_type") != "web":
            raise documents.refuse("application_type must be web.")
        tool = document.get(TOOL_CONFIGURATION)
        if not isinstance(tool, dict):
            raise documents.refuse(f"{TOOL_CONFIGURATION} is missing.")
        for name in ("domain", "messages", "claims"):
            if name not in tool:
                raise documents.refuse(f"{name} is missing in {TOOL_CONFIGURATION}.")
        if not _DOMAIN.fullmatch(documents.text(tool, "domain")):
            raise documents.refuse("domain must be a host without a scheme.")
        for message in documents.messages_in(tool):
            _check_message(message)
        unknown = set(str(document.get("scope") or "").split()) - known_scopes - {*_OTHER_SCOPES, "openid"}
        if unknown:
            raise documents.refuse(f"scope holds what is unknown here: {', '.join(sorted(unknown))}.")
        kept = documents.read(document, scopes=known_scopes)
        return Registration(**(vars(kept) | {"shared": _shared(tool)}))

    def new_client_id(self, number: int) -> str:
        """A global number."""
        return str(10_000_000_000_000 + number)

    def new_deployment_id(self, number: int) -> str:
        """A number and a digest, told at the first launch only."""
        return f"{number}:8865aa05b4b79b64a91a86042e43af5ea8ae79eb"


def _check_message(message: Mapping[str, Any]) -> None:
    if message["type"] not in _MESSAGES:
        raise documents.refuse(f"{message['type']} is no message of Canvas.")
    documents.custom_in(message)
    allowed = {*PLACEMENTS, *(VENDOR + placement for placement in PLACEMENTS), *_ALIASES}
    if unknown := set(documents.texts(message, "placements")) - allowed:
        raise documents.refuse(f"Canvas has no such placement: {', '.join(sorted(unknown))}.")
    if not isinstance(message.get(VENDOR + "course_navigation/default_enabled", True), bool):
        raise documents.refuse("course_navigation/default_enabled must be true or false.")
    if message.get(VENDOR + "visibility") not in (None, "admins", "members", "public"):
        raise documents.refuse("visibility must be admins, members or public.")


def _shared(tool: Mapping[str, Any]) -> frozenset[str]:
    """What the privacy level gives; without one, what the claims ask for."""
    level = tool.get(VENDOR + "privacy_level")
    if level is not None:
        if level not in _PRIVACY:
            raise documents.refuse("privacy_level must be public, name_only, email_only or anonymous.")
        return _PRIVACY[level]
    claims = set(documents.texts(tool, "claims"))
    named, addressed = bool(claims & _PRIVACY["name_only"]), "email" in claims
    if "picture" in claims or (named and addressed):
        return _PRIVACY["public"]
    if named:
        return _PRIVACY["name_only"]
    return _PRIVACY["email_only"] if addressed else _PRIVACY["anonymous"]


def _number(text: str) -> int:
    """A stable number for a thing that is named by text elsewhere."""
    return int.from_bytes(text.encode()) % 900_000 + 1000
