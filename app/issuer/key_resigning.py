"""Signing again what rests on a revoked key, badge by badge, by the command and by every worker.

What has to be done is never listed anywhere: it is the badges in force whose latest version names a revoked key. So a
process may be killed at any moment, several may work at once, and whoever comes next goes on where they were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, metrics
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.ids import new_id
from app.core.logging import get_logger
from app.core.secrets import SecretBox
from app.issuer import status
from app.issuer.errors import KeysUnreadable
from app.issuer.key_errors import SigningServiceDown, SigningServiceWrong
from app.issuer.models import Credential, CredentialVersion, SigningKey
from app.issuer.reissuing import sign_again

log = get_logger()

PORTION = 100
SECONDS_PER_ROUND = 10.0
# Longer than any signing takes: whoever opened a key just before it was revoked has stored its badge by then.
LATECOMERS = timedelta(minutes=15)

Progress = Callable[[int, int], None]
"""Badges signed again so far, and how many there were to sign when it began."""


@dataclass(frozen=True)
class Resigned:
    """What came of a round.

    Attributes:
        done: badges signed again by this process.
        failed: badges that could not be; each has a line in the log.
        left: badges that still rest on a revoked key.
        cannot_sign: why nothing more could be signed, if that ended the round.
    """

    done: int
    failed: int
    left: int
    cannot_sign: str | None = None


def count_resting(session: ReadSession) -> int:
    """How many badges in force rest on a revoked key in their latest version."""
    if not _uncleared(session):
        return 0
    return session.exec(select(sa.func.count()).select_from(_resting().subquery())).one()


def count_signed_with(session: ReadSession, kid: str, since: Any = None) -> int:
    """How many versions of badges this database has that a key signed, all or those since a moment."""
    by_key = sa.or_(col(CredentialVersion.embedded_kid) == kid, col(CredentialVersion.token_kid) == kid)
    later = col(CredentialVersion.signed_at) >= since if since is not None else sa.true()
    return session.exec(select(sa.func.count()).select_from(CredentialVersion).where(by_key, later)).one()


def tell_resting(session: ReadSession) -> None:
    """Set the gauge of badges on revoked keys."""
    metrics.BADGES_ON_REVOKED_KEYS.set(count_resting(session))


def resign(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    *,
    progress: Progress | None = None,
    seconds: float | None = None,
) -> Resigned:
    """Sign again every badge in force that rests on a revoked key, and the status lists.

    Args:
        database: where the badges are.
        secret_box: opens the keys.
        base_url: this server's address.
        progress: told after each badge.
        seconds: stop after so long; the rest is for the next round.
    """
    with database.read() as session:
        total = count_resting(session)
        if not total and not _uncleared(session):
            return Resigned(0, 0, 0)
    status.refresh_stale(database, secret_box, base_url)
    deadline = None if seconds is None else time.monotonic() + seconds
    revoked = revoked_kids(database)
    done = failed = 0
    cannot_sign = None
    for credential_id in _work(database):
        if deadline is not None and time.monotonic() > deadline:
            break
        try:
            done += sign_again(database, secret_box, base_url, credential_id, revoked) is not None
        except (KeysUnreadable, SigningServiceDown, SigningServiceWrong) as error:
            # The next badge would fare no better.
            cannot_sign = error.detail
            log.error("issuer.resigning_stopped", reason=error.slug, credential_id=credential_id)
            break
        except Exception as error:
            failed += 1
            reason = type(error).__name__
            log.error("issuer.badge_not_signed_again", credential_id=credential_id, error=reason, exc_info=True)
        if progress is not None:
            progress(done, total)
    return Resigned(done, failed, _note_cleared(database), cannot_sign)


def resign_a_while(database: Database, secret_box: SecretBox, base_url: str) -> int:
    """A worker's round: some seconds of signing again, if there is anything. Returns how many badges were."""
    return resign(database, secret_box, base_url, seconds=SECONDS_PER_ROUND).done


def revoked_kids(database: Database) -> frozenset[str]:
    """The names of all revoked keys."""
    with database.read() as session:
        return frozenset(session.exec(select(SigningKey.kid).where(col(SigningKey.revoked_at).is_not(None))).all())


def _uncleared(session: ReadSession) -> bool:
    """Whether a key is revoked of which nobody has seen yet that nothing rests on it."""
    unseen = sa.and_(col(SigningKey.revoked_at).is_not(None), col(SigningKey.cleared_at).is_(None))
    return session.exec(select(SigningKey.kid).where(unseen).limit(1)).first() is not None


def _resting() -> Any:
    revoked = sa.select(col(SigningKey.kid)).where(col(SigningKey.revoked_at).is_not(None))
    return (
        sa.select(col(Credential.id))
        .join(
            CredentialVersion,
            sa.and_(
                col(CredentialVersion.credential_id) == col(Credential.id),
                col(CredentialVersion.version) == col(Credential.current_version),
            ),
        )
        .where(
            col(Credential.state) == "issued",
            sa.or_(col(Credential.valid_until).is_(None), col(Credential.valid_until) > now()),
            sa.or_(
                col(CredentialVersion.embedded_kid).in_(revoked),
                col(CredentialVersion.token_kid).in_(revoked),
            ),
        )
    )


def _work(database: Database) -> Iterator[str]:
    """The badges to be signed again, each once, beginning anywhere: several processes seldom take the same one."""
    start = new_id()
    for low, high in ((start, None), ("", start)):
        after = low
        while portion := _portion(database, after, high):
            yield from portion
            after = portion[-1]


def _portion(database: Database, after: str, before: str | None) -> list[str]:
    identifier = col(Credential.id)
    statement = _resting().where(identifier > after).order_by(identifier).limit(PORTION)
    if before is not None:
        statement = statement.where(identifier <= before)
    with database.read() as session:
        return list(session.execute(statement).scalars())


def _note_cleared(database: Database) -> int:
    """How many badges are left; where there are none any more, write that down with the keys."""
    with database.read() as session:
        left = count_resting(session)
        unseen = _uncleared(session)
    if left or not unseen:
        return left
    moment = now()
    with database.write() as session:
        cleared = session.execute(
            sa.update(SigningKey)
            .where(
                col(SigningKey.revoked_at) < moment - LATECOMERS,
                col(SigningKey.cleared_at).is_(None),
            )
            .values(cleared_at=moment)
            .returning(col(SigningKey.kid))
            .execution_options(synchronize_session=False)
        ).scalars()
        for kid in list(cleared):
            audit.record(
                session, actor=audit.SYSTEM, action="issuer.key_cleared", subject="signing_key", subject_id=kid
            )
    return 0
