"""What the learning room asks of rooms that it may not know; wiring binds it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from app.core.db import ReadSession
from app.learning.schemas import Missing


class PrerequisiteCheck(Protocol):
    """Says which badges a person holds now."""

    def __call__(self, session: ReadSession, person_id: str, module_keys: Collection[str]) -> frozenset[str]:
        """Those of the modules of which this person holds a badge that is neither expired, suspended nor revoked."""


class PathwayCheck(Protocol):
    """Says what a pathway asks for before a module's badge, beside the badges that the module names itself."""

    def missing(self, session: ReadSession, person_id: str, module_key: str) -> tuple[Missing, ...]:
        """The steps that are open and no badges of ours, such as time in a role, each in words."""

    def waived(self, session: ReadSession, person_id: str, module_key: str) -> frozenset[str]:
        """Achievements that need not be held before this module, because an assessor recognised them."""


class RenewalCheck(Protocol):
    """Says whether there is still a badge to renew."""

    def __call__(self, session: ReadSession, credential_id: str) -> bool:
        """Whether this badge is neither revoked nor erased; that it has ended or is suspended is no matter here."""
