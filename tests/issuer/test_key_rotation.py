"""New keys are published before they sign, old ones never sign again, and what they signed stays valid."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.issuer import documents, service
from app.issuer.errors import IssuerNotFound, KeysUnreadable
from app.issuer.key_errors import KeyInUse, KeyNotFound, KeyRefused
from app.issuer.keys import open_signer
from app.issuer.models import CredentialVersion, SigningKey
from app.issuer.schemas import IssuedCredential
from app.vc.keys import base64url_decode
from app.wiring import Services

from .conftest import BASE, House
from .test_second_opinion import _ask_openbadgeslib, _our_verdict

DID = "did:web:tool.localhost%3A8000:issuers:orygen"
HOUR = timedelta(hours=1)


def rotate(house: House, algorithm: str, use_after: timedelta = HOUR) -> str:
    return service.rotate_key(
        house.database, house.secret_box, issuer_key="orygen", algorithm=algorithm, use_after=use_after, actor=OPERATOR
    ).kid


def states(house: House) -> dict[str, str]:
    with house.database.read() as session:
        return {key.kid: key.state for key in service.list_keys(session)}


def signed_by(issued: IssuedCredential) -> tuple[str, str]:
    """The names of the keys in a badge's proof and in its token."""
    method = json.loads(issued.document)["proof"][0]["verificationMethod"]
    header = json.loads(base64url_decode(issued.jwt.split(".")[0]))
    return method.removeprefix(DID + "#"), header["kid"].removeprefix(DID + "#")


def did_document(house: House) -> dict[str, list[object]]:
    with house.database.read() as session:
        return documents.did_document(session, BASE, "orygen")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now(), tick=True) as traveller:
        yield traveller


def test_a_new_key_is_published_at_once_and_signs_an_hour_later(house: House, clock: time_machine.Traveller) -> None:
    kid = rotate(house, "Ed25519")
    assert f"{DID}#{kid}" in did_document(house)["assertionMethod"]
    assert signed_by(house.issue("first"))[0] == "orygen-ed25519-1"
    assert states(house) == {"orygen-ed25519-1": "in use", "orygen-p-256-1": "in use", kid: "next"}
    clock.shift(HOUR)
    assert signed_by(house.issue("second"))[0] == kid
    assert states(house) == {"orygen-ed25519-1": "retired", "orygen-p-256-1": "in use", kid: "in use"}
    methods = did_document(house)
    assert f"{DID}#orygen-ed25519-1" in methods["assertionMethod"]
    assert [each["id"] for each in methods["verificationMethod"]] == [  # type: ignore[index]
        f"{DID}#{each}" for each in ("orygen-ed25519-1", "orygen-p-256-1", kid)
    ]


def test_each_version_remembers_which_keys_signed_it(house: House) -> None:
    issued = house.issue()
    with house.database.read() as session:
        stored = session.exec(select(CredentialVersion)).one()
    assert (stored.embedded_kid, stored.token_kid) == signed_by(issued) == ("orygen-ed25519-1", "orygen-p-256-1")


@pytest.mark.parametrize(("algorithm", "kty"), [("RS256", "RSA"), ("ES256", "EC")])
def test_the_kind_of_a_token_is_chosen_by_rotation(house: House, algorithm: str, kty: str) -> None:
    if algorithm == "ES256":
        rotate(house, "RS256", timedelta(0))
    kid = rotate(house, algorithm, timedelta(0))
    issued = house.issue()
    header = json.loads(base64url_decode(issued.jwt.split(".")[0]))
    assert (header["alg"], header["kid"]) == (algorithm, f"{DID}#{kid}")
    assert _our_verdict(house, issued.jwt) == "valid"
    with house.database.read() as session:
        bare = documents.key_document(session, BASE, kid)
        listed = next(key for key in documents.jwks(session, BASE)["keys"] if key["kid"] == f"{DID}#{kid}")
    method = next(each for each in did_document(house)["verificationMethod"] if each["id"] == f"{DID}#{kid}")  # type: ignore[index]
    assert bare == listed
    assert (bare["kty"], bare["alg"], bare["use"]) == (kty, algorithm, "sig")
    assert method["type"] == "JsonWebKey"  # type: ignore[index]
    assert method["publicKeyJwk"].items() <= bare.items()  # type: ignore[index]
    assert "d" not in bare


@pytest.mark.slow
@pytest.mark.parametrize("form", ["embedded", "jwt"])
def test_badges_of_every_generation_are_valid_there_and_here(
    house: House, download: Callable[[str], bytes], form: str
) -> None:
    badges = [house.issue("1")]
    for number, (one, other) in enumerate([("Ed25519", "RS256"), ("Ed25519", "ES256")]):
        rotate(house, one, timedelta(0))
        rotate(house, other, timedelta(0))
        badges.append(house.issue(f"later-{number}"))
    service.retire_key(house.database, kid=rotate(house, "Ed25519"), actor=OPERATOR)
    assert len({signed_by(badge) for badge in badges}) == 3
    for badge in badges:
        secured = badge.document if form == "embedded" else badge.jwt
        _ask_openbadgeslib(secured, form, download)
        assert _our_verdict(house, secured) == "valid"


def test_a_key_whose_time_has_not_come_can_be_given_up_and_the_old_one_goes_on(
    house: House, clock: time_machine.Traveller
) -> None:
    kid = rotate(house, "Ed25519")
    service.retire_key(house.database, kid=kid, actor=OPERATOR)
    clock.shift(2 * HOUR)
    assert signed_by(house.issue())[0] == "orygen-ed25519-1"
    assert states(house)[kid] == "retired"


def test_two_rotations_in_an_hour_follow_each_other(house: House, clock: time_machine.Traveller) -> None:
    second, third = rotate(house, "ES256"), rotate(house, "RS256", 2 * HOUR)
    clock.shift(HOUR)
    assert signed_by(house.issue("a"))[1] == second
    clock.shift(HOUR)
    assert signed_by(house.issue("b"))[1] == third


def test_rotations_at_the_same_moment_come_one_after_the_other(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        kids = list(pool.map(lambda algorithm: rotate(house, algorithm), ["Ed25519", "ES256"] * 3))
    assert len(set(kids)) == 6
    with house.database.read() as session:
        rows = session.exec(select(SigningKey).where(SigningKey.algorithm == "Ed25519")).all()
    in_turn = sorted(rows, key=lambda row: row.active_from)
    assert [row.retired_at for row in in_turn] == [*(row.active_from for row in in_turn[1:]), None]


def test_a_clock_behind_the_making_of_the_first_keys_stops_nothing(house: House) -> None:
    rotate(house, "Ed25519")
    with time_machine.travel(now() - timedelta(days=400)):
        assert signed_by(house.issue("early")) == ("orygen-ed25519-1", "orygen-p-256-1")


def test_the_only_key_of_a_kind_is_not_retired(house: House) -> None:
    rotate(house, "Ed25519")  # published, but its time has not come
    with pytest.raises(KeyInUse):
        service.retire_key(house.database, kid="orygen-ed25519-1", actor=OPERATOR)
    assert signed_by(house.issue())[0] == "orygen-ed25519-1"


def test_retiring_twice_changes_nothing_and_an_unknown_key_is_said_so(house: House) -> None:
    kid = rotate(house, "Ed25519")
    service.retire_key(house.database, kid=kid, actor=OPERATOR)
    service.retire_key(house.database, kid=kid, actor=OPERATOR)
    with pytest.raises(KeyNotFound):
        service.retire_key(house.database, kid="nobody", actor=OPERATOR)
    with house.database.read() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "issuer.key_retired")).all()
    assert [entry.subject_id for entry in entries] == [kid]


def test_what_cannot_be_rotated_is_refused_and_changes_nothing(house: House) -> None:
    before = states(house)
    with pytest.raises(KeyRefused):
        rotate(house, "HS256")
    with pytest.raises(KeyRefused):
        rotate(house, "Ed25519", timedelta(seconds=-1))
    with pytest.raises(IssuerNotFound):
        service.rotate_key(house.database, house.secret_box, issuer_key="nobody", algorithm="Ed25519", actor=OPERATOR)
    assert states(house) == before


def test_the_private_half_of_a_retired_key_is_destroyed_after_a_day(
    house: House, clock: time_machine.Traveller
) -> None:
    issued = house.issue()
    rotate(house, "Ed25519", timedelta(0))
    assert service.destroy_retired(house.database) == 0
    clock.shift(timedelta(days=1, minutes=1))
    assert service.destroy_retired(house.database) == 1
    with house.database.read() as session:
        row = session.get_one(SigningKey, "orygen-ed25519-1")
        with pytest.raises(KeysUnreadable):
            open_signer(house.secret_box, row)
        service.check_keys(session, house.secret_box)
    assert _our_verdict(house, issued.document) == "valid"
    assert signed_by(house.issue("another"))[0] == "orygen-ed25519-2"


def test_every_key_is_published_over_http_with_its_kind(services: Services, client: TestClient) -> None:
    runtime = services.runtime
    kid = service.rotate_key(
        runtime.database, runtime.secret_box, issuer_key="orygen", algorithm="RS256", actor=OPERATOR
    ).kid
    kinds = {key["kid"].partition("#")[2]: key["kty"] for key in client.get("/.well-known/jwks.json").json()["keys"]}
    assert kinds == {"orygen-ed25519-1": "OKP", "orygen-p-256-1": "EC", kid: "RSA"}
    answer = client.get(f"/keys/{kid}")
    assert answer.headers["content-type"].startswith("application/jwk+json")
    assert answer.json()["alg"] == "RS256"
