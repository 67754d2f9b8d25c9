"""`/verify`: anybody checks any badge. No account; nothing that is sent is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile

from app.verifier.reading import MAX_BADGE_BYTES
from app.verifier.schemas import Presented
from app.web.dependencies import BadgeVerifier
from app.web.pages import render
from app.web.report_view import ReportView, view_of

router = APIRouter(include_in_schema=False)

NO_STORE: Final = {"Cache-Control": "no-store"}
_TOO_LARGE: Final = (
    f"The file is larger than {MAX_BADGE_BYTES // 1_000_000} MB, which no badge is. Choose the badge itself."
)
_NOTHING: Final = "Paste the badge or its address, or choose a file."


@dataclass(frozen=True)
class Submission:
    """What a visitor sent: pasted text, or a file's bytes; `error` says what is wrong with it, by field."""

    text: str = ""
    presented: Presented | None = None
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class VerifyForm:
    """The form, empty or with what was typed."""

    text: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)

    @property
    def error_of(self) -> dict[str, str]:
        """The message of each field that has one."""
        return dict(self.errors)


@dataclass(frozen=True)
class FormPage:
    """Context of verify/form.html."""

    form: VerifyForm


@dataclass(frozen=True)
class ResultPage:
    """Context of verify/result.html; `text` is what was pasted, so that it can be checked again."""

    view: ReportView
    text: str
    again: bool


async def submission(request: Request) -> Submission:
    """Read the form: a file wins over text, because choosing one is the later step."""
    async with request.form(max_files=1, max_fields=2) as form:
        text, file = form.get("badge", ""), form.get("file")
        text = text.strip() if isinstance(text, str) else ""
        if isinstance(file, UploadFile) and file.filename:
            return _uploaded(text, await file.read(MAX_BADGE_BYTES + 1))
    if not text:
        return Submission(errors=(("badge", _NOTHING),))
    return Submission(text, Presented.from_text(text))


def _uploaded(text: str, data: bytes) -> Submission:
    if len(data) > MAX_BADGE_BYTES:
        return Submission(text, errors=(("file", _TOO_LARGE),))
    if not data:
        return Submission(text, errors=(("file", "The file is empty. Choose another one."),))
    return Submission(text, Presented.from_bytes(data))


@router.get("/verify")
def show_form(request: Request, url: str = "") -> HTMLResponse:
    """The form; `url` fills in an address but checks nothing: only a person's click sends this server out."""
    return render(request, "verify/form.html", FormPage(VerifyForm(text=url[:2000])))


@router.post("/verify")
def check(request: Request, verifier: BadgeVerifier, sent: Annotated[Submission, Depends(submission)]) -> HTMLResponse:
    """Judge what was sent. It changes nothing here, so the verdict is the answer itself."""
    if sent.presented is None:
        status = 413 if sent.errors == (("file", _TOO_LARGE),) else 400
        form = VerifyForm(sent.text, list(sent.errors))
        return render(request, "verify/form.html", FormPage(form), status=status)
    verifier.limit.spend(request.client.host if request.client else "unknown")
    report = verifier.verify(sent.presented)
    from_text = sent.presented.address is not None or sent.presented.data == sent.text.encode()
    page = ResultPage(view_of(report), sent.text if from_text else "", again=from_text)
    return render(request, "verify/result.html", page, headers=NO_STORE)
