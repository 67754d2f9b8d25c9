"""The pictures that lessons show, from our own address: no learner's browser asks another place for them.

Programme content is nobody's data, so these addresses are public like the rest of the catalogue, and kept for good.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.core.errors import NotFound
from app.programme import lesson_pictures, service
from app.web.catalogue import UNCHANGING
from app.web.dependencies import ReadDb
from app.web.documents import READ, respond
from app.web.path_numbers import register_path_numbers

register_path_numbers()
router = APIRouter(include_in_schema=False)


@router.api_route("/programme/modules/{key}/{version:number}/media/{name}", methods=READ)
def lesson_picture(request: Request, key: str, version: int, name: str, db: ReadDb) -> Response:
    """A picture that this version of a module shows: the same bytes for good."""
    known = lesson_pictures.found(service.module_version(db, key, version).media, name)
    if known is None:
        raise NotFound("This version of the module shows no such picture.")
    return respond(request, known[0], known[1], cache=UNCHANGING)
