"""The OIDC authorization endpoint: the step in the middle of every launch (LTI Security Framework 1.0 §5.1.1.2)."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.datastructures import ImmutableMultiDict
from starlette.responses import Response

from practice_lms.errors import AuthRefused
from practice_lms.lms import PracticeLms
from practice_lms.messages import message_claims, sign
from practice_lms.openings import read_hint, storage_target
from practice_lms.render import SESSION_COOKIE, auto_post
from practice_lms.services import lms_behind
from practice_lms.tools import ACTIVE, Tool

router = APIRouter()

FIXED: Final = {"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none"}
LONGEST: Final = 4096


@router.get("/auth")
async def auth_by_get(request: Request) -> Response:
    """The tool redirected the browser here."""
    return _authorise(request, request.query_params)


@router.post("/auth")
async def auth_by_post(request: Request) -> Response:
    """The tool, or our own repost page, posted a form here."""
    form = await request.form(max_files=0, max_fields=40)
    texts = ImmutableMultiDict([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
    return _authorise(request, texts)


def _authorise(request: Request, params: ImmutableMultiDict[str, str]) -> Response:
    lms = lms_behind(request)
    fields = _single_values(params)
    tool = _tool_asking(lms, fields)
    try:
        _check_request(fields)
        user = lms.signed_in(request.cookies.get(SESSION_COOKIE))
        if user is None:
            return _try_once_more(request, lms, fields)
        if fields["login_hint"] != user.sub:
            raise AuthRefused(
                f"login_hint is for somebody else: you are signed in as {user.name}. Open the activity again.",
                code="login_required",
            )
        opening = read_hint(lms, fields["lti_message_hint"], user)
    except AuthRefused as refused:
        if not (lms.settings.plays.posts_errors and refused.code and fields.get("state")):
            raise
        lms.note_refusal(refused)
        told = {"error": refused.code, "error_description": refused.reason, "state": fields["state"]}
        return auto_post(request, fields["redirect_uri"], told, heading="Going back")
    if opening.tool.client_id != tool.client_id:
        raise AuthRefused("lti_message_hint was made for another client_id.")
    answer = {"id_token": sign(lms, message_claims(lms, opening, fields["nonce"])), "state": fields["state"]}
    if lms.settings.plays.posts_errors and (storage := storage_target(lms, opening)) is not None:
        answer["lti_storage_target"] = storage
    return auto_post(request, fields["redirect_uri"], answer, heading="Opening the activity")


def _single_values(params: ImmutableMultiDict[str, str]) -> dict[str, str]:
    pairs = params.multi_items()
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise AuthRefused("A parameter was sent twice.")
    if any(len(value) > LONGEST for value in fields.values()):
        raise AuthRefused("A parameter is too long.")
    return fields


def _tool_asking(lms: PracticeLms, fields: dict[str, str]) -> Tool:
    """Who asks and where to answer come first: nothing is ever sent to an address that was not registered."""
    tool = lms.tools.get(fields.get("client_id", ""))
    if tool is None or tool.state != ACTIVE:
        raise AuthRefused("client_id is not registered here.")
    if fields.get("redirect_uri") not in tool.redirect_uris:
        raise AuthRefused(f"redirect_uri must be exactly {' or '.join(tool.redirect_uris)}.")
    return tool


def _check_request(fields: dict[str, str]) -> None:
    for name, value in FIXED.items():
        if fields.get(name) != value:
            raise AuthRefused(f"{name} must be {value}.", code="invalid_request")
    for name in ("nonce", "state", "login_hint", "lti_message_hint"):
        if not fields.get(name):
            raise AuthRefused(f"{name} is missing.", code="invalid_request")


def _try_once_more(request: Request, lms: PracticeLms, fields: dict[str, str]) -> Response:
    """A browser may hold back the session cookie where another site led here; a form from our own page brings it."""
    if "repost" in fields:
        raise AuthRefused(
            "Nobody is signed in to Practice LMS in this browser. Choose who you are on the first page.",
            code="login_required",
        )
    return auto_post(request, lms.settings.auth_url, {**fields, "repost": "1"}, heading="Checking who you are")
