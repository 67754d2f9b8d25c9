"""Two records of one person come together, and what each had shown; or a person goes, and all of it goes too."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.core.clock import now
from app.pathways import service as pathways
from app.pathways.models import PathwayConfirmation, PathwayStanding
from app.pathways.person_merge import PathwaysMerge
from app.pathways.personal_data import PathwaysPersonalData
from app.pathways.standing import recompute
from app.wiring import Services
from tests.pathways.house import CONFIRMATION, Place, place


@pytest.fixture
def north(services: Services) -> Place:
    return place(services)


def word(person_id: str, given_by: str) -> PathwayConfirmation:
    return PathwayConfirmation(
        person_id=person_id, pathway_key="mentor", confirmation_key=CONFIRMATION, given_as="manager", given_by=given_by
    )


def test_of_two_words_that_say_the_same_one_goes_on_however_often_it_is_done(north: Place) -> None:
    database, other = north.services.runtime.database, north.person("Tess of elsewhere")
    with database.write() as session:
        session.add_all([word(north.tess, north.marc), word(other, north.marc)])
    recompute(database, other)
    for _ in range(2):
        with database.write() as session:
            PathwaysMerge().absorb(session, other, north.tess)
    with database.read() as session:
        found = pathways.confirmations_of(session, north.tess)
        assert session.exec(select(PathwayStanding).where(PathwayStanding.person_id == other)).all() == []
    assert sorted(each.withdrawn_at is None for each in found) == [False, True]


def test_a_word_that_one_record_gave_the_other_counts_no_longer(north: Place) -> None:
    database, other = north.services.runtime.database, north.person("Tess of elsewhere")
    with database.write() as session:
        session.add(word(north.tess, other))
    with database.read() as session:
        assert len(pathways.evidence_of(session, (north.tess,))[north.tess].confirmations) == 1
    with database.write() as session:
        PathwaysMerge().absorb(session, other, north.tess)
    with database.read() as session:
        assert pathways.evidence_of(session, (north.tess,))[north.tess].confirmations == ()


def test_erasing_takes_all_of_it_and_leaves_what_was_decided_for_others(north: Place) -> None:
    database = north.services.runtime.database
    with database.write() as session:
        session.add_all([word(north.tess, north.marc), word(north.priya, north.tess)])
    north.talk(held_on=now().date())
    recompute(database, north.tess)
    with database.write() as session:
        counts = {each.what: each.number for each in PathwaysPersonalData().erase(session, north.tess)}
    assert (counts["confirmations of steps"], counts["records of conversations"]) == (1, 1)
    assert counts["standings on pathways"] > 0
    with database.read() as session:
        assert all(part.records == () for part in PathwaysPersonalData().export(session, north.tess))
        assert len(pathways.confirmations_of(session, north.priya)) == 1


def test_a_word_that_one_record_gave_the_other_does_not_keep_out_a_managers(north: Place) -> None:
    database, other = north.services.runtime.database, north.person("Tess of elsewhere")
    with database.write() as session:
        session.add_all([word(north.tess, other), word(other, north.marc)])
    with database.write() as session:
        PathwaysMerge().absorb(session, other, north.tess)
    with database.read() as session:
        (counts,) = pathways.evidence_of(session, (north.tess,))[north.tess].confirmations
        assert counts.withdrawn_at is None


def test_after_such_a_word_the_manager_can_still_give_theirs(north: Place) -> None:
    database, other = north.services.runtime.database, north.person("Tess of elsewhere")
    with database.write() as session:
        session.add(word(north.tess, other))
    with database.write() as session:
        PathwaysMerge().absorb(session, other, north.tess)
        pathways.confirm(
            session, person_id=north.tess, pathway_key="mentor", confirmation_key=CONFIRMATION, by="manager",
            given_by=north.marc,
        )  # fmt: skip
    with database.read() as session:
        (counts,) = pathways.evidence_of(session, (north.tess,))[north.tess].confirmations
    assert counts.withdrawn_at is None
