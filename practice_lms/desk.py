"""The pages that show what arrived: gradebook and mail."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from practice_lms.catalogue import USERS, Course, Member, User
from practice_lms.gradebook import TEACHER, LineItem, Score
from practice_lms.lms import PracticeLms
from practice_lms.mail import Mail, TextPiece, with_links
from practice_lms.render import page
from practice_lms.services import lms_behind

router = APIRouter()


@dataclass(frozen=True)
class GradeRow:
    """One learner in one column. `grade` is None when no grade stands; `history` is newest first.

    `activity_key` is empty for a column a tool made for itself.
    """

    learner: User
    course: Course
    item: LineItem
    grade: float | None
    by_teacher: bool
    history: tuple[Score, ...]
    activity_key: str


@dataclass(frozen=True)
class ShownMail:
    """A mail and its text cut into plain stretches and links."""

    mail: Mail
    pieces: list[TextPiece]


def grade_rows(lms: PracticeLms) -> list[GradeRow]:
    """Every learner who can sign in or has a grade against every column, course by course."""
    return [
        _row(lms, course, item, member.user)
        for course in lms.campus.courses.values()
        for item in lms.gradebook.of_course(course.key)
        for member in _learners(lms, course, item)
    ]


def _learners(lms: PracticeLms, course: Course, item: LineItem) -> list[Member]:
    known = {user.sub for user in USERS.values()} | {sub for scored, sub in lms.gradebook.scores if scored == item.id}
    return [member for member in lms.campus.members(course.key) if member.user.is_learner and member.user.sub in known]


def _row(lms: PracticeLms, course: Course, item: LineItem, learner: User) -> GradeRow:
    found = lms.campus.find_link(item.resource_link_id) if item.resource_link_id else None
    standing = lms.gradebook.grade(item, learner.sub)
    return GradeRow(
        learner=learner,
        course=course,
        item=item,
        grade=lms.gradebook.result(item, learner.sub),
        by_teacher=standing is not None and standing.given_by == TEACHER,
        history=tuple(reversed(lms.gradebook.history(item, learner.sub))),
        activity_key=found[1].key if found else "",
    )


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
