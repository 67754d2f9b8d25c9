"""Messages about to be sent: what a `lti_message_hint` stands for between the login and the authorization request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import randbelow, token_urlsafe
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from practice_lms.catalogue import USERS, Activity, Course, User
from practice_lms.errors import AuthRefused
from practice_lms.lms import PracticeLms
from practice_lms.tools import Tool

LINK: Final = "link"
DEEP_LINKING: Final = "deep_linking"
REVIEW: Final = "review"


@dataclass(frozen=True)
class Opening:
    """One message for one person, not sent yet.

    `kind` is link, deep_linking or review; `activity` is None for deep linking; `for_user` is whose work is reviewed;
    `settings` are those of a deep linking request; `number` is how the platform numbers what is opened.
    """

    kind: str
    user: User
    course: Course
    activity: Activity | None
    tool: Tool
    document_target: str
    for_user: User | None = None
    settings: Mapping[str, Any] | None = None
    number: int = 0

    @property
    def target_link_uri(self) -> str:
        """Where the message leads."""
        if self.activity is None:
            return self.tool.deep_linking_url or self.tool.target_link_uri
        if self.kind == REVIEW and self.activity.review is not None and self.activity.review.url:
            return self.activity.review.url
        return self.activity.url or self.tool.target_link_uri


@dataclass(frozen=True)
class Kept:
    """An opening and until when its hint works (Unix seconds)."""

    opening: Opening
    expires_at: float


def login_fields(lms: PracticeLms, opening: Opening) -> dict[str, str]:
    """The third-party-initiated login (LTI Security Framework 1.0 §5.1.1.1) as form fields."""
    settings, tool = lms.settings, opening.tool
    fields = {
        "iss": settings.issuer,
        "target_link_uri": opening.target_link_uri,
        "login_hint": opening.user.sub,
        "lti_message_hint": _keep(lms, opening),
        "client_id": tool.client_id,
        "lti_deployment_id": tool.deployment_id,
    }
    if (storage := storage_target(lms, opening)) is not None:
        fields["lti_storage_target"] = storage
    return fields | settings.plays.login_extras()


def storage_target(lms: PracticeLms, opening: Opening) -> str | None:
    """The frame that keeps data for the tool; there is none beside a window of its own."""
    named = lms.settings.plays.storage_target or lms.settings.storage_target
    return named if named and opening.document_target == "iframe" else None


def _keep(lms: PracticeLms, opening: Opening) -> str:
    """Remember an opening for ten minutes and return the hint to it."""
    now = lms.clock()
    for old in [key for key, kept in lms.openings.items() if kept.expires_at < now]:
        del lms.openings[old]
    plays, expires_at = lms.settings.plays, now + lms.settings.hint_seconds
    key = f"ltilaunch{opening.number}_{randbelow(10**8):08d}" if plays.json_hints else token_urlsafe(12)
    lms.openings[key] = Kept(opening, expires_at)
    if plays.json_hints:
        numbered = {"cmid": opening.number} if opening.activity is not None else {}
        return json.dumps(numbered | {"launchid": key}, separators=(",", ":"))
    hint = {"sub": opening.user.sub, "jti": key, "exp": int(expires_at)}
    return jwt.encode({"alg": "HS256"}, hint, lms.keys.hint_key, ["HS256"])


def read_hint(lms: PracticeLms, hint: str, user: User) -> Opening:
    """What a returned `lti_message_hint` stands for: unchanged, in time, this person's, not used up.

    Raises AuthRefused.
    """
    key = _key_in(lms, hint)
    kept = lms.openings.get(key)
    if kept is None and key in lms.used_hints:
        raise AuthRefused(
            "lti_message_hint was used before. Open the activity again from the course.",
            code="launch_no_longer_valid",
        )
    if kept is None or kept.expires_at < lms.clock():
        raise AuthRefused(
            "lti_message_hint has expired. Open the activity again from the course.", code="launch_no_longer_valid"
        )
    if kept.opening.user != user:
        raise AuthRefused("lti_message_hint was made for somebody else.")
    if lms.settings.single_use_hint or lms.settings.plays.single_use_hint:
        del lms.openings[key]
        lms.use_once(lms.used_hints, key, kept.expires_at)
    return kept.opening


def _key_in(lms: PracticeLms, hint: str) -> str:
    unknown = AuthRefused("lti_message_hint is not the one this platform gave out.")
    if lms.settings.plays.json_hints:
        try:
            members = json.loads(hint)
        except (ValueError, RecursionError):
            raise unknown from None
        key = members.get("launchid") if isinstance(members, dict) else None
    else:
        try:
            key = jwt.decode(hint, lms.keys.hint_key, ["HS256"]).claims.get("jti")
        except (JoseError, ValueError) as error:
            raise unknown from error
    if not isinstance(key, str):
        raise unknown
    return key


def user_named(name: str) -> User | None:
    """Somebody who can sign in, by key or by `sub`."""
    return USERS.get(name) or next((user for user in USERS.values() if user.sub == name), None)
