"""What an award rests on: held by a person, or known by nothing but an address; and awards made without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from app.awards import checking
from app.awards import requests as award_requests
from app.awards.award_input import award_from_csv, award_from_json
from app.awards.errors import AwardInputRefused, PrerequisiteMissing
from app.awards.models import AwardOverride
from app.awards.schemas import CheckedAward, IssuingRights
from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.db import Database
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.vc.open_badges import digest_multibase
from app.wiring import Services, build_worker
from tests.api.awarding import EMAIL, ISSUE, Api, award, confirm, confirmed_person, count, direct, slug
from tests.conftest import TEST_SECRET


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent to a database meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


RIGHTS = IssuingRights("a-client", frozenset(ISSUE), None)


def test_a_badge_that_was_issued_to_the_address_counts(services: Services, api: Api) -> None:
    assert slug(api.issue("2", award(achievement="M02"))) == "prerequisite-missing"
    direct(services, "another client's", EMAIL)
    assert api.issue("2", award(achievement="M02")).status_code == 201


def test_a_badge_issued_under_a_master_key_given_up_for_new_ones_still_counts(services: Services, api: Api) -> None:
    direct(services, "1", EMAIL)
    box = SecretBox(["the-new-master-key-of-this-server", TEST_SECRET])
    given = award_from_json(award(achievement="M02"))
    with services.runtime.database.read() as session:
        assert checking.check(session, box, given, RIGHTS, now()).missing == ()


def test_a_badge_of_whoever_confirmed_the_address_counts(services: Services, api: Api) -> None:
    person_id = confirmed_person(services, "tess.at.home@example.org")
    direct(services, "1", "tess.at.home@example.org")
    assert slug(api.issue("2", award(achievement="M02"))) == "prerequisite-missing"
    confirm(services, person_id, EMAIL)
    answer = api.issue("2", award(achievement="M02"))
    assert answer.status_code == 201
    with services.runtime.database.read() as session:
        assert session.get_one(Credential, answer.json()["id"]).person_id == person_id


def test_a_badge_that_has_become_somebody_elses_counts_for_them_alone(services: Services, api: Api) -> None:
    badge = direct(services, "1", EMAIL).credential_id
    confirmed_person(services, EMAIL, "tess")
    build_worker(services).run_until_idle()
    with services.runtime.database.write() as session:
        assert session.get_one(Credential, badge).person_id is not None
        session.get_one(Credential, badge).person_id = "another-person"
    assert slug(api.issue("2", award(achievement="M02"))) == "prerequisite-missing"


@pytest.mark.parametrize("why", ["expired", "revoked", "suspended"])
def test_a_prerequisite_that_stands_no_longer_is_named_with_the_reason(services: Services, api: Api, why: str) -> None:
    runtime = services.runtime
    badge = direct(services, "1", EMAIL).credential_id
    if why == "revoked":
        issuer.revoke(
            runtime.database, runtime.secret_box, runtime.settings.base_url,
            credential_id=badge, reason="x", actor=OPERATOR,
        )  # fmt: skip
    with runtime.database.write() as session:
        if why == "suspended":
            issuer.suspend(session, badge, reason="x", actor=OPERATOR)
        if why == "expired":
            session.get_one(Credential, badge).valid_until = now() - timedelta(seconds=1)
    answer = api.issue("2", award(achievement="M02"))
    assert (answer.status_code, slug(answer)) == (409, "prerequisite-missing")
    assert answer.json()["missing"] == [{"achievement": "M01", "why": why}]
    assert f"M01 ({why} on " in answer.json()["detail"]


def test_of_several_of_which_one_is_needed_each_is_named_once(services: Services, api: Api) -> None:
    answer = api.issue("9", award(achievement="M09"))
    assert answer.json()["missing"] == [
        {"achievement": "M01", "why": "missing"}, {"achievement": "M05|M06", "why": "missing"}
    ]  # fmt: skip
    assert "M05 or M06 (missing" in answer.json()["detail"]


def test_an_advanced_badge_rests_on_the_badges_of_its_pathway(api: Api) -> None:
    answer = api.issue("x", award(achievement="X1"))
    assert slug(answer) == "prerequisite-missing"


def test_an_achievement_that_is_there_under_other_capitals_is_named(api: Api) -> None:
    answer = api.issue("1", award(achievement="m01"))
    assert slug(answer) == "achievement-unknown"
    assert answer.json()["detail"].endswith("There is M01: capitals count.")
    assert "There is" not in api.issue("2", award(achievement="M99")).json()["detail"]


def test_an_override_is_kept_with_its_reason_and_reviewed_by_somebody_else(
    services: Services, entered: Callable[..., Api]
) -> None:
    maker, reviewer = entered(), entered("audit:read")
    whole = award(achievement="M09", override={"reason": "Did it all in Bendigo."})
    badge = maker.issue("9", whole).json()["id"]
    (item,) = reviewer.get("/overrides").json()["items"]
    assert (item["credential_id"], item["missing"]) == (badge, ["M01", "M05|M06"])
    assert (item["reason"], item["client_id"], item["reviewed_at"]) == (
        "Did it all in Bendigo.", maker.client_id, None
    )  # fmt: skip
    path = f"/overrides/{item['id']}/review"
    assert slug(maker.post(path, {"note": "Fine by me."})) == "review-by-another"
    done = reviewer.post(path, {"note": "The minutes bear it out."})
    assert (done.status_code, done.json()["reviewed_by"]) == (200, f"client:{reviewer.client_id}")
    assert slug(reviewer.post(path, {"note": "Again."})) == "override-reviewed"
    assert reviewer.get("/overrides?reviewed=false").json()["items"] == []
    with services.runtime.database.read() as session:
        actions = session.exec(
            select(AuditEntry.action).where(col(AuditEntry.action).like("awards.%")).order_by(col(AuditEntry.id))
        ).all()
        assert "Bendigo" not in str([row.ids for row in session.exec(select(AuditEntry)).all()])
    assert actions == ["awards.prerequisite_overridden", "awards.override_reviewed"]


def test_an_override_where_nothing_is_missing_is_none(services: Services, api: Api) -> None:
    assert api.issue("1", award(override={"reason": "To be safe."})).status_code == 201
    assert count(services, AwardOverride) == 0


def test_a_client_limited_to_achievements_sees_and_reviews_no_other_overrides(entered: Callable[..., Api]) -> None:
    maker, limited = entered(), entered("audit:read", achievements={"M01"})
    maker.issue("9", award(achievement="M09", override={"reason": "x"}))
    (item,) = maker.get("/overrides").json()["items"]
    assert limited.get("/overrides").json()["items"] == []
    answer = limited.post(f"/overrides/{item['id']}/review", {"note": "x"})
    assert (answer.status_code, slug(answer)) == (404, "override-not-found")


def test_many_are_checked_in_a_few_questions_and_each_gets_its_own_answer(services: Services) -> None:
    direct(services, "1", EMAIL)
    addresses = [f"person.{number}@example.org" for number in range(50)]
    wanted = [award_from_json(award(achievement="M02", recipient={"email": email})) for email in (EMAIL, *addresses)]
    wanted.append(award_from_json(award(achievement="M99")))
    runtime = services.runtime
    with runtime.database.read() as session:
        checking.check_many(session, runtime.secret_box, wanted, RIGHTS, now())  # the catalogue is read once
    with runtime.database.read() as session, counted(runtime.database) as few:
        checking.check_many(session, runtime.secret_box, wanted[:2], RIGHTS, now())
    with runtime.database.read() as session, counted(runtime.database) as many:
        found = checking.check_many(session, runtime.secret_box, wanted, RIGHTS, now())
    assert isinstance(found[0], CheckedAward)
    assert {type(each) for each in found[1:51]} == {PrerequisiteMissing}
    assert getattr(found[51], "slug", None) == "achievement-unknown"
    assert len(many) <= len(few) + 6


def test_a_row_of_csv_says_the_same_as_json() -> None:
    row = {
        "achievement": "M01", "email": f" {EMAIL.upper()} ", "name": "Tess", "did": "", "decided_by_name": "Priya",
        "decided_by_role": "panel chair", "awarded_at": "2026-03-04T15:00:00+11:00",
        "results": "seeing-gates=3; principles-in-use=4", "override_reason": "", "idempotency_key": "k",
    }  # fmt: skip
    said = {
        "achievement": "M01", "recipient": {"email": EMAIL, "name": "Tess"},
        "decided_by": {"name": "Priya", "role": "panel chair"}, "awarded_at": "2026-03-04T04:00:00Z",
        "results": [{"criterion": "seeing-gates", "level": 3}, {"criterion": "principles-in-use", "level": 4}],
    }  # fmt: skip
    assert award_from_csv(row) == award_from_json(said)


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        ({"email": "nobody"}, "email", "email_not_usable"),
        ({"decided_by_name": ""}, "decided_by_name", "missing"),
        ({"results": "seeing-gates"}, "results", "wrong_form"),
        ({"results": "seeing gates=3"}, "results", "wrong_form"),
        ({"e-mail": "x"}, "e-mail", "unknown_column"),
        ({"tess@example.org": "x"}, "(unreadable name)", "unknown_column"),
        ({"awarded_at": "4/3/2026"}, "awarded_at", "not_a_moment"),
    ],
)
def test_what_is_wrong_in_a_row_is_named_by_its_column(change: dict[str, str], place: str, code: str) -> None:
    row = {"achievement": "M01", "email": EMAIL, "decided_by_name": "Priya", "decided_by_role": "chair"} | change
    with pytest.raises(AwardInputRefused) as refused:
        award_from_csv(row)
    assert [(each.field, each.code) for each in refused.value.problems] == [(place, code)]


def test_every_place_that_is_wrong_in_a_row_is_named_at_once() -> None:
    row = {"achievement": "M01", "email": "nobody", "decided_by_role": "chair", "results": "x", "e-mail": "x"}
    with pytest.raises(AwardInputRefused) as refused:
        award_from_csv(row)
    assert [each.field for each in refused.value.problems] == ["e-mail", "email", "decided_by_name", "results"]


def test_addresses_of_mails_that_never_went_out_are_forgotten(services: Services, api: Api) -> None:
    badge = api.issue().json()["id"]
    runtime = services.runtime
    assert award_requests.forget_recipients(runtime.database) == 0
    with runtime.database.write() as session:
        row = session.exec(select(award_requests.AwardRequest)).one()
        row.created_at = now() - timedelta(days=31)
        session.add(row)
    assert award_requests.forget_recipients(runtime.database) == 1
    with runtime.database.read() as session:
        assert award_requests.recipient_of(session, runtime.secret_box, badge) is None


def test_a_badge_names_each_badge_it_rests_on_in_the_version_that_was_looked_at(services: Services, api: Api) -> None:
    below = direct(services, "1", EMAIL)
    answer = api.issue("2", award(achievement="M02")).json()
    named, framework = answer["credential"]["relatedResource"]
    base_url = services.runtime.settings.base_url
    assert named["id"] == f"{base_url}/credentials/{below.credential_id}/v1.json"
    assert named["digestMultibase"] == digest_multibase(below.document)
    there = api.client.get(framework["id"])
    assert framework["digestMultibase"] == digest_multibase(there.content)
    with services.runtime.database.write() as session:
        for row in session.exec(select(Credential)).all():
            row.shared = True
    verdict = api.client.post("/api/v1/verify", json={"url": answer["url"]}).json()
    assert verdict["verdict"] == "valid"
    assert {each["url"]: each["result"] for each in verdict["chain"]} == {named["id"]: "pass", framework["id"]: "pass"}
    assert "relatedResource" not in api.get(f"/credentials/{below.credential_id}").json()["credential"]


def test_a_correction_goes_on_naming_what_the_badge_rests_on(services: Services, api: Api) -> None:
    direct(services, "1", EMAIL)
    first = api.issue("2", award(achievement="M02")).json()
    change = {
        "reason": "x", "decided_by": {"name": "P", "role": "chair"}, "awarded_at": "2026-02-01T00:00:00Z"
    }  # fmt: skip
    after = api.post(f"/credentials/{first['id']}/correct", change, If_Match="*").json()
    assert after["credential"]["relatedResource"] == first["credential"]["relatedResource"]


def _named(api: Api, credential_id: str) -> list[str]:
    """The documents that a badge names, by their paths."""
    named = api.get(f"/credentials/{credential_id}").json()["credential"].get("relatedResource", [])
    return [each["id"].partition("/programme/")[2].partition("/")[0] or "badge" for each in named]


def test_a_badge_names_the_pathways_rule_only_where_nothing_of_it_was_passed_over(api: Api) -> None:
    below = api.issue("all", award(achievement="practitioner", override={"reason": "From before."})).json()["id"]
    assert _named(api, below) == []
    by_rule = api.issue("x1", award(achievement="X1")).json()["id"]
    assert sorted(_named(api, by_rule)) == ["badge", "ips", "pathways"]


def test_a_badge_of_which_a_part_was_passed_over_names_what_is_there_and_no_rule(services: Services, api: Api) -> None:
    direct(services, "1", EMAIL)
    part = api.issue("part", award(achievement="practitioner", override={"reason": "From before."})).json()["id"]
    assert sorted(_named(api, part)) == ["badge", "ips"]
