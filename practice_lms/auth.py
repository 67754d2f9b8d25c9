"""The OIDC authorization endpoint: the step in the middle of every launch (LTI Security Framework 1.0 §5.1.1.2)."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.datastructures import ImmutableMultiDict
from starlette.responses import Response

from practice_lms.errors import AuthRefused
from practice_lms.launches import Hint, launch_claims, read_hint, sign_id_token
from practice_lms.lms import PracticeLms
from practice_lms.render import SESSION_COOKIE, auto_post
from practice_lms.services import lms_behind

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
    _check_request(lms, fields)
    user = lms.signed_in(request.cookies.get(SESSION_COOKIE))
    if user is None:
        return _try_once_more(request, lms, fields)
    if fields["login_hint"] != user.sub:
        raise AuthRefused(
            f"login_hint is for somebody else: you are signed in as {user.name}. Open the activity again."
        )
    hint = read_hint(lms, fields["lti_message_hint"])
    if hint.user != user:
        raise AuthRefused("lti_message_hint was made for somebody else.")
    _use_hint(lms, hint)
    id_token = sign_id_token(lms, launch_claims(lms, hint, fields["nonce"]))
    return auto_post(
        request,
        lms.settings.redirect_uri,
        {"id_token": id_token, "state": fields["state"]},
        heading="Opening the activity",
    )


def _single_values(params: ImmutableMultiDict[str, str]) -> dict[str, str]:
    pairs = params.multi_items()
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise AuthRefused("A parameter was sent twice.")
    if any(len(value) > LONGEST for value in fields.values()):
        raise AuthRefused("A parameter is too long.")
    return fields


def _check_request(lms: PracticeLms, fields: dict[str, str]) -> None:
    """Who asks and where to answer come first: nothing is ever sent to an address that was not registered."""
    settings = lms.settings
    if fields.get("client_id") != settings.client_id:
        raise AuthRefused("client_id is not registered here.")
    if fields.get("redirect_uri") != settings.redirect_uri:
        raise AuthRefused(f"redirect_uri must be exactly {settings.redirect_uri}.")
    for name, value in FIXED.items():
        if fields.get(name) != value:
            raise AuthRefused(f"{name} must be {value}.")
    for name in ("nonce", "state", "login_hint", "lti_message_hint"):
        if not fields.get(name):
            raise AuthRefused(f"{name} is missing.")


def _try_once_more(request: Request, lms: PracticeLms, fields: dict[str, str]) -> Response:
    """A browser may hold back the session cookie where another site led here; a form from our own page brings it."""
    if "repost" in fields:
        raise AuthRefused("Nobody is signed in to Practice LMS in this browser. Choose who you are on the first page.")
    return auto_post(request, lms.settings.auth_url, {**fields, "repost": "1"}, heading="Checking who you are")


def _use_hint(lms: PracticeLms, hint: Hint) -> None:
    if lms.settings.single_use_hint and not lms.use_once(lms.used_hints, hint.id, hint.expires_at):
        raise AuthRefused("lti_message_hint was used before. Open the activity again from the course.")
