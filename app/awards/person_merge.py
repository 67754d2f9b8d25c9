"""The awards room's part in joining two records: who decided, and an award that is not a badge yet."""

from __future__ import annotations

from typing import ClassVar

from app.awards.consequences.models import AwardFlag
from app.awards.models import Award, AwardRenewal
from app.awards.personal_data import award_is_waiting
from app.awards.proposals.models import AwardProposal, ConfirmationRequest
from app.awards.proposals.person_merge import close_open
from app.core.db import ReadSession, WriteSession
from app.people.merging import Moves


class AwardsMerge(Moves):
    """Who stands for badges."""

    room = "awards"
    moved: ClassVar = {
        Award: ("decided_by_person_id",),
        AwardRenewal: ("decided_by_person_id",),
        AwardProposal: ("person_id", "decided_by"),
        ConfirmationRequest: ("person_id", "answered_by"),
        AwardFlag: ("person_id", "decided_by"),
    }

    def hindrances(self, session: ReadSession, from_id: str, to_id: str) -> tuple[str, ...]:
        """A badge that is just being made would be made for an id that nobody goes by any more."""
        if not any(award_is_waiting(session, person_id) for person_id in (from_id, to_id)):
            return ()
        return ("A badge of yours has been awarded and is just being made. That takes a minute or two.",)

    def absorb(self, session: WriteSession, from_id: str, to_id: str) -> None:
        """Of what may be open once only, that of the record that stays goes on."""
        close_open(session, from_id, to_id)
        super().absorb(session, from_id, to_id)
