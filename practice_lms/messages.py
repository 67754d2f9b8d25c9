"""The messages this LMS signs: resource link, deep linking and submission review requests."""

from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwt

from practice_lms.lms import PracticeLms
from practice_lms.openings import DEEP_LINKING, LINK, REVIEW, Opening
from practice_lms.profiles.standard import Facts
from practice_lms.scopes import AGS_SCOPES, SCOPE_ROSTER
from practice_lms.services import items_url, line_item_url, roster_url
from practice_lms.tools import PERSONAL_CLAIMS

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM: Final = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM: Final = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DEEP_LINKING_SETTINGS: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
MESSAGE_TYPES: Final[Mapping[str, str]] = {
    LINK: "LtiResourceLinkRequest",
    DEEP_LINKING: "LtiDeepLinkingRequest",
    REVIEW: "LtiSubmissionReviewRequest",
}


def message_claims(lms: PracticeLms, opening: Opening, nonce: str) -> dict[str, Any]:
    """The claims of a message (LTI 1.3 core §5.3; Deep Linking 2.0 §4.4; Submission Review 1.0 §3)."""
    facts = facts_of(lms, opening)
    claims = _envelope(lms, opening, nonce) | _place(lms, opening, facts) | _services(lms, opening)
    if opening.kind == DEEP_LINKING:
        claims[DEEP_LINKING_SETTINGS] = dict(opening.settings or {})
    if opening.kind == REVIEW and opening.for_user is not None:
        claims[LTI + "for_user"] = lms.settings.plays.for_user(opening.for_user)
    return claims | lms.settings.plays.extra_claims(facts)


def facts_of(lms: PracticeLms, opening: Opening) -> Facts:
    """What a profile needs to know of a message."""
    return Facts(
        user=opening.user,
        course=opening.course,
        activity=opening.activity,
        front_url=lms.settings.front_url,
        roster_url=roster_url(lms.settings, opening.course),
    )


def custom_of(lms: PracticeLms, opening: Opening) -> dict[str, Any]:
    """Custom parameters: those of the tool, then those of the activity and of its review."""
    activity = opening.activity
    parameters = dict(opening.tool.custom) | dict(activity.custom if activity else {})
    if opening.kind == REVIEW and activity is not None and activity.review is not None:
        parameters |= activity.review.custom
    return dict(lms.settings.plays.custom(parameters, facts_of(lms, opening)))


def _envelope(lms: PracticeLms, opening: Opening, nonce: str) -> dict[str, Any]:
    settings, user, tool = lms.settings, opening.user, opening.tool
    now = int(lms.clock())
    personal = {
        "name": user.name,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "email": user.email,
    }
    shared = {name: personal[name] for name in personal if name in tool.shared & PERSONAL_CLAIMS and personal[name]}
    return {
        "iss": settings.issuer,
        "aud": tool.client_id,
        "sub": user.sub,
        "iat": now,
        "exp": now + (settings.plays.id_token_seconds or settings.id_token_seconds),
        "nonce": nonce,
        **shared,
        LTI + "message_type": MESSAGE_TYPES[opening.kind],
        LTI + "version": "1.3.0",
        LTI + "deployment_id": tool.deployment_id,
        LTI + "target_link_uri": opening.target_link_uri,
    }


def _place(lms: PracticeLms, opening: Opening, facts: Facts) -> dict[str, Any]:
    settings, plays, course, activity = lms.settings, lms.settings.plays, opening.course, opening.activity
    claims: dict[str, Any] = {
        LTI + "roles": plays.roles(opening.user),
        LTI + "context": {
            "id": course.context_id,
            "label": course.label,
            "title": course.title,
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"],
        },
        LTI + "custom": custom_of(lms, opening),
        LTI + "launch_presentation": {
            "document_target": opening.document_target,
            "locale": "en-AU",
            "return_url": f"{settings.front_url}/course/{course.key}/return",
        },
        LTI + "tool_platform": {
            "guid": "practice-lms.example.org",
            "name": "Practice LMS",
            "version": plays.version,
            "product_family_code": plays.product_family,
        },
        LTI + "lis": {
            "person_sourcedid": f"person:{facts.user.key}",
            "course_section_sourcedid": f"section:{course.key}",
        },
    }
    if activity is not None:
        claims[LTI + "resource_link"] = {
            "id": activity.resource_link_id,
            "title": activity.title,
            "description": activity.description,
        }
    return claims


def _services(lms: PracticeLms, opening: Opening) -> dict[str, Any]:
    """Only those services whose scopes were granted."""
    settings, granted = lms.settings, opening.tool.scopes
    claims: dict[str, Any] = {}
    scopes = [scope for scope in AGS_SCOPES if scope in granted]
    if scopes:
        claims[AGS_CLAIM] = {"scope": scopes, "lineitems": items_url(settings, opening.course)}
        activity = opening.activity
        item = lms.gradebook.of_link(activity.resource_link_id) if activity is not None else None
        if item is not None and settings.plays.has_columns:
            claims[AGS_CLAIM]["lineitem"] = line_item_url(settings, item)
    if SCOPE_ROSTER in granted:
        address = roster_url(settings, opening.course)
        claims[NRPS_CLAIM] = {"context_memberships_url": address, "service_versions": ["2.0"]}
    return claims


def sign(lms: PracticeLms, claims: Mapping[str, Any]) -> str:
    """The claims as an RS256 JWT under the key in use."""
    key = lms.keys.current
    return jwt.encode({"alg": "RS256", "kid": key.kid}, dict(claims), key, ["RS256"])
