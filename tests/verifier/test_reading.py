"""What is recognised as a badge, and within which bounds it is fetched."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from app.core.http import HttpClient
from app.vc import json_text
from app.verifier import sources
from app.verifier.errors import SourceUnavailable
from app.verifier.known_issuers import KnownIssuers
from app.verifier.ports import HostState
from app.verifier.schemas import KnownIssuer, Presented
from app.verifier.service import verify
from app.verifier.sources import Budgeted, HttpSource, OwnFirst
from tests.verifier.field import AT, BADGE_URL, LIST_URL, PNG, SVG, Stranger, Web, contain, outcome


def test_a_badge_is_fetched_from_its_address(issuer: Stranger) -> None:
    issuer.web.pages[BADGE_URL] = issuer.secure(issuer.credential(), "di")
    report = issuer.judge(Presented.from_url(BADGE_URL))
    assert report.verdict == "valid"
    assert issuer.web.asked[0] == BADGE_URL


def test_an_address_that_does_not_answer_leaves_the_question_open(issuer: Stranger) -> None:
    assert outcome(issuer.judge(Presented.from_url(BADGE_URL))) == ("unknown", "url_unavailable")


def test_an_address_with_a_web_page_is_no_badge(issuer: Stranger) -> None:
    issuer.web.pages[BADGE_URL] = b"\n<!DOCTYPE html><html><body>A page</body></html>"
    assert outcome(issuer.judge(Presented.from_url(BADGE_URL))) == ("invalid", "not_a_badge")


@pytest.mark.parametrize("picture", [PNG, SVG])
def test_a_picture_without_a_badge_says_so(issuer: Stranger, picture: bytes) -> None:
    assert outcome(issuer.judge(picture)) == ("invalid", "no_badge_in_picture")


@pytest.mark.parametrize("data", [b"", b"hello", b"[]", b"{}", b"\xff\xfe", b"a.b.c", b"{" * 5000])
def test_what_is_no_badge_is_invalid_and_reads_as_such(issuer: Stranger, data: bytes) -> None:
    assert issuer.judge(data).verdict == "invalid"


def test_more_bytes_than_any_badge_are_not_read(issuer: Stranger) -> None:
    assert outcome(issuer.judge(b" " * 5_000_001)) == ("invalid", "too_large")


def test_pasted_text_is_an_address_only_if_it_looks_like_one_as_a_whole() -> None:
    assert Presented.from_text(f"  {BADGE_URL}\n") == Presented.from_url(BADGE_URL)
    assert Presented.from_text("https://a.example/1 https://a.example/2").address is None
    assert Presented.from_text(' {"id": 1}').data == b'{"id": 1}'


def test_each_address_is_asked_once_although_badge_and_list_need_the_same_keys(issuer: Stranger) -> None:
    issuer.judge(issuer.secure(issuer.credential(), "di"))
    assert sorted(issuer.web.asked) == sorted(set(issuer.web.asked))
    assert LIST_URL in issuer.web.asked


def test_a_badge_that_cannot_be_canonicalized_causes_no_traffic(issuer: Stranger) -> None:
    badge = issuer.secure(issuer.credential(), "di").replace(b'"awardedDate"', b'"madeUp":"1","awardedDate"', 1)
    issuer.judge(badge)
    assert issuer.web.asked == []


def test_one_verification_may_fetch_only_so_often() -> None:
    web = Web()
    web.pages = {f"https://a.example/{number}": b"x" for number in range(20)}
    budget = Budgeted(web)
    for number in range(sources.TOTAL_FETCHES):
        assert budget.get(f"https://a.example/{number}", "*/*") == b"x"
    with pytest.raises(SourceUnavailable, match="budget"):
        budget.get("https://a.example/19", "*/*")
    assert budget.get("https://a.example/0", "*/*") == b"x"


def test_all_fetches_of_one_verification_share_one_deadline() -> None:
    moments = iter([0.0, 4.0, 8.5, 9.0])
    given: list[float] = []

    class Slow(Web):
        def get(self, url: str, accept: str, *, timeout: float = 5.0) -> bytes:
            given.append(timeout)
            return b"x"

    budget = Budgeted(Slow(), clock=lambda: next(moments))
    budget.get("https://a.example/1", "*/*")
    budget.get("https://a.example/2", "*/*")
    with pytest.raises(SourceUnavailable, match="budget"):
        budget.get("https://a.example/3", "*/*")
    assert given == [4.0, 0.5]


def test_only_so_many_fetches_are_under_way_at_once_whatever_other_servers_do() -> None:
    started, answered = threading.Event(), threading.Event()

    def hold(request: httpx2.Request) -> httpx2.Response:
        started.set()
        answered.wait()
        return httpx2.Response(200, content=b"late")

    http = HttpClient(allow_private_networks=True, transport=httpx2.MockTransport(hold))
    source = HttpSource(http, at_once=1, patience=0)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(source.get, "https://a.example/1", "*/*")
        try:
            started.wait()
            with pytest.raises(SourceUnavailable, match="busy"):
                source.get("https://a.example/2", "*/*")
        finally:
            answered.set()
        assert first.result() == b"late"
    assert source.get("https://a.example/2", "*/*") == b"late"


def test_our_own_addresses_are_answered_without_a_network() -> None:
    web = Web()
    source = OwnFirst("http://tool.localhost:8000", lambda url: b"mine" if url.endswith("/status/1") else None, web)
    assert source.get("http://tool.localhost:8000/status/1", "*/*") == b"mine"
    with pytest.raises(SourceUnavailable, match="missing"):
        source.get("http://tool.localhost:8000/status/2", "*/*")
    assert web.asked == []
    with pytest.raises(SourceUnavailable):
        source.get("http://tool.localhost:80001/status/1", "*/*")
    assert web.asked == ["http://tool.localhost:80001/status/1"]


@pytest.mark.parametrize(
    "url", ["http://badges.example.au/1", "https://127.0.0.1/1", "https://[::1]/1", "file:///etc/hosts"]
)
def test_only_public_https_addresses_are_asked(issuer: Stranger, url: str) -> None:
    guarded = HttpSource(HttpClient(allow_private_networks=False))
    report = verify(Presented.from_url(url), source=guarded, known_issuers=issuer.known, at=AT)
    assert outcome(report) == ("unknown", "url_unavailable")
    assert "only public https" in report.checks[0].detail


def test_a_status_list_may_come_as_a_token(issuer: Stranger) -> None:
    issuer.web.pages[LIST_URL] = issuer.sign_jwt(issuer.list_document((4711,))).encode()
    assert outcome(issuer.judge(issuer.secure(issuer.credential(), "di"))) == ("revoked", "revoked")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"alg": "none"}, ("invalid", "unsupported_alg")),
        ({"alg": "HS256"}, ("invalid", "unsupported_alg")),
        ({"alg": "PS512"}, ("unknown", "unsupported_alg")),
        ({"alg": "ES256", "jwk": {"kty": "EC"}}, ("invalid", "key_not_found")),
    ],
)
def test_a_token_cannot_choose_how_it_is_checked(
    issuer: Stranger, header: dict[str, object], expected: tuple[str, str]
) -> None:
    named = header if "jwk" in header else {**header, "kid": issuer.p256_id}
    payload = json_text.dumps(issuer.credential() | {"iss": issuer.name, "jti": BADGE_URL, "nbf": 0})
    assert outcome(issuer.judge(issuer.raw_jwt(payload, named).encode())) == expected


def test_a_did_key_issuer_needs_no_network(issuer: Stranger) -> None:
    key = issuer.ed25519.public_key.multikey
    issuer.name = f"did:key:{key}"
    badge = issuer.sign(issuer.credential(credentialStatus=None), method=f"{issuer.name}#{key}")
    issuer.web.pages.clear()
    report = issuer.judge(json_text.dumps(badge), known=False)
    assert outcome(report) == ("valid_unknown_issuer", "issuer_unknown")
    assert report.facts is not None
    assert report.facts.issuer.domain is None


def test_host_status_is_asked_for_our_own_badges_only(issuer: Stranger) -> None:
    asked: list[str] = []

    def suspended(credential_id: str) -> HostState:
        asked.append(credential_id)
        return "suspended"

    badge = Presented.from_bytes(issuer.secure(issuer.credential(), "di"))
    foreign = issuer.judge(badge, host_status=suspended)
    assert foreign.verdict == "valid"
    assert asked == []
    ours = KnownIssuers([KnownIssuer(id=issuer.name, name="We", listed_by="us", ours=True)])
    report = verify(badge, source=issuer.web, known_issuers=ours, at=AT, host_status=suspended)
    assert report.verdict == "suspended"
    assert asked == [BADGE_URL]


def test_pictures_carry_both_securings(issuer: Stranger) -> None:
    for securing in ("di", "jwt"):
        for container in ("png", "svg"):
            report = issuer.judge(contain(issuer.secure(issuer.credential(), securing), container))
            assert (report.verdict, report.technical.container) == ("valid", container)
