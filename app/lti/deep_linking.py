"""Deep linking: what a teacher may place in a course, and the signed answer that places it.

Deep Linking 2.0, https://www.imsglobal.org/spec/lti-dl/v2p0.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.db import ReadSession
from app.core.ids import new_token
from app.core.runtime import Runtime
from app.lti.errors import PickInvalid
from app.lti.models import LtiDeployment, LtiRegistration
from app.lti.placements import LINE_ITEM_TAG, line_item_resource
from app.lti.registrations import platform_of
from app.lti.schemas import PATHWAY_VIEW, DeepLinkingRequest, Platform
from app.lti.toolkeys import ensure_tool_key
from app.programme.schemas import Activity, Module

RESOURCE_LINK = "ltiResourceLink"
LIFETIME = 300  # seconds; the answer is posted at once
CLOCK_BEHIND = 5  # seconds; Moodle allows the tool's clock no lead at all
SCORE_MAXIMUM = 100
PATHWAY_ITEM = "pathway"
HISTORY = {
    "context_id_history": "$Context.id.history",
    "resource_link_id_history": "$ResourceLink.id.history",
}
"""Custom parameters by which a copied course tells what it was copied from."""

_DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
_LTI = "https://purl.imsglobal.org/spec/lti/claim/"


@dataclass(frozen=True)
class Placeable:
    """Something that can be placed in a course.

    Attributes:
        key: names it in the picker's form, e.g. `module:M01`, `activity:M01/lesson-1`, `pathway`.
        module_key: the module, if it is one or part of one.
        activity_key: the activity, if it is one.
        is_graded: whether it gets a column in the gradebook.
    """

    key: str
    title: str
    text: str
    path: str
    module_key: str | None = None
    activity_key: str | None = None
    is_graded: bool = False

    @property
    def custom(self) -> dict[str, str]:
        """The custom parameters that say, launch by launch, what is opened."""
        named = {"module": self.module_key, "activity": self.activity_key}
        found = {name: value for name, value in named.items() if value is not None}
        return (found or {"view": PATHWAY_VIEW}) | HISTORY


@dataclass(frozen=True)
class DeepLinkingResponse:
    """What the browser posts back to the platform."""

    return_url: str
    jwt: str


def placeables(modules: Sequence[Module]) -> tuple[Placeable, ...]:
    """Everything that can be placed: each module as a whole, each of its activities, and the pathway.

    Only whole modules are graded: the award of a module is the one final result there is.
    """
    found = []
    for module in modules:
        whole = f"{module.key} · {module.title}"
        found.append(Placeable(f"module:{module.key}", whole, module.summary, f"/modules/{module.key}", module.key,
                               is_graded=True))  # fmt: skip
        found += [
            Placeable(
                f"activity:{module.key}/{activity.key}",
                f"{module.key} · {_named(activity)}",
                f"One activity of {module.title}, about {activity.minutes} minutes.",
                f"/modules/{module.key}/activities/{activity.key}",
                module.key,
                activity.key,
            )
            for activity in module.activities
        ]
    text = "Every module of the programme in one place, with what each person has done."
    return (*found, Placeable(PATHWAY_ITEM, "My pathway", text, "/pathway"))


def _named(activity: Activity) -> str:
    """An activity's title with its kind: a lesson may be called almost as its module is."""
    kind = activity.kind.replace("_", " ").capitalize()
    return activity.title if activity.title == kind else f"{kind}: {activity.title}"


def takes_our_links(request: DeepLinkingRequest) -> bool:
    """Whether the platform takes the only kind of item that we offer."""
    return RESOURCE_LINK in request.accept_types


def chosen(request: DeepLinkingRequest, offered: Collection[Placeable], keys: Sequence[str]) -> tuple[Placeable, ...]:
    """What was picked, in the order in which it is offered.

    Raises:
        PickInvalid: nothing, something that is not offered, or more than the platform takes.
    """
    wanted = set(keys)
    found = tuple(each for each in offered if each.key in wanted)
    if not takes_our_links(request) or len(found) < len(wanted):
        raise PickInvalid("What was chosen is not on offer any more.", next_step="Choose again.")
    if not found:
        raise PickInvalid("Nothing was chosen.", next_step="Choose what to place, or go back to your LMS.")
    if len(found) > 1 and not request.accept_multiple:
        raise PickInvalid("Your LMS takes one thing at a time.", next_step="Choose one.")
    return found


def respond(
    runtime: Runtime,
    request: DeepLinkingRequest,
    *,
    registration_id: str,
    deployment_id: str,
    items: Sequence[Placeable],
) -> DeepLinkingResponse:
    """The signed answer (Deep Linking 2.0 §4.5). No items means that the teacher went back without placing anything.

    Args:
        runtime: database, secrets, base URL.
        request: the settings of the launch that is answered.
        registration_id: ours, of the platform.
        deployment_id: ours, of the deployment.
        items: what was picked.
    """
    key = ensure_tool_key(runtime.database, runtime.secret_box)
    with runtime.database.read() as session:
        platform, deployment = _addressee(session, registration_id, deployment_id)
    moment = int(time.time())
    claims: dict[str, Any] = {
        "iss": platform.client_id,
        "aud": [platform.issuer],
        "iat": moment - CLOCK_BEHIND,
        "exp": moment + LIFETIME,
        "nonce": new_token(),
        _LTI + "deployment_id": deployment,
        _LTI + "message_type": "LtiDeepLinkingResponse",
        _LTI + "version": "1.3.0",
        _DL + "content_items": [_content_item(runtime.settings.base_url, request, each) for each in items],
    }
    if request.data is not None:
        claims[_DL + "data"] = request.data
    if not items:
        claims[_DL + "msg"] = "Nothing was placed."
    signed = key.sign(claims)
    return DeepLinkingResponse(request.return_url, signed)


def _addressee(session: ReadSession, registration_id: str, deployment_id: str) -> tuple[Platform, str]:
    platform = platform_of(session.get_one(LtiRegistration, registration_id))
    return platform, session.get_one(LtiDeployment, deployment_id).platform_deployment_id


def _content_item(base_url: str, request: DeepLinkingRequest, item: Placeable) -> dict[str, Any]:
    """One item, without anything empty: an empty `custom` stops Moodle (measured on 4.5)."""
    content: dict[str, Any] = {
        "type": RESOURCE_LINK,
        "title": item.title,
        "text": item.text,
        "url": base_url + item.path,
        "custom": item.custom,
    }
    if item.is_graded and item.module_key is not None and request.accept_line_item is not False:
        content["lineItem"] = {
            "label": item.title,
            "scoreMaximum": SCORE_MAXIMUM,
            "resourceId": line_item_resource(item.module_key),
            "tag": LINE_ITEM_TAG,
        }
    return content
