"""What a centre covers, as its manager sees it; and what nobody learns of other centres."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.core import metrics, rows
from app.core.audit import OPERATOR
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.ids import new_id
from app.issuer.models import Credential
from app.pathways import coverage_months
from app.pathways.models import CoverageMonth
from app.people import service as people
from app.people.models import MembershipRecord, PersonRecord
from app.people.schemas import Centre
from app.programme import service as programme
from app.wiring import Services
from tests.web.badge_states import Stage
from tests.web.people import SignedIn, sign_in

LAST_MONTH = timedelta(days=40)


def centre_of(services: Services, agency: str, key: str) -> Centre:
    with services.runtime.database.write() as session:
        organisation = people.ensure_organisation(session, key=agency, name=f"{agency.title()} agency")
        return people.add_centre(
            session, organisation_id=organisation.id, key=key, name=f"{key.title()} centre", actor=OPERATOR
        )


def join(services: Services, centre: Centre, person_id: str, function: Any = "specialist") -> None:
    with services.runtime.database.write() as session:
        people.join_centre(session, person_id=person_id, centre_id=centre.id, function=function, actor=OPERATOR)
        session.exec(sa.update(MembershipRecord).values(begun_at=now() - LAST_MONTH))


def award(services: Services, person_id: str, key: str = "M01", **changes: Any) -> str:
    with services.runtime.database.read() as session:
        module = programme.current_module(session, key)
    issued = Stage(services).issue(
        person_id=person_id, achievement_key=key, achievement_version=module.version,
        results=tuple((criterion.key, 3) for criterion in module.rubric.criteria), shared=False, **changes,
    )  # fmt: skip
    with services.runtime.database.write() as session:
        moment: datetime = now() - LAST_MONTH
        session.exec(sa.update(Credential).where(col(Credential.id) == issued.credential_id).values(issued_at=moment))
    return issued.credential_id


@pytest.fixture
def footscray(services: Services) -> Centre:
    return centre_of(services, "west", "footscray")


@pytest.fixture
def marc(services: Services, client: TestClient, footscray: Centre) -> SignedIn:
    person = sign_in(services, client, "Marc", roles=("manager",), module_key=None)
    join(services, footscray, person.person_id, "supervisor")
    return person


@pytest.fixture
def tess(services: Services, client: TestClient, footscray: Centre) -> SignedIn:
    person = sign_in(services, client, "Tess")
    join(services, footscray, person.person_id)
    return person


def lines(page: Any) -> dict[str, list[str]]:
    """The table for a spreadsheet, by the id of the competency or item."""
    assert page.headers["content-type"] == "text/csv; charset=utf-8"
    return {row[1]: row for row in csv.reader(io.StringIO(page.content.decode("utf-8-sig")))}


def all_centres(page: Any) -> dict[str, list[str]]:
    """What the table tells of all centres."""
    return {key: row[7:] for key, row in lines(page).items()}


def month_begins(services: Services, at: datetime | None = None) -> None:
    """What a worker does when a month begins."""
    coverage_months.publish_month(services.runtime.database, at)


def assert_nothing_is_told(reader: SignedIn, centre: Centre) -> None:
    page = f"/centre/{centre.id}/coverage"
    table = all_centres(reader.get(f"{page}.csv"))
    assert {tuple(row) for key, row in table.items() if key.startswith("IPSV")} == {("not shown", "not shown")}
    assert "All centres: not shown this month" in reader.get(page).text


def test_a_centre_without_specialists_is_told_what_comes(marc: SignedIn, footscray: Centre) -> None:
    page = marc.get(f"/centre/{footscray.id}/coverage")
    assert page.status_code == 200
    assert "No specialist is entered yet" in page.text
    assert f'href="{marc.root}/centre/{footscray.id}/coverage"' in marc.get(f"/centre/{footscray.id}").text


def test_who_has_shown_what_stands_with_names_out_of_the_staff_in_post(
    services: Services, client: TestClient, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    noor = sign_in(services, client, "Noor")
    join(services, footscray, noor.person_id)
    award(services, tess.person_id)
    table = lines(marc.get(f"/centre/{footscray.id}/coverage.csv"))
    assert table["IPSV-A1"][3:7] == ["1", "2", "0", "Tess"]
    assert table["IPSV-B1"][3:7] == ["0", "2", "0", ""]
    assert table["FI-09"][3:7] == ["1", "2", "0", "Tess"]  # IPSV-A2 belongs to it
    page = marc.get(f"/centre/{footscray.id}/coverage").text
    assert "1 of 2" in page
    assert page.count("Needs organisational action – not shown by badges") == 6
    assert "does not predict" in page


def test_organisational_items_are_never_counted(marc: SignedIn, tess: SignedIn, footscray: Centre) -> None:
    table = lines(marc.get(f"/centre/{footscray.id}/coverage.csv"))
    assert {key for key, row in table.items() if row[3].startswith("Needs")} == {
        "FI-01", "FI-04", "FI-07", "FI-08", "FI-10", "FI-11",
    }  # fmt: skip
    assert table["FI-10"][4:] == [""] * 5


def test_filters_choose_theme_level_and_what_ends_soon(
    services: Services, client: TestClient, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    noor = sign_in(services, client, "Noor")
    join(services, footscray, noor.person_id)
    award(services, tess.person_id, valid_until=now() + timedelta(days=30))
    award(services, noor.person_id)
    root = f"/centre/{footscray.id}/coverage.csv"
    assert lines(marc.get(root))["IPSV-A1"][3:7] == ["2", "2", "1", "Noor; Tess"]
    assert lines(marc.get(f"{root}?ending=yes"))["IPSV-A1"][3:7] == ["1", "2", "1", "Tess"]
    advanced = lines(marc.get(f"{root}?level=advanced"))
    assert "IPSV-A1" not in advanced
    assert advanced["FI-09"][3] == "0"  # no advanced competency belongs to it
    themed = lines(marc.get(f"{root}?theme=T2"))
    assert [key for key in themed if key.startswith("IPSV-A")] == []
    odd = marc.get(f"{root}?theme=%3Cb%3E&level=none")
    assert set(lines(odd)) == set(lines(marc.get(root)))
    page = marc.get(f"/centre/{footscray.id}/coverage").text
    assert page.index("Ends within 90 days") < page.index(f"/staff/{tess.person_id}")


@pytest.mark.parametrize("ended", ["revoked", "suspended", "expired", "left"])
def test_what_has_ended_covers_nothing(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre, ended: str
) -> None:
    badge = award(services, tess.person_id)
    values: dict[str, Any] = {
        "revoked": {"state": "revoked", "revoked_at": now()}, "suspended": {"suspended_at": now()},
        "expired": {"valid_until": now()}, "left": {},
    }[ended]  # fmt: skip
    with services.runtime.database.write() as session:
        if values:
            session.exec(sa.update(Credential).where(col(Credential.id) == badge).values(**values))
        else:
            [mine] = [each for each in people.staff_of(session, footscray.id) if each.person_id == tess.person_id]
            people.end_membership(session, membership_id=mine.membership_id, actor=OPERATOR)
    page = marc.get(f"/centre/{footscray.id}/coverage.csv")
    assert lines(page)["IPSV-A1"][3] == "0"
    assert "Tess" not in page.text


def test_a_name_is_no_formula(services: Services, client: TestClient, marc: SignedIn, footscray: Centre) -> None:
    odd = sign_in(services, client, "=1+1")
    join(services, footscray, odd.person_id)
    award(services, odd.person_id)
    assert lines(marc.get(f"/centre/{footscray.id}/coverage.csv"))["IPSV-A1"][6] == "'=1+1"


def populate(services: Services, centres: list[Centre], number: int, holders: int) -> None:
    """Specialists of several centres; the first so many hold M01."""
    moment = now() - LAST_MONTH
    ids = [new_id() for _ in range(number)]
    with services.runtime.database.write() as session:
        insert_rows(session, rows.table(PersonRecord), [{"id": each, "created_at": moment} for each in ids])
        insert_rows(
            session,
            rows.table(MembershipRecord),
            [
                {
                    "id": new_id(), "centre_id": centres[place % len(centres)].id, "person_id": each,
                    "function": "specialist", "name": f"Somebody {place}", "begun_at": moment,
                    "begun_by_kind": "operator", "begun_by_id": "x",
                }
                for place, each in enumerate(ids)
            ],
        )  # fmt: skip
        first = session.exec(sa.select(Credential.__table__)).mappings().first()  # type: ignore[attr-defined,call-overload]
        insert_rows(
            session,
            rows.table(Credential),
            [
                {
                    **first, "id": new_id(), "idempotency_key": new_id(), "person_id": each, "subject_id": new_id(),
                    "status_index": 100_000 + place, "issued_at": moment,
                }
                for place, each in enumerate(ids[:holders])
            ],
        )  # fmt: skip


def test_numbers_of_all_centres_are_bands_whatever_is_filtered(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    others = [centre_of(services, "east", f"east-{number}") for number in range(3)]
    populate(services, others, 40, 21)
    month_begins(services)
    root = f"/centre/{footscray.id}/coverage.csv"
    table = lines(marc.get(root))
    assert table["IPSV-A1"][7:] == ["20 to 24", "40 to 44"]
    assert table["IPSV-B1"][7] == "not shown"  # nobody: that too is fewer than five
    for query in ("?theme=T4", "?level=basic", "?ending=yes", "?theme=T4&level=basic&ending=yes"):
        narrowed = lines(marc.get(root + query))
        assert {key: row[7:] for key, row in narrowed.items()}.items() <= {k: r[7:] for k, r in table.items()}.items()
    page = marc.get(f"/centre/{footscray.id}/coverage")
    assert "20 to 24 of 40 to 44" in page.text
    assert "with 40 to 44 specialists in post" in page.text
    assert "41" not in lines(marc.get(root))["IPSV-A1"]
    assert "Somebody" not in page.text


def test_too_few_other_centres_are_no_crowd(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(2)], 40, 21)
    month_begins(services)
    assert_nothing_is_told(marc, footscray)


@pytest.mark.parametrize(("people", "is_told"), [(3, False), (4, False), (5, True)])
def test_fewer_than_five_others_are_not_even_counted(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre, people: int, is_told: bool
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], people, 1)
    month_begins(services)
    if is_told:
        assert "with 5 to 9 specialists in post" in marc.get(f"/centre/{footscray.id}/coverage").text
    else:
        assert_nothing_is_told(marc, footscray)


def change_badges(services: Services, number: int, **values: Any) -> None:
    """Change the badges of so many others, as what happens to them would."""
    with services.runtime.database.write() as session:
        some = sa.select(col(Credential.id)).where(col(Credential.status_index) >= 100_000).limit(number)
        session.exec(sa.update(Credential).where(col(Credential.id).in_(some)).values(**values))


LONG_BEFORE = now() - timedelta(days=35)


@pytest.mark.parametrize(
    ("as_the_month_began", "meanwhile"),
    [
        ({"valid_until": LONG_BEFORE}, {"valid_until": now() + timedelta(days=900), "current_version": 2}),
        ({"suspended_at": LONG_BEFORE}, {"suspended_at": None}),
        ({"valid_until": None}, {"valid_until": LONG_BEFORE}),
        ({"valid_until": None}, {"issued_at": now()}),
    ],
    ids=["renewed late", "reinstated", "corrected", "awarded anew"],
)
def test_nothing_that_happens_in_a_month_changes_what_is_told_of_its_beginning(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre,
    as_the_month_began: dict[str, Any], meanwhile: dict[str, Any],
) -> None:  # fmt: skip
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], 40, 19)
    change_badges(services, 1, **as_the_month_began)
    month_begins(services)
    root = f"/centre/{footscray.id}/coverage.csv"
    before = all_centres(marc.get(root))
    assert before["IPSV-A1"][0] in ("15 to 19", "20 to 24")
    change_badges(services, 1, **meanwhile)
    month_begins(services)
    assert all_centres(marc.get(root)) == before


def test_whoever_comes_and_goes_in_a_month_changes_nothing_of_it(
    services: Services, client: TestClient, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    others = [centre_of(services, "east", f"east-{number}") for number in range(3)]
    populate(services, others, 40, 19)
    month_begins(services)
    root = f"/centre/{footscray.id}/coverage.csv"
    before = all_centres(marc.get(root))
    noor = sign_in(services, client, "Noor")
    award(services, noor.person_id)
    join(services, footscray, noor.person_id)
    with services.runtime.database.write() as session:
        session.exec(
            sa.update(MembershipRecord)
            .where(col(MembershipRecord.centre_id) == others[0].id)
            .values(centre_id=footscray.id)
        )
    assert all_centres(marc.get(root)) == before


def test_who_manages_another_set_of_centres_since_waits_for_the_next_month(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    others = [centre_of(services, "east", f"east-{number}") for number in range(5)]
    populate(services, others, 60, 29)
    month_begins(services)
    join(services, others[0], marc.person_id, "supervisor")
    assert_nothing_is_told(marc, footscray)
    month_begins(services, now() + timedelta(days=32))
    with services.runtime.database.read() as session:
        own = [footscray.id, others[0].id]
        assert coverage_months.of_all(session, own) is None
        assert coverage_months.of_all(session, own[::-1], now() + timedelta(days=32)) is not None


def test_the_numbers_of_the_first_worker_stand_and_old_months_are_forgotten(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], 40, 21)
    database = services.runtime.database
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: coverage_months.publish_month(database), range(4)))
    assert sum(written) == 4  # one for each centre, and each once
    later = now().replace(day=1)
    for months in range(1, 15):
        later = (later + timedelta(days=32)).replace(day=1)
        coverage_months.publish_month(database, later)
        with database.read() as session:
            held = set(session.exec(sa.select(col(CoverageMonth.month))).scalars())  # type: ignore[call-overload]
        assert len(held) == min(months + 1, coverage_months.MONTHS_KEPT + 1)


def test_what_is_kept_of_a_month_is_bands_and_nobody(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], 40, 21)
    month_begins(services)
    with services.runtime.database.read() as session:
        kept = session.exec(select(CoverageMonth)).all()
    assert len(kept) == 5
    for row in kept:
        assert row.told is not None
        assert set(row.told) in ({"staff", "bands"}, set())
        for low, high in (row.told["staff"], *row.told["bands"].values()) if row.told else ():
            assert (low % 5, high - low) == (0, 4)
    assert footscray.id not in str([(row.centres, row.told) for row in kept])


def test_a_round_that_is_out_of_time_is_gone_on_with_by_the_next(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], 40, 21)
    monkeypatch.setattr(coverage_months, "LONGEST_ROUND_SECONDS", -1.0)
    rounds = [coverage_months.publish_month(services.runtime.database) for _ in range(5)]
    assert rounds == [1, 1, 1, 1, 0]
    assert all_centres(marc.get(f"/centre/{footscray.id}/coverage.csv"))["IPSV-A1"] == ["20 to 24", "40 to 44"]


def test_a_month_that_nobody_works_out_is_seen_in_the_metrics(
    services: Services, tess: SignedIn, footscray: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], 40, 21)
    database = services.runtime.database
    month = (now() + timedelta(days=40)).replace(day=1, hour=0, minute=0)

    def due(at: datetime) -> float | None:
        with database.read() as session:
            coverage_months.tell_due(session, at)
        return metrics.FROM_DATABASE.get_sample_value("waymark_coverage_tables_due")

    assert due(month) == 0, "not in its first hour"
    later = month + timedelta(hours=2)
    assert due(later) == 1, "nobody knows yet how many"
    monkeypatch.setattr(coverage_months, "LONGEST_ROUND_SECONDS", -1.0)
    coverage_months.publish_month(database, later)
    assert due(later) == 3
    monkeypatch.undo()
    coverage_months.publish_month(database, later)
    assert due(later) == 0
