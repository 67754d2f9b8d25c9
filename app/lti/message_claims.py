"""Claims of the messages beside the plain launch: deep linking, submission review; and what a copy was made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.lti import errors
from app.lti.schemas import DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST, DeepLinkingRequest, Platform
from app.lti.urls import split_http_url

DEEP_LINKING_SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
FOR_USER = "https://purl.imsglobal.org/spec/lti/claim/for_user"
CANVAS_PLACEMENT = "https://www.instructure.com/placement"
LONGEST_ID = 255
LONGEST_DATA = 20_000
MOST_TYPES = 50
MOST_ORIGINALS = 50


def deep_linking_request(claims: Mapping[str, Any], platform: Platform) -> DeepLinkingRequest | None:
    """The settings of a deep linking request (Deep Linking 2.0 §4.4.1); None for other messages.

    `accept_multiple` and `accept_lineitem` may come as texts: some platforms write `"false"`.

    Raises:
        DeepLinkingInvalid: the settings are missing, or have no address to answer to.
    """
    if claims.get("https://purl.imsglobal.org/spec/lti/claim/message_type") != DEEP_LINKING_REQUEST:
        return None
    settings = claims.get(DEEP_LINKING_SETTINGS)
    if not isinstance(settings, dict):
        raise errors.DeepLinkingInvalid(technical="deep_linking_settings is missing or not an object")
    return_url = settings.get("deep_link_return_url")
    if not isinstance(return_url, str) or split_http_url(return_url) is None:
        raise errors.DeepLinkingInvalid(technical="deep_link_return_url is missing or not an address")
    if urlsplit(return_url).scheme != "https" and urlsplit(platform.auth_login_url).scheme == "https":
        raise errors.DeepLinkingInvalid(technical="deep_link_return_url is not https")
    data = settings.get("data")
    if data is not None and (not isinstance(data, str) or len(data) > LONGEST_DATA):
        raise errors.DeepLinkingInvalid(technical=f"data is not text of at most {LONGEST_DATA} characters")
    return DeepLinkingRequest(
        return_url=return_url,
        accept_types=_accept_types(settings),
        accept_multiple=_flag(settings, "accept_multiple") or False,
        accept_line_item=_flag(settings, "accept_lineitem"),
        data=data,
    )


def reviewed_user(claims: Mapping[str, Any]) -> str | None:
    """Whose work is reviewed (Submission Review 1.0 §3.2: `for_user`); None for other messages.

    Raises:
        ReviewedUserMissing: a submission review does not say.
    """
    if claims.get("https://purl.imsglobal.org/spec/lti/claim/message_type") != SUBMISSION_REVIEW_REQUEST:
        return None
    for_user = claims.get(FOR_USER)
    user_id = for_user.get("user_id") if isinstance(for_user, dict) else None
    if not isinstance(user_id, str) or not 0 < len(user_id) <= LONGEST_ID:
        raise errors.ReviewedUserMissing(technical="for_user.user_id is missing or longer than 255 characters")
    return user_id


def originals(custom: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Ids that a course or link was copied from, newest first, out of a custom parameter such as `context_id_history`.

    A platform that does not know the variable sends its name back, or nothing.
    """
    value = custom.get(name, "").strip()
    if not value or value.startswith("$"):
        return ()
    found = (each.strip() for each in value.split(","))
    return tuple(each for each in found if 0 < len(each) <= LONGEST_ID)[:MOST_ORIGINALS]


def placement(claims: Mapping[str, Any]) -> str | None:
    """Where in Canvas a launch came from, if it says so."""
    value = claims.get(CANVAS_PLACEMENT)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID else None


def _accept_types(settings: Mapping[str, Any]) -> tuple[str, ...]:
    value = settings.get("accept_types")
    if not isinstance(value, list) or len(value) > MOST_TYPES or not all(isinstance(each, str) for each in value):
        raise errors.DeepLinkingInvalid(technical="accept_types is missing or not a list of texts")
    return tuple(value)


def _flag(settings: Mapping[str, Any], name: str) -> bool | None:
    value = settings.get(name)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None
