"""What the service endpoints share: URLs, scopes, media types, and the checks made before any of them does its work."""

import json
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from practice_lms.catalogue import Course
from practice_lms.errors import Refused
from practice_lms.gradebook import LineItem
from practice_lms.lms import PracticeLms
from practice_lms.profiles.standard import Endpoints
from practice_lms.scopes import ALL_SCOPES
from practice_lms.settings import Settings

LARGEST_BODY: Final = 64_000
SERVICE_PATHS: Final = ("/ags/", "/nrps/", "/token", "/jwks", "/register", "/.well-known/", "/admin/api/")

Row = TypeVar("Row")


def query_of(settings: Settings) -> str:
    """The query every address of the grade service has on this platform, with its question mark; empty if none."""
    query = urlencode(settings.plays.service_query)
    return f"?{query}" if query else ""


def items_url(settings: Settings, course: Course) -> str:
    """The line item container of a course."""
    return f"{settings.back_url}/ags/{course.key}/lineitems{query_of(settings)}"


def line_item_url(settings: Settings, item: LineItem) -> str:
    """One line item; scores and results live below its path, with the query kept."""
    return f"{settings.back_url}/ags/{item.course_key}/lineitems/{item.id}{query_of(settings)}"


def roster_url(settings: Settings, course: Course) -> str:
    """The membership container of a course."""
    return f"{settings.back_url}/nrps/{course.key}/memberships"


def endpoints(settings: Settings, registration_url: str | None = None) -> Endpoints:
    """What the OpenID configuration names."""
    return Endpoints(
        front_url=settings.front_url,
        registration_url=registration_url or settings.registration_url,
        scopes=sorted(ALL_SCOPES),
        account_name=settings.account_name,
    )


def lms_behind(request: Request) -> PracticeLms:
    """The practice LMS that serves this request."""
    lms = request.app.state.lms
    if not isinstance(lms, PracticeLms):
        raise TypeError("app.state.lms is not a PracticeLms")
    return lms


def require_user_agent(request: Request, refusal: type[Refused]) -> None:
    """Canvas turns away callers that do not say who they are; so does this platform."""
    if not request.headers.get("user-agent", "").strip():
        raise refusal("The request has no User-Agent header.", status=403)


def require_scope(request: Request, refusal: type[Refused], *scopes: str) -> PracticeLms:
    """Check the bearer token (RFC 6750): 401 if it is not good, 403 if none of `scopes` was granted."""
    lms = lms_behind(request)
    require_user_agent(request, refusal)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    grant = lms.access_tokens.get(token.strip()) if scheme.lower() == "bearer" else None
    if grant is None:
        raise refusal("The access token is missing or unknown.", status=401)
    if grant.expires_at <= lms.clock():
        raise refusal("The access token has expired.", status=401)
    if grant.scopes.isdisjoint(scopes):
        raise refusal("The access token was not granted the scope for this.", status=403)
    return lms


def require_accept(request: Request, refusal: type[Refused], media_type: str) -> None:
    """The Accept header must name the media type itself; `*/*` is not enough, as in Moodle."""
    accepted = {part.split(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")}
    if media_type not in accepted:
        raise refusal(f"The Accept header must be {media_type}.")


async def read_json(request: Request, refusal: type[Refused], media_type: str) -> dict[str, Any]:
    """The body as a JSON object, if it says it is of this media type and is of a sensible size."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != media_type:
        raise refusal(f"The Content-Type header must be {media_type}.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise refusal("The body is larger than 64 kB.", status=413)
    try:
        content = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refusal("The body is not JSON.") from error
    if not isinstance(content, dict):
        raise refusal("The body is not a JSON object.")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def text_of(content: dict[str, Any], name: str, refusal: type[Refused], *, required: bool = False) -> str:
    """A text member of a body; empty if it is absent and may be."""
    value = content.get(name, "")
    if not isinstance(value, str):
        raise refusal(f"{name} must be text.")
    if required and not value.strip():
        raise refusal(f"{name} is missing.")
    return value


def number_of(content: dict[str, Any], name: str, refusal: type[Refused]) -> float | None:
    """A number member of a body that is 0 or more; None if it is absent."""
    value = content.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise refusal(f"{name} must be a number of 0 or more.")
    return float(value)


def whole_number(request: Request, name: str, refusal: type[Refused], *, least: int) -> int | None:
    """A query parameter that must be a whole number of at least `least`; None if it is absent."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) >= least):
        raise refusal(f"{name} must be a whole number of at least {least}.")
    return int(text)


def page_of(
    request: Request, rows: list[Row], url: str, refusal: type[Refused], *, usual: int | None, largest: int | None
) -> tuple[list[Row], str]:
    """Cut `rows` down to the page asked for by `limit` and `from`; also the address of the next page, or "".

    `usual` is the length of a page where none is asked for, `largest` the most the platform ever gives.
    """
    limit, start = (
        whole_number(request, "limit", refusal, least=1),
        whole_number(request, "from", refusal, least=0) or 0,
    )
    length = limit or usual
    if largest is not None:
        length = min(length or largest, largest)
    if length is None or start + length >= len(rows):
        return rows[start:], ""
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "from"]
    return rows[start : start + length], f"{url}?{urlencode([*query, ('from', str(start + length))])}"


def answer(content: object, media_type: str, *, status: int = 200) -> JSONResponse:
    """A JSON answer under the media type of its service."""
    return JSONResponse(content, status, media_type=media_type)


def link_to_next(response: Response, url: str, *, typographic: bool = False) -> None:
    """Add the Link header to the next page (RFC 8288), if there is one.

    `typographic` writes it as Moodle's grade service does: quotation marks of print in UTF-8, and an address escaped
    for HTML.
    """
    if not url:
        return
    header = f"<{url.replace('&', '&amp;')}>; rel=“next”" if typographic else f'<{url}>; rel="next"'
    # Starlette would not write these characters; a server that has them in its header does not ask.
    response.raw_headers.append((b"link", header.encode()))


def bearer_challenge(status: int) -> dict[str, str]:
    """The header that goes with a 401 (RFC 6750 §3)."""
    return {"WWW-Authenticate": 'Bearer realm="Practice LMS", error="invalid_token"'} if status == 401 else {}
