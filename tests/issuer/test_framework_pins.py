"""Each badge remembers by which wording of the competencies it was judged, whatever is loaded afterwards."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta

import rfc8785
import sqlalchemy as sa
from sqlmodel import col, select

from app.core import migrations
from app.core.clock import now
from app.issuer import bulk
from app.issuer.models import Credential
from app.programme import documents, pins
from app.programme import service as programme
from app.programme.frameworks import Framework, Programme
from app.programme.models import ProgrammeVersion
from tests.issuer.conftest import House

BEFORE_THE_PINS = "2026_11_24_renewals"


def pinned(house: House, credential_id: str) -> tuple[str | None, str | None, str | None]:
    with house.database.read() as session:
        row = session.exec(select(Credential).where(Credential.id == credential_id)).one()
        return row.framework_key, row.framework_version, row.framework_digest


def reworded(before: Programme) -> Programme:
    """The same programme with a framework in which IPSV-A2 has given way to a new wording."""
    framework = before.frameworks[0]
    domains = tuple(
        replace(
            domain,
            competencies=tuple(
                replace(each, id="IPSV-A2b", statement="open the door to everybody who asks", replaces=("IPSV-A2",))
                if each.id == "IPSV-A2"
                else each
                for each in domain.competencies
            ),
        )
        for domain in framework.domains
    )
    new = replace(framework, version="0.2", last_changed=date(2027, 3, 1), domains=domains)
    return documents.programme_with_digest(replace(before, version=before.version + 1, frameworks=(new,)))


def load_reworded(house: House) -> Programme:
    with house.database.write() as session:
        after = reworded(programme.current_programme(session))
        programme.store(session, after)
    return after


def digest(of: Programme) -> str:
    document = documents.programme_document(of)["frameworks"][0]
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def current(house: House) -> Programme:
    with house.database.read() as session:
        return programme.current_programme(session)


def key_version(framework: Framework) -> tuple[str, str]:
    return framework.key, framework.version


def test_a_badge_is_pinned_to_the_framework_in_force_when_it_is_issued(house: House) -> None:
    before = current(house)
    badge = house.issue().credential_id
    assert pinned(house, badge) == (*key_version(before.frameworks[0]), digest(before))
    load_reworded(house)
    assert pinned(house, badge) == (*key_version(before.frameworks[0]), digest(before))


def test_many_badges_are_pinned_as_one_is(house: House) -> None:
    with house.database.write() as session:
        requests = [house.request("a"), house.request("b")]
        first, second = bulk.reserve_many(session, house.secret_box, house.base_url, requests)
    one = house.issue("c").credential_id
    assert pinned(house, str(first)) == pinned(house, str(second)) == pinned(house, one)
    assert all(pinned(house, one))


def test_a_module_that_still_names_the_earlier_wording_is_pinned_to_it(house: House) -> None:
    before = current(house)
    assert "IPSV-A2" in house.module.competencies
    load_reworded(house)
    assert pinned(house, house.issue().credential_id)[2] == digest(before)


def test_a_programme_that_changes_something_else_moves_no_pin(house: House) -> None:
    before = current(house)
    with house.database.write() as session:
        other = replace(before, version=before.version + 1, summary="The same, said otherwise.")
        programme.store(session, documents.programme_with_digest(other))
    assert pinned(house, house.issue().credential_id)[2] == digest(before)
    with house.database.read() as session:
        assert len(pins.frameworks(session)) == len(before.frameworks)


def test_every_wording_that_was_ever_in_force_stays_readable(house: House) -> None:
    old, new = current(house), load_reworded(house)
    with house.database.read() as session:
        newest, oldest = pins.frameworks(session)
    assert (newest.pin.digest, oldest.pin.digest) == (digest(new), digest(old))
    earlier, later = oldest.wordings["IPSV-A2"], newest.wordings["IPSV-A2b"]
    assert earlier.competency.statement != later.competency.statement
    assert later.competency.replaces == ("IPSV-A2",)
    assert earlier.digest != later.digest
    assert oldest.wordings["IPSV-A1"].digest == newest.wordings["IPSV-A1"].digest


def test_badges_from_before_the_pins_get_the_framework_of_their_day(house: House) -> None:
    database = house.database
    early = house.issue("early").credential_id
    old, new = current(house), load_reworded(house)
    with database.write() as session:  # the second framework came when the first badge was a day old
        session.exec(sa.update(Credential).values(reserved_at=now() - timedelta(days=1)))
        session.exec(
            sa.update(ProgrammeVersion)
            .where(col(ProgrammeVersion.version) == old.version)
            .values(loaded_at=now() - timedelta(hours=1))
        )
    with database.read() as session:
        module = programme.current_module(session, "M02")  # all its competencies are in both
    late = house.issue("late", achievement_key="M02", achievement_version=module.version, results=()).credential_id
    before = {badge: pinned(house, badge) for badge in (early, late)}
    migrations.migrate(database, BEFORE_THE_PINS, may_lose_data=True)
    migrations.migrate(database)
    assert {badge: pinned(house, badge) for badge in (early, late)} == before
    assert (before[early][2], before[late][2]) == (digest(old), digest(new))
