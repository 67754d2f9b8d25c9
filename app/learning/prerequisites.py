"""What a module builds on: asked of whoever keeps badges and knows of pathways, through ports."""

from __future__ import annotations

from collections.abc import Collection

from app.core.db import ReadSession
from app.learning.ports import PathwayCheck, PrerequisiteCheck, RenewalCheck
from app.learning.readiness import missing_prerequisites
from app.learning.schemas import Enrolment, Missing
from app.programme import stacks
from app.programme.schemas import Module


def _nothing(session: ReadSession, person_id: str, module_keys: Collection[str]) -> frozenset[str]:
    """Where nobody was bound nobody holds a badge: an award is refused rather than given without what it rests on."""
    return frozenset()


def _no_badge(session: ReadSession, credential_id: str) -> bool:
    """Where nobody was bound no badge is there to be renewed."""
    return False


class _Unasked:
    """Where nobody was bound an award that a pathway leads to is refused, rather than given without its steps."""

    def missing(self, session: ReadSession, person_id: str, module_key: str) -> tuple[Missing, ...]:
        """That nobody knows."""
        if not any(pathway.leads_to == module_key for pathway in stacks.pathways(session)):
            return ()
        return (Missing("pathway_step_open", "Whether the steps of the pathway are there could not be looked up."),)

    def waived(self, session: ReadSession, person_id: str, module_key: str) -> frozenset[str]:
        """Nothing."""
        return frozenset()


class _Bound:
    check: PrerequisiteCheck = staticmethod(_nothing)
    pathways: PathwayCheck = _Unasked()
    renewals: RenewalCheck = staticmethod(_no_badge)


def use(check: PrerequisiteCheck) -> None:
    """Bind who answers in this process."""
    _Bound.check = staticmethod(check)


def use_pathways(check: PathwayCheck) -> None:
    """Bind who answers for pathways in this process."""
    _Bound.pathways = check


def use_renewals(check: RenewalCheck) -> None:
    """Bind who answers in this process whether a badge is still there to be renewed."""
    _Bound.renewals = staticmethod(check)


def held(session: ReadSession, person_id: str, module: Module) -> frozenset[str]:
    """The achievements before this module of which the person holds a current badge, or need not.

    Nobody is asked where there are none.
    """
    wanted = frozenset(key for group in module.needed_before for key in group)
    if not wanted:
        return frozenset()
    found = _Bound.check(session, person_id, wanted)
    return found if found == wanted else found | _Bound.pathways.waived(session, person_id, module.key)


def badges(session: ReadSession, person_id: str, module_keys: Collection[str]) -> frozenset[str]:
    """Those of the modules of which the person holds a badge that is in force now."""
    return _Bound.check(session, person_id, module_keys)


def steps(session: ReadSession, person_id: str, module: Module) -> tuple[Missing, ...]:
    """The steps of the pathway to this module that are open and no badges of ours, in words."""
    return _Bound.pathways.missing(session, person_id, module.key)


def missing(session: ReadSession, person_id: str, module: Module, *, badges_only: bool = False) -> tuple[Missing, ...]:
    """What an award of this module still needs that no work on it can mend, in words."""
    badges = tuple(missing_prerequisites(module, held(session, person_id, module)))
    return badges if badges_only else (*badges, *steps(session, person_id, module))


def renewal_gone(session: ReadSession, of: Enrolment) -> tuple[Missing, ...]:
    """That the badge which this work renews was revoked or erased since it was begun; nothing of other work."""
    if not of.is_renewal or (of.renews is not None and _Bound.renewals(session, of.renews)):
        return ()
    return (Missing("badge_gone", "The badge was revoked or erased, so there is nothing left to renew."),)
