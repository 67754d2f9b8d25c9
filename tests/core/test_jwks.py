"""Other parties' keys: which are taken, how often they are asked for, and what a hostile or hanging platform can do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.core.http import HttpClient
from app.core.jwks import MAX_KEYS, PAUSE_BETWEEN_REFETCHES, JwksCache, JwksUnavailable, KeyNotFound

URL = "https://lms.example/jwks"
KEY = RSAKey.generate_key(2048, {"kid": "a"})
OTHER = RSAKey.generate_key(2048, {"kid": "a"})
PUBLIC: dict[str, Any] = dict(KEY.as_dict(private=False))


class Source:
    """A platform's key set, with a count of how often it was asked for."""

    def __init__(self, answer: Callable[[], httpx2.Response]) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self, _request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return self.answer()


def cache_of(source: Callable[[httpx2.Request], httpx2.Response]) -> JwksCache:
    return JwksCache(HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(source)))


def keys(*entries: Any) -> Source:
    return Source(lambda: httpx2.Response(200, json={"keys": list(entries)}))


UNUSABLE: dict[str, Any] = {
    "a private key": KEY.as_dict(private=True),
    "an algorithm that is none": PUBLIC | {"alg": "none"},
    "an algorithm that is a list": PUBLIC | {"alg": ["RS256"]},
    "a shared secret": OctKey.generate_key(256, {"kid": "a"}).as_dict(private=True),
    "a shared secret said to be RSA's": {"kty": "oct", "k": "AAAA", "kid": "a", "alg": "RS256"},
    "a key for encryption": PUBLIC | {"use": "enc"},
    "a key for other operations": PUBLIC | {"key_ops": ["encrypt"]},
    "a kind that is a list": PUBLIC | {"kty": ["RSA"]},
    "a modulus that is a number": PUBLIC | {"n": 5},
    "an exponent of nothing": PUBLIC | {"e": ""},
    "no key id": {name: value for name, value in PUBLIC.items() if name != "kid"},
    "an elliptic curve under the name of RSA": dict(ECKey.generate_key("P-256", {"kid": "a"}).as_dict(private=False))
    | {"alg": "RS256"},
    "text": "a",
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_key_that_cannot_be_trusted_is_passed_over(case: str) -> None:
    with pytest.raises(KeyNotFound):
        cache_of(keys(UNUSABLE[case])).key(URL, "a")


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_key_does_not_spoil_its_neighbours(case: str) -> None:
    assert cache_of(keys(UNUSABLE[case], PUBLIC)).key(URL, "a").algorithm_name == "RS256"


def test_of_two_keys_with_one_id_the_first_counts() -> None:
    found = cache_of(keys(PUBLIC, OTHER.as_dict(private=False))).key(URL, "a")
    assert found.key.public_numbers() == KEY.public_key.public_numbers()


def test_no_more_than_a_hundred_keys_are_looked_at() -> None:
    crowd = [PUBLIC | {"kid": f"k{number}"} for number in range(MAX_KEYS + 50)]
    cache = cache_of(keys(*crowd))
    assert cache.key(URL, f"k{MAX_KEYS - 1}")
    with pytest.raises(KeyNotFound):
        cache.key(URL, f"k{MAX_KEYS}")


ANSWERS: dict[str, Callable[[], httpx2.Response]] = {
    "HTML": lambda: httpx2.Response(200, text="<html>Sign in</html>"),
    "an error": lambda: httpx2.Response(500),
    "ten megabytes": lambda: httpx2.Response(200, content=b" " * 10_000_000),
    "a list": lambda: httpx2.Response(200, json=[PUBLIC]),
    "keys that are no list": lambda: httpx2.Response(200, json={"keys": {"a": PUBLIC}}),
    "JSON of any depth": lambda: httpx2.Response(200, content=b"[" * 100_000),
    "a redirect to another host": lambda: httpx2.Response(302, headers={"Location": "https://evil.example/jwks"}),
    "a redirect to plain http": lambda: httpx2.Response(302, headers={"Location": "http://lms.example/jwks"}),
    "a redirect to no address": lambda: httpx2.Response(302, headers={"Location": "http://["}),
    "a packed answer": lambda: httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=b"\x1f\x8b"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_no_key_set_is_the_platforms_fault(case: str) -> None:
    with pytest.raises(JwksUnavailable):
        cache_of(Source(ANSWERS[case])).key(URL, "a")


def test_a_platform_that_fails_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(lambda: httpx2.Response(500))
    cache = cache_of(source)
    for _ in range(5):
        with pytest.raises(JwksUnavailable):
            cache.key(URL, "a")
    assert source.asked == 1
    source.answer = lambda: httpx2.Response(200, json={"keys": [PUBLIC]})
    later(monkeypatch, PAUSE_BETWEEN_REFETCHES + 1)
    assert cache.key(URL, "a")
    assert source.asked == 2


def test_those_who_wait_for_a_platform_that_hangs_wait_for_it_once() -> None:
    go_on = threading.Event()

    def hang() -> httpx2.Response:
        go_on.wait(60)
        raise httpx2.ReadTimeout("too slow")

    source = Source(hang)
    cache = cache_of(source)
    told: list[str] = []

    def ask() -> None:
        try:
            cache.key(URL, "a")
        except JwksUnavailable as error:
            told.append(error.slug)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert told == ["platform-keys-unavailable"] * 20
    assert source.asked == 1


def test_old_keys_bridge_a_platform_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    source = keys(PUBLIC)
    cache = cache_of(source)
    assert cache.key(URL, "a")
    source.answer = lambda: httpx2.Response(503)
    later(monkeypatch, 4_000)
    assert cache.key(URL, "a")
    assert cache.key(URL, "a")
    assert source.asked == 2
    with pytest.raises(JwksUnavailable):
        cache.key(URL, "a-new-one")


def test_a_rotated_key_is_found_and_an_invented_one_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source = keys(PUBLIC)
    cache = cache_of(source)
    assert cache.key(URL, "a")
    source.answer = lambda: httpx2.Response(200, content=json.dumps({"keys": [PUBLIC | {"kid": "b"}]}))
    later(monkeypatch, PAUSE_BETWEEN_REFETCHES + 1)
    assert cache.key(URL, "b")
    for _ in range(3):
        with pytest.raises(KeyNotFound):
            cache.key(URL, "invented")
    assert source.asked == 2


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The cache's clock goes on by so much."""
    from app.core import jwks

    real = jwks.time.monotonic
    moment = real() + seconds
    monkeypatch.setattr(jwks.time, "monotonic", lambda: moment)
