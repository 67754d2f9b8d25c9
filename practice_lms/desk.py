"""The pages that show what arrived: gradebook, mail, and Ali's page about the platform itself."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import RedirectResponse, Response

from practice_lms.catalogue import COURSES, USERS, Course, User
from practice_lms.errors import PageRefused
from practice_lms.gradebook import LineItem, Score
from practice_lms.lms import PracticeLms
from practice_lms.mail import Mail, TextPiece, with_links
from practice_lms.pages import field, require_own_form
from practice_lms.render import SESSION_COOKIE, page
from practice_lms.services import lms_behind
from practice_lms.settings import platform_details

router = APIRouter()

LONGEST_OUTAGE = 3600


@dataclass(frozen=True)
class GradeRow:
    """One learner in one column. `grade` is None when no grade stands; `history` is newest first."""

    learner: User
    course: Course
    item: LineItem
    grade: float | None
    history: tuple[Score, ...]


@dataclass(frozen=True)
class ShownMail:
    """A mail and its text cut into plain stretches and links."""

    mail: Mail
    pieces: list[TextPiece]


def grade_rows(lms: PracticeLms) -> list[GradeRow]:
    """Every learner against every column, course by course."""
    return [
        GradeRow(
            user,
            course,
            item,
            lms.gradebook.result(item, user.sub),
            tuple(reversed(lms.gradebook.history(item, user.sub))),
        )
        for course in COURSES.values()
        for item in lms.gradebook.of_course(course.key)
        for user in USERS.values()
        if user.is_learner
    ]


@router.get("/gradebook")
async def gradebook(request: Request) -> Response:
    """What the tool reported, with everything that led up to it."""
    rows = grade_rows(lms_behind(request))
    return page(request, "gradebook.html", rows=rows, empty=not any(row.history for row in rows))


@router.get("/gradebook.json")
async def gradebook_json(request: Request) -> JSONResponse:
    """The gradebook for scripts: `{"rows": [{"user", "course", "label", "score", "maximum", "history": [...]}]}`."""
    return JSONResponse({"rows": [_row_json(row) for row in grade_rows(lms_behind(request))]})


def _row_json(row: GradeRow) -> dict[str, object]:
    return {
        "user": row.learner.key,
        "sub": row.learner.sub,
        "course": row.course.key,
        "label": row.item.label,
        "score": row.grade,
        "maximum": row.item.score_maximum,
        "history": [
            {
                "given": score.given,
                "maximum": score.maximum,
                "comment": score.comment,
                "activity_progress": score.activity_progress,
                "grading_progress": score.grading_progress,
                "timestamp": score.timestamp.isoformat(),
            }
            for score in row.history
        ],
    }


@router.get("/mail")
async def mail(request: Request) -> Response:
    """Every mail the mail catcher got, newest first."""
    lms = lms_behind(request)
    return page(
        request, "mail.html", mails=[ShownMail(mail, with_links(mail.text)) for mail in list(lms.mailbox.mails)]
    )


@router.get("/mail.json")
async def mail_json(request: Request) -> JSONResponse:
    """For scripts, newest first: `{"mails": [{"number", "received_at", "from", "to", "subject", "text"}]}`."""
    mails = list(lms_behind(request).mailbox.mails)
    return JSONResponse(
        {
            "mails": [
                {
                    "number": mail.number,
                    "received_at": mail.received_at.isoformat(),
                    "from": mail.sender,
                    "to": list(mail.recipients),
                    "subject": mail.subject,
                    "text": mail.text,
                }
                for mail in mails
            ]
        }
    )


@router.get("/admin")
async def admin(request: Request) -> Response:
    """The values of the registration, the keys, what was refused and why, and switches for trouble."""
    lms = _as_ali(request)
    return page(
        request,
        "admin.html",
        details=platform_details(lms.settings),
        keys=lms.keys,
        refusals=list(lms.refusals),
        outage_left=lms.outage_seconds_left(),
        tokens=len(lms.access_tokens),
    )


@router.post("/admin/outage")
async def outage(request: Request) -> Response:
    """Let the grade service answer 503 for `seconds` (0 ends it), to see that no score is lost."""
    require_own_form(request)
    lms = _as_ali(request)
    seconds = await field(request, "seconds")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 6 and int(seconds) <= LONGEST_OUTAGE):
        raise PageRefused(f"seconds must be a whole number from 0 to {LONGEST_OUTAGE}.")
    lms.start_outage(int(seconds))
    return RedirectResponse("/admin", 303)


@router.post("/admin/rotate-key")
async def rotate_key(request: Request) -> Response:
    """Sign with the next key from now on."""
    require_own_form(request)
    _as_ali(request).keys.rotate()
    return RedirectResponse("/admin", 303)


@router.post("/admin/revoke-tokens")
async def revoke_tokens(request: Request) -> Response:
    """Make every access token worthless, to see that the tool fetches a new one."""
    require_own_form(request)
    _as_ali(request).revoke_access_tokens()
    return RedirectResponse("/admin", 303)


def _as_ali(request: Request) -> PracticeLms:
    lms = lms_behind(request)
    user = lms.signed_in(request.cookies.get(SESSION_COOKIE))
    if user is None or user.key != "ali":
        raise PageRefused("This page is for Ali, who looks after the LMS. Choose Ali on the first page.", status=403)
    return lms
