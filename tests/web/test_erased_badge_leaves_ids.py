"""After a badge was erased: what is left anywhere in the database, row by row in every table."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.awards import service as awards
from app.core.audit import OPERATOR, Actor
from app.core.clock import now
from app.core.db import metadata
from app.issuer import did_binding, mailed_links, share_links
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.reissuing import show_name
from app.wiring import Services
from tests.wallets import Wallet
from tests.web.badge_states import EMAIL
from tests.web.people import SignedIn, sign_in
from tests.web.test_holder import award

NAME = "Tess Nguyen"
PEOPLES_OWN = {"person", "lms_identity", "launch_session", "enrolment"}
BY_IDS_ONLY = {"audit_entry", "outbox_event"}


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, NAME)


def rows(services: Services) -> dict[str, list[str]]:
    """Every row of every table as text."""
    with services.runtime.database.read() as session:
        return {
            table.name: [str(dict(row._mapping)) for row in session.execute(sa.select(table)).all()]
            for table in metadata.sorted_tables
        }


def tables_with(found: dict[str, list[str]], *words: str) -> set[str]:
    """The tables of which one row holds all of these."""
    return {name for name, texts in found.items() if any(all(word in text for word in words) for text in texts)}


def test_nothing_that_was_in_the_badge_or_led_to_its_holder_is_left_but_ids_in_the_audit_and_the_outbox(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    runtime, wallet = services.runtime, Wallet()
    holder = Actor(kind="person", id=tess.person_id)
    badge = award(services, tess.person_id, recipient_email=EMAIL)
    means = (runtime.database, runtime.secret_box, runtime.settings.base_url, badge)
    named = show_name(*means, name=NAME, actor=holder)
    asked = did_binding.challenge(runtime.secret_box, badge, named.version)
    did_binding.bind(*means, did=wallet.did, answered=asked, actor=holder)
    with runtime.database.write() as session:
        issuer.share(session, badge, tess.person_id, True)
        share_links.make(session, runtime.secret_box, person_id=tess.person_id, credential_ids=[badge], days=7)
        token = issuer.claim_token(runtime.secret_box, badge)
        mailed_links.make(session, runtime.secret_box, badge, token, days=7)
    with runtime.database.read() as session:
        row = session.get_one(Credential, badge)
        secrets = [str(row.identity_hash), row.identity_salt, row.subject_id, wallet.did]
    before = rows(services)
    assert all(tables_with(before, secret) for secret in secrets), "the test sees what it looks for"
    assert "credential" in tables_with(before, badge, tess.person_id)
    with runtime.database.write() as session:
        awards.forget_award(session, badge)
        issuer.erase(session, runtime.secret_box, badge, actor=OPERATOR)
    left = rows(services)
    for secret in (*secrets, EMAIL):
        assert tables_with(left, secret) == set()
    assert tables_with(left, NAME) <= PEOPLES_OWN
    assert tables_with(left, badge, tess.person_id) <= BY_IDS_ONLY
    assert tables_with(left, badge) <= BY_IDS_ONLY | {"credential", "outbox_delivery"}


def test_no_audit_entry_holds_more_than_ids_and_numbers(services: Services, client: TestClient, tess: SignedIn) -> None:
    runtime, wallet = services.runtime, Wallet()
    badge = award(services, tess.person_id, recipient_email=EMAIL, awarded_at=now() - timedelta(minutes=1))
    asked = did_binding.challenge(runtime.secret_box, badge, 1)
    means = (runtime.database, runtime.secret_box, runtime.settings.base_url, badge)
    did_binding.bind(*means, did=wallet.did, answered=asked, actor=Actor(kind="person", id=tess.person_id))
    for text in rows(services)["audit_entry"] + rows(services)["outbox_event"]:
        for word in (NAME, EMAIL, EMAIL.partition("@")[0], wallet.did, json.dumps(NAME)):
            assert word not in text
