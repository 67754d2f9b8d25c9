"""A house whose exercise asks for a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.core.db import Database
from app.learning import files as evidence
from app.learning import service as learning
from app.learning.cleaning.kinds import clean
from app.learning.files import EvidenceFile
from app.programme.schemas import ExerciseField
from tests.learning.factories import House, furnish, module, new_person, publish

FIELD = ExerciseField("map", "Your map", None, "file")
Add = Callable[..., EvidenceFile]


@pytest.fixture
def house(database: Database) -> House:
    """As everywhere in this room, with Tess in a version of the module that asks for a file."""
    furnished = furnish(database)
    plain = module(2)
    activities = tuple(
        replace(one, fields=(*one.fields, FIELD)) if one.key == "exercise" else one for one in plain.activities
    )
    with database.write() as session:
        published = publish(session, replace(plain, activities=activities))
        tess = new_person(session, "Tilly")
        enrolment = learning.enrol(session, person_id=tess, module=published, organisation_id=None)
    return replace(furnished, enrolment=enrolment, tess=tess)


@pytest.fixture
def add(house: House) -> Add:
    """Adds a file to Tess's work, past the process that cleans: that is tested beside this."""

    def do(data: bytes = b"A map of care.", name: str = "map.txt", **kept: int) -> EvidenceFile:
        with house.database.write() as session:
            return evidence.add_file(
                session, **house.at, activity_key="exercise", field_key="map", name=name, clean=clean(data), kept=kept
            )

    return do
