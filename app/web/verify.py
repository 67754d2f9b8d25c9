"""`/verify`: anybody checks any badge. No account; nothing that is sent is kept."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile

from app.verifier import reading
from app.verifier.errors import BadgeTooSlow
from app.verifier.look_alikes import letters_of
from app.verifier.reading import MAX_BADGE_BYTES
from app.verifier.schemas import Presented
from app.web.dependencies import BadgeVerifier
from app.web.middleware import MAX_BODY
from app.web.pages import render
from app.web.report_view import ReportView, view_of

router = APIRouter(include_in_schema=False)

NO_STORE: Final = {"Cache-Control": "no-store"}
MOST_TO_CHECK_AGAIN: Final = 100_000
_TOO_LARGE: Final = (
    f"The file is larger than {MAX_BADGE_BYTES // 1_000_000} MB, which no badge is. Choose the badge itself."
)
_TEXT_TOO_LARGE: Final = (
    f"The text is longer than {MAX_BADGE_BYTES // 1_000_000} MB, which no badge is. Paste the badge itself."
)
_NOTHING: Final = "Paste the badge or its address, or choose a file."
_EMPTY: Final = "The file is empty. Choose another one."
_NO_ADDRESS: Final = "An address begins with https://. Paste the whole address of the badge."
_BADGE_TEXT: Final = re.compile(r"\{|ey[A-Za-z0-9_-]+\.")
_MORE_THAN_ONE: Final = "You gave more than one badge. Keep the one to check, empty the other fields, and try again."


@dataclass(frozen=True)
class VerifyForm:
    """The form, empty or with what was typed; each error with the name of its field."""

    url: str = ""
    text: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)

    @property
    def error_of(self) -> dict[str, str]:
        """The message of each field that has one."""
        return dict(self.errors)

    @property
    def kept(self) -> str | None:
        """What became of what was sent."""
        return "What you pasted is still here. A file has to be chosen again." if self.url or self.text else None


@dataclass(frozen=True)
class Submission:
    """What a visitor sent: `presented`, or the form again with what is wrong with it and the status of that answer.

    `again`: they have had a verdict and want one that rests on nothing fetched for it.
    """

    form: VerifyForm
    presented: Presented | None = None
    status: int = 400
    again: bool = False

    @property
    def text(self) -> str:
        """What was pasted, if that is what was checked and it is no larger than a page should carry about."""
        text = self.form.url or self.form.text
        return text if len(text) <= MOST_TO_CHECK_AGAIN else ""


@dataclass(frozen=True)
class FormPage:
    """Context of verify/form.html."""

    form: VerifyForm


@dataclass(frozen=True)
class ResultPage:
    """Context of verify/result.html.

    `text` is what was pasted, so that it can be checked again; `warning` says whom the issuer could be taken for, and
    `letters` how its address may look in a browser.
    """

    view: ReportView
    text: str
    warning: str | None
    letters: str | None


async def submission(request: Request) -> Submission:
    """Read the form: a badge in one of its three fields.

    Two badges are refused: of which one the verdict is would be a guess.
    """
    try:
        async with (
            asyncio.timeout(reading.SECONDS_TO_ARRIVE),
            request.form(max_files=1, max_fields=3, max_part_size=MAX_BODY) as form,
        ):
            url, text, file = form.get("url", ""), form.get("badge", ""), form.get("file")
            url, text = (value.strip() if isinstance(value, str) else "" for value in (url, text))
            upload = file if isinstance(file, UploadFile) and file.filename else None
            data = await upload.read(MAX_BADGE_BYTES + 1) if upload else None
            again = form.get("again") == "1"
    except TimeoutError as error:
        raise BadgeTooSlow from error
    return replace(_submitted(url, text, data), again=again)


def _submitted(url: str, text: str, data: bytes | None) -> Submission:
    def refused(name: str, message: str, status: int = 400) -> Submission:
        # A text that is too long is not sent back: the page could not be sent either.
        shown = VerifyForm(url[:2000], text if status == 400 else "", [(name, message)])
        return Submission(shown, status=status)

    given = [name for name, there in (("url", bool(url)), ("badge", bool(text)), ("file", data is not None)) if there]
    if not given:
        return refused("url", _NOTHING)
    if len(given) > 1:
        return refused(given[0], _MORE_THAN_ONE)
    if data is not None:
        if len(data) > MAX_BADGE_BYTES:
            return refused("file", _TOO_LARGE, 413)
        return Submission(VerifyForm(), Presented.from_bytes(data)) if data else refused("file", _EMPTY)
    if len((url or text).encode()) > MAX_BADGE_BYTES:
        return refused(given[0], _TEXT_TOO_LARGE, 413)
    presented = Presented.from_text(url or text)
    if url and presented.address is None and not _BADGE_TEXT.match(url):
        return refused("url", _NO_ADDRESS)
    return Submission(VerifyForm(url, text), presented)


@router.get("/verify")
def show_form(request: Request, url: str = "") -> HTMLResponse:
    """The form; `url` fills in an address but checks nothing: only a person's click sends this server out."""
    return render(request, "verify/form.html", FormPage(VerifyForm(url=url[:2000])))


@router.post("/verify")
def check(request: Request, verifier: BadgeVerifier, sent: Annotated[Submission, Depends(submission)]) -> HTMLResponse:
    """Judge what was sent. It changes nothing here, so the verdict is the answer itself."""
    if sent.presented is None:
        return render(request, "verify/form.html", FormPage(sent.form), status=sent.status, headers=NO_STORE)
    verifier.limit.spend(request.client.host if request.client else "unknown")
    report = verifier.verify(sent.presented, renew=sent.again)
    resembled = [check.detail for check in report.checks if check.code == "issuer_look_alike"]
    domain = report.facts.issuer.domain if report.facts else None
    letters = letters_of(domain) if domain and not resembled and report.issuer is None else None
    page = ResultPage(view_of(report), sent.text, resembled[0] if resembled else None, letters)
    return render(request, "verify/result.html", page, headers=NO_STORE)
