"""An LMS is connected by one URL: what is remembered, what a second registration may change, and how much is kept."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import select
from starlette.testclient import TestClient

from app.config import Settings
from app.core.audit import AuditEntry
from app.core.db import Database
from app.core.http import HttpResponse
from app.core.secrets import SecretBox
from app.lti import dynamic_registration, registrations
from app.lti.dynamic_registration import RegistrationLimit, quote
from app.lti.models import LtiToolKey
from app.lti.registrations import PlatformDetails
from app.lti.toolkeys import tool_keys
from tests.databases import Maker
from tests.lti.conftest import everything
from tests.lti.platform import DROP, Browser, Platform
from tests.lti.registering import (
    AGS,
    ALL_SCOPES,
    ANY_JSON,
    ROSTER,
    TOOL_CONFIGURATION,
    RegisteringPlatform,
    approve,
    bound,
    deployments,
    keyed,
    on_the_internet,
    reaching,
    refused,
    rows,
    text_of,
)


@pytest.fixture(scope="session")
def keyed_template(maker: Maker) -> str:
    return keyed(maker)


@pytest.fixture
def template(keyed_template: str) -> str:
    return keyed_template


@pytest.fixture
def lms() -> RegisteringPlatform:
    return RegisteringPlatform()


@pytest.fixture
def house(settings: Settings, database: Database, secret_box: SecretBox, lms: RegisteringPlatform) -> TestClient:
    return bound(on_the_internet(settings), database, secret_box, reaching(lms))


# What is remembered


def test_an_lms_that_registers_us_waits_for_an_operator(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    answer = lms.connects(house)
    assert answer.status_code == 200, answer.text
    [row] = rows(database)
    assert (row.issuer, row.client_id, row.state, row.source) == (
        "https://lms.example",
        "client-77",
        "pending",
        "dynamic",
    )
    assert (row.auth_login_url, row.auth_token_url, row.jwks_url) == (
        "https://lms.example/lti/auth", "https://lms.example/lti/token", "https://lms.example/lti/jwks",
    )  # fmt: skip
    assert (row.configuration_url, row.product_family, row.name, row.audience) == (
        lms.configuration_url, "practice", "lms.example", None,
    )  # fmt: skip
    assert row.granted_scopes == ALL_SCOPES
    assert deployments(database) == {"5": "pending"}
    with database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject_id == row.id)).all()
    assert [(entry.action, entry.actor_kind) for entry in entries] == [("lti.platform_registered", "system")]


def test_its_launches_are_refused_until_it_is_approved(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.connects(house)
    platform = Platform(issuer=lms.root, client_id=lms.client_id)
    refused = house.post("/lti/login", data=platform.login_fields(), headers={"Accept": "text/html"})
    assert "lti-platform-pending" in refused.text
    approve(database, rows(database)[0])
    assert Browser(house, platform).login().location.startswith("https://lms.example/lti/auth?")


def test_the_token_is_shown_to_both_addresses_and_kept_nowhere(
    house: TestClient, lms: RegisteringPlatform, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    lms.token = "secret-token-0815"
    lms.connects(house)
    assert [request.headers["authorization"] for request in lms.requests] == ["Bearer secret-token-0815"] * 2
    assert "secret-token-0815" not in repr(everything(database))
    captured = capfd.readouterr()
    assert "secret-token-0815" not in captured.out + captured.err


def test_an_lms_without_tokens_is_sent_none(house: TestClient, lms: RegisteringPlatform, database: Database) -> None:
    lms.token = None
    assert lms.connects(house).status_code == 200
    assert all("authorization" not in request.headers for request in lms.requests)
    assert len(rows(database)) == 1


def test_a_token_inside_the_configurations_address_is_used_and_not_kept(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.token = None
    answer = lms.connects(house, openid_configuration=lms.configuration_url + "?registration_token=once-only")
    assert answer.status_code == 200
    assert lms.requests[0].url.query == b"registration_token=once-only"
    assert rows(database)[0].configuration_url == lms.configuration_url
    assert "once-only" not in repr(everything(database))
    assert "once-only" not in answer.text


def test_a_second_use_of_the_token_is_told_and_takes_nothing_away(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.connects(house)
    before = everything(database)
    again = lms.connects(house)
    assert again.status_code == 400
    assert "This link was already used" in again.text
    assert "that connection stands" in again.text
    assert "token_already_used" in again.text
    assert everything(database) == before


def test_fewer_scopes_are_remembered_and_named_with_what_they_mean(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.answer_changes = {"scope": AGS + "score"}
    text = text_of(lms.connects(house))
    assert rows(database)[0].granted_scopes == [AGS + "score"]
    assert "Sending grades Given" in text
    assert "Reading course lists Not given Teachers see only those who have opened Waymark" in text


def test_scopes_that_are_not_told_are_neither_given_nor_missing(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.answer_changes = {"scope": DROP}
    text = text_of(lms.connects(house))
    assert rows(database)[0].granted_scopes == []
    assert "Sending grades Asked for" in text
    assert "Not given" not in text


def test_the_deployment_may_be_told_later(house: TestClient, lms: RegisteringPlatform, database: Database) -> None:
    lms.deployment_id = None
    assert "has not told its deployment id" in lms.connects(house).text
    assert deployments(database) == {}
    approve(database, rows(database)[0])
    assert rows(database)[0].state == "active"


@pytest.mark.parametrize("where", ["inside", "beside"])
@pytest.mark.parametrize("value", ["7", 7])
def test_a_deployment_is_taken_wherever_and_however_it_is_written(
    house: TestClient, lms: RegisteringPlatform, database: Database, where: str, value: object
) -> None:
    tool = {"deployment_id": value} if where == "inside" else {}
    beside = {"deployment_id": value} if where == "beside" else {}
    lms.answer_changes = {TOOL_CONFIGURATION: tool} | beside
    lms.connects(house)
    assert deployments(database) == {"7": "pending"}


def test_our_key_is_published_before_the_lms_may_ask_for_it(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    """D2L and Blackboard fetch it while they register us."""
    with database.write() as session:
        session.exec(sa.delete(LtiToolKey))
    seen: list[int] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        with database.read() as session:
            seen.append(len(tool_keys(session)))
        return lms.handle(request)

    house.app.state.runtime.http._client._transport.handler = handle  # type: ignore[attr-defined]
    assert lms.connects(house).status_code == 200
    assert seen == [1, 1]


# A second registration


def test_the_same_registration_again_updates_what_was_given(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.connects(house)
    lms.new_token("token-2")
    lms.answer_changes, lms.deployment_id = {"scope": ROSTER}, "6"
    assert lms.connects(house).status_code == 200
    [row] = rows(database)
    assert row.granted_scopes == [ROSTER]
    assert deployments(database) == {"5": "pending", "6": "pending"}


def test_an_approved_lms_that_registers_again_stays_approved(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.connects(house)
    approve(database, rows(database)[0])
    lms.new_token("token-2")
    lms.deployment_id = "6"
    answer = lms.connects(house)
    assert "This connection was approved before and stays so" in answer.text
    assert rows(database)[0].state == "active"
    assert deployments(database) == {"5": "active", "6": "pending"}


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_a_known_lms_is_never_led_elsewhere_by_a_registration(
    house: TestClient, lms: RegisteringPlatform, database: Database, member: str, approved: bool
) -> None:
    """Somebody who may upload files to the LMS can write a configuration and an answer with the right client id."""
    lms.connects(house)
    if approved:
        approve(database, rows(database)[0])
    before = everything(database)
    lms.new_token("token-2")
    lms.configuration_changes = {member: "https://lms.example/files/uploaded-by-a-learner.json"}
    answer = lms.connects(house)
    assert answer.status_code == 409
    assert "The connection stands as it was" in answer.text
    assert everything(database) == before


def test_one_that_an_operator_entered_by_hand_keeps_what_was_entered(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    details = PlatformDetails(
        "https://lms.example", "client-77", "https://lms.example/lti/auth", "https://lms.example/lti/token",
        "https://lms.example/lti/jwks", name="North Coast",
    )  # fmt: skip
    with database.write() as session:
        registrations.add_registration(session, details)
    assert lms.connects(house).status_code == 200
    [row] = rows(database)
    assert (row.name, row.source, row.state) == ("North Coast", "manual", "pending")


def test_one_that_was_removed_comes_back_pending_and_with_its_new_addresses(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.connects(house)
    approve(database, rows(database)[0])
    with database.write() as session:
        registrations.remove(session, issuer="https://lms.example", client_id="client-77")
    lms.new_token("token-2")
    lms.configuration_changes = {"jwks_uri": "https://lms.example/new/jwks"}
    assert lms.connects(house).status_code == 200
    [row] = rows(database)
    assert (row.state, row.jwks_url) == ("pending", "https://lms.example/new/jwks")
    assert deployments(database) == {"5": "pending"}


def test_two_registrations_at_the_same_moment_make_one(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.token = None
    answers: list[int] = []
    start = threading.Barrier(4)

    def connect() -> None:
        start.wait()
        answers.append(lms.connects(house).status_code)

    threads = [threading.Thread(target=connect) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    assert len(rows(database)) == 1
    assert deployments(database) == {"5": "pending"}


# Spam has an end


def test_only_so_many_that_were_never_approved_are_kept(
    house: TestClient, lms: RegisteringPlatform, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamic_registration, "MOST_UNAPPROVED", 3)
    lms.token = None
    lms.client_id = "kept-1"
    lms.connects(house)
    approve(database, rows(database)[0])
    with database.write() as session:
        registrations.remove(session, issuer=lms.root, client_id="kept-1")
        registrations.add_registration(
            session,
            PlatformDetails(
                "https://other.example", "by-hand", "https://other.example/a", "https://other.example/t",
                "https://other.example/k",
            ),
        )  # fmt: skip
    lms.connects(house)  # pending again, and yet people's work hangs on it
    for number in range(5):
        lms.client_id = f"spam-{number}"
        assert lms.connects(house).status_code == 200
    assert {row.client_id for row in rows(database)} == {"kept-1", "by-hand", "spam-2", "spam-3", "spam-4"}
    with database.read() as session:
        actions = [entry.action for entry in session.exec(select(AuditEntry)).all()]
    assert actions.count("lti.platform_given_up") == 2


def test_one_visitor_registers_only_so_often(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.token = None
    house.app.state.registration_limit = RegistrationLimit(a_minute=2)  # type: ignore[attr-defined]
    assert [lms.connects(house).status_code for _ in range(3)] == [200, 200, 429]
    assert len(lms.requests) == 4


def test_only_so_many_registrations_are_under_way(house: TestClient, lms: RegisteringPlatform) -> None:
    limit = RegistrationLimit(a_minute=10, at_a_time=1)
    house.app.state.registration_limit = limit  # type: ignore[attr-defined]
    with limit.spend("somebody else"):
        assert lms.connects(house).status_code == 429
    assert lms.requests == []
    assert lms.connects(house).status_code == 200


# Bad answers


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], "text", None, {"client_id": ""}, {"client_id": None}, {"client_id": ["a"]}, {"client_id": True},
        {"client_id": "x" * 256}, {"client_id": "a\nb"}, {"client_id": "a\u202eb"}, {"client_id": "\ud800"},
        {"client_id": "a\0b"}, {"client_id": 1.5},
    ],
)  # fmt: skip
def test_an_answer_without_a_client_id_is_told_with_what_to_tidy_up(
    house: TestClient, lms: RegisteringPlatform, database: Database, answer: Any
) -> None:
    lms.registration_answer = httpx2.Response(200, content=json.dumps(answer).encode())
    refusal = refused(house, lms, database, "connect-answer-unusable")
    assert "delete it there before you start again" in refusal.text


@pytest.mark.parametrize("answer", [b"<html>", b"", b"{", b"[" * 60_000])
def test_an_answer_that_is_not_json_is_told(
    house: TestClient, lms: RegisteringPlatform, database: Database, answer: bytes
) -> None:
    lms.registration_answer = httpx2.Response(200, content=answer)
    refused(house, lms, database, "connect-answer-unusable")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"domain_targetlinkuri_mismatch", "domain_targetlinkuri_mismatch"),
        (b'{"error":"invalid_metadata","error_description":"Name is taken"}', "invalid_metadata: Name is taken"),
        (b'{"errorMessage":"JWT did not include expected contents"}', "JWT did not include expected contents"),
        (b'{"errors":[{"message":"scope is unknown"},"and more"]}', "scope is unknown; and more"),
        (b'{"errors":{"message":["deep",{"message":"er"}]}}', "deep; er"),
        ("Fehler: ungültig\u202e\x00\x07".encode(), "Fehler: ungültig"),
        (b"<html><script>alert(1)</script></html>", None),
        (b'{"error":"<script>alert(1)</script>"}', None),
        (b"\xff" * 50, "\ufffd" * 50),
        (b"no " * 500, ("no " * 67)[:200] + "…"),
        (b"", None),
        (b'{"other":"member"}', None),
    ],
)  # fmt: skip
def test_what_the_lms_says_is_quoted_short_and_clean(body: bytes, said: str | None) -> None:
    assert quote(HttpResponse(status=400, headers={}, body=body, url="https://lms.example")) == said


def test_the_lmss_own_words_stand_on_the_page_escaped(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.registration_answer = httpx2.Response(422, json={"error": "a <b>name</b> & more"})
    answer = refused(house, lms, database, "connect-lms-refused")
    assert "a &lt;b&gt;name&lt;/b&gt; &amp; more" in answer.text


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 409, 422, 500, 503])
def test_a_refusal_is_a_refusal_whatever_its_number(
    house: TestClient, lms: RegisteringPlatform, database: Database, status: int
) -> None:
    lms.registration_answer = httpx2.Response(status, headers={"Location": "https://lms.example/elsewhere"})
    refused(house, lms, database, "connect-lms-refused")
    assert len(lms.requests) == 2, "a registration is never sent twice, nor elsewhere"


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    document=st.dictionaries(
        st.sampled_from(["client_id", "deployment_id", "scope", TOOL_CONFIGURATION, "error"]), ANY_JSON, max_size=5
    ),
    status=st.sampled_from([200, 201, 400, 401, 422, 500]),
)
def test_no_answer_is_an_error_of_ours(
    house: TestClient, lms: RegisteringPlatform, document: dict[str, Any], status: int
) -> None:
    lms.registration_answer = httpx2.Response(status, content=json.dumps(document).encode())
    answer = lms.connects(house)
    assert answer.status_code in (200, 400, 409), answer.text
    assert "<h1" in answer.text
