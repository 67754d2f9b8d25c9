"""Keys that a signing service keeps: what it must give, and what happens when it gives something else or nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import select

from app.core import metrics, server_facts
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.http import HttpClient
from app.issuer import key_resigning, remote_signer, service, status
from app.issuer.errors import KeysUnreadable
from app.issuer.key_errors import KeyInUse, KeyRefused, SigningServiceDown, SigningServiceWrong
from app.issuer.models import Credential, CredentialVersion, SigningKey
from app.vc.keys import Ed25519Signer, P256Signer, RsaSigner, base64url
from app.verifier.schemas import Presented
from app.wiring import Services
from examples import signing_service

from .conftest import BASE, House
from .test_key_rotation import signed_by, states
from .test_second_opinion import _our_verdict

TOKEN = "a-token-that-nobody-may-read"
Answer = tuple[int, dict[str, str], bytes]
NO_WAIT = timedelta(0)


class Handler(signing_service.Handler):
    """The example's, with a word to be put in its mouth."""

    server: Stub
    protocol_version = "HTTP/1.0"  # a connection for each request, so that none is left open

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        super().do_GET()

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        if self.server.says is None:
            super().do_POST()
            return
        status, headers, body = self.server.says()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Stub(signing_service.SigningService):
    """The example's service with faults to order."""

    says: Callable[[], Answer] | None = None
    meanwhile: Callable[[], None] | None = None

    def __init__(self) -> None:
        keys = {"proofs": Ed25519Signer.generate(), "tokens": P256Signer.generate(), "old-tokens": RsaSigner.generate()}
        super().__init__(0, TOKEN, keys)
        self.RequestHandlerClass = Handler
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def sign(self, name: str, data: bytes) -> bytes:
        if self.meanwhile is not None:
            self.meanwhile()
        return super().sign(name, data)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """A signing service on this machine, bound; a failure is forgotten at once."""
    monkeypatch.setattr(remote_signer, "PAUSE_SECONDS", 0.0)
    stub = Stub()
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    bind(stub.url)
    yield stub
    remote_signer.use(None)
    stub.shutdown()
    stub.server_close()
    thread.join()


def bind(url: str, *, token: str = TOKEN, allow_private: bool = True) -> None:
    http = HttpClient(allow_private_networks=allow_private)
    remote_signer.use(remote_signer.SigningService(http, url, token))


def enter(house: House, name: str = "proofs", algorithm: str = "Ed25519") -> str:
    return service.rotate_key(
        house.database,
        house.secret_box,
        issuer_key="orygen",
        algorithm=algorithm,
        use_after=NO_WAIT,
        remote_name=name,
        actor=OPERATOR,
    ).kid


def one_badge(house: House) -> Credential:
    with house.database.read() as session:
        return session.exec(select(Credential)).one()


def versions(house: House) -> int:
    with house.database.read() as session:
        return len(session.exec(select(CredentialVersion)).all())


def finish(house: House) -> int:
    return service.finish_orphans(house.database, house.secret_box, BASE, older_than=NO_WAIT)


def count(outcome: str) -> float:
    return metrics.REMOTE_SIGNATURES.labels(outcome)._value.get()


@pytest.mark.parametrize(
    ("name", "algorithm", "form"),
    [("proofs", "Ed25519", 0), ("tokens", "ES256", 1), ("old-tokens", "RS256", 1)],
)
def test_every_kind_of_key_can_lie_there(house: House, stub: Stub, name: str, algorithm: str, form: int) -> None:
    kid = enter(house, name, algorithm)
    issued = house.issue()
    assert signed_by(issued)[form] == kid
    assert _our_verdict(house, issued.document) == _our_verdict(house, issued.jwt) == "valid"
    assert f"/keys/{name}/sign" in stub.asked
    with house.database.read() as session:
        row = session.get_one(SigningKey, kid)
        service.check_keys(session, house.secret_box)
    assert (row.sealed_private, row.remote_name) == (None, name)


def other_signature() -> Answer:
    return 200, {}, json.dumps({"signature": base64url(Ed25519Signer.generate().sign(b"other"))}).encode()


WRONG: dict[str, Answer | Callable[[], Answer]] = {
    "by another key": other_signature,
    "of no bytes": (200, {}, b'{"signature": ""}'),
    "cut short": (200, {}, b'{"signature": "AAAA"}'),
    "not base64url": (200, {}, b'{"signature": "+/=="}'),
    "a number": (200, {}, b'{"signature": 7}'),
    "missing": (200, {}, b"{}"),
    "said twice": (200, {}, b'{"signature": "AAAA", "signature": "AAAA"}'),
    "a list": (200, {}, b"[]"),
    "a web page": (200, {"Content-Type": "text/html"}, b"<h1>Welcome</h1>"),
    "nothing": (200, {}, b""),
}
ABSENT: dict[str, Answer | Callable[[], Answer]] = {
    "an error of its own": (500, {}, b"{}"),
    "too many": (429, {"Retry-After": "60"}, b"{}"),
    "elsewhere": (307, {"Location": "http://127.0.0.1:9/"}, b""),
    "a flood": (200, {}, b'{"signature": "' + b"A" * 100_000 + b'"}'),
}


@pytest.mark.parametrize(
    ("answer", "error", "outcome"),
    [
        *(pytest.param(answer, SigningServiceWrong, "wrong", id=name) for name, answer in WRONG.items()),
        pytest.param(ABSENT["an error of its own"], SigningServiceDown, "refused", id="an error of its own"),
        pytest.param(ABSENT["too many"], SigningServiceDown, "refused", id="too many"),
        pytest.param(ABSENT["elsewhere"], SigningServiceDown, "refused", id="elsewhere"),
        pytest.param(ABSENT["a flood"], SigningServiceDown, "unreachable", id="a flood"),
    ],
)
def test_no_badge_comes_of_a_wrong_answer_and_it_is_finished_later(
    house: House,
    stub: Stub,
    answer: Answer | Callable[[], Answer],
    error: type[Exception],
    outcome: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    house.issue("the status list is signed before the trouble begins")
    kid = enter(house)
    before = versions(house)
    counted = count(outcome)
    stub.says = answer if callable(answer) else lambda: answer
    with pytest.raises(error):
        house.issue("in trouble")
    assert versions(house) == before
    with house.database.read() as session:
        waiting = session.exec(select(Credential).where(Credential.state == "reserved")).all()
    assert len(waiting) == 1
    assert finish(house) == 0
    assert count(outcome) >= counted + 2
    stub.says = None
    assert finish(house) == 1
    assert signed_by(house.issue("in trouble"))[0] == kid
    log = capsys.readouterr().err
    assert "issuer.signing_service" in log
    assert TOKEN not in log


def test_a_service_that_is_away_is_waited_for(house: House, stub: Stub) -> None:
    enter(house)
    bind("http://127.0.0.1:9")
    with pytest.raises(SigningServiceDown):
        house.issue()
    assert one_badge(house).state == "reserved"
    bind(stub.url)
    assert finish(house) == 1
    assert one_badge(house).state == "issued"


def test_a_list_that_cannot_be_signed_holds_to_its_end_and_then_leaves_badges_unchecked(
    services: Services, house: House, stub: Stub
) -> None:
    issued = house.issue()
    enter(house)
    bind("http://127.0.0.1:9")
    presented = Presented.from_bytes(issued.document)
    assert services.verifier.verify(presented).verdict == "valid"
    for days, verdict in ((2, "valid"), (5, "valid"), (8, "unknown")):
        with time_machine.travel(now() + timedelta(days=days)):
            assert services.verifier.verify(presented).verdict == verdict, days


def test_a_list_that_lacks_a_revocation_is_never_told(services: Services, house: House, stub: Stub) -> None:
    issued = house.issue()
    enter(house)
    bind("http://127.0.0.1:9")
    with house.database.write() as session:
        status.mark_changed(session, 1)
    assert services.verifier.verify(Presented.from_bytes(issued.document)).verdict == "unknown"


def test_a_service_that_is_slow_is_not_waited_for_long(
    house: House, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(house)
    monkeypatch.setattr(remote_signer, "TIMEOUT_SECONDS", 0.2)
    awake = threading.Event()

    def sleep() -> None:
        awake.wait(30)

    stub.meanwhile = sleep
    try:
        with pytest.raises(SigningServiceDown):
            house.issue()
    finally:
        awake.set()


def test_one_that_did_not_answer_is_left_alone_for_a_while(
    house: House, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(house)
    monkeypatch.setattr(remote_signer, "PAUSE_SECONDS", 3600.0)
    stub.says = lambda: ABSENT["a flood"]  # type: ignore[return-value, assignment]
    asked = len(stub.asked)
    for key in ("one", "two", "three"):
        with pytest.raises(SigningServiceDown):
            house.issue(key)
    assert len(stub.asked) == asked + 1


def test_no_transaction_is_open_while_the_service_signs(house: House, stub: Stub) -> None:
    """Were one open, the service's own change of the database would wait for it in vain."""
    enter(house)

    def write() -> None:
        with house.database.write() as session:
            server_facts.note(session, "signing service", "was here")
            session.exec(select(SigningKey).with_for_update(nowait=True)).all()
            session.exec(select(Credential).with_for_update(nowait=True)).all()

    stub.meanwhile = write
    issued = house.issue()
    service.reissue(house.database, house.secret_box, BASE, issued.credential_id, recipient_email="t@example.org")
    service.revoke(
        house.database, house.secret_box, BASE, credential_id=issued.credential_id, reason="test", actor=OPERATOR
    )
    enter(house, "tokens", "ES256")
    assert len([path for path in stub.asked if path.endswith("/sign")]) >= 4


def test_a_key_of_another_kind_or_name_is_not_entered(house: House, stub: Stub) -> None:
    before = states(house)
    with pytest.raises(KeyRefused, match="P-256"):
        enter(house, "tokens", "Ed25519")
    with pytest.raises(SigningServiceDown, match="404"):
        enter(house, "no-such-key")
    for name in ("../etc", "a/b", "", "x" * 101, "é", "a?b"):
        with pytest.raises(KeyRefused):
            enter(house, name)
    assert states(house) == before


def test_a_service_that_does_not_sign_with_the_key_it_shows_is_not_entered(house: House, stub: Stub) -> None:
    before = states(house)
    stub.says = other_signature
    with pytest.raises(SigningServiceWrong):
        enter(house)
    assert states(house) == before


def test_the_same_key_is_entered_once(house: House, stub: Stub) -> None:
    kid = enter(house)
    with pytest.raises(KeyRefused, match=kid):
        enter(house)


def test_a_wrong_token_is_refused_there(house: House, stub: Stub) -> None:
    bind(stub.url, token="another")
    with pytest.raises(SigningServiceDown, match="401"):
        enter(house)


def test_a_private_address_is_asked_only_if_that_is_allowed(house: House, stub: Stub) -> None:
    bind(stub.url, allow_private=False)
    with pytest.raises(SigningServiceDown):
        enter(house)
    assert stub.asked == []


def test_where_the_service_is_not_set_nothing_is_reserved_and_the_check_says_so(house: House, stub: Stub) -> None:
    enter(house)
    remote_signer.use(None)
    with pytest.raises(KeysUnreadable, match="WAYMARK_REMOTE_SIGNER_URL"):
        house.issue()
    with house.database.read() as session:
        assert session.exec(select(Credential)).all() == []
        with pytest.raises(KeysUnreadable):
            service.check_keys(session, house.secret_box)


def test_a_stolen_key_there_is_not_silently_followed_by_one_here(house: House, stub: Stub) -> None:
    kid = enter(house)

    def revoke() -> Any:
        return service.revoke_key(
            house.database, house.secret_box, kid=kid, reason="stolen", since=None, actor=OPERATOR
        )

    issued = house.issue()
    with pytest.raises(KeyInUse):
        revoke()
    assert states(house)[kid] == "in use"
    stub.keys = {**stub.keys, "fresh": Ed25519Signer.generate()}
    enter(house, "fresh")
    assert revoke().replaced_by is None
    bind("http://127.0.0.1:9")
    stopped = service.resign(house.database, house.secret_box, BASE)
    assert (stopped.done, stopped.left, bool(stopped.cannot_sign)) == (0, 1, True)
    bind(stub.url)
    assert service.resign(house.database, house.secret_box, BASE) == key_resigning.Resigned(1, 0, 0)
    with house.database.read() as session:
        assert service.stored_credential(session, issued.credential_id).version == 2
