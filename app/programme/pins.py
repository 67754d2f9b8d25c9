"""By which wording a badge was judged: the framework that was in force, found again by its digest for good.

Every version of a programme is kept, so every framework that was ever in force is too. An id keeps its wording once it
is published; a new wording gets an id of its own, which says what it replaces. So what somebody showed under an
earlier id is known, and so is what it is called today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import rfc8785
import sqlalchemy as sa

from app.core import rows
from app.core.db import Look, ReadSession
from app.programme import documents
from app.programme.frameworks import Competency, Framework, Programme
from app.programme.kept import Kept
from app.programme.models import ProgrammeVersion
from app.programme.schemas import AchievementInfo


@dataclass(frozen=True)
class FrameworkPin:
    """A framework at one version, as it stands beside a badge.

    Attributes:
        key: e.g. `ipsv-0.1`.
        version: as its file says it.
        digest: SHA-256 of the framework as canonical JSON, in hex: two frameworks with one version are told apart.
    """

    key: str
    version: str
    digest: str


@dataclass(frozen=True)
class Wording:
    """A competency as one version of a framework has it.

    Attributes:
        framework: the framework's title.
        changed: when that framework was last changed.
        digest: SHA-256 of id and statement as canonical JSON, in hex.
    """

    competency: Competency
    pin: FrameworkPin
    framework: str
    changed: date
    digest: str


@dataclass(frozen=True)
class PinnedFramework:
    """A framework that is or was in force, and its statements by competency."""

    pin: FrameworkPin
    framework: Framework
    wordings: Mapping[str, Wording]


_TABLE = rows.table(ProgrammeVersion).c
_ALL = sa.select(_TABLE.id, _TABLE.digest).order_by(_TABLE.loaded_at.desc(), _TABLE.version.desc())
_DOCUMENT = sa.select(_TABLE.document).where(_TABLE.id == sa.bindparam("id"))
_FRAMEWORKS = Kept[tuple[PinnedFramework, ...]]()


def frameworks(session: ReadSession | Look) -> tuple[PinnedFramework, ...]:
    """Every framework that is or was in force, each once, the newest first."""
    found: dict[str, PinnedFramework] = {}
    for row in session.run(_ALL):
        for each in _of_version(session, row):
            found.setdefault(each.pin.digest, each)
    return tuple(found.values())


def pin_of(session: ReadSession | Look, achievement: AchievementInfo) -> FrameworkPin | None:
    """The framework by which a badge of this achievement is judged today; None where it credits no competency.

    That is the newest one that knows all its competencies, or else the newest one that knows any of them.
    """
    return choose(frameworks(session), {each.target_code for each in achievement.alignments})


def choose(newest_first: Iterable[PinnedFramework], codes: Collection[str]) -> FrameworkPin | None:
    """Of several frameworks the one that knows most of what a badge names; of those that know as much, the newest."""
    best: FrameworkPin | None = None
    most = 0
    for each in newest_first:
        known = sum(code in each.wordings for code in codes)
        if known > most:
            best, most = each.pin, known
    return best


def statement_digest(competency: Competency) -> str:
    """SHA-256, in hex, of what a competency says, as canonical JSON."""
    return hashlib.sha256(rfc8785.dumps({"id": competency.id, "statement": competency.statement})).hexdigest()


def framework_pin(document: dict[str, Any]) -> FrameworkPin:
    """The pin of a framework as it stands in a programme's document."""
    return FrameworkPin(document["key"], document["version"], documents.digest_of(document))


def _of_version(session: ReadSession | Look, row: sa.Row[Any]) -> tuple[PinnedFramework, ...]:
    def build() -> tuple[PinnedFramework, ...]:
        programme = documents.programme_from(session.run(_DOCUMENT, {"id": row.id}).one().document, row.digest)
        return tuple(_pinned(programme))

    return _FRAMEWORKS.get(row.id, build)


def _pinned(programme: Programme) -> Iterator[PinnedFramework]:
    # Dumped anew and not as stored: members that say nothing are left out, whenever the version was loaded.
    dumped = documents.programme_document(programme)["frameworks"]
    for framework, document in zip(programme.frameworks, dumped, strict=True):
        pin = framework_pin(document)
        yield PinnedFramework(
            pin=pin,
            framework=framework,
            wordings={
                each.id: Wording(each, pin, framework.title, framework.last_changed, statement_digest(each))
                for domain in framework.domains
                for each in domain.competencies
            },
        )
