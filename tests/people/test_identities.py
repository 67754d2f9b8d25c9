"""Persons, what LMSs call them, and organisations."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from sqlmodel import select

from app.core.db import Database
from app.people import service as people
from app.people.errors import OrganisationNotFound, PersonNotFound
from app.people.models import PersonRecord


def launch(
    database: Database, subject: str = "tess", *, lms: str = "moodle", name: str | None = None, email: str | None = None
) -> people.Person:
    with database.write() as session:
        return people.person_for_lms_identity(
            session, registration_id=lms, subject=subject, name=name, email=email, organisation_id=None
        )


def test_the_same_subject_of_the_same_lms_is_the_same_person(database: Database) -> None:
    assert launch(database) == launch(database)


def test_the_same_subject_of_another_lms_is_another_person(database: Database) -> None:
    assert launch(database).id != launch(database, lms="canvas").id


def test_a_person_is_found_by_lms_identity_or_not(database: Database) -> None:
    person = launch(database)
    with database.read() as session:
        assert people.person_by_lms_identity(session, registration_id="moodle", subject="tess") == person
        assert people.person_by_lms_identity(session, registration_id="canvas", subject="tess") is None


def test_the_newest_words_of_an_lms_are_kept_and_silence_takes_nothing_away(database: Database) -> None:
    person = launch(database, name="Tess Old", email="old@example.org")
    launch(database, name=" Tess New ", email="new@example.org")
    launch(database, name="", email=None)
    with database.read() as session:
        assert people.display_name(session, person.id) == "Tess New"
        assert people.asserted_email(session, person.id) == "new@example.org"


def test_a_person_without_a_name_gets_a_neutral_label_that_tells_them_apart(database: Database) -> None:
    one, two = launch(database), launch(database, "other")
    with database.read() as session:
        names = people.display_names(session, [one.id, two.id])
    assert names == {one.id: f"Person {one.id[:6]}", two.id: f"Person {two.id[:6]}"}


def test_the_name_a_person_chose_wins_over_an_lms(database: Database) -> None:
    person = launch(database, name="T. Surname")
    with database.write() as session:
        row = session.get_one(PersonRecord, person.id)
        row.display_name = "Tess"
        session.add(row)
    with database.read() as session:
        assert people.display_name(session, person.id) == "Tess"
        assert people.person(session, person.id).display_name == "Tess"


def test_control_characters_and_endless_names_do_not_reach_the_database(database: Database) -> None:
    person = launch(database, name="Te\x00ss\n" + "s" * 500)
    with database.read() as session:
        assert people.display_name(session, person.id) == ("Tess" + "s" * 500)[:200]


def test_an_unknown_person_is_not_found(database: Database) -> None:
    with database.read() as session, pytest.raises(PersonNotFound):
        people.person(session, "nobody")


def test_two_first_launches_at_once_make_one_person(database: Database) -> None:
    barrier = threading.Barrier(3)
    found: list[str] = []

    def arrive() -> None:
        barrier.wait()
        found.append(launch(database).id)

    arrivals = [threading.Thread(target=arrive) for _ in range(3)]
    for arrival in arrivals:
        arrival.start()
    for arrival in arrivals:
        arrival.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    with database.read() as session:
        assert session.exec(select(sa.func.count()).select_from(PersonRecord)).one() == 1


def test_an_organisation_is_made_once_and_renamed(database: Database) -> None:
    with database.write() as session:
        first = people.ensure_organisation(session, key="north", name="North")
        second = people.ensure_organisation(session, key="north", name="North Agency")
        assert (second.id, second.name) == (first.id, "North Agency")
        assert people.organisation(session, first.id) == second
        assert people.organisation_by_key(session, "north") == second
        assert people.organisation_by_key(session, "south") is None
        with pytest.raises(OrganisationNotFound):
            people.organisation(session, "none")
