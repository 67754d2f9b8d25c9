"""Every version of persons' badges, with when each stood: for what asks not only how it is but how it was."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
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
        renewed_at: from when the last renewal up to this version stands; None where there was none. A version that was
            corrected, or says a name or an address anew, renews nothing.
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
    renewed_at: datetime | None


def versions_of(session: ReadSession, person_ids: Collection[str]) -> dict[str, tuple[VersionRecord, ...]]:
    """Every version of the badges of these persons that stand or were revoked; two questions per 500 persons.

    Returns:
        By person; who has no badge is not in it.
    """
    told = sorted(rows.of_any(session, _VERSIONS, _BADGE.person_id, person_ids), key=lambda row: (row.id, row.version))
    followed = {row.person_id for row in told if row.version < row.current_version}
    earlier = _earlier(session, followed) if followed else {}
    found: dict[str, list[VersionRecord]] = defaultdict(list)
    for _badge, versions in groupby(told, key=lambda row: row.id):
        for record in _records(versions, earlier):
            found[record.person_id].append(record)
    return {person_id: tuple(records) for person_id, records in found.items()}


@dataclass(frozen=True)
class _Said:
    """What a version says of its days, in whole seconds as documents have them."""

    awarded_at: datetime
    valid_until: datetime | None


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


def _earlier(session: ReadSession, person_ids: Collection[str]) -> Mapping[tuple[str, int], _Said]:
    """What the versions that were followed by others say themselves: the badge's row knows the newest only."""
    return {
        (row.credential_id, row.version): _said_in(row.document)
        for row in rows.of_any(session, _FOLLOWED, _BADGE.person_id, person_ids)
    }


def _said_in(document: bytes) -> _Said:
    """The days in a document of our own."""
    told = json.loads(document)
    end = told.get("validUntil")
    return _Said(parse_rfc3339(told["awardedDate"]), None if end is None else parse_rfc3339(end))


def _records(versions: Iterable[Any], earlier: Mapping[tuple[str, int], _Said]) -> Iterator[VersionRecord]:
    """The versions of one badge, the first first."""
    before: _Said | None = None
    renewed_at: datetime | None = None
    for row in versions:
        is_followed = row.version < row.current_version
        said = earlier[row.id, row.version] if is_followed else _said_by(row)
        if before is not None and _renews(said, before):
            renewed_at = row.valid_from
        yield VersionRecord(
            person_id=row.person_id,
            credential_id=row.id,
            version=row.version,
            achievement_key=row.achievement_key,
            awarded_at=row.awarded_at,
            valid_from=row.valid_from,
            valid_until=said.valid_until if is_followed else row.valid_until,
            revoked_at=row.revoked_at,
            suspended_at=row.suspended_at,
            renewed_at=renewed_at,
        )
        before = said


def _said_by(row: Any) -> _Said:
    end = None if row.valid_until is None else row.valid_until.replace(microsecond=0)
    return _Said(row.awarded_at.replace(microsecond=0), end)


def _renews(said: _Said, before: _Said) -> bool:
    """Whether a version came by a renewal: nothing else gives a later end to an award of the same day.

    A correction moves the end only with the day of the award (`correcting`), and whatever else is said anew keeps both
    (`reissuing`); a renewal keeps the day and is refused unless it ends later (`renewing`).
    """
    if before.valid_until is None or said.awarded_at != before.awarded_at:
        return False
    return said.valid_until is None or said.valid_until > before.valid_until
