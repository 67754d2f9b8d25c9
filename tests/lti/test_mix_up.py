"""A platform that was let in cannot have this tool fetch, in its own good name, what belongs to another platform."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from app.core.db import Database
from app.lti import registrations
from app.lti.errors import RegistrationInvalid
from app.lti.models import ACTIVE, LtiRegistration
from app.lti.registrations import PlatformDetails

GOOD = "https://moodle.example"
EVIL = "https://evil.example"


def enter(database: Database, issuer: str, *, token_url: str | None = None, **more: Any) -> PlatformDetails:
    details = PlatformDetails(
        issuer, more.pop("client_id", "client-1"), f"{issuer}/auth", token_url or f"{issuer}/token", f"{issuer}/jwks",
        **more,
    )  # fmt: skip
    with database.write() as session:
        registrations.add_registration(session, details, deployment="1")
    return details


def approve(database: Database, details: PlatformDetails) -> None:
    with database.write() as session:
        registrations.approve(session, issuer=details.issuer, client_id=details.client_id)


def let_in(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.exec(select(LtiRegistration.issuer).where(LtiRegistration.state == ACTIVE)).all())


@pytest.mark.parametrize(
    "token_url",
    [
        f"{GOOD}/token", f"{GOOD}/token?x=1", f"{GOOD}:443/token", "https://MOODLE.example./token",
        "https://www.moodle.example/token", "https://auth.brightspace.com/core/connect/token",
    ],
)  # fmt: skip
def test_one_that_bears_anothers_client_id_and_gets_its_tokens_elsewhere_is_not_let_in(
    database: Database, token_url: str
) -> None:
    """Its launches would name the other's roster and gradebook, and the token for them would be good."""
    approve(database, enter(database, GOOD))
    evil = enter(database, EVIL, token_url=token_url)
    with pytest.raises(RegistrationInvalid, match="same client id"):
        approve(database, evil)
    assert let_in(database) == {GOOD}


def test_one_that_was_let_in_first_does_not_stay_unseen(database: Database) -> None:
    approve(database, enter(database, EVIL, token_url=f"{GOOD}/token"))
    good = enter(database, GOOD)
    with pytest.raises(RegistrationInvalid, match=EVIL):
        approve(database, good)
    with database.write() as session:
        registrations.remove(session, issuer=EVIL, client_id="client-1")
    approve(database, good)
    assert let_in(database) == {GOOD}


def test_a_request_that_could_be_passed_on_is_never_made(database: Database) -> None:
    """Moodle takes token requests that are made out to anybody."""
    approve(database, enter(database, GOOD, product_family="moodle"))
    with pytest.raises(RegistrationInvalid, match="same client id"):
        approve(database, enter(database, EVIL))
    assert let_in(database) == {GOOD}


def test_platforms_that_count_their_client_ids_may_meet_by_chance(database: Database) -> None:
    for issuer in ("https://canvas.north.example", "https://canvas.south.example"):
        approve(database, enter(database, issuer, client_id="10000000000001", product_family="canvas"))
    assert len(let_in(database)) == 2


def test_other_client_ids_get_their_tokens_wherever_their_platform_says(database: Database) -> None:
    for issuer, client_id in ((GOOD, "client-1"), (EVIL, "client-2")):
        approve(database, enter(database, issuer, client_id=client_id, token_url="https://auth.example/token"))
    assert len(let_in(database)) == 2


def test_approving_again_changes_nothing_for_the_one_that_is_in(database: Database) -> None:
    good = enter(database, GOOD)
    for _ in range(2):
        approve(database, good)
    assert let_in(database) == {GOOD}
