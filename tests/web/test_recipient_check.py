"""Is it this person's? Asked of the API with an address, which comes back nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.wiring import Services
from tests.web.badge_states import EMAIL, Stage

OTHER = "sam.taylor@example.org"


@pytest.fixture
def stage(services: Services) -> Stage:
    return Stage(services)


def asked(client: TestClient, email: Any, **badge: Any) -> Any:
    return client.post("/api/v1/verify", json={**badge, "recipient_email": email})


def test_the_answer_is_beside_the_verdict_and_never_within_it(client: TestClient, stage: Stage) -> None:
    badge = stage.issue()
    for email, result, code in (
        (EMAIL, "pass", "ok"), (EMAIL.upper(), "pass", "ok"), (OTHER, "fail", "recipient_mismatch"),
    ):  # fmt: skip
        for given in ({"url": badge.url}, {"jwt": badge.jwt}, {"credential": json.loads(badge.document)}):
            answer = asked(client, email, **given).json()
            assert answer["verdict"] == "valid"
            assert (answer["recipient"]["result"], answer["recipient"]["code"]) == (result, code)


def test_a_file_may_come_with_an_address(client: TestClient, stage: Stage) -> None:
    files = {"file": ("badge.json", stage.issue().document)}
    answer = client.post("/api/v1/verify", files=files, data={"recipient_email": EMAIL})
    assert answer.json()["recipient"]["code"] == "ok"
    for data in ({"recipient_email": [EMAIL, OTHER]}, {"email": EMAIL}, {"recipient_email": "nobody"}):
        assert client.post("/api/v1/verify", files=files, data=data).status_code == 400


def test_a_badge_without_an_address_and_one_that_does_not_hold_leave_it_open(client: TestClient, stage: Stage) -> None:
    unbound = stage.issue(recipient_email=None)
    answer = asked(client, EMAIL, jwt=unbound.jwt).json()
    assert (answer["recipient"]["result"], answer["recipient"]["code"]) == ("unknown", "recipient_unbound")
    broken = json.loads(stage.issue().document) | {"name": "Another badge"}
    answer = asked(client, EMAIL, credential=broken).json()
    assert (answer["verdict"], answer["recipient"]["code"]) == ("invalid", "not_checked")


def test_who_does_not_ask_gets_no_answer(client: TestClient, stage: Stage) -> None:
    assert "recipient" not in client.post("/api/v1/verify", json={"jwt": stage.issue().jwt}).json()


@pytest.mark.parametrize("email", ["", " ", "nobody", None, 7, [EMAIL], {"a": EMAIL}, f"{'a' * 320}@example.org"])
def test_what_is_no_address_is_refused_and_not_repeated(client: TestClient, stage: Stage, email: Any) -> None:
    answer = asked(client, email, jwt=stage.issue().jwt)
    assert answer.status_code == 400
    assert "recipient_email must be one e-mail address" in answer.json()["detail"]
    assert EMAIL not in answer.text
    assert "aaaa" not in answer.text


def test_an_address_alone_is_no_badge(client: TestClient) -> None:
    assert asked(client, EMAIL).status_code == 400


def test_the_address_comes_back_nowhere_and_is_not_logged(
    client: TestClient, stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    badge = stage.issue()
    capfd.readouterr()
    for email in (EMAIL, OTHER):
        assert email not in asked(client, email, jwt=badge.jwt).text
    told = capfd.readouterr()
    assert "api/v1/verify" in told.err + told.out, "what is logged is seen here"
    for email in (EMAIL, OTHER):
        assert email not in told.err + told.out
