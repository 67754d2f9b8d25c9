"""The rows that an award by a client leaves behind, for many at once: the same that `requests` writes for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa

from app.awards import overrides, requests
from app.awards.batches.schemas import Media, actor_of
from app.awards.errors import FieldProblem
from app.awards.models import Award, AwardRequest
from app.awards.recipients import Recipient, seal
from app.awards.schemas import CheckedAward, ClientAward, IssuingRights
from app.core import metrics, rows
from app.core.audit import SYSTEM
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.secrets import SecretBox
from app.issuer import bulk, listing
from app.people import confirmed
from app.programme import service as programme

_AWARDS: Final = rows.table(Award)
_REQUESTS: Final = rows.table(AwardRequest)


@dataclass(frozen=True)
class Asked:
    """A row of a batch, opened.

    Attributes:
        line: on which it begins.
        award: what it asks for.
        key: its idempotency key.
        fingerprints: of the award, newest master key first.
        media: how it was written.
        told: what was found wrong with it before; then it is checked, and never issued.
    """

    line: int
    award: ClientAward
    key: str = field(repr=False)
    fingerprints: tuple[str, ...]
    media: Media = "jsonl"
    told: tuple[FieldProblem, ...] = ()

    @property
    def has_own_key(self) -> bool:
        """Whether the key is the row's own: none of those has a "#", and each that is made here has."""
        return "#" not in self.key


@dataclass(frozen=True)
class Known:
    """A badge that a key stands for already; no fingerprint is kept of one that was erased."""

    credential_id: str
    fingerprint: str | None


def asked(
    secret_box: SecretBox,
    line: int,
    award: ClientAward,
    key: str,
    media: Media = "jsonl",
    told: tuple[FieldProblem, ...] = (),
) -> Asked:
    """A row with what its repeats are known by."""
    return Asked(line, award, key, requests.fingerprints(secret_box, award), media, told)


def known(session: ReadSession, client_id: str, wanted: Sequence[Asked]) -> dict[int, Known]:
    """The badges that rows' keys stand for already, by line: of an earlier try, or of another request."""
    lines = {requests.request_key(each.key): each.line for each in wanted if not each.told}
    table = _REQUESTS.c
    found = session.execute(
        sa.select(table.request_key, table.credential_id, table.fingerprint).where(
            table.client_id == client_id, table.request_key.in_(list(lines))
        )
    ).all()
    return {lines[row.request_key]: Known(row.credential_id, row.fingerprint) for row in found}


def reserve(
    session: WriteSession,
    secret_box: SecretBox,
    base_url: str,
    rights: IssuingRights,
    good: Sequence[tuple[Asked, CheckedAward]],
) -> list[str | AppError]:
    """Write 1 for rows that were checked and whose keys are new: in order, the badge reserved, or why none was.

    Raises:
        KeysUnreadable, IssuerNotFound: nothing can be issued.
        HolderChanged: a recipient is another person since the check, or nobody.
        sqlalchemy.exc.IntegrityError: somebody else used a key, or opened a list, at the same moment.
    """
    issuers = _issuers(session, [checked for _, checked in good])
    wanted = [
        replace(
            requests.issue_request(
                issuers[checked.award.achievement_key, checked.achievement_version],
                checked,
                rights,
                each.key,
                each.fingerprints[0],
                each.fingerprints[1:],
            ),
            actor=actor_of(rights.client_id),
        )
        for each, checked in good
    ]
    answers = bulk.reserve_many(session, secret_box, base_url, wanted)
    requests.refuse_changed_holders(session, [checked for _, checked in good])
    made = [(answer, *pair) for answer, pair in zip(answers, good, strict=True) if isinstance(answer, str)]
    _write(session, secret_box, rights.client_id, made)
    metrics.AWARDS_BY_CLIENTS.labels("issued").inc(len(made))
    return answers


def _issuers(session: ReadSession, good: Sequence[CheckedAward]) -> Mapping[tuple[str, int], str]:
    wanted = {(checked.award.achievement_key, checked.achievement_version) for checked in good}
    return {key: programme.achievement(session, *key).issuer_key for key in wanted}


def _write(
    session: WriteSession, secret_box: SecretBox, client_id: str, made: Sequence[tuple[str, Asked, CheckedAward]]
) -> None:
    if not made:
        return
    moment = now()
    asked_for: list[dict[str, Any]] = []
    decided: list[dict[str, Any]] = []
    for credential_id, each, checked in made:
        award = checked.award
        common = {"credential_id": credential_id, "created_at": moment}
        asked_for.append(
            {
                **common,
                "id": new_id(),
                "client_id": client_id,
                "request_key": requests.request_key(each.key),
                "fingerprint": each.fingerprints[0],
                "recipient_digest": checked.recipient_digest,
                "sealed_recipient": seal(secret_box, Recipient(award.email, award.name)),
            }
        )
        decided.append(
            {
                **common,
                "id": new_id(),
                "decided_by_name": award.decided_by_name,
                "decided_by_role": award.decided_by_role,
            }
        )
    insert_rows(session, _REQUESTS, asked_for)
    insert_rows(session, _AWARDS, decided)
    for credential_id, _, checked in made:
        if checked.missing:
            overrides.note(session, credential_id, client_id, checked.award, checked.missing)


def adopt(database: Database, addresses: Mapping[str, str]) -> None:
    """Give badges just stored to whoever has confirmed the address meanwhile: that event's own round missed them.

    Args:
        database: the database.
        addresses: the recipients' addresses, by the ids of the badges.
    """
    if not addresses:
        return
    with database.read() as session:
        holders = confirmed.holders_of(session, set(addresses.values()))
    for credential_id, address in addresses.items():
        if theirs := holders.get(address):
            with database.write() as session:
                listing.give_to(session, credential_id, theirs[0], actor=SYSTEM)
