"""A file on its way in: cleaned, its text read for real people, and only then stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from app.core.db import Database
from app.learning.files.errors import FileFindings, FileTooLarge, PicturesUnlooked
from app.learning.files.naming import harmless, says_table
from app.learning.files.scanning import kinds_in, places_in
from app.learning.files.schemas import EvidenceFile
from app.learning.files.store import add_file, check_room
from app.learning.files.workshop import cleaned
from app.people import service as people


@dataclass(frozen=True)
class Offered:
    """A file as a form brings it.

    Attributes:
        name: as the browser told it.
        answered: kinds of places of which the learner says that none is about a real person.
        seen: marks of the places that were before them when they answered; None if nobody told.
        looked: they looked at what can be seen in its pictures.
    """

    name: str
    data: bytes
    answered: Collection[str] = ()
    seen: Collection[str] | None = None
    looked: bool = False


def receive(
    database: Database, offered: Offered, *, enrolment_id: str, person_id: str, activity_key: str, field_key: str,
    most_mb: int,
) -> EvidenceFile:  # fmt: skip
    """Take a file in, or store nothing of it. The work on it happens outside of any transaction.

    Args:
        database: of the house.
        offered: the file and what was said of it.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who adds it.
        activity_key: the exercise.
        field_key: its field.
        most_mb: how large a file may be, in MB.

    Raises:
        EnrolmentNotFound, ActivityNotFound, WorkLocked, NoRoomForFile: it cannot be added here now.
        FileTooLarge, FileRefused, CleaningBusy: it cannot be taken.
        FileFindings: places in it may point at real people.
        PicturesUnlooked: it has pictures, and nobody said that they looked.
    """
    own: dict[str, Any] = {
        "enrolment_id": enrolment_id, "person_id": person_id, "activity_key": activity_key, "field_key": field_key,
    }  # fmt: skip
    if len(offered.data) > most_mb * 1_000_000:
        raise FileTooLarge(most_mb)
    with database.read() as session:
        module = check_room(session, **own)
        own_name = people.display_name(session, person_id)
    clean = cleaned(offered.data, as_table=says_table(offered.name), most_bytes=most_mb * 1_000_000, whose=person_id)
    places = places_in(clean.passages, harmless(offered.name, clean.suffix), module, own_name)
    # What was said of one file says nothing of other words in the next.
    unanswered = tuple(
        place
        for place in places
        if place.kind not in offered.answered or (offered.seen is not None and place.mark not in offered.seen)
    )
    if unanswered:
        raise FileFindings(unanswered, tuple(kinds_in(places)), frozenset(place.mark for place in places))
    if clean.has_pictures and not offered.looked:
        raise PicturesUnlooked
    with database.write() as session:
        return add_file(session, **own, name=offered.name, clean=clean, kept=kinds_in(places))
