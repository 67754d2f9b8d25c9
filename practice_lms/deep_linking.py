"""Deep linking: asking the tool what to put into a course, and taking its answer strictly (Deep Linking 2.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from practice_lms.authoring import add_activity
from practice_lms.catalogue import Course, User
from practice_lms.deep_link_items import NewActivity, judge
from practice_lms.errors import DeepLinkRefused
from practice_lms.lms import PracticeLms
from practice_lms.messages import LTI
from practice_lms.openings import DEEP_LINKING, Opening, user_named
from practice_lms.render import SESSION_COOKIE, auto_post, page
from practice_lms.services import lms_behind
from practice_lms.tool_keys import NotVerified, moment_in, verified
from practice_lms.tools import Tool

router = APIRouter()

DL: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MESSAGES: Final = ("msg", "log", "errormsg", "errorlog")
LONGEST_LIFE: Final = 3600
OLDEST: Final = 600
LARGEST: Final = 400_000
_MISSING: Final = object()


@dataclass(frozen=True)
class DeepLinkRequest:
    """A request on its way: whose, where to, and what was said to be taken."""

    id: str
    secret: str
    user_key: str
    course_key: str
    client_id: str
    settings: Mapping[str, Any]
    expires_at: float


@dataclass(frozen=True)
class DeepLinkOutcome:
    """What came of an answer: keys of the activities made, and why items were refused."""

    course_key: str
    accepted: tuple[str, ...]
    refused: tuple[str, ...]
    message: str
    error_message: str
    claims: Mapping[str, Any]


def ask(lms: PracticeLms, user: User, course: Course, document_target: str) -> Opening:
    """A deep linking request about to be sent; who asks is not checked: a tool must turn learners away itself."""
    settings, secret = dict(lms.deep_linking_settings()), token_urlsafe(12)
    request = DeepLinkRequest(
        id=token_urlsafe(12),
        secret=secret,
        user_key=user.key,
        course_key=course.key,
        client_id=lms.tool.client_id,
        settings=settings,
        expires_at=lms.clock() + lms.settings.hint_seconds * 6,
    )
    for old in [key for key, kept in lms.deep_link_requests.items() if kept.expires_at < lms.clock()]:
        del lms.deep_link_requests[old]
    lms.deep_link_requests[request.id] = request
    return_url = f"{lms.settings.front_url}/deep-link/{request.id}?sesskey={secret}"
    return Opening(
        kind=DEEP_LINKING,
        user=user,
        course=course,
        activity=None,
        tool=lms.tool,
        document_target=document_target,
        settings={"deep_link_return_url": return_url, **settings},
    )


@router.post("/deep-link/{request_id}")
async def answered(request: Request, request_id: str, sesskey: str = "") -> Response:
    """The tool's answer, posted by the browser."""
    lms = lms_behind(request)
    asked = lms.deep_link_requests.get(request_id)
    if asked is None or asked.secret != sesskey or asked.expires_at < lms.clock():
        raise DeepLinkRefused("Nobody asked for this, or it was answered before, or too long ago.")
    fields = await _fields(request)
    user = lms.signed_in(request.cookies.get(SESSION_COOKIE))
    if user is None and "repost" not in fields:
        # The tool's site posted this, so the browser held our cookie back; a form of our own page brings it.
        again = f"{lms.settings.front_url}{request.url.path}?{request.url.query}"
        return auto_post(request, again, {**fields, "repost": "1"}, heading="Adding to the course")
    if user is None or user != user_named(asked.user_key):
        raise DeepLinkRefused("The answer came in another session than the request.", status=403)
    try:
        claims = await run_in_threadpool(_checked, lms, asked, fields.get("JWT", ""))
    except NotVerified as error:
        raise DeepLinkRefused(str(error)) from error
    outcome = _carry_out(lms, asked, claims)
    course = lms.campus.courses[asked.course_key]
    made = [activity for key in outcome.accepted if (activity := course.activity(key)) is not None]
    return page(request, "added.html", framed=True, course=course, outcome=outcome, made=made)


async def _fields(request: Request) -> dict[str, str]:
    form = await request.form(max_files=0, max_fields=10, max_part_size=LARGEST)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    fields = dict(pairs)
    if len(fields) != len(pairs) or set(fields) - {"JWT", "repost"} or len(fields.get("JWT", "")) > LARGEST:
        raise DeepLinkRefused("The answer must be a form with one field, JWT.")
    return fields


def _checked(lms: PracticeLms, asked: DeepLinkRequest, token: str) -> dict[str, Any]:
    """The claims of an answer that is the tool's own and answers this request. Raises NotVerified."""
    tool = lms.tools[asked.client_id]
    claims = verified(lms.keys_of(tool), token, "JWT")
    if claims.get("iss") != tool.client_id:
        raise NotVerified("iss of JWT must be the client_id.")
    audience = claims.get("aud")
    if lms.settings.issuer not in (audience if isinstance(audience, list) else [audience]):
        raise NotVerified(f"aud of JWT must hold the issuer, {lms.settings.issuer}.")
    if claims.get("azp") not in (None, lms.settings.issuer):
        raise NotVerified("azp of JWT is somebody else.")
    _check_times(lms, claims)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        raise NotVerified("nonce of JWT is missing.")
    if not lms.use_once(lms.seen_nonces, f"{tool.client_id} {nonce}", lms.clock() + LONGEST_LIFE):
        raise NotVerified("nonce of JWT was used before.")
    _check_message(asked, tool, claims)
    return claims


def _check_times(lms: PracticeLms, claims: dict[str, Any]) -> None:
    now = lms.clock()
    issued_at, expires_at = moment_in(claims, "iat", "JWT"), moment_in(claims, "exp", "JWT")
    if issued_at > now:
        raise NotVerified("JWT was issued in the future.")
    if issued_at < now - OLDEST:
        raise NotVerified("JWT was issued more than ten minutes ago.")
    if expires_at <= now:
        raise NotVerified("JWT has expired.")
    if expires_at > now + LONGEST_LIFE:
        raise NotVerified("JWT is valid for longer than an hour.")


def _check_message(asked: DeepLinkRequest, tool: Tool, claims: dict[str, Any]) -> None:
    for name, wanted in (
        ("message_type", "LtiDeepLinkingResponse"),
        ("version", "1.3.0"),
        ("deployment_id", tool.deployment_id),
    ):
        if claims.get(LTI + name) != wanted:
            raise NotVerified(f"{name} must be {wanted}.")
    if claims.get(DL + "data", _MISSING) != asked.settings.get("data", _MISSING):
        raise NotVerified("data must come back exactly as it was sent, and not at all if none was.")
    if not isinstance(claims.get(DL + "content_items", []), list):
        raise NotVerified("content_items must be a list.")
    for name in MESSAGES:
        if not isinstance(claims.get(DL + name, ""), str):
            raise NotVerified(f"{name} must be text.")


def _carry_out(lms: PracticeLms, asked: DeepLinkRequest, claims: dict[str, Any]) -> DeepLinkOutcome:
    tool = lms.tools[asked.client_id]
    items, refused = judge(claims.get(DL + "content_items", []), asked.settings, tool, lms.settings.plays)
    del lms.deep_link_requests[asked.id]
    outcome = DeepLinkOutcome(
        course_key=asked.course_key,
        accepted=tuple(_make(lms, asked.course_key, item) for item in items),
        refused=tuple(refused),
        message=claims.get(DL + "msg", ""),
        error_message=claims.get(DL + "errormsg", ""),
        claims=claims,
    )
    lms.deep_links.appendleft(outcome)
    for reason in refused:
        lms.note_refusal(DeepLinkRefused(reason))
    return outcome


def _make(lms: PracticeLms, course_key: str, item: NewActivity) -> str:
    return add_activity(lms, course_key, **vars(item)).key
