"""Badges of which this server was only told: their pages say no more than it knows."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.awards import requests
from app.awards.award_input import award_from_json
from app.awards.by_operator import issue_by_operator
from app.awards.schemas import IssuingRights, OperatorAward
from app.core.clock import now
from app.issuer import service as issuer
from app.wiring import Services
from tests.web.people import sign_in
from tests.web.test_holder import award

HTML = {"Accept": "text/html"}
EMAIL = "tess.by.api@example.org"
DID = "did:key:z6MkrHKzgsahxBLyNAbLQyB1pcWNYC9GmywiWPgkrvntAZcj"
MARKED = "an assessor marked the work against a rubric"
TOLD = "Orygen told this server that a named person decided it"


def by_client(services: Services, **recipient: Any) -> str:
    """A badge that a client asked for; its id."""
    runtime = services.runtime
    given = award_from_json(
        {
            "achievement": "M01",
            "recipient": {"email": EMAIL} | recipient,
            "decided_by": {"name": "Priya Raman", "role": "panel chair"},
        }
    )
    fingerprint, *_ = requests.fingerprints(runtime.secret_box, given)
    return requests.issue_by_client(
        runtime.database, runtime.secret_box, runtime.settings.base_url, award=given,
        rights=IssuingRights("a-client", frozenset({"credentials:issue"}), None), idempotency_key="1",
        fingerprint=fingerprint,
    ).credential_id  # fmt: skip


def by_operator(services: Services) -> str:
    """A badge that an operator issued; its id."""
    runtime = services.runtime
    given = OperatorAward("M01", EMAIL, "1", "Priya Raman", "panel chair", "orygen")
    return issue_by_operator(runtime.database, runtime.secret_box, runtime.settings.base_url, given).credential_id


def seen(client: TestClient, path: str) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", html.unescape(answer.text))


def claim(services: Services, badge: str) -> str:
    return issuer.claim_url(services.runtime.secret_box, "", badge)


def share(client: TestClient, path: str) -> None:
    assert client.post(f"{path}/share", data={"shared": "yes"}).status_code == 303


@pytest.mark.parametrize("by", [by_client, by_operator])
def test_the_public_page_says_who_told_of_the_decision_and_not_that_work_was_marked(
    services: Services, client: TestClient, by: Any
) -> None:
    badge = by(services)
    mine = claim(services, badge)
    share(client, mine)
    page = seen(client, f"/credentials/{badge}")
    assert TOLD in page
    assert MARKED not in page
    certificate = seen(client, f"{mine}/certificate")
    assert "a named person decided, says Orygen" in certificate
    assert "against a rubric" not in certificate


def test_a_page_behind_a_link_and_an_older_version_say_the_same(services: Services, client: TestClient) -> None:
    badge = by_client(services)
    mine = claim(services, badge)
    share(client, mine)
    runtime = services.runtime
    issuer.reissue(runtime.database, runtime.secret_box, runtime.settings.base_url, badge, recipient_email=None)
    older = seen(client, f"/credentials/{badge}/v1")
    assert MARKED not in older
    made = client.post(f"{mine}/links", data={"days": "30"}, headers=HTML)
    (link,) = re.findall(r'links__new">.*?value="([^"]+)"', client.get(made.headers["location"]).text, re.DOTALL)
    page = seen(client, f"{link}/1")
    assert TOLD in page
    assert MARKED not in page


def test_a_badge_that_an_assessor_awarded_says_that_work_was_marked(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess Nguyen")
    badge = award(services, tess.person_id, shared=True)
    page = seen(client, f"/credentials/{badge}")
    assert MARKED in page
    assert "told this server" not in page
    assert "against a rubric" in seen(client, f"{claim(services, badge)}/certificate")


def test_an_address_that_nobody_confirmed_is_not_called_confirmed(services: Services, client: TestClient) -> None:
    page = seen(client, claim(services, by_client(services)))
    assert "the e-mail address that the badge was issued to can check it" in page
    assert "you confirmed" not in page


def test_an_address_that_its_holder_confirmed_is_called_so(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess Nguyen")
    badge = award(services, tess.person_id, recipient_email=EMAIL, awarded_at=now().replace(microsecond=0))
    assert "the e-mail address you confirmed can check it" in seen(client, claim(services, badge))


def test_a_did_that_the_awarder_named_may_not_be_the_holders_doing(services: Services, client: TestClient) -> None:
    mine = claim(services, by_client(services, did=DID))
    words = "whoever awarded the badge named"
    assert words in seen(client, mine)
    wallet = seen(client, f"{mine}/wallet")
    assert DID in wallet
    assert words in wallet
