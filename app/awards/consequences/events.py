"""What happens to badges whose ground has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class GraceBegan:
    """A badge that another one rests on has ended, and the holder has time to put that right."""

    KIND: ClassVar[str] = "awards.grace_began"

    flag_id: str
    person_id: str


@dataclass(frozen=True)
class SuspendedForGround:
    """A person suspended a badge because another one that it rests on has ended."""

    KIND: ClassVar[str] = "awards.suspended_for_ground"

    flag_id: str
    person_id: str


@dataclass(frozen=True)
class SuspensionLifted:
    """A person ended a suspension that came from the end of another badge."""

    KIND: ClassVar[str] = "awards.suspension_lifted"

    flag_id: str
    person_id: str
