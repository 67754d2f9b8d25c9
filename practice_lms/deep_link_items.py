"""Judging content items: which become activities and which are refused, with the reason (Deep Linking 2.0 §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from practice_lms.catalogue import ReviewTarget
from practice_lms.errors import DeepLinkRefused
from practice_lms.profiles import Profile
from practice_lms.profiles.documents import host_of, is_address
from practice_lms.tools import Tool


@dataclass(frozen=True)
class NewActivity:
    """What an accepted item becomes."""

    title: str
    description: str
    url: str
    custom: Mapping[str, str]
    score_maximum: float | None
    resource_id: str
    tag: str
    review: ReviewTarget | None


class ItemRefused(Exception):
    """One item cannot be used; the text says why."""


def judge(
    items: list[Any], settings: Mapping[str, Any], tool: Tool, plays: Profile
) -> tuple[list[NewActivity], list[str]]:
    """The activities that the items become, and why others do not.

    Raises DeepLinkRefused where one item spoils the whole answer.
    """
    if len(items) > 1 and settings.get("accept_multiple") in (False, "false"):
        raise DeepLinkRefused("More than one item came, and accept_multiple was false.")
    accepted: list[NewActivity] = []
    refused: list[str] = []
    for number, item in enumerate(items, start=1):
        try:
            accepted.append(_read(item, settings, tool, plays))
        except ItemRefused as error:
            refused.append(f"Item {number}: {error}")
    return accepted, refused


def _read(item: Any, settings: Mapping[str, Any], tool: Tool, plays: Profile) -> NewActivity:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise ItemRefused("it is not an object with a type.")
    if plays.reads_item_types:
        if item["type"] not in settings.get("accept_types", []):
            raise ItemRefused(f"the type {item['type']} was not asked for.")
        if item["type"] != "ltiResourceLink":
            raise ItemRefused(f"a {item['type']} is not something this LMS can open as an activity.")
    url = item.get("url", "")
    if url and (not is_address(url) or host_of(url) != host_of(tool.target_link_uri)):
        raise ItemRefused("its url does not lie on the tool's host.")
    line_item = _line_item(item, settings)
    description = _text(item, "text") or _text(item, "html")
    return NewActivity(
        title=_text(item, "title") or tool.name,
        description=description,
        url=url,
        custom=_custom(item, plays),
        score_maximum=float(line_item["scoreMaximum"]) if line_item else None,
        resource_id=_text(line_item, "resourceId") if line_item else "",
        tag=_text(line_item, "tag") if line_item else "",
        review=_review(line_item, plays) if line_item else None,
    )


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name, "")
    if not isinstance(value, str):
        raise ItemRefused(f"{name} is not text.")
    return value


def _custom(members: Mapping[str, Any], plays: Profile) -> Mapping[str, str]:
    if "custom" not in members:
        return {}
    custom = members["custom"]
    if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
        raise ItemRefused("custom must be an object of texts.")
    if not custom:
        if plays.dies_of_empty_custom:
            raise DeepLinkRefused("TypeError: params_to_string(): Argument #1 must be of type object.", status=500)
        raise ItemRefused("custom is empty; leave it out instead.")
    return custom


def _line_item(item: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "lineItem" not in item:
        return None
    if settings.get("accept_lineitem") in (False, "false"):
        raise ItemRefused("it has a lineItem, and accept_lineitem was false.")
    line_item = item["lineItem"]
    maximum = line_item.get("scoreMaximum") if isinstance(line_item, dict) else None
    if isinstance(maximum, bool) or not isinstance(maximum, int | float) or not 0 < maximum < 1e12:
        raise ItemRefused("lineItem.scoreMaximum must be a number above 0.")
    checked: Mapping[str, Any] = line_item
    return checked


def _review(line_item: Mapping[str, Any], plays: Profile) -> ReviewTarget | None:
    review = line_item.get("submissionReview")
    if review is None:
        return None
    if not isinstance(review, dict):
        raise ItemRefused("lineItem.submissionReview is not an object.")
    return ReviewTarget(_text(review, "url"), _custom(review, plays))
