"""What the panel of two hands to pages: who has given a mark, and, once both have, what they think."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# `open`: nobody has given a mark; `second`: somebody else has; `given`: this assessor has, and waits;
# `differ`: this assessor and another have, and do not agree; `decided`: they agreed.
PanelState = Literal["open", "second", "given", "differ", "decided"]


@dataclass(frozen=True)
class PanelMark:
    """What one member gave.

    Attributes:
        levels, comments: by criterion.
        comment: on the whole work, with the reasons.
    """

    person_id: str
    name: str
    outcome: Literal["returned", "awarded"]
    levels: Mapping[str, int | None]
    comments: Mapping[str, str]
    comment: str
    given_at: datetime


@dataclass(frozen=True)
class PanelView:
    """How the panel stands, as one assessor may see it.

    Attributes:
        mine: what this assessor gave.
        others: what the others gave: none before this assessor has given theirs.
    """

    state: PanelState
    mine: PanelMark | None
    others: tuple[PanelMark, ...]

    @property
    def marks(self) -> tuple[PanelMark, ...]:
        """All that may be seen, this assessor's own first."""
        return (self.mine, *self.others) if self.mine is not None else self.others
