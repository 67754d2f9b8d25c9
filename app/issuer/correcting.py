"""What a badge says is corrected by its next version: the same badge, a later `validFrom`, and the later one stands.

https://www.imsglobal.org/spec/ob/v3p0/#equality-and-comparison-algorithm

Whose it is cannot be corrected: whoever got the award mail holds the badge, may have shared it, named themselves on it
or bound it to a wallet, and its earlier versions say so. What was issued to the wrong address is revoked, and issued
anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.secrets import SecretBox
from app.issuer.errors import AlreadyRevoked, IssueRefused, credential_not_found
from app.issuer.models import Credential, CredentialVersion
from app.issuer.reissuing import RACES, always_changed, holder_of, next_moment
from app.issuer.schemas import IssuedCredential
from app.issuer.signing import issued, sign, store


@dataclass(frozen=True)
class Correction:
    """What a badge is to say from now on.

    Attributes:
        results: criterion keys and levels; they fit the rubric, as the caller has checked.
        awarded_at: when it was decided, whole seconds.
        valid_until: when it ends, if it does.
    """

    results: tuple[tuple[str, int], ...]
    awarded_at: datetime
    valid_until: datetime | None


def correct(
    database: Database,
    secret_box: SecretBox,
    base_url: str,
    credential_id: str,
    *,
    choose: Callable[[Credential], Correction],
    actor: Actor,
    decided_by_role: str,
    beside: Callable[[WriteSession], None],
) -> IssuedCredential:
    """Issue the next version of a badge, with what was wrong put right; the current one if it says so already.

    Args:
        database: not a session: this writes after signing.
        secret_box: opens the issuer's keys.
        base_url: this server's address.
        credential_id: the badge.
        choose: gets the badge as it stands and says what it is to say; may be asked again if others change the badge
            meanwhile, and may raise.
        actor: who corrects, for the audit.
        decided_by_role: the role of the person who decided, for the audit; never a name.
        beside: writes what belongs to it, in the transaction that stores the version.

    Raises:
        CredentialNotFound: unknown or unfinished.
        AlreadyRevoked: it is revoked for good.
        IssueRefused: the badge has ended, or would have with the corrected date.
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
        seen = row.current_version
        wanted = choose(row)
        if _same(wanted, _said(row)):
            return issued(base_url, row.id, version)
        # Neither of the two ends: a later date must not bring a badge back that has ended.
        if any(end is not None and end <= now() for end in (row.valid_until, wanted.valid_until)):
            raise IssueRefused("A badge that has ended is not corrected.", kept="The badge is as it was.")
        row.results = [list(result) for result in wanted.results]
        row.awarded_at, row.valid_until = wanted.awarded_at, wanted.valid_until
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
            current.results, current.awarded_at, current.valid_until = row.results, row.awarded_at, row.valid_until
            audit.record(
                session,
                actor=actor,
                action="issuer.credential_corrected",
                subject="credential",
                subject_id=credential_id,
                version=seen + 1,
                decided_by_role=decided_by_role,
            )
            beside(session)
            return store(session, base_url, current, seen + 1, signed)
    raise always_changed()


def _same(one: Correction, other: Correction) -> bool:
    """Whether two say the same: results have no order."""
    return replace(one, results=tuple(sorted(one.results))) == replace(other, results=tuple(sorted(other.results)))


def _said(row: Credential) -> Correction:
    return Correction(tuple((str(key), int(level)) for key, level in row.results), row.awarded_at, row.valid_until)
