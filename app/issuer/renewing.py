"""A badge is renewed by its next version: the same id, award date and place in the status list, and a later end.

Unlike a correction it may come after the badge has ended. Earlier versions stay readable as they were signed.
https://www.imsglobal.org/spec/ob/v3p0/#equality-and-comparison-algorithm
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.secrets import SecretBox
from app.issuer import issuing
from app.issuer.errors import AlreadyRevoked, IssueRefused, credential_not_found
from app.issuer.models import Credential, CredentialVersion
from app.issuer.reissuing import RACES, always_changed, holder_of, next_moment
from app.issuer.schemas import IssuedCredential
from app.issuer.signing import sign, store
from app.programme import pins
from app.programme import service as programme
from app.programme.schemas import AchievementInfo


@dataclass(frozen=True)
class Renewal:
    """What the badge's next version says.

    Attributes:
        achievement_version: by which version of the achievement it was judged now.
        results: criterion keys and levels of that version's rubric.
        valid_until: when it ends from now on, if it does.
        related: what it rests on now, as in `IssueRequest`.
    """

    achievement_version: int
    results: tuple[tuple[str, int], ...]
    valid_until: datetime | None
    related: tuple[tuple[str, str], ...] = ()


def renew(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    credential_id: str,
    *,
    choose: Callable[[Credential], Renewal],
    actor: Actor,
    decided_by_role: str,
    beside: Callable[[WriteSession, int], bool],
) -> IssuedCredential | None:
    """Issue the next version of a badge with a later end. A suspended badge stays suspended.

    Args:
        database: not a session: this writes after signing.
        secret_box: opens the issuer's keys.
        base_url: this server's address.
        credential_id: the badge.
        choose: gets the badge as it stands and says what it is to say; may be asked again if others change the badge
            meanwhile, and may raise.
        actor: who decided, for the audit.
        decided_by_role: in what role, for the audit; never a name.
        beside: gets the number of the version and writes, in the transaction that stores it, by what decision it came.
            False if that decision has renewed the badge before: then nothing is stored.

    Returns:
        The new version; None if `beside` said that it is there already.

    Raises:
        CredentialNotFound: unknown, unfinished or erased.
        AlreadyRevoked: it is revoked for good.
        IssueRefused: it would end no later than it does, or have ended already; or the results are not of the rubric.
        KeysUnreadable: the master key does not open the keys; nothing was changed.
        Unavailable: the server's clock is behind the current version, or others change the badge all the time.
    """
    for _ in range(RACES):
        with database.read() as session:
            row = session.get(Credential, credential_id)
            if row is None or row.state not in ("issued", "revoked"):
                raise credential_not_found()
            if row.state == "revoked":
                raise AlreadyRevoked("This badge is revoked for good.", kept="It stays as it was.")
            version = session.get_one(CredentialVersion, (row.id, row.current_version))
            wanted = choose(row)
            _check(row, wanted)
            achievement = programme.achievement(session, row.achievement_key, wanted.achievement_version)
            _check_levels(wanted, achievement)
            judged_by = issuing.judged_by(pins.pin_of(session, achievement))
        seen = row.current_version
        _put(row, wanted)
        holder = holder_of(row, version)
        signed = sign(
            database,
            secret_box,
            base_url,
            row,
            identity_hash=holder.identity_hash,
            valid_from=next_moment(version.valid_from),
            holder_name=holder.name,
            subject_id=holder.subject_id,
        )
        with database.write() as session:
            current = session.exec(select(Credential).where(Credential.id == credential_id).with_for_update()).first()
            if current is None or current.state != "issued" or current.current_version != seen:
                continue
            if not beside(session, seen + 1):
                return None
            _put(current, wanted)
            for name, value in judged_by.items():
                setattr(current, name, value)
            audit.record(
                session,
                actor=actor,
                action="issuer.credential_renewed",
                subject="credential",
                subject_id=credential_id,
                version=seen + 1,
                achievement_version=wanted.achievement_version,
                decided_by_role=decided_by_role,
            )
            return store(session, base_url, current, seen + 1, signed)
    raise always_changed()


def _check(row: Credential, wanted: Renewal) -> None:
    if row.valid_until is None or (wanted.valid_until is not None and wanted.valid_until <= row.valid_until):
        raise IssueRefused("A renewed badge ends later than before.", kept="The badge is as it was.")
    if wanted.valid_until is not None and wanted.valid_until <= now():
        raise IssueRefused("The renewed badge would already have ended.", kept="The badge is as it was.")


def _check_levels(wanted: Renewal, achievement: AchievementInfo) -> None:
    known = {criterion.key: {level.level for level in criterion.levels} for criterion in achievement.rubric.criteria}
    keys = [key for key, _ in wanted.results]
    if len(set(keys)) != len(keys) or any(level not in known.get(key, ()) for key, level in wanted.results):
        raise IssueRefused("A result names a criterion or a level that the achievement's rubric does not have.")


def _put(row: Credential, wanted: Renewal) -> None:
    """What the row says from now on; `awarded_at` and its place in the status list stay."""
    row.achievement_version = wanted.achievement_version
    row.results = [list(result) for result in wanted.results]
    row.related = [list(each) for each in wanted.related]
    row.valid_until = wanted.valid_until
