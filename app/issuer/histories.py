"""Every version of persons' badges, with when each stood: for what asks not only how it is but how it was."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import rows
from app.core.db import ReadSession
from app.issuer.listing import TOLD
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
    told = tuple(rows.of_any(session, _VERSIONS, _BADGE.person_id, person_ids))
    followed = {row.person_id for row in told if row.version < row.current_version}
    ends = _earlier_ends(session, followed) if followed else {}
    found: dict[str, list[VersionRecord]] = defaultdict(list)
    for row in told:
        found[row.person_id].append(_record(row, ends))
    return {person_id: tuple(records) for person_id, records in found.items()}


_BADGE, _VERSION = rows.table(Credential).c, rows.table(CredentialVersion).c
_JOINED = rows.table(Credential).join(rows.table(CredentialVersion), _VERSION.credential_id == _BADGE.id)
_IS_TOLD = sa.or_(*(_BADGE.state == state for state in TOLD))
_VERSIONS = (
    sa.select(
        _BADGE.id,
        _BADGE.person_id,
        _BADGE.achievement_key,
        _BADGE.current_version,
        _BADGE.awarded_at,
        _BADGE.valid_until,
        _BADGE.revoked_at,
        _BADGE.suspended_at,
        _VERSION.version,
        _VERSION.valid_from,
    )
    .select_from(_JOINED)
    .where(_IS_TOLD, _VERSION.version <= _BADGE.current_version)
)
_FOLLOWED = (
    sa.select(_VERSION.credential_id, _VERSION.version, _VERSION.document)
    .select_from(_JOINED)
    .where(_IS_TOLD, _VERSION.version < _BADGE.current_version)
)


def _earlier_ends(session: ReadSession, person_ids: Collection[str]) -> Mapping[tuple[str, int], datetime | None]:
    """When the versions that were followed by others end, as they say it: the badge itself knows its newest end."""
    return {
        (row.credential_id, row.version): _end_in(row.document)
        for row in rows.of_any(session, _FOLLOWED, _BADGE.person_id, person_ids)
    }


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
