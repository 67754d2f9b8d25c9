"""The front door's part in joining two records: whoever is signed in stays so, as the one person."""

from __future__ import annotations

from typing import ClassVar

from app.people.merging import Moves
from app.web.models import LaunchSessionRow


class WebMerge(Moves):
    """Sessions, that of the launch in which it is done among them."""

    room = "web"
    moved: ClassVar = {LaunchSessionRow: ("person_id",)}
