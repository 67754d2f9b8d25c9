"""What this room tells the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class EvidenceChanged:
    """Something that a person can show, other than a badge of ours, was added, withdrawn or judged anew."""

    KIND: ClassVar[str] = "pathways.evidence_changed"

    person_id: str


@dataclass(frozen=True)
class StandingChanged:
    """A person stands elsewhere on a pathway: another state, other open steps, or another version of its rule."""

    KIND: ClassVar[str] = "pathways.standing_changed"

    person_id: str
    pathway_key: str
