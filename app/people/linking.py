"""One person over several LMSs and addresses: a fresh record is joined into the one whose address its holder can read.

Only a code proves that: not a name, not an address that an LMS asserts. The code is derived from the request's id and
the server's secret, is good in the session in which it was asked for and nowhere else, and says nothing unless it is
right: whoever asks for an address that nobody confirmed meets the same pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.people.email import (
    CODE_LIFETIME,
    MAX_TRIES,
    check_address,
    check_pace,
    lock_person,
    normalise_email,
)
from app.people.errors import CodeExpired, CodeWrong, ConfirmationNotFound, NoCodeRequested
from app.people.events import LinkCodeRequested, PersonsLinked
from app.people.link_errors import LinkHindered, LinkOver
from app.people.link_models import LinkedPersonRecord, LinkRequestRecord
from app.people.link_schemas import ForeseenLink, LinkCodeMail, LinkedPerson, LinkRequest, ProvenLink
from app.people.linked import linked_ids
from app.people.models import ConfirmedEmailRecord, LmsIdentityRecord, OrganisationRecord, PersonRecord
from app.people.ports import PersonMerge
from app.people.roles import revoke_role, roles_of

PURPOSE = "people.person-link"
PROOF_LIFETIME = timedelta(minutes=30)


def request_link(
    session: WriteSession, *, person_id: str, email: str, asked_in: str, organisation_id: str | None
) -> LinkRequest:
    """Ask for a code to be sent to the confirmed address of an earlier record. Codes asked for before stop working.

    What is written and answered is the same whether or not anybody has confirmed the address.

    Args:
        session: the caller's transaction.
        person_id: who asks; their record is the one that will be joined into the other.
        email: the address, as typed.
        asked_in: the digest of the session's name; the code works in this session only.
        organisation_id: the agency from whose LMS they come, for the mails.

    Raises:
        PersonNotFound: nobody has this id.
        EmailNotUsable: it is no address a mail could be sent to.
        TooManyConfirmations: five codes were asked for within the hour, of this kind and of the other together.
        AddressBusy: twenty codes were asked for the address within a day, whoever asked.
    """
    address = normalise_email(email)
    lock_person(session, person_id)
    moment = now()
    check_pace(session, person_id)
    check_address(session, address)
    session.exec(
        sa.update(LinkRequestRecord)
        .where(col(LinkRequestRecord.person_id) == person_id, col(LinkRequestRecord.closed_at).is_(None))
        .values(closed_at=moment)
    )
    confirmed = _whose(session, address, person_id)
    row = LinkRequestRecord(
        person_id=person_id,
        email=address,
        target_id=confirmed.person_id if confirmed else None,
        confirmed_email_id=confirmed.id if confirmed else None,
        asked_in=asked_in,
        organisation_id=organisation_id,
        requested_at=moment,
        expires_at=moment + CODE_LIFETIME,
    )
    session.add(row)
    session.flush()
    outbox.emit(session, LinkCodeRequested(request_id=row.id))
    return _request(row)


def pending_link(session: ReadSession, person_id: str, asked_in: str) -> LinkRequest | None:
    """The code that may be entered now in this session, if there is one."""
    row = _open(session, person_id, asked_in)
    return _request(row) if row is not None and _usable(row) else None


def link_code_mail(session: ReadSession, secret_box: SecretBox, request_id: str) -> LinkCodeMail | None:
    """What the mail with the code needs; None where nobody has confirmed the address, or not any more: no mail is due.

    Raises:
        ConfirmationNotFound: no code was asked for under this id.
        CodeExpired: the code is over, so there is no mail to send any more.
    """
    row = session.get(LinkRequestRecord, request_id)
    if row is None:
        raise ConfirmationNotFound("No code was asked for under this id.")
    if not _usable(row):
        raise CodeExpired
    if row.target_id is None or not _is_in_force(session, row):
        return None
    return LinkCodeMail(
        email=row.email,
        code=secret_box.code(PURPOSE, row.id),
        organisation=_organisation(session, row.organisation_id),
        expires_at=row.expires_at,
    )


def prove_link(database: Database, secret_box: SecretBox, *, person_id: str, asked_in: str, code: str) -> None:
    """Show by the code that the earlier record is one's own too. Nothing is joined yet.

    The try is counted in a transaction of its own, before the code is looked at, as in `confirm_email`.

    Args:
        database: where to count; do not hold a write session while calling.
        secret_box: derives the code to compare with.
        person_id: who enters it.
        asked_in: the digest of the session's name.
        code: as typed; spaces do not matter.

    Raises:
        NoCodeRequested: there is no code to enter in this session.
        CodeExpired: it is over: 15 minutes, five tries, a newer one was sent, or the address is another one by now.
        CodeWrong: it is not the one that was sent, or none was.
    """
    with database.write() as session:
        row = _open(session, person_id, asked_in)
        if row is not None:
            _count_try(session, row)
    if row is None:
        with database.read() as session:
            if proven_link(session, person_id, asked_in) is not None:
                return  # a form sent twice: the first one did the work
        raise NoCodeRequested
    if not _matches(secret_box, row, code):
        if row.tries >= MAX_TRIES:
            raise CodeExpired
        raise CodeWrong(MAX_TRIES - row.tries)
    with database.write() as session:
        if not _is_in_force(session, row):
            raise CodeExpired
        moment = now()
        proved = session.exec(
            sa.update(LinkRequestRecord)
            .where(col(LinkRequestRecord.id) == row.id, col(LinkRequestRecord.closed_at).is_(None))
            .values(closed_at=moment, proved_at=moment)
        )
        if proved.rowcount != 1 and proven_link(session, person_id, asked_in) is None:
            raise CodeExpired


def proven_link(session: ReadSession, person_id: str, asked_in: str) -> ProvenLink | None:
    """The two records that this session has shown to be one person's, while that holds and until it is used."""
    row = _newest(session, asked_in)
    if row is None or row.person_id != person_id or row.target_id is None or not _is_proof(session, row):
        return None
    return ProvenLink(request_id=row.id, from_id=row.person_id, to_id=row.target_id)


def foresee_link(session: ReadSession, bound: Sequence[PersonMerge], proven: ProvenLink) -> ForeseenLink:
    """What joining the two would do. Only for whoever has proved that both are theirs.

    Args:
        session: for reading.
        bound: every room's port, the highest room first.
        proven: which two.
    """
    upwards = tuple(reversed(bound))
    return ForeseenLink(
        here=tuple(each for room in upwards for each in room.brings(session, proven.from_id) if each.number),
        there=tuple(each for room in upwards for each in room.brings(session, proven.to_id) if each.number),
        apart=tuple(each for room in upwards for each in room.stays_apart(session, proven.from_id, proven.to_id)),
        hindrances=_hindrances(session, bound, proven.from_id, proven.to_id),
    )


def link_persons(database: Database, bound: Sequence[PersonMerge], *, person_id: str, asked_in: str) -> None:
    """Join the record that is signed in into the earlier one, whole or not at all; a second time changes nothing.

    Launches of either wait for the end of this and then find the one person; roles of either end, because an LMS that
    the operator did not think of can open the person's pages from now on.

    Args:
        database: all of it happens in one transaction.
        bound: every room's port, the highest room first.
        person_id: who is signed in.
        asked_in: the digest of the session's name.

    Raises:
        LinkOver: no code was proved in this session, too long ago, or the address is another one by now.
        LinkHindered: something must be settled first; nothing was changed.
    """
    with database.write() as session:
        row = _newest(session, asked_in)
        if row is None or (row.used_at is None and (row.person_id != person_id or row.target_id is None)):
            raise LinkOver
        if row.used_at is not None:
            return  # a form sent twice: the first one did the work
        from_id, to_id = row.person_id, str(row.target_id)
        # The request's own row comes after those: two who join each other must not hold what the other one waits for.
        _hold_still(session, from_id, to_id)
        session.refresh(row, with_for_update=True)
        if row.used_at is not None:
            return  # two clicks at once
        if not _is_proof(session, row) or not _stands(session, from_id) or not _stands(session, to_id):
            raise LinkOver
        row.used_at = now()
        session.add(row)
        session.flush()
        _join(session, bound, from_id, to_id, row.organisation_id)


def absorb_again(session: WriteSession, bound: Sequence[PersonMerge], linked_id: str) -> None:
    """Take along what a request wrote under the old id that had begun before the records were joined.

    Args:
        session: the caller's transaction.
        bound: every room's port, the highest room first.
        linked_id: the record that was joined into another.
    """
    found = session.get(LinkedPersonRecord, linked_id)
    if found is not None and _stands(session, found.now_with):
        _hold_still(session, linked_id, found.now_with)
        _absorb(session, bound, linked_id, found.now_with)


def links(session: ReadSession, person_id: str | None = None) -> tuple[LinkedPerson, ...]:
    """Records that were joined, those of one person or all, in the order in which it was done."""
    wanted = select(LinkedPersonRecord).order_by(col(LinkedPersonRecord.linked_at), col(LinkedPersonRecord.person_id))
    if person_id is not None:
        wanted = wanted.where(
            sa.or_(col(LinkedPersonRecord.now_with) == person_id, col(LinkedPersonRecord.person_id) == person_id)
        )
    return tuple(
        LinkedPerson(row.person_id, row.now_with, row.joined_into, row.organisation_id, row.linked_at)
        for row in session.exec(wanted).all()
    )


def kept_apart(session: ReadSession, bound: Sequence[PersonMerge], person_id: str) -> tuple[str, ...]:
    """What stayed with records that were joined into this person's, a sentence each."""
    return tuple(
        each
        for linked_id in linked_ids(session, person_id)
        for room in reversed(bound)
        for each in room.stays_apart(session, linked_id, person_id)
    )


def _join(
    session: WriteSession, bound: Sequence[PersonMerge], from_id: str, to_id: str, organisation_id: str | None
) -> None:
    before = _hindrances(session, bound, from_id, to_id)
    if before:
        raise LinkHindered(before)
    session.add(
        LinkedPersonRecord(person_id=from_id, now_with=to_id, joined_into=to_id, organisation_id=organisation_id)
    )
    session.flush()
    _end_roles(session, from_id, to_id)
    _absorb(session, bound, from_id, to_id)
    # Asked again now that every row is locked: what somebody decided in between is seen.
    since = _hindrances(session, bound, from_id, to_id)
    if since:
        raise LinkHindered(since)
    audit.record(
        session,
        actor=Actor(kind="person", id=from_id),
        action="people.persons_linked",
        subject="person",
        subject_id=to_id,
        linked_id=from_id,
        organisation_id=organisation_id,
    )
    outbox.emit(session, PersonsLinked(linked_id=from_id, person_id=to_id))


def _end_roles(session: WriteSession, from_id: str, to_id: str) -> None:
    """Also those of the earlier record: from now on an LMS that the operator did not think of opens its pages."""
    for person_id in (from_id, to_id):
        for role in sorted(roles_of(session, person_id)):
            revoke_role(session, person_id=person_id, role=role, actor=Actor(kind="person", id=from_id))


def _absorb(session: WriteSession, bound: Sequence[PersonMerge], from_id: str, to_id: str) -> None:
    for room in bound:
        room.absorb(session, from_id, to_id)
    session.flush()
    session.expire_all()


def _hindrances(session: ReadSession, bound: Sequence[PersonMerge], from_id: str, to_id: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for room in bound for each in room.hindrances(session, from_id, to_id)))


def _hold_still(session: WriteSession, *person_ids: str) -> None:
    """Launches of both wait for the end of this; an erasure or a second joining too. Always in the same order.

    The rows of the persons are locked more weakly than for a deletion: whoever launches holds an identity's row and
    then refers to the person's.
    """
    session.exec(
        select(LmsIdentityRecord.id)
        .where(col(LmsIdentityRecord.person_id).in_(person_ids))
        .order_by(LmsIdentityRecord.id)
        .with_for_update()
    ).all()
    session.exec(
        select(PersonRecord.id)
        .where(col(PersonRecord.id).in_(person_ids))
        .order_by(PersonRecord.id)
        .with_for_update(key_share=True)
    ).all()


def _whose(session: ReadSession, address: str, asking: str) -> ConfirmedEmailRecord | None:
    """Who has confirmed the address and holds it still: of several, whoever did so first."""
    return session.exec(
        select(ConfirmedEmailRecord)
        .where(
            ConfirmedEmailRecord.email == address,
            ConfirmedEmailRecord.person_id != asking,
            col(ConfirmedEmailRecord.superseded_at).is_(None),
        )
        .order_by(col(ConfirmedEmailRecord.confirmed_at), col(ConfirmedEmailRecord.id))
    ).first()


def _is_in_force(session: ReadSession, row: LinkRequestRecord) -> bool:
    """Whether the address is still the one that the earlier record's holder has confirmed."""
    return (
        session.exec(
            select(ConfirmedEmailRecord.id).where(
                ConfirmedEmailRecord.id == row.confirmed_email_id,
                ConfirmedEmailRecord.person_id == row.target_id,
                col(ConfirmedEmailRecord.superseded_at).is_(None),
            )
        ).first()
        is not None
    )


def _is_proof(session: ReadSession, row: LinkRequestRecord) -> bool:
    fresh = row.proved_at is not None and row.proved_at > now() - PROOF_LIFETIME
    return fresh and row.used_at is None and _is_in_force(session, row)


def _stands(session: ReadSession, person_id: str) -> bool:
    """Whether a record is in use: neither erased nor joined into another."""
    person = session.exec(
        select(PersonRecord).where(PersonRecord.id == person_id).execution_options(populate_existing=True)
    ).one()
    linked = session.exec(select(LinkedPersonRecord.person_id).where(LinkedPersonRecord.person_id == person_id)).first()
    return person.erased_at is None and linked is None


def _open(session: ReadSession, person_id: str, asked_in: str) -> LinkRequestRecord | None:
    return session.exec(
        select(LinkRequestRecord).where(
            LinkRequestRecord.person_id == person_id,
            LinkRequestRecord.asked_in == asked_in,
            col(LinkRequestRecord.closed_at).is_(None),
        )
    ).first()


def _newest(session: ReadSession, asked_in: str) -> LinkRequestRecord | None:
    return session.exec(
        select(LinkRequestRecord)
        .where(LinkRequestRecord.asked_in == asked_in)
        .order_by(col(LinkRequestRecord.requested_at).desc(), col(LinkRequestRecord.id).desc())
        .limit(1)
    ).first()


def _usable(row: LinkRequestRecord) -> bool:
    return row.closed_at is None and row.tries < MAX_TRIES and row.expires_at > now()


def _count_try(session: WriteSession, row: LinkRequestRecord) -> None:
    """Use up one try of a code, whoever else tries at the same moment."""
    counted = session.exec(
        sa.update(LinkRequestRecord)
        .where(
            col(LinkRequestRecord.id) == row.id,
            col(LinkRequestRecord.closed_at).is_(None),
            col(LinkRequestRecord.tries) < MAX_TRIES,
            col(LinkRequestRecord.expires_at) > now(),
        )
        .values(tries=LinkRequestRecord.tries + 1)
    )
    if counted.rowcount != 1:
        raise CodeExpired
    session.refresh(row)


def _matches(secret_box: SecretBox, row: LinkRequestRecord, code: str) -> bool:
    """Whether this is the request's code, under any of the server's keys; of an address nobody confirmed, never.

    All the work is done in either case, so that the time it takes tells nothing.
    """
    return secret_box.code_matches(PURPOSE, row.id, code) and row.target_id is not None


def _organisation(session: ReadSession, organisation_id: str | None) -> str | None:
    row = session.get(OrganisationRecord, organisation_id) if organisation_id is not None else None
    return row.name if row is not None else None


def _request(row: LinkRequestRecord) -> LinkRequest:
    return LinkRequest(id=row.id, email=row.email, expires_at=row.expires_at, tries_left=MAX_TRIES - row.tries)
