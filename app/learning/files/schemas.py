"""Files as other rooms and pages see them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.learning.evidence import FindingKind

MARK_LENGTH: Final = 10  # hexadecimal digits


@dataclass(frozen=True)
class EvidenceFile:
    """A file that stands in a field of an exercise.

    Attributes:
        name: the learner's, made harmless; empty once the file was purged.
        media_type: what the bytes are, by what we wrote.
        size: in bytes.
        sha256: of the bytes as stored, in hex.
        purged_at: when every copy of the bytes was removed.
        taken_out: what was removed before it was stored, by code.
    """

    id: str
    activity_key: str
    field_key: str
    name: str
    media_type: str
    size: int
    sha256: str
    stored_at: datetime
    purged_at: datetime | None
    taken_out: tuple[str, ...] = ()

    @property
    def is_picture(self) -> bool:
        """Whether a page may show it."""
        return self.media_type.startswith("image/")


@dataclass(frozen=True)
class OpenedFile:
    """A file with its bytes."""

    file: EvidenceFile
    content: bytes


@dataclass(frozen=True)
class FilePlace:
    """A place in a file that could point at a real person.

    Attributes:
        where: e.g. `paragraph 3`, `page 2`, `the file’s name`.
        before, excerpt, after: the place with a few words around it.
    """

    kind: FindingKind
    where: str
    before: str
    excerpt: str
    after: str
    reason: str
    sure: bool

    @property
    def mark(self) -> str:
        """Tells the words of this place from others, without being them."""
        return hashlib.sha256(f"{self.kind}\0{self.excerpt}".encode()).hexdigest()[:MARK_LENGTH]
