"""What is fetched from others: how often, how long it is kept, and what one slow host costs everybody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from app.core.http import HttpClient
from app.vc import json_text
from app.vc.timestamps import rfc3339
from app.verifier import hosts, kept, sources
from app.verifier.errors import SourceUnavailable
from app.verifier.hosts import Hosts
from app.verifier.kept import KeptDocuments
from app.verifier.schemas import Presented
from app.verifier.service import verify
from app.verifier.sources import Budgeted, HttpSource, OwnFirst
from tests.verifier.field import AT, LIST_URL, Stranger, Web, outcome

URL = "https://a.example/1"


class Clock:
    """Seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Other servers: answers from a dict, or by doing something first."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        self.before: Callable[[str], None] = lambda url: None
        self.body = b"x"
        self.status = 200

    def source(self, clock: Clock | None = None, **options: int) -> HttpSource:
        http = HttpClient(allow_private_networks=True, transport=httpx2.MockTransport(self._answer))
        moment = clock or Clock()
        return HttpSource(http, hosts=Hosts(clock=moment), kept=KeptDocuments(clock=moment), patience=0, **options)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        self.asked.append(url)
        self.before(url)
        return httpx2.Response(self.status, content=self.body, headers=self.headers)


def _silent(_url: str) -> None:
    raise httpx2.ConnectTimeout("nobody answers")


def _get_kept(source: HttpSource, url: str = URL, *, renew: bool = False) -> tuple[bytes, bool]:
    return source.get_kept(url, "*/*", timeout=1.0, renew=renew)


def test_a_public_document_is_asked_for_once_while_its_copy_is_good() -> None:
    server, clock = Server(), Clock()
    source = server.source(clock)
    assert [_get_kept(source), _get_kept(source)] == [(b"x", False), (b"x", True)]
    clock.now += kept.USUAL_SECONDS
    assert _get_kept(source) == (b"x", False)
    assert len(server.asked) == 2


def test_whoever_checks_again_gets_what_is_there_now() -> None:
    server = Server()
    source = server.source()
    _get_kept(source)
    server.body = b"y"
    assert _get_kept(source) == (b"x", True)
    assert _get_kept(source, renew=True) == (b"y", False)
    assert _get_kept(source) == (b"y", True)


def test_badges_themselves_are_never_kept() -> None:
    server = Server()
    source = server.source()
    for _ in range(3):
        source.get(URL, "*/*")
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, kept.USUAL_SECONDS),
        ({"cache-control": "public, max-age=20"}, 20.0),
        ({"cache-control": "max-age=20", "age": "15"}, 5.0),
        ({"cache-control": "max-age=20", "age": "25"}, 0.0),
        ({"cache-control": "max-age=31536000"}, kept.LONGEST_SECONDS),
        ({"cache-control": "max-age=100, s-maxage=10"}, 10.0),
        ({"cache-control": "no-store"}, 0.0),
        ({"cache-control": "Private, max-age=20"}, 0.0),
        ({"cache-control": "no-cache"}, 0.0),
        ({"cache-control": "max-age=soon"}, kept.USUAL_SECONDS),
        ({"cache-control": "max-age=20", "age": "²"}, 20.0),
    ],
)
def test_nothing_is_kept_for_longer_than_its_server_allows(headers: dict[str, str], seconds: float) -> None:
    assert kept.lifetime(headers) == seconds


def test_a_failure_is_not_kept() -> None:
    server = Server()
    source = server.source()
    server.status = 404
    with pytest.raises(SourceUnavailable, match="missing"):
        _get_kept(source)
    server.status = 200
    assert _get_kept(source) == (b"x", False)


def test_a_copy_is_for_the_form_that_was_asked_for() -> None:
    source = Server().source()
    source.get_kept(URL, "application/json", timeout=1.0, renew=False)
    assert source.get_kept(URL, "text/plain", timeout=1.0, renew=False) == (b"x", False)


def test_the_room_for_copies_is_bounded_in_number_and_bytes() -> None:
    room = KeptDocuments(most=3, most_bytes=100)
    for number in range(4):
        room.put(str(number), "*/*", b"x" * 20, 60)
    assert [room.get(str(number), "*/*") is not None for number in range(4)] == [False, True, True, True]
    room.get("1", "*/*")
    room.put("4", "*/*", b"x", 60)
    assert room.get("1", "*/*") is not None
    assert room.get("2", "*/*") is None
    room.put("5", "*/*", b"x" * 26, 60)
    assert room.get("5", "*/*") is None


def test_a_document_may_shorten_its_own_life_but_not_lengthen_it() -> None:
    clock = Clock()
    room = KeptDocuments(clock=clock)
    room.put(URL, "*/*", b"x", 60)
    room.keep_no_longer(URL, 10)
    room.keep_no_longer(URL, 1000)
    clock.now += 9
    assert room.get(URL, "*/*") == b"x"
    clock.now += 1
    assert room.get(URL, "*/*") is None


def _judge_twice(issuer: Stranger, server: Server, later: float) -> list[str]:
    """Judge a badge now and later, through copies; return what was asked for the second time."""
    clock, badge = Clock(), Presented.from_bytes(issuer.secure(issuer.credential(), "di"))
    http = HttpClient(allow_private_networks=True, transport=httpx2.MockTransport(_pages(issuer, server)))
    source = HttpSource(http, hosts=Hosts(clock=clock), kept=KeptDocuments(clock=clock))
    assert outcome(verify(badge, source=source, known_issuers=issuer.known, at=AT)) == ("valid", None)
    first = len(server.asked)
    clock.now += later
    verify(badge, source=source, known_issuers=issuer.known, at=AT)
    return server.asked[first:]


def _pages(issuer: Stranger, server: Server) -> Callable[[httpx2.Request], httpx2.Response]:
    def answer(request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        server.asked.append(url)
        return httpx2.Response(200 if url in issuer.web.pages else 404, content=issuer.web.pages.get(url, b""))

    return answer


def test_a_second_badge_of_an_issuer_asks_nobody(issuer: Stranger) -> None:
    assert _judge_twice(issuer, Server(), later=1) == []


def test_a_list_is_kept_for_no_longer_than_it_says(issuer: Stranger) -> None:
    subject = issuer.list_document()["credentialSubject"]
    issuer.publish_list(credentialSubject={**subject, "ttl": 5000})
    assert _judge_twice(issuer, Server(), later=4) == []
    assert _judge_twice(issuer, Server(), later=6) == [LIST_URL]


def test_nor_beyond_its_own_end(issuer: Stranger) -> None:
    until = AT.replace(second=30)
    issuer.publish_list(validUntil=rfc3339(until))
    assert _judge_twice(issuer, Server(), later=31) == [LIST_URL]


def test_a_key_that_the_copy_does_not_list_yet_is_looked_for_anew(issuer: Stranger) -> None:
    server, clock = Server(), Clock()
    http = HttpClient(allow_private_networks=True, transport=httpx2.MockTransport(_pages(issuer, server)))
    source = HttpSource(http, hosts=Hosts(clock=clock), kept=KeptDocuments(clock=clock))
    issuer.publish_keys(verificationMethod=[], assertionMethod=[])
    badge = Presented.from_bytes(issuer.secure(issuer.credential(credentialStatus=None), "di"))

    def judge() -> tuple[str, str | None]:
        return outcome(verify(badge, source=source, known_issuers=issuer.known, at=AT))

    assert judge() == ("invalid", "key_not_found")
    issuer.publish_keys()
    assert judge() == ("valid", None)
    assert len(server.asked) == 2


def test_to_check_again_is_to_ask_again(issuer: Stranger) -> None:
    server, clock = Server(), Clock()
    http = HttpClient(allow_private_networks=True, transport=httpx2.MockTransport(_pages(issuer, server)))
    source = HttpSource(http, hosts=Hosts(clock=clock), kept=KeptDocuments(clock=clock))
    badge = Presented.from_bytes(issuer.secure(issuer.credential(), "di"))
    verify(badge, source=source, known_issuers=issuer.known, at=AT)
    issuer.publish_list((4711,))
    assert verify(badge, source=source, known_issuers=issuer.known, at=AT).verdict == "valid"
    assert verify(badge, source=source, known_issuers=issuer.known, at=AT, renew=True).verdict == "revoked"


def test_a_host_that_keeps_everybody_waiting_is_left_alone_for_a_while_and_longer_each_time() -> None:
    server, clock = Server(), Clock()
    source = server.source(clock)
    server.before = _silent

    def fails(reason: str) -> None:
        with pytest.raises(SourceUnavailable, match=reason):
            source.get(URL, "*/*")

    fails("failed")
    fails("silent")
    clock.now += hosts.FIRST_PAUSE
    fails("failed")
    clock.now += hosts.FIRST_PAUSE
    fails("silent")
    clock.now += hosts.FIRST_PAUSE
    server.before = lambda url: None
    assert source.get(URL, "*/*") == b"x"
    assert len(server.asked) == 3


def test_other_hosts_are_asked_as_ever() -> None:
    server = Server()
    source = server.source()

    def silent_at_one(url: str) -> None:
        if url.startswith("https://slow.example"):
            _silent(url)

    server.before = silent_at_one
    with pytest.raises(SourceUnavailable):
        source.get("https://slow.example/1", "*/*")
    assert source.get(URL, "*/*") == b"x"


def test_a_slow_address_on_a_host_that_answers_does_not_close_the_host() -> None:
    """Anybody may sign a badge that names a slow address at somebody else's host."""
    server = Server()
    source = server.source()
    source.get(URL, "*/*")
    server.before = _silent
    with pytest.raises(SourceUnavailable, match="failed"):
        source.get("https://a.example/huge", "*/*")
    server.before = lambda url: None
    assert source.get(URL, "*/*") == b"x"


def test_a_copy_is_given_although_its_host_is_silent_by_now() -> None:
    server, clock = Server(), Clock()
    source = server.source(clock)
    server.headers = {"cache-control": "max-age=300"}
    _get_kept(source)
    clock.now += hosts.TRUSTED_FOR
    server.before = _silent
    with pytest.raises(SourceUnavailable, match="failed"):
        source.get("https://a.example/2", "*/*")
    assert _get_kept(source) == (b"x", True)


def test_one_host_takes_only_its_own_places() -> None:
    """All places at a slow host are taken; another host is asked without a wait."""
    entered, go_on = threading.Semaphore(0), threading.Event()
    server = Server()

    def hold(url: str) -> None:
        if url.startswith("https://slow.example"):
            entered.release()
            go_on.wait()

    server.before = hold
    source = server.source()
    with ThreadPoolExecutor(hosts.AT_ONCE) as pool:
        waiting = [pool.submit(source.get, f"https://slow.example/{n}", "*/*") for n in range(hosts.AT_ONCE)]
        try:
            for _ in waiting:
                entered.acquire()
            with pytest.raises(SourceUnavailable, match="busy"):
                source.get("https://slow.example/next", "*/*")
            assert source.get(URL, "*/*") == b"x"
        finally:
            go_on.set()
        assert [each.result() for each in waiting] == [b"x"] * hosts.AT_ONCE


def test_the_memory_of_hosts_is_bounded() -> None:
    found = Hosts()
    for number in range(hosts.MOST_HOSTS + 50):
        found.note_silence(f"{number}.example")
    with found.turn("0.example", 0):
        pass  # the oldest was forgotten, so it may be asked
    with pytest.raises(SourceUnavailable, match="silent"), found.turn(f"{hosts.MOST_HOSTS + 49}.example", 0):
        pass


def test_what_hangs_on_a_badge_has_a_budget_of_its_own_in_the_same_time() -> None:
    moment = 0.0
    web = Web()
    web.pages = {f"https://a.example/{number}": b"x" for number in range(100)}
    budget = Budgeted(web, clock=lambda: moment)
    for number in range(sources.TOTAL_FETCHES):
        budget.get(f"https://a.example/{number}", "*/*")
    with pytest.raises(SourceUnavailable, match="budget"):
        budget.get("https://a.example/50", "*/*")
    budget.go_further()
    for number in range(51, 51 + sources.FURTHER_FETCHES):
        assert budget.get(f"https://a.example/{number}", "*/*") == b"x"
    with pytest.raises(SourceUnavailable, match="budget"):
        budget.get("https://a.example/99", "*/*")
    assert not budget.is_over
    moment = sources.TOTAL_SECONDS
    assert budget.is_over


def test_our_own_documents_are_always_those_of_this_moment() -> None:
    pages = {"http://tool.localhost:8000/status/1": b"old"}
    source = OwnFirst("http://tool.localhost:8000", pages.get, Server().source())
    budget = Budgeted(source)
    assert budget.get_public("http://tool.localhost:8000/status/1", "*/*") == b"old"
    pages["http://tool.localhost:8000/status/1"] = b"new"
    assert Budgeted(source).get_public("http://tool.localhost:8000/status/1", "*/*") == b"new"
    assert Budgeted(source).get_public(URL, "*/*") == b"x"


@pytest.mark.parametrize("url", ["https://[bad", "", "https://", "https://a.example:port/x"])
def test_an_address_that_is_none_is_refused_and_nothing_breaks(url: str) -> None:
    with pytest.raises(SourceUnavailable):
        Server().source().get(url, "*/*")


def test_redirects_to_another_host_are_not_followed() -> None:
    server = Server()
    server.status, server.headers = 302, {"location": "https://other.example/"}
    with pytest.raises(SourceUnavailable, match="refused"):
        server.source().get(URL, "*/*")
    assert server.asked == [URL]


def test_an_answer_without_end_is_cut_off() -> None:
    server = Server()
    server.body = b"x" * (sources.MAX_DOCUMENT_BYTES + 1)
    with pytest.raises(SourceUnavailable, match="failed"):
        server.source().get(URL, "*/*")


def test_json_from_elsewhere_is_read_within_bounds(issuer: Stranger) -> None:
    issuer.web.pages[issuer.key_url] = b'{"id":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    assert outcome(issuer.judge(json_text.dumps(issuer.sign(issuer.credential())))) == (
        "invalid",
        "did_document_invalid",
    )
