"""What the people room keeps of a person, for the person; and how it goes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.people import staff_data
from app.people.exporting import section
from app.people.link_models import LinkedPersonRecord, LinkRequestRecord
from app.people.linked import linked_ids
from app.people.models import (
    ConfirmedEmailRecord,
    EmailConfirmationRecord,
    LmsIdentityRecord,
    NoticeRecord,
    OrganisationRecord,
    PersonRecord,
    RoleGrantRecord,
)
from app.people.schemas import Count, Kept, LmsIdentity, Section


class PeoplePersonalData:
    """Names, addresses, LMS identities, organisations, centres, lines, roles, and which notice was read."""

    room = "people"
    tables = frozenset(
        {
            "person", "lms_identity", "role_grant", "email_confirmation", "confirmed_email", "person_notice",
            "membership", "reporting_line", "person_link_request", "linked_person",
        }
    )  # fmt: skip
    kept = (
        Kept(
            "An emptied row under the person's id, with the day it was made, the day it was erased and the reason",
            "Decisions and the audit refer to the id, and a repeated command must know that it was done.",
        ),
        Kept(
            "Which roles the person held from when to when, by ids only",
            "Whoever was judged must be able to see that the judge was allowed to.",
        ),
        Kept(
            "Which records were joined into the person's, and when, by ids only",
            "Older entries of the audit name the person by those ids.",
        ),
        staff_data.KEPT,
    )

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """The person and what others say of them."""

        def part(name: str, about: str, model: Any, *without: str) -> Section:
            return section(
                session, f"people.{name}", about, model, model.person_id == person_id, without=("person_id", *without)
            )

        return (
            section(
                session, "people.person", "You, as this server knows you.", PersonRecord,
                col(PersonRecord.id) == person_id, without=("erased_at", "erased_reason"),
            ),
            part("lms_identities", "What each LMS calls you, as it told at your last launch.", LmsIdentityRecord),
            self._organisations(session, person_id),
            part("confirmed_emails", "Addresses that you confirmed by a code.", ConfirmedEmailRecord),
            part("email_confirmations", "Addresses that a code was asked for. No code is kept.",
                 EmailConfirmationRecord),
            part("link_requests", "Addresses by which you asked to join an earlier record. No code is kept.",
                 LinkRequestRecord, "target_id", "confirmed_email_id", "asked_in"),
            section(
                session, "people.linked", "Earlier records of yours that were joined into this one.",
                LinkedPersonRecord, col(LinkedPersonRecord.now_with) == person_id, without=("now_with", "joined_into"),
            ),
            part("roles", "Roles you were given here.", RoleGrantRecord, "granted_by_id", "revoked_by_id"),
            *staff_data.export(session, person_id),
            part("notices", "Which version of the notice about your data you closed, and when.", NoticeRecord),
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """Nothing here goes on without the person."""
        return ()

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Take away everything but the emptied row and the history of roles."""
        _end_roles(session, person_id)
        entered = staff_data.erase(session, person_id)
        session.exec(delete(LinkRequestRecord).where(col(LinkRequestRecord.target_id) == person_id))
        session.exec(
            sa.update(PersonRecord).where(col(PersonRecord.id) == person_id).values(display_name=None)
        )  # fmt: skip
        return entered + tuple(
            Count(what, session.exec(delete(model).where(col(model.person_id) == person_id)).rowcount)
            for what, model in (
                ("identities in LMSs, with name and address", LmsIdentityRecord),
                ("confirmed e-mail addresses", ConfirmedEmailRecord),
                ("requests for a code, with the address", EmailConfirmationRecord),
                ("requests to join an earlier record, with the address", LinkRequestRecord),
                ("notices that were closed", NoticeRecord),
            )
        )

    def _organisations(self, session: ReadSession, person_id: str) -> Section:
        found = session.exec(
            select(OrganisationRecord.key, OrganisationRecord.name)
            .where(
                col(OrganisationRecord.id).in_(
                    select(LmsIdentityRecord.organisation_id).where(LmsIdentityRecord.person_id == person_id)
                )
            )
            .order_by(OrganisationRecord.key)
        ).all()
        records = tuple({"key": key, "name": name} for key, name in found)
        return Section("people.organisations", "The lead agencies whose LMSs you come from.", records)


def lms_identities(session: ReadSession, person_id: str) -> tuple[LmsIdentity, ...]:
    """What LMSs call a person: by this the rooms above find what they keep under an LMS's id."""
    found = session.exec(
        select(LmsIdentityRecord.registration_id, LmsIdentityRecord.subject).where(
            LmsIdentityRecord.person_id == person_id
        )
    ).all()
    return tuple(LmsIdentity(*each) for each in found)


def link_mail_subjects(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Under which ids mails to a person about joining records are noted: requests for a code, and records joined."""
    asked = select(LinkRequestRecord.id).where(LinkRequestRecord.target_id == person_id)
    return (*session.exec(asked).all(), *linked_ids(session, person_id))


def confirmation_ids(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Ids of the codes a person asked for: by these the mails with them are noted."""
    mine = EmailConfirmationRecord.person_id == person_id
    return tuple(session.exec(select(EmailConfirmationRecord.id).where(mine)).all())


def addresses_of_nobody_else(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Addresses that a person confirmed at some time, and nobody else ever: what is known by one of them is theirs."""
    others = select(ConfirmedEmailRecord.email).where(ConfirmedEmailRecord.person_id != person_id)
    mine = select(ConfirmedEmailRecord.email).where(
        ConfirmedEmailRecord.person_id == person_id, col(ConfirmedEmailRecord.email).not_in(others)
    )
    return tuple(sorted(set(session.exec(mine).all())))


def _end_roles(session: WriteSession, person_id: str) -> None:
    session.exec(
        sa.update(RoleGrantRecord)
        .where(col(RoleGrantRecord.person_id) == person_id, col(RoleGrantRecord.revoked_at).is_(None))
        .values(revoked_at=now(), revoked_by_kind=OPERATOR.kind, revoked_by_id=OPERATOR.id)
    )
    session.exec(  # words of an operator's, which may name the person
        sa.update(RoleGrantRecord)
        .where(col(RoleGrantRecord.person_id) == person_id, col(RoleGrantRecord.waiver_reason).is_not(None))
        .values(waiver_reason=None)
    )
