"""What the front door keeps of a person, for the person: the sessions of their launches."""

from __future__ import annotations

from sqlmodel import col, delete

from app.core.db import ReadSession, WriteSession
from app.people.exporting import section
from app.people.personal_data import lms_identities
from app.people.schemas import Count, Kept, Section
from app.web.models import LaunchSessionRow

SECRET = ("handle", "secret_hash", "code_hash", "code_expires_at")
OF_OTHERS = ("for_user", "deep_linking")  # whose work a teacher looked at; what an LMS wants back unread


class WebPersonalData:
    """Sessions."""

    room = "web"
    tables = frozenset({"launch_session"})
    kept: tuple[Kept, ...] = ()

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """When they were signed in, by which launch."""
        return (
            section(
                session, "web.sessions", "Launches by which you are, or were last, signed in.", LaunchSessionRow,
                col(LaunchSessionRow.person_id) == person_id, without=("person_id", *SECRET, *OF_OTHERS),
            ),
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """A session that is open ends."""
        return ()

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """End all sessions, and those of a teacher who looks at this person's work: they hold the LMS's id of them."""
        own = session.execute(delete(LaunchSessionRow).where(col(LaunchSessionRow.person_id) == person_id))
        for identity in lms_identities(session, person_id):
            session.execute(
                delete(LaunchSessionRow).where(
                    col(LaunchSessionRow.registration_id) == identity.registration_id,
                    col(LaunchSessionRow.for_user) == identity.subject,
                )
            )
        return (Count("sessions; whoever is signed in is signed out", own.rowcount),)  # type: ignore[attr-defined]
