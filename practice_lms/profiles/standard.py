"""What every platform of the standard does; the others say where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from practice_lms.catalogue import MEMBERSHIP, Activity, Course, User
from practice_lms.profiles import documents
from practice_lms.profiles.documents import CONFIGURATION, Registration

Value = str | int | None


@dataclass(frozen=True)
class Facts:
    """What a message is about. `activity` is None where nothing has been placed yet."""

    user: User
    course: Course
    activity: Activity | None
    front_url: str
    roster_url: str


@dataclass(frozen=True)
class Endpoints:
    """Addresses of this LMS that a configuration document names, and what it can give."""

    front_url: str
    registration_url: str
    scopes: Sequence[str]
    account_name: str


class Profile:
    """A platform that follows the standard, and is as strict as the standard lets it be."""

    key: ClassVar[str] = "standard"
    label: ClassVar[str] = "Standard LTI 1.3"
    product_family: ClassVar[str] = "practice"
    version: ClassVar[str] = "1.0"
    json_hints: ClassVar[bool] = False
    """Whether `lti_message_hint` is readable JSON that names a launch kept here, instead of a signed token."""
    single_use_hint: ClassVar[bool] = False
    posts_errors: ClassVar[bool] = False
    """Whether a login that cannot go on is told to the tool (OpenID Connect Core 1.0 §3.1.2.6)."""
    id_token_seconds: ClassVar[int | None] = None
    storage_target: ClassVar[str] = ""
    """Frame that keeps data for the tool; empty where there is no platform storage."""
    hears_messages: ClassVar[bool] = True
    """Whether the page around the tool listens to what the tool posts to it, as to set the frame's height."""
    service_query: ClassVar[Mapping[str, str]] = {"type_id": "1"}
    """Query in every service address: a tool that glues "/scores" to the end of one must find out here."""
    typographic_links: ClassVar[bool] = False
    grant_media_type: ClassVar[str] = "application/json"
    largest_page: ClassVar[int | None] = None
    """Most members to a page, whatever is asked."""
    usual_grades_page: ClassVar[int | None] = None
    largest_grades_page: ClassVar[int | None] = None
    roster_without_accept: ClassVar[bool] = False
    roster_tells_custom: ClassVar[bool] = True
    has_columns: ClassVar[bool] = True
    """Whether a graded activity has its line item before the tool makes one, and launches name it."""
    scoring: ClassVar[str] = "standard"
    reads_item_types: ClassVar[bool] = True
    dies_of_empty_custom: ClassVar[bool] = False
    wants_registration_token: ClassVar[bool] = True
    registration_errors_are_text: ClassVar[bool] = False
    checks_keys_at_registration: ClassVar[bool] = False
    names_tools_once: ClassVar[bool] = False
    knows_deployment_at_once: ClassVar[bool] = True
    updates_registrations: ClassVar[bool] = True

    def issuer(self, front_url: str) -> str:
        """`iss` of its messages."""
        return front_url

    def audience(self, token_url: str) -> str:
        """What it wants as `aud` of a client assertion."""
        return token_url

    def login_extras(self) -> dict[str, str]:
        """Parameters of a login beyond the standard's."""
        return {}

    def roles(self, user: User) -> list[str]:
        """Roles in a launch."""
        return user.roles

    def roster_roles(self, user: User) -> list[str]:
        """Roles on the roster: only those in this course, for an institution's role says nothing about it."""
        return [MEMBERSHIP + user.membership_role]

    def variables(self, facts: Facts) -> dict[str, Value]:
        """The custom variables it replaces (LTI 1.3 core, appendix B), without the dollar sign."""
        user, course = facts.user, facts.course
        values: dict[str, Value] = {
            "User.id": user.sub,
            "User.username": user.key,
            "Person.name.full": user.name,
            "Person.name.given": user.given_name,
            "Person.name.family": user.family_name,
            "Person.email.primary": user.email,
            "Membership.role": MEMBERSHIP + user.membership_role,
            "Context.id": course.context_id,
            "Context.title": course.title,
            "Context.label": course.label,
            "Context.id.history": ",".join(course.history),
            "ToolPlatform.productFamilyCode": self.product_family,
            "Message.locale": "en-AU",
        }
        if (link := facts.activity) is not None:
            values |= {
                "ResourceLink.id": link.resource_link_id,
                "ResourceLink.title": link.title,
                "ResourceLink.description": link.description,
                "ResourceLink.id.history": ",".join(link.history),
            }
        return values

    def custom(self, parameters: Mapping[str, str], facts: Facts) -> dict[str, Value]:
        """Custom parameters as a launch carries them; a variable it does not know stays as it is."""
        known = self.variables(facts)
        return {name: known.get(text[1:], text) if text.startswith("$") else text for name, text in parameters.items()}

    def extra_claims(self, facts: Facts) -> dict[str, Any]:
        """Claims beyond the standard's, or in place of them."""
        return {}

    def for_user(self, user: User) -> dict[str, Any]:
        """Whose submission is reviewed (Submission Review 1.0 §3.2)."""
        members = {
            "user_id": user.sub,
            "name": user.name,
            "given_name": user.given_name,
            "family_name": user.family_name,
            "email": user.email,
        }
        return {name: value for name, value in members.items() if value} | {"roles": self.roster_roles(user)}

    def deep_linking_settings(self) -> dict[str, Any]:
        """What it says it takes, beside the return address (Deep Linking 2.0 §4.4.1). `data` is added if named."""
        return {
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_multiple": True,
            "accept_lineitem": True,
            "auto_create": True,
            "title": "Add an activity",
            "text": "Choose what learners open from this course.",
            "data": "",
        }

    def configuration(self, here: Endpoints) -> dict[str, Any]:
        """Its OpenID configuration (LTI Dynamic Registration 1.0 §3.4)."""
        return {
            "issuer": self.issuer(here.front_url),
            "authorization_endpoint": f"{here.front_url}/auth",
            "token_endpoint": f"{here.front_url}/token",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "jwks_uri": f"{here.front_url}/jwks",
            "registration_endpoint": here.registration_url,
            "scopes_supported": ["openid", *here.scopes],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
            CONFIGURATION: {
                "product_family_code": self.product_family,
                "version": self.version,
                "messages_supported": [
                    {"type": "LtiResourceLinkRequest"},
                    {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
                    {"type": "LtiSubmissionReviewRequest"},
                ],
                "variables": ["Context.id.history", "ResourceLink.id.history"],
            },
        }

    def read_registration(self, document: Mapping[str, Any], known_scopes: frozenset[str]) -> Registration:
        """Check what a tool says of itself and return what is kept of it. Raises RegistrationRefused."""
        return documents.read(document, scopes=known_scopes)

    def new_client_id(self, number: int) -> str:
        """The client id of a tool that registers itself."""
        return f"practice-client-{number}"

    def new_deployment_id(self, number: int) -> str:
        """Its deployment id."""
        return f"deployment-{number}"


class Standard(Profile):
    """No platform in particular."""
