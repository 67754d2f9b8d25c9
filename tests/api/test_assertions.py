"""Clients that sign: every way to pass without the private key, or with one statement twice."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import jwt
import pytest
import time_machine
from httpx2 import Response
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.testclient import TestClient

from app.api import client_keys, clients, lockout
from app.api.clients import ClientKeys
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.http import HttpClient
from app.core.ids import new_id
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.main import create_app
from app.wiring import Services
from tests.api.clients import add_client, basic

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "http://tool.localhost:8000/oauth/token"
URI = "https://keys.example/jwks"
Key = RSAKey | ECKey | OKPKey
KEY = RSAKey.generate_key(2048, {"kid": "a"})
STRANGERS = RSAKey.generate_key(2048, {"kid": "a"})
EC = ECKey.generate_key("P-256", {"kid": "b"})
KEYS: dict[str, tuple[Key, str]] = {
    "RS256": (KEY, "RS256"),
    "PS256": (RSAKey.import_key({**KEY.as_dict(private=True), "alg": "PS256", "kid": "p"}), "PS256"),
    "ES256": (EC, "ES256"),
    "ES384": (ECKey.generate_key("P-384", {"kid": "c"}), "ES384"),
    "EdDSA": (OKPKey.generate_key("Ed25519", {"kid": "d"}), "EdDSA"),
}


def public(*keys: Key) -> bytes:
    return json.dumps({"keys": [dict(key.as_dict(private=False)) for key in keys]}).encode()


def pem(key: Key) -> Any:
    return key.as_pem(private=True)


def add(services: Services, *keys: Key, uri: str | None = None) -> str:
    """A client that signs with these keys, or publishes them."""
    found = ClientKeys(address=uri) if uri else ClientKeys(key_set=client_keys.read_key_set(public(*keys)))
    with services.runtime.database.write() as session:
        added = clients.add(session, name="Signer", scopes_held=["audit:read"], actor=OPERATOR, keys=found)
    assert added.secret is None
    return added.client_id


def claims(client_id: str, **changed: Any) -> dict[str, Any]:
    """What a good statement says; a change to None leaves out."""
    moment = int(now().timestamp())
    good = {"iss": client_id, "sub": client_id, "aud": AUDIENCE, "jti": new_id(), "iat": moment, "exp": moment + 60}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(content: dict[str, Any], key: Key = KEY, algorithm: str = "RS256", **headers: Any) -> str:
    return jwt.encode(content, pem(key), algorithm=algorithm, headers={"kid": key.kid} | headers)


def ask(client: TestClient, assertion: str, **form: str) -> Response:
    fields = {"grant_type": "client_credentials", "client_assertion_type": KIND, "client_assertion": assertion}
    return client.post("/oauth/token", data=fields | form)


def refused(answer: Response) -> bool:
    assert answer.json().keys() == {"error", "error_description"}
    return (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("name", KEYS)
def test_whoever_holds_the_private_key_gets_a_token(services: Services, client: TestClient, name: str) -> None:
    key, algorithm = KEYS[name]
    client_id = add(services, key)
    answer = ask(client, signed(claims(client_id), key, algorithm), client_id=client_id)
    assert (answer.status_code, answer.json()["scope"]) == (200, "audit:read"), answer.text


@pytest.mark.parametrize("audience", [AUDIENCE, "http://tool.localhost:8000", [AUDIENCE]])
def test_it_is_meant_for_this_server(services: Services, client: TestClient, audience: Any) -> None:
    assert ask(client, signed(claims(add(services, KEY), aud=audience))).status_code == 200


def test_a_wrong_audience_is_told_both_that_are_right(services: Services, client: TestClient) -> None:
    answer = ask(client, signed(claims(add(services, KEY), aud="https://other.example")))
    assert "the token endpoint's address or this server's base URL" in answer.json()["error_description"]


MOMENT = 1_800_000_000
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no audience": {"aud": None},
    "another audience": {"aud": "https://other.example/oauth/token"},
    "another address of ours": {"aud": "http://tool.localhost:8000/lti/launch"},
    "a second audience": {"aud": [AUDIENCE, "https://other.example/token"]},
    "no audience in a list": {"aud": []},
    "an audience in a list in a list": {"aud": [[AUDIENCE]]},
    "an audience that is an object": {"aud": {"a": AUDIENCE}},
    "another issuer": {"iss": "somebody"},
    "no issuer": {"iss": None},
    "no subject": {"sub": None},
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
    "a jti that is a number": {"jti": 5},
    "a jti that is long": {"jti": "a" * 300},
    "a jti with NUL": {"jti": "a\0"},
    "a jti of half a character": {"jti": "\ud800"},
    "no end": {"exp": None},
    "over": {"exp": MOMENT - 31},
    "an end far away": {"exp": MOMENT + 3600},
    "an end that is true": {"exp": True},
    "an end that is text": {"exp": str(MOMENT + 60)},
    "an end that is infinite": {"exp": float("inf")},
    "an end that is no number": {"exp": float("nan")},
    "begun in the future": {"nbf": MOMENT + 60},
    "written in the future": {"iat": MOMENT + 60},
    "written at text": {"iat": "now"},
    "written at a list": {"iat": [1]},
}


@pytest.mark.parametrize("case", BAD_CLAIMS)
def test_a_statement_that_is_not_about_this_is_refused(services: Services, client: TestClient, case: str) -> None:
    client_id = add(services, KEY)
    with time_machine.travel(MOMENT, tick=False):
        content = claims(client_id, **BAD_CLAIMS[case])
        assert refused(ask(client, _signed_as_it_is(content)))


def _signed_as_it_is(content: dict[str, Any]) -> str:
    """Signed without the library's own look at the claims."""
    header = {"typ": "JWT", "kid": "a"}
    return jwt.PyJWS().encode(json.dumps(content).encode(), pem(KEY), algorithm="RS256", headers=header)


@pytest.mark.parametrize("seconds", [-25, 25])
def test_clocks_may_differ_by_half_a_minute(services: Services, client: TestClient, seconds: int) -> None:
    client_id = add(services, KEY)
    with time_machine.travel(MOMENT, tick=False):
        there = MOMENT + seconds
        assert ask(client, signed(claims(client_id, iat=there, nbf=there, exp=there + 1))).status_code == 200


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _unsigned(client_id: str) -> str:
    return f"{encoded({'alg': 'none', 'kid': 'a'})}.{encoded(claims(client_id))}."


def _with_public_key_as_secret(client_id: str) -> str:
    import hashlib
    import hmac

    secret = KEY.as_pem(private=False)
    text = f"{encoded({'alg': 'HS256', 'kid': 'a'})}.{encoded(claims(client_id))}"
    mac = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _changed(client_id: str) -> str:
    header, _, signature = signed(claims(client_id)).split(".")
    return f"{header}.{encoded(claims(client_id, jti='other'))}.{signature}"


FORGED: dict[str, Callable[[str], str]] = {
    "unsigned": _unsigned,
    "unsigned, in capitals": lambda client_id: _unsigned(client_id).replace(encoded({"alg": "none", "kid": "a"}),
                                                                            encoded({"alg": "NONE", "kid": "a"})),
    "by the public key as a shared secret": _with_public_key_as_secret,
    "by a stranger's key": lambda client_id: signed(claims(client_id), STRANGERS),
    "by a key it brings along": lambda client_id: signed(
        claims(client_id), STRANGERS, jwk=dict(STRANGERS.as_dict(private=False))
    ),
    "by a key it points to": lambda client_id: signed(claims(client_id), STRANGERS, jku="https://evil.example/jwks"),
    "by the right key in another way": lambda client_id: signed(claims(client_id), KEY, "PS256"),
    "by the right key with another digest": lambda client_id: signed(claims(client_id), KEY, "RS512"),
    "by a key there is not": lambda client_id: signed(claims(client_id), KEY, kid="z"),
    "without saying by which key": lambda client_id: jwt.encode(claims(client_id), pem(KEY), algorithm="RS256"),
    "with a critical extension": lambda client_id: signed(claims(client_id), crit=["x"], x=1),
    "with changed words": _changed,
    "cut off": lambda client_id: signed(claims(client_id))[:-10],
    "without a signature": lambda client_id: signed(claims(client_id)).rpartition(".")[0] + ".",
    "no statement": lambda _client_id: "a.b.c",
    "nothing but dots": lambda _client_id: "..",
    "a list": lambda _client_id: f"{encoded({'alg': 'RS256', 'kid': 'a'})}.{encoded([])}.AAAA",
    "a header that is a list": lambda client_id: f"{encoded([])}.{encoded(claims(client_id))}.AAAA",
    "a deep one": lambda _client_id: f"{encoded({'alg': 'RS256', 'kid': 'a'})}."
    + base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".AAAA",
    "a long one": lambda client_id: signed(claims(client_id, more="a" * 12_000)),
    "not ASCII": lambda client_id: signed(claims(client_id)) + "\u00e9",
    "by a client there is not": lambda _client_id: signed(claims("00000000-0000-4000-8000-000000000000")),
    "by a client with an odd id": lambda _client_id: signed(claims("a\0")),
    "by a client whose id is a number": lambda _client_id: _signed_as_it_is(claims("", iss=5, sub=5)),
}  # fmt: skip


@pytest.mark.parametrize("case", FORGED)
def test_a_statement_that_the_client_did_not_sign_is_refused(services: Services, client: TestClient, case: str) -> None:
    assert refused(ask(client, FORGED[case](add(services, KEY, EC))))


def test_a_statement_counts_once_also_for_another_process(services: Services, client: TestClient) -> None:
    assertion = signed(claims(add(services, KEY)))
    assert ask(client, assertion).status_code == 200
    assert refused(ask(client, assertion))
    with TestClient(create_app(services=services), base_url="http://tool.localhost:8000") as other:
        assert refused(ask(other, assertion))


def test_of_many_at_once_with_one_statement_one_gets_a_token(services: Services, client: TestClient) -> None:
    assertion = signed(claims(add(services, KEY)))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: ask(client, assertion).status_code, range(6)))
    assert sorted(answers) == [200] + [401] * 5


def test_a_statement_is_used_up_also_by_a_request_that_is_refused(services: Services, client: TestClient) -> None:
    assertion = signed(claims(add(services, KEY)))
    assert ask(client, assertion, scope="credentials:issue").json()["error"] == "invalid_scope"
    assert refused(ask(client, assertion))


def test_it_cannot_come_back_while_its_end_is_within_the_leeway(services: Services, client: TestClient) -> None:
    client_id = add(services, KEY)
    with time_machine.travel(MOMENT, tick=False):
        assertion = signed(claims(client_id))
        assert ask(client, assertion).status_code == 200
    for seconds in (60, 89, 91, 3600):
        with time_machine.travel(MOMENT + seconds, tick=False):
            assert refused(ask(client, assertion))


def test_two_clients_may_use_the_same_jti(services: Services, client: TestClient) -> None:
    both = [signed(claims(add(services, KEY), jti="1")) for _ in range(2)]
    assert [ask(client, each).status_code for each in both] == [200, 200]


def test_another_clients_key_does_not_open(services: Services, client: TestClient) -> None:
    add(services, KEY)
    victim = add(services, STRANGERS)
    assert refused(ask(client, signed(claims(victim), KEY)))


def test_a_client_with_a_secret_cannot_sign_nor_one_that_signs_have_a_secret(
    services: Services, client: TestClient
) -> None:
    with_secret, _ = add_client(services)
    assert refused(ask(client, signed(claims(with_secret))))
    signer = add(services, KEY)
    answer = client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers=basic(signer, "wms_" + "A" * 43)
    )
    assert refused(answer)


def test_wrong_secrets_for_its_id_do_not_lock_out_a_client_that_signs(services: Services, client: TestClient) -> None:
    signer = add(services, KEY)
    for _ in range(lockout.MOST_WRONG + 1):
        wrong = basic(signer, "wrong")
        answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=wrong)
    assert answer.status_code == 429
    assert ask(client, signed(claims(signer))).status_code == 200


def test_a_disabled_client_gets_none_until_it_is_enabled(services: Services, client: TestClient) -> None:
    signer = add(services, KEY)
    with services.runtime.database.write() as session:
        clients.disable(session, signer, OPERATOR)
    assert refused(ask(client, signed(claims(signer))))
    with services.runtime.database.write() as session:
        clients.enable(session, signer, OPERATOR)
    assert ask(client, signed(claims(signer))).status_code == 200


def test_after_rotation_the_other_keys_count(services: Services, client: TestClient) -> None:
    signer = add(services, KEY)
    keys = ClientKeys(key_set=client_keys.read_key_set(public(EC)))
    with services.runtime.database.write() as session:
        clients.rotate(session, signer, actor=OPERATOR, overlap=timedelta(0), keys=keys)
    assert refused(ask(client, signed(claims(signer))))
    assert ask(client, signed(claims(signer), EC, "ES256")).status_code == 200


@pytest.mark.parametrize(
    "form", [{"client_id": "other"}, {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2"}]
)
def test_a_form_that_says_two_things_is_refused(services: Services, client: TestClient, form: dict[str, str]) -> None:
    answer = ask(client, signed(claims(add(services, KEY))), **form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


class KeyServer:
    """Where a client publishes its keys."""

    def __init__(self) -> None:
        self.keys: tuple[Key, ...] = (KEY,)
        self.up = True

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if not self.up or str(request.url) != URI:
            return httpx2.Response(503)
        return httpx2.Response(200, content=public(*self.keys))


@pytest.fixture
def key_server() -> KeyServer:
    """The client's own."""
    return KeyServer()


@pytest.fixture
def fetching(services: Services, key_server: KeyServer) -> Iterator[TestClient]:
    """Waymark, with the client's address within reach."""
    old = services.runtime
    http = HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(key_server))
    runtime = Runtime(old.settings, old.database, http, JwksCache(http), old.secret_box)
    app = create_app(services=Services(runtime=runtime, verifier=services.verifier))
    with TestClient(app, base_url="http://tool.localhost:8000") as client:
        yield client


def test_published_keys_are_fetched_also_those_that_do_not_say_their_algorithm(
    services: Services, fetching: TestClient, key_server: KeyServer
) -> None:
    key_server.keys = (KEY, EC)
    client_id = add(services, uri=URI)
    assert ask(fetching, signed(claims(client_id))).status_code == 200
    assert ask(fetching, signed(claims(client_id), EC, "ES256")).status_code == 200
    assert refused(ask(fetching, signed(claims(client_id), STRANGERS)))
    assert refused(ask(fetching, signed(claims(client_id), KEY, kid="z")))


def test_keys_that_cannot_be_fetched_are_told_as_such(
    services: Services, fetching: TestClient, key_server: KeyServer
) -> None:
    key_server.up = False
    answer = ask(fetching, signed(claims(add(services, uri=URI))))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert "LMS" not in answer.text
    assert int(answer.headers["retry-after"]) > 0
