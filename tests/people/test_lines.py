"""Who is whose line manager or mentor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from app.core.audit import OPERATOR, AuditEntry
from app.core.db import Database
from app.people import service as people
from app.people.errors import LineNotFound, LineNotPossible, PersonNotFound
from app.people.models import ReportingLineRecord
from tests.people.test_staff import add, end, join, make_centre, met


def put(database: Database, person_id: str, other_id: str, relation: people.Relation = "line_manager") -> None:
    with database.write() as session:
        people.set_line(session, person_id=person_id, other_id=other_id, relation=relation, actor=OPERATOR)


def relation(database: Database, person_id: str, other_id: str) -> frozenset[people.Relation]:
    with database.read() as session:
        return people.relation_to(session, person_id=person_id, other_id=other_id)


def test_a_line_holds_in_one_direction(database: Database) -> None:
    tess, marc = met(database), met(database, "marc")
    put(database, tess, marc)
    put(database, tess, marc, "mentor")
    assert relation(database, tess, marc) == {"line_manager", "mentor"}
    assert relation(database, marc, tess) == frozenset()
    with database.read() as session:
        assert people.reports_of(session, marc) == (tess,)
        assert people.reports_of(session, tess) == ()
        assert [line.relation for line in people.lines_of(session, tess)] == ["line_manager", "mentor"]


def test_there_is_one_manager_at_a_time_and_any_number_of_mentors(database: Database) -> None:
    tess, marc, ines = met(database), met(database, "marc"), met(database, "ines")
    for kind in ("line_manager", "mentor"):
        put(database, tess, marc, kind)
        put(database, tess, ines, kind)
    assert relation(database, tess, marc) == {"mentor"}
    assert relation(database, tess, ines) == {"line_manager", "mentor"}
    with database.read() as session:
        rows = session.exec(select(ReportingLineRecord)).all()
    assert sum(row.ended_at is not None for row in rows) == 1


def test_twice_is_the_same_as_once_and_everything_is_audited(database: Database) -> None:
    tess, marc = met(database), met(database, "marc")
    put(database, tess, marc)
    put(database, tess, marc)
    with database.write() as session:
        people.end_line(session, person_id=tess, other_id=marc, relation="line_manager", actor=OPERATOR)
    with database.read() as session:
        entries = session.exec(select(AuditEntry)).all()
    assert [entry.action for entry in entries] == ["people.line_set", "people.line_ended"]
    assert entries[0].ids == {"person_id": tess, "other_id": marc, "relation": "line_manager"}
    with database.write() as session, pytest.raises(LineNotFound):
        people.end_line(session, person_id=tess, other_id=marc, relation="line_manager", actor=OPERATOR)


def test_nobody_manages_themselves_and_no_ring_of_managers_is_made(database: Database) -> None:
    tess, marc, ines = met(database), met(database, "marc"), met(database, "ines")
    with pytest.raises(LineNotPossible):
        put(database, tess, tess, "mentor")
    put(database, tess, marc)
    put(database, marc, ines)
    with pytest.raises(LineNotPossible):
        put(database, ines, tess)
    put(database, ines, tess, "mentor")
    with pytest.raises(PersonNotFound):
        put(database, tess, "nobody")
    assert relation(database, tess, marc) == {"line_manager"}


def test_two_who_say_at_once_who_manages_somebody_leave_one_manager(database: Database) -> None:
    tess, others = met(database), [met(database, name) for name in ("marc", "ines", "olga", "paul")]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda other: put(database, tess, other), others))
    assert sum(bool(relation(database, tess, other)) for other in others) == 1


def test_lines_end_with_the_last_membership(database: Database) -> None:
    centre, sunshine = make_centre(database), make_centre(database, key="sunshine")
    tess = join(database, centre, met(database)).person_id
    here, there = add(database, centre), add(database, sunshine)
    put(database, tess, here.person_id)
    end(database, here)
    assert relation(database, tess, here.person_id) == {"line_manager"}
    end(database, there)
    assert relation(database, tess, here.person_id) == frozenset()
