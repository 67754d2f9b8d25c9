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
