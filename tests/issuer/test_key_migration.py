"""Badges from before keys had a history: which keys signed them is known all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.core import migrations
from app.core.audit import OPERATOR
from app.issuer import service
from app.issuer.models import CredentialVersion, SigningKey

from .conftest import BASE, House
from .test_key_rotation import rotate, states
from .test_second_opinion import _our_verdict

BEFORE = "2026_11_22_access_tokens"


def back_and_forth(house: House) -> None:
    migrations.migrate(house.database, BEFORE, may_lose_data=True)
    migrations.migrate(house.database)


def test_old_badges_get_the_names_of_the_only_keys_there_were(house: House) -> None:
    issued = house.issue()
    back_and_forth(house)
    with house.database.read() as session:
        version = session.exec(select(CredentialVersion)).one()
        keys = session.exec(select(SigningKey)).all()
    assert (version.embedded_kid, version.token_kid) == ("orygen-ed25519-1", "orygen-p-256-1")
    assert all(key.active_from == key.created_at for key in keys)
    assert states(house) == {"orygen-ed25519-1": "in use", "orygen-p-256-1": "in use"}
    assert _our_verdict(house, issued.document) == _our_verdict(house, house.issue("later").jwt) == "valid"


@pytest.mark.parametrize("kid", ["orygen-ed25519-1", "orygen-p-256-1"])
def test_old_badges_are_signed_again_when_their_key_is_revoked(house: House, kid: str) -> None:
    issued = house.issue()
    back_and_forth(house)
    service.revoke_key(house.database, house.secret_box, kid=kid, reason="stolen", since=None, actor=OPERATOR)
    assert service.resign(house.database, house.secret_box, BASE).done == 1
    with house.database.read() as session:
        assert service.stored_credential(session, issued.credential_id).version == 2


def test_a_way_back_leaves_out_the_keys_that_have_no_place_there(house: House) -> None:
    kid = rotate(house, "RS256", timedelta(hours=1))
    assert kid in states(house)
    back_and_forth(house)
    assert states(house) == {"orygen-ed25519-1": "in use", "orygen-p-256-1": "in use"}
    with house.database.read() as session:
        assert [key.retired_at for key in session.exec(select(SigningKey)).all()] == [None, None]
