"""What a centre covers, as its manager sees it; and what nobody learns of other centres."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col
from starlette.testclient import TestClient

from app.core import rows
from app.core.audit import OPERATOR
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.ids import new_id
from app.issuer.models import Credential
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
    root = f"/centre/{footscray.id}/coverage.csv"
    table = lines(marc.get(root))
    assert table["IPSV-A1"][7:] == ["20 to 24", "41"]
    assert table["IPSV-B1"][7] == "not shown"  # nobody: that too is fewer than five
    for query in ("?theme=T4", "?level=basic", "?ending=yes", "?theme=T4&level=basic&ending=yes"):
        narrowed = lines(marc.get(root + query))
        assert {key: row[7:] for key, row in narrowed.items()}.items() <= {k: r[7:] for k, r in table.items()}.items()
    page = marc.get(f"/centre/{footscray.id}/coverage")
    assert "20 to 24 of 41" in page.text
    assert "Somebody" not in page.text


def test_too_few_other_centres_are_no_crowd(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(2)], 40, 21)
    table = lines(marc.get(f"/centre/{footscray.id}/coverage.csv"))
    assert {row[7] for key, row in table.items() if key.startswith("IPSV")} == {"not shown"}
    assert "All centres: not shown yet" in marc.get(f"/centre/{footscray.id}/coverage").text


def test_what_was_awarded_this_month_is_not_told_yet(
    services: Services, marc: SignedIn, tess: SignedIn, footscray: Centre
) -> None:
    award(services, tess.person_id)
    populate(services, [centre_of(services, "east", f"east-{number}") for number in range(3)], 40, 19)
    root = f"/centre/{footscray.id}/coverage.csv"
    assert lines(marc.get(root))["IPSV-A1"][7] == "20 to 24"
    with services.runtime.database.write() as session:
        some = sa.select(col(Credential.id)).where(col(Credential.status_index) >= 100_000).limit(5)
        session.exec(sa.update(Credential).where(col(Credential.id).in_(some)).values(issued_at=now()))
    assert lines(marc.get(root))["IPSV-A1"][7] == "15 to 19"
