"""What passes between the LTI room and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST = "LtiDeepLinkingRequest"
SUBMISSION_REVIEW_REQUEST = "LtiSubmissionReviewRequest"
PATHWAY_VIEW = "pathway"


@dataclass(frozen=True)
class DeepLinkingRequest:
    """What a platform wants to have picked, and how it takes it (Deep Linking 2.0 §4.4.1).

    Attributes:
        return_url: where the response is posted.
        accept_types: kinds of content items it takes.
        accept_multiple: whether it takes more than one item.
        accept_line_item: whether it takes line items; None if it does not say.
        data: given back as it came; None if none was given.
    """

    return_url: str
    accept_types: tuple[str, ...]
    accept_multiple: bool
    accept_line_item: bool | None
    data: str | None


@dataclass(frozen=True)
class Launch:
    """A launch that has passed every check: who opens what, from where (LTI 1.3 core §5.3).

    `deployment_id` and `registration_id` are ours; `platform_deployment_id` is the platform's own name.
    `resource_link_id` is empty where the message has no link; `for_user` is whose work is reviewed. The histories are
    the ids of what a course or link was copied from, newest first.
    """

    registration_id: str
    deployment_id: str
    organisation_id: str | None
    issuer: str
    client_id: str
    platform_deployment_id: str
    message_type: str
    subject: str
    name: str | None
    email: str | None
    is_teacher: bool
    is_administrator: bool
    is_learner: bool
    context_id: str | None
    context_title: str | None
    resource_link_id: str
    resource_link_title: str | None
    target_link_uri: str
    custom: Mapping[str, str]
    module_key: str | None
    activity_key: str | None
    view: str | None
    placement: str | None
    deep_linking: DeepLinkingRequest | None
    for_user: str | None
    context_history: tuple[str, ...]
    resource_link_history: tuple[str, ...]
    line_item_url: str | None
    line_items_url: str | None
    ags_scopes: tuple[str, ...]
    memberships_url: str | None
    locale: str | None
    return_url: str | None
    frame_ancestors: tuple[str, ...]
    product_family: str | None = None


@dataclass(frozen=True)
class Platform:
    """What a login and launch need of a registration, free of any database session."""

    registration_id: str
    issuer: str
    client_id: str
    auth_login_url: str
    auth_token_url: str
    jwks_url: str
    audience: str | None
    organisation_id: str | None
    product_family: str | None
    frame_origins: tuple[str, ...]


@dataclass(frozen=True)
class LoginRequest:
    """A third-party-initiated login, as the platform sent it (1EdTech Security Framework 1.0 §5.1.1.1)."""

    issuer: str
    login_hint: str
    target_link_uri: str
    client_id: str | None = None
    message_hint: str | None = None
    deployment_id: str | None = None
    storage_target: str | None = None

    def as_parameters(self) -> dict[str, str]:
        """The same for the login's row, so that it can be begun again."""
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class PlatformStorage:
    """Where in the platform's window a login's secret is kept, beside the cookie (1EdTech LTI postMessage Storage 0.1).

    Attributes:
        origin: of the registered authorization endpoint; the only one that is spoken to and believed.
        target: name of the frame that keeps it, or `_parent`.
        key: under which it is kept.
    """

    origin: str
    target: str
    key: str


@dataclass(frozen=True)
class StartedLogin:
    """A login begun: where the browser goes, and the secret that ties it to this browser.

    Attributes:
        login_id: ours, for beginning it again.
        redirect_url: the platform's authorization endpoint with every parameter.
        cookie_id: goes into the cookie's name, so that two logins in one browser do not meet.
        cookie_value: the secret; the database keeps its hash only.
        max_age: seconds until both are worthless.
        frame_ancestors: origins that may frame the answer.
        storage: the platform's own storage, where it offered one.
    """

    login_id: str
    redirect_url: str
    cookie_id: str
    cookie_value: str = field(repr=False)
    max_age: int
    frame_ancestors: tuple[str, ...]
    storage: PlatformStorage | None = None


@dataclass(frozen=True)
class BegunLogin:
    """The login that a launch answers.

    Attributes:
        deployments: the approved ones of its platform, ours by the platform's names; None if they are too many to read
            along.
    """

    id: str
    platform: Platform
    platform_state: str
    nonce_hash: str
    browser_hash: str = field(repr=False)
    target_link_uri: str
    request: LoginRequest
    restarted: bool
    is_used: bool
    is_expired: bool
    deployments: Mapping[str, str] | None = None

    @property
    def cookie_id(self) -> str:
        """What the login's cookie has in its name."""
        return cookie_id(self.id)


@dataclass(frozen=True)
class VerifiedLaunch:
    """A launch and the login it uses up."""

    launch: Launch
    login: BegunLogin


@dataclass(frozen=True)
class AcceptedLaunch:
    """A launch let in: whose it is and what it opens."""

    person_id: str
    module_key: str | None
    activity_key: str | None
    view: str | None


@dataclass(frozen=True)
class NewWindow:
    """How a launch that cannot be bound inside a frame is begun again in a window of its own."""

    href: str
    leaves_waymark: bool


def cookie_id(login_id: str) -> str:
    """The part of a login's id that its cookie's name bears: short, and unlike that of another login."""
    return login_id.replace("-", "")[:16]
