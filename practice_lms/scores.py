"""The score endpoint of Assignment and Grade Services 2.0 (§3.4)."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from practice_lms.ags import item_or_refuse, open_grades
from practice_lms.errors import GradesRefused
from practice_lms.gate import service
from practice_lms.scopes import SCOPE_SCORE, SCORE
from practice_lms.scoring import SCORINGS
from practice_lms.services import answer, read_json

router = APIRouter(dependencies=[Depends(service("scores", GradesRefused))])


@router.post("/ags/{course_key}/lineitems/{item_id}/scores")
async def post_score(request: Request, course_key: str, item_id: str) -> Response:
    """Take in a score: 200 and, but on Canvas, an empty body."""
    lms = open_grades(request, SCOPE_SCORE)
    item = item_or_refuse(lms, course_key, item_id)
    content = await read_json(request, GradesRefused, SCORE)
    told = SCORINGS[lms.settings.plays.scoring].take(lms, item, content)
    lms.counts["scores.taken"] += 1
    return Response(status_code=200) if told is None else answer(told, SCORE)
