"""Another issuer's badge counts while our verifier finds it valid, and if it is this person's."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.awards.outside_badges import checker
from app.core.clock import now
from app.core.outbox_models import OutboxEvent
from app.pathways import external
from app.pathways import service as pathways
from app.pathways.errors import (
    ExternalBadgeNotFound,
    ExternalBadgeNotValid,
    ExternalBadgeNotYours,
    ExternalBadgeOurs,
    TooManyExternalBadges,
)
from app.pathways.events import EvidenceChanged
from app.pathways.ports import BadgeChecker
from app.pathways.records import ExternalBadge
from app.pathways.schemas import BadgeHeld
from app.people import service as people
from app.people.errors import PersonNotFound
from app.vc import baking, data_integrity, json_text
from app.vc.timestamps import rfc3339
from app.wiring import Services
from tests.pathways.house import Place, badge, place
from tests.verifier.field import EMAIL, LIST_URL, PNG, SECRET_CLAIM, Stranger

LATER = timedelta(days=1, minutes=1)


class College:
    """Another issuer whose badges are of now, and our verifier that can reach it."""

    def __init__(self, services: Services) -> None:
        self.issuer = Stranger()
        self.began = now().replace(microsecond=0) - timedelta(days=2)
        self.publish_list()
        self.check: BadgeChecker = checker(replace(services.verifier, source=self.issuer.web))

    def sign(self, document: dict[str, Any]) -> bytes:
        signed = data_integrity.sign(
            document, suite="eddsa-rdfc-2022", signer=self.issuer.ed25519,
            verification_method=self.issuer.ed25519_id, created=self.began,
        )  # fmt: skip
        return json_text.dumps(signed)

    def publish_list(self, *set_bits: int) -> None:
        dates = {"validFrom": rfc3339(self.began), "validUntil": rfc3339(self.began + timedelta(days=900))}
        self.issuer.web.pages[LIST_URL] = self.sign(self.issuer.list_document(set_bits, **dates))

    def badge(self, *, until: datetime | None = None, **changes: Any) -> bytes:
        dates = {
            "validFrom": rfc3339(self.began), "awardedDate": rfc3339(self.began),
            "validUntil": rfc3339(until or self.began + timedelta(days=300)),
        }  # fmt: skip
        return self.sign(self.issuer.credential(**dates | changes))


@pytest.fixture
def college(services: Services) -> College:
    return College(services)


@pytest.fixture
def north(services: Services) -> Place:
    found = place(services)
    confirm_address(services, found.tess, EMAIL)
    return found


def confirm_address(services: Services, person_id: str, email: str) -> None:
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=person_id, email=email)
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=person_id, code=code)


def add(north: Place, college: College, data: bytes | None = None, person_id: str | None = None) -> ExternalBadge:
    return pathways.add_external_badge(
        north.services.runtime.database, college.check, person_id=person_id or north.tess,
        data=college.badge() if data is None else data,
    )  # fmt: skip


def known(north: Place) -> tuple[BadgeHeld, ...]:
    with north.services.runtime.database.read() as session:
        return pathways.evidence_of(session, (north.tess,))[north.tess].badges


def told(north: Place) -> int:
    with north.services.runtime.database.read() as session:
        return len(session.exec(select(OutboxEvent).where(OutboxEvent.kind == EvidenceChanged.KIND)).all())


def check_again(north: Place, college: College, at: datetime) -> int:
    return external.check_again(north.services.runtime.database, college.check, at)


def test_a_valid_badge_that_names_the_persons_address_is_kept_once_as_evidence(north: Place, college: College) -> None:
    data = college.badge()
    kept = add(north, college, data)
    assert add(north, college, data).id == kept.id
    assert (kept.verdict, kept.counts, kept.name) == ("valid_unknown_issuer", True, SECRET_CLAIM)
    (held,) = known(north)
    assert (held.issuer, held.name, held.revoked_at) == (college.issuer.name, SECRET_CLAIM, None)
    assert told(north) == 1


def test_it_may_be_given_by_its_address_or_as_a_picture(north: Place, college: College) -> None:
    url = "https://badges.example.au/credentials/one"
    college.issuer.web.pages[url] = college.badge()
    database = north.services.runtime.database
    by_address = pathways.add_external_badge(database, college.check, person_id=north.tess, address=url)
    assert by_address.address == url
    baked = baking.bake_png(PNG, college.issuer.web.pages[url])
    assert add(north, college, baked).id == by_address.id, "what is kept is the badge in it"


@pytest.mark.parametrize("wrong", ["tampered", "expired", "revoked", "nothing", "unreachable"])
def test_what_is_not_in_force_is_refused_and_nothing_is_kept(north: Place, college: College, wrong: str) -> None:
    data = college.badge()
    if wrong == "tampered":
        data = data.replace(b"Found and tested", b"Never found nor tested")
    elif wrong == "expired":
        data = college.badge(until=college.began + timedelta(days=1))
    elif wrong == "revoked":
        position = int(json_text.loads(data)["credentialStatus"]["statusListIndex"])
        college.publish_list(position)
    elif wrong == "nothing":
        data = b"hello"
    else:
        del college.issuer.web.pages[college.issuer.key_url]
    with pytest.raises(ExternalBadgeNotValid):
        add(north, college, data)
    assert known(north) == ()


def test_somebody_elses_badge_is_refused(north: Place, college: College) -> None:
    with pytest.raises(ExternalBadgeNotYours):
        add(north, college, person_id=north.marc)
    confirm_address(north.services, north.marc, "marc@example.org")
    with pytest.raises(ExternalBadgeNotYours):
        add(north, college, person_id=north.marc)
    with pytest.raises(PersonNotFound):
        add(north, college, person_id="nobody")


def test_our_own_badges_need_not_be_added(north: Place, college: College) -> None:
    runtime = north.services.runtime
    mine = badge(north.services, north.tess, "M01", email=EMAIL)
    with runtime.database.read() as session:
        from app.issuer import listing

        document = listing.current_version(session, runtime.settings.base_url, mine).document
    with pytest.raises(ExternalBadgeOurs):
        pathways.add_external_badge(
            runtime.database, checker(north.services.verifier), person_id=north.tess, data=document
        )


def test_there_is_room_for_so_many_only(north: Place, college: College, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "MOST", 1)
    add(north, college)
    with pytest.raises(TooManyExternalBadges):
        add(north, college, college.badge(name="Another"))


def test_only_its_holder_takes_it_away(north: Place, college: College) -> None:
    kept = add(north, college)
    database = north.services.runtime.database
    with database.write() as session, pytest.raises(ExternalBadgeNotFound):
        pathways.remove_external_badge(session, person_id=north.marc, badge_id=kept.id)
    with database.write() as session:
        pathways.remove_external_badge(session, person_id=north.tess, badge_id=kept.id)
    assert known(north) == ()
    assert told(north) == 2


def test_each_is_judged_again_a_day_later_and_one_that_was_revoked_counts_no_longer(
    north: Place, college: College
) -> None:
    data = college.badge()
    kept = add(north, college, data)
    assert check_again(north, college, now()) == 0
    assert check_again(north, college, now() + LATER) == 1
    assert told(north) == 1, "nothing was another"
    college.publish_list(int(json_text.loads(data)["credentialStatus"]["statusListIndex"]))
    assert check_again(north, college, now() + 2 * LATER) == 1
    (held,) = known(north)
    assert held.revoked_at is not None
    assert told(north) == 2
    with north.services.runtime.database.read() as session:
        (shown,) = pathways.external_badges_of(session, north.tess)
    assert (shown.id, shown.verdict, shown.counts) == (kept.id, "revoked", False)


def test_one_that_cannot_be_checked_does_not_count_until_it_can_an_hour_later(north: Place, college: College) -> None:
    add(north, college)
    keys = college.issuer.web.pages.pop(college.issuer.key_url)
    moment = now() + LATER
    assert check_again(north, college, moment) == 1
    (held,) = known(north)
    assert (held.suspended_at, held.revoked_at) == (moment, None)
    college.issuer.web.pages[college.issuer.key_url] = keys
    assert check_again(north, college, moment + timedelta(minutes=59)) == 0
    assert check_again(north, college, moment + timedelta(minutes=61)) == 1
    (held,) = known(north)
    assert held.suspended_at is None


def test_a_checker_that_fails_hinders_no_other_badge(north: Place, college: College) -> None:
    add(north, college)
    add(north, college, college.badge(name="Another"))

    def fails(**_asked: object) -> Any:
        raise ValueError("something nobody thought of")

    assert external.check_again(north.services.runtime.database, fails, now() + LATER) == 2
    assert all(held.suspended_at for held in known(north))


def test_two_workers_judge_it_once(north: Place, college: College) -> None:
    add(north, college)
    database = north.services.runtime.database
    asked: list[bytes] = []
    moment = now() + LATER

    def slow(*, data: bytes | None, **rest: Any) -> Any:
        asked.append(base64.b64encode(data or b""))
        if len(asked) == 1:  # while the first is at it, the second comes round
            external.check_again(database, slow, moment)
        return college.check(data=data, **rest)

    external.check_again(database, slow, moment)
    assert len(asked) == 1


def test_the_words_of_a_hostile_issuer_are_kept_short_and_without_what_no_database_takes(
    north: Place, college: College
) -> None:
    dates = {
        "validFrom": rfc3339(college.began), "awardedDate": rfc3339(college.began),
        "validUntil": rfc3339(college.began + timedelta(days=300)),
    }  # fmt: skip
    document = college.issuer.credential(**dates)
    document["credentialSubject"]["achievement"]["name"] = "Master\x00 of " + "x" * 100_000
    kept = add(north, college, college.sign(document))
    assert kept.name.startswith("Master of x")
    assert len(kept.name) == external.LONGEST
