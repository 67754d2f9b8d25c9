"""From the claims of a verified id_token to a `Launch`: each claim judged by type, length and meaning."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.core.ids import digest
from app.lti import errors
from app.lti.message_claims import deep_linking_request, originals, placement, reviewed_user
from app.lti.roles import CourseRoles, course_roles
from app.lti.schemas import (
    DEEP_LINKING_REQUEST,
    PATHWAY_VIEW,
    RESOURCE_LINK_REQUEST,
    SUBMISSION_REVIEW_REQUEST,
    BegunLogin,
    Launch,
)
from app.lti.urls import LAUNCH_PATH, origin, origins, same_origin, split_http_url

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
VERSION = "1.3.0"
MESSAGES = frozenset({RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST})
MESSAGES_NOT_OFFERED = frozenset({"DataPrivacyLaunchRequest", "LtiEulaRequest", "LtiAssetProcessorSettingsRequest"})
LONGEST_ID = 255
LONGEST_TEXT = 1000
MOST_ROLES = 200

_MODULE_PATH = re.compile(r"/modules/([^/]+)(?:/activities/([^/]+))?/?")
_PATHWAY_PATH = re.compile(r"/pathway/?")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def check_binding(claims: Mapping[str, Any], login: BegunLogin, base_url: str) -> None:
    """The message answers this login: its nonce, and the place it was begun for (1EdTech Security Framework §5.1.1.5).

    Raises:
        NonceWrong: the nonce is not this login's.
        TargetMismatch: the target is missing, on another host, or not the login's.
    """
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(digest(nonce), login.nonce_hash):
        raise errors.NonceWrong(technical="nonce is not the login's")
    target = claims.get(LTI + "target_link_uri")
    if not isinstance(target, str) or not same_origin(target, base_url):
        raise errors.TargetMismatch(technical="target_link_uri is missing or not on this server")
    # Open edX begins every login at the tool's one launch address, and names the placed content in the message only.
    is_placed = login.target_link_uri == base_url + LAUNCH_PATH and _names_content(target)
    if target != login.target_link_uri and not is_placed:
        raise errors.TargetMismatch(technical="target_link_uri is not the login's")


def check_message(claims: Mapping[str, Any]) -> None:
    """Version, kind of message, and what each kind must have (LTI 1.3 core §5.3, Deep Linking 2.0 §4.4).

    Raises:
        LtiRefused: the subclass says what is missing or malformed.
    """
    if claims.get(LTI + "version") != VERSION:
        raise errors.WrongVersion(technical="version is not 1.3.0")
    message_type = claims.get(LTI + "message_type")
    if not isinstance(message_type, str) or message_type not in MESSAGES | MESSAGES_NOT_OFFERED:
        raise errors.MessageTypeUnknown(technical="message_type is missing or unknown")
    if message_type in MESSAGES_NOT_OFFERED:
        raise errors.MessageTypeNotYet(technical=message_type)
    deployment_id(claims)
    _subject(claims)
    roles = course_roles(_roles(claims))
    if message_type == DEEP_LINKING_REQUEST:
        _may_place(roles)
    else:
        _resource_link(claims)
    reviewed_user(claims)


def deployment_id(claims: Mapping[str, Any]) -> str:
    """The platform's name for the deployment: text of 1 to 255 characters.

    Raises:
        DeploymentMissing: it is not.
    """
    value = claims.get(LTI + "deployment_id")
    if not _is_id(value):
        raise errors.DeploymentMissing(technical="deployment_id is missing or longer than 255 characters")
    return str(value)


def read_launch(claims: Mapping[str, Any], login: BegunLogin, own_deployment_id: str) -> Launch:
    """The launch that a checked message stands for.

    Args:
        claims: passed by `check_binding` and `check_message`.
        login: the login it answers.
        own_deployment_id: our id of the deployment.

    Raises:
        ClaimMalformed: an optional claim has the wrong type or length.
    """
    platform = login.platform
    roles = course_roles(_roles(claims))
    context = _object(claims, LTI + "context")
    deep_linking = deep_linking_request(claims, platform)
    resource_link = {} if deep_linking else _resource_link(claims)
    grades = _object(claims, AGS)
    presentation = _object(claims, LTI + "launch_presentation")
    custom = _custom(claims)
    return_url = return_url_of(claims)
    target = claims[LTI + "target_link_uri"]
    module_key, activity_key = _module_and_activity(custom, target)
    # The message is signed, so the page the platform wants people back on is one of its own.
    frame_ancestors = origins(*platform.frame_origins, return_url)
    return Launch(
        registration_id=platform.registration_id,
        deployment_id=own_deployment_id,
        organisation_id=platform.organisation_id,
        issuer=platform.issuer,
        client_id=platform.client_id,
        platform_deployment_id=deployment_id(claims),
        message_type=claims[LTI + "message_type"],
        subject=_subject(claims),
        name=_name(claims),
        email=_text(claims, "email"),
        is_teacher=roles.is_teacher,
        is_administrator=roles.is_administrator,
        is_learner=roles.is_learner,
        context_id=_text(context, "id", longest=LONGEST_ID),
        context_title=_text(context, "title") or _text(context, "label"),
        resource_link_id=resource_link.get("id", ""),
        resource_link_title=_text(resource_link, "title"),
        target_link_uri=target,
        custom=custom,
        module_key=module_key,
        activity_key=activity_key,
        view=_view(custom, target),
        placement=placement(claims),
        deep_linking=deep_linking,
        for_user=reviewed_user(claims),
        context_history=originals(custom, "context_id_history"),
        resource_link_history=originals(custom, "resource_link_id_history"),
        line_item_url=_url(grades, "lineitem"),
        line_items_url=_url(grades, "lineitems"),
        ags_scopes=_texts(grades, "scope"),
        memberships_url=_url(_object(claims, NRPS), "context_memberships_url"),
        locale=_text(presentation, "locale", longest=LONGEST_ID),
        return_url=return_url,
        frame_ancestors=frame_ancestors,
        product_family=_text(_object(claims, LTI + "tool_platform"), "product_family_code", longest=LONGEST_ID),
    )


def return_url_of(claims: Mapping[str, Any]) -> str | None:
    """Where a verified message says people go back to, if that is an address."""
    presentation = claims.get(LTI + "launch_presentation")
    value = presentation.get("return_url") if isinstance(presentation, dict) else None
    return value if isinstance(value, str) and origin(value) is not None else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and bool(value.strip())


def _subject(claims: Mapping[str, Any]) -> str:
    value = claims.get("sub")
    if not _is_id(value):
        raise errors.UserMissing(technical="sub is missing or longer than 255 characters")
    return str(value)


def _roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    value = claims.get(LTI + "roles")
    if not isinstance(value, list) or len(value) > MOST_ROLES or not all(isinstance(role, str) for role in value):
        raise errors.RolesMissing(technical="roles is missing or not a list of texts")
    return tuple(value)


def _resource_link(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    value = claims.get(LTI + "resource_link")
    if not isinstance(value, dict) or not _is_id(value.get("id")):
        raise errors.ResourceLinkMissing(technical="resource_link.id is missing or longer than 255 characters")
    return value


def _name(claims: Mapping[str, Any]) -> str | None:
    full = _text(claims, "name")
    parts = (_text(claims, "given_name"), _text(claims, "family_name"))
    return full or " ".join(part for part in parts if part) or None


def _object(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = claims.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.ClaimMalformed(technical=f"{name} is not an object")
    return value


def _text(members: Mapping[str, Any], name: str, *, longest: int = LONGEST_TEXT) -> str | None:
    """A text that may be missing, null or empty; platforms write all three for “not told”."""
    value = members.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise errors.ClaimMalformed(technical=f"{name} is not text of at most {longest} characters")
    return value


def _texts(members: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = members.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_ROLES or not all(isinstance(each, str) for each in value):
        raise errors.ClaimMalformed(technical=f"{name} is not a list of texts")
    return tuple(value)


def _url(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is None or value == "":
        return None
    if split_http_url(value) is None:
        raise errors.ClaimMalformed(technical=f"{name} is not an http(s) address")
    return str(value)


def _custom(claims: Mapping[str, Any]) -> Mapping[str, str]:
    """Custom parameters as texts; Canvas sends numbers for some of its variables, and null for empty ones."""
    found = _object(claims, LTI + "custom")
    return {
        key: str(value)
        for key, value in found.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    }


def _module_and_activity(custom: Mapping[str, str], target_link_uri: str) -> tuple[str | None, str | None]:
    """What is opened: the custom parameters, else the path of the link; neither is the home page.

    Raises:
        ModuleUnknown: a name is given that no module, or no activity, can have.
    """
    module, activity = custom.get("module", "").strip(), custom.get("activity", "").strip()
    if not module:
        match = _MODULE_PATH.fullmatch(urlsplit(target_link_uri).path)
        module, activity = (match.group(1), match.group(2) or "") if match else ("", "")
    for name, value in (("module", module), ("activity", activity)):
        if value and not _KEY.fullmatch(value):
            raise errors.ModuleUnknown(technical=f"custom.{name} is not a key")
    return module or None, activity or None


def _names_content(target_link_uri: str) -> bool:
    path = urlsplit(target_link_uri).path
    return bool(_MODULE_PATH.fullmatch(path) or _PATHWAY_PATH.fullmatch(path))


def _view(custom: Mapping[str, str], target_link_uri: str) -> str | None:
    named = custom.get("view", "").strip() == PATHWAY_VIEW
    return PATHWAY_VIEW if named or _PATHWAY_PATH.fullmatch(urlsplit(target_link_uri).path) else None


def _may_place(roles: CourseRoles) -> None:
    if not (roles.is_teacher or roles.is_administrator):
        raise errors.DeepLinkingNotAllowed(technical="roles of a deep linking request are not a teacher's")
