"""Every version of persons' badges, with when each stood: for what asks not only how it is but how it was."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.db import ReadSession
from app.issuer.listing import AT_ONCE, TOLD
from app.issuer.models import Credential, CredentialVersion
from app.vc.timestamps import parse_rfc3339


@dataclass(frozen=True)
class VersionRecord:
    """One version of a badge.

    Attributes:
        achievement_key: of a module or a pathway.
        awarded_at: of the badge, the same in all versions unless it was corrected.
        valid_from: from when this version stands.
        valid_until: as this version says it; None where it has no end.
        revoked_at: of the badge.
        suspended_at: the same, while it is suspended.
    """

    person_id: str
    credential_id: str
    version: int
    achievement_key: str
    awarded_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None
    suspended_at: datetime | None


def versions_of(session: ReadSession, person_ids: Collection[str]) -> dict[str, tuple[VersionRecord, ...]]:
    """Every version of the badges of these persons that stand or were revoked; two questions per 500 persons.

    Returns:
        By person; who has no badge is not in it.
    """
    found: dict[str, list[VersionRecord]] = defaultdict(list)
    for some in _chunks(person_ids):
        rows = session.exec(_VERSIONS.where(col(Credential.person_id).in_(some))).all()
        ends = _earlier_ends(session, some) if any(row.version < row.current_version for row in rows) else {}
        for row in rows:
            found[row.person_id].append(_record(row, ends))
    return {person_id: tuple(records) for person_id, records in found.items()}


_VERSIONS: Any = (
    sa.select(
        col(Credential.id),
        col(Credential.person_id),
        col(Credential.achievement_key),
        col(Credential.current_version),
        col(Credential.awarded_at),
        col(Credential.valid_until),
        col(Credential.revoked_at),
        col(Credential.suspended_at),
        col(CredentialVersion.version),
        col(CredentialVersion.valid_from),
    )
    .join(CredentialVersion, col(CredentialVersion.credential_id) == col(Credential.id))
    .where(col(Credential.state).in_(TOLD), col(CredentialVersion.version) <= col(Credential.current_version))
)


def _earlier_ends(session: ReadSession, person_ids: Iterable[str]) -> Mapping[tuple[str, int], datetime | None]:
    """When the versions that were followed by others end, as they say it: the badge itself knows its newest end."""
    rows = session.exec(
        select(CredentialVersion.credential_id, CredentialVersion.version, CredentialVersion.document)
        .join(Credential, col(CredentialVersion.credential_id) == col(Credential.id))
        .where(
            col(Credential.person_id).in_(person_ids),
            col(Credential.state).in_(TOLD),
            col(CredentialVersion.version) < col(Credential.current_version),
        )
    ).all()
    return {(credential_id, version): _end_in(document) for credential_id, version, document in rows}


def _end_in(document: bytes) -> datetime | None:
    """The end in a document of our own."""
    told = json.loads(document).get("validUntil")
    return None if told is None else parse_rfc3339(told)


def _record(row: Any, ends: Mapping[tuple[str, int], datetime | None]) -> VersionRecord:
    return VersionRecord(
        person_id=row.person_id,
        credential_id=row.id,
        version=row.version,
        achievement_key=row.achievement_key,
        awarded_at=row.awarded_at,
        valid_from=row.valid_from,
        valid_until=ends[row.id, row.version] if row.version < row.current_version else row.valid_until,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
    )


def _chunks(ids: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
