"""The messages room's part in joining two records: what either did not want is not sent to the one person."""

from __future__ import annotations

from typing import ClassVar

from app.messages.models import UnwantedMail
from app.people.merging import Moves


class MessagesMerge(Moves):
    """What a person switched off."""

    room = "messages"
    moved_unless_there: ClassVar = {UnwantedMail: ("person_id", ("kind",))}
