"""Four doors to one verdict: the page by text and by file, the API, the command; and the page's form."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app.cli import app as waymark
from app.core.clock import now
from app.vc import json_text
from app.vc.timestamps import rfc3339
from app.verifier import known_issuers_file
from app.verifier.schemas import KnownIssuer, Presented, Report
from app.verifier.service import Verifier
from app.wiring import Services
from tests.verifier.field import PNG, SECRET_CLAIM, SVG, Stranger, contain

DAY = timedelta(days=1)
Make = Callable[[], bytes]


def _issuer() -> Stranger:
    """An issuer that needs no network: its key is its name."""
    issuer = Stranger()
    issuer.name = f"did:key:{issuer.ed25519.public_key.multikey}"
    return issuer


def _badge(by: Stranger | None = None, **changes: Any) -> bytes:
    issuer = by or _issuer()
    dates = {"validFrom": rfc3339(now() - 30 * DAY), "validUntil": rfc3339(now() + 30 * DAY)}
    document = issuer.credential(**{"credentialStatus": None, **dates, **changes})
    return json_text.dumps(issuer.sign(document, method=f"{issuer.name}#{issuer.name.removeprefix('did:key:')}"))


def _token() -> bytes:
    issuer = _issuer()
    issuer.name = f"did:key:{issuer.p256.public_key.multikey}"
    document = issuer.credential(credentialStatus=None, validFrom=rfc3339(now() - DAY), validUntil=rfc3339(now() + DAY))
    return issuer.sign_jwt(document, method=f"{issuer.name}#{issuer.name.removeprefix('did:key:')}").encode()


def _called(name: str) -> bytes:
    issuer = _issuer()
    profile = {"id": issuer.name, "type": ["Profile"], "name": name}
    return _badge(issuer, issuer=profile)


def _of_another_key() -> bytes:
    one, other = _issuer(), _issuer()
    other.name = one.name
    return _badge(other)


def _without(member: str) -> bytes:
    document = json.loads(_badge())
    del document[member]
    return json_text.dumps(document)


BADGES: dict[str, Make] = {
    "good": _badge,
    "good, spaced": lambda: json.dumps(json.loads(_badge()), indent=2).encode(),
    "a token": _token,
    "a picture": lambda: contain(_badge(), "png"),
    "a drawing": lambda: contain(_badge(), "svg"),
    "a token in a picture": lambda: contain(_token(), "png"),
    "called like a known issuer": lambda: _called("Örygen Institute"),
    "expired": lambda: _badge(validUntil=rfc3339(now() - DAY)),
    "not begun": lambda: _badge(validFrom=rfc3339(now() + DAY)),
    "changed": lambda: _badge().replace(b"one gate", b"two gates"),
    "a changed token": lambda: _token()[:-8] + b"AAAAAAAA",
    "another key": _of_another_key,
    "no proof": lambda: _without("proof"),
    "no subject": lambda: _without("credentialSubject"),
    "a word nobody knows": lambda: _badge().replace(b'{"@context"', b'{"workload":"6 hours","@context"', 1),
    "a key twice": lambda: _badge().replace(b'{"@context"', b'{"name":"x","@context"', 1),
    "cut off": lambda: _badge()[:500],
    "no badge": lambda: b'{"hello": "world"}',
    "a picture of nothing": lambda: PNG,
    "a drawing of nothing": lambda: SVG,
    "a web page": lambda: b"<!doctype html><title>A badge</title>",
    "words": lambda: "no badge at all, \N{SEEDLING}".encode(),
    "an issuer that cannot be reached": lambda: Stranger(name="did:web:no-such-name.invalid").secure(
        Stranger(name="did:web:no-such-name.invalid").credential(credentialStatus=None), "di"
    ),
}


def _codes(page: str) -> str:
    found = re.search(r"<dt>Codes</dt><dd>([^<]*)</dd>", page)
    assert found, "the page does not name its codes"
    return found[1]


@pytest.mark.parametrize("name", BADGES)
def test_every_door_gives_the_same_report(services: Services, client: TestClient, name: str) -> None:
    badge = BADGES[name]()
    known_issuers_file.write(
        services.runtime.settings.data_dir,
        known_issuers_file.with_entry("", KnownIssuer("did:web:known.example", "Orygen Institute", "the tests")).text,
    )
    is_picture = badge.startswith((b"\x89PNG", b"<svg"))

    told = client.post("/api/v1/verify", files={"file": ("badge", badge, "application/octet-stream")}).json()
    environment = {"WAYMARK_DATA_DIR": str(services.runtime.settings.data_dir), "WAYMARK_ALLOW_PRIVATE_NETWORKS": "1"}
    command = CliRunner().invoke(waymark, ["verify", "-", "--json"], input=badge, env=environment)
    pages = [client.post("/verify", files={"file": ("badge", badge)})]
    if not is_picture:
        pages.append(client.post("/verify", data={"badge": badge.decode()}))
        plain = client.post("/api/v1/verify", content=badge, headers={"Content-Type": "text/plain"}).json()
        assert {**plain, "checked_at": ""} == {**told, "checked_at": ""}

    assert {**json.loads(command.stdout), "checked_at": ""} == {**told, "checked_at": ""}
    assert command.exit_code == (0 if told["verdict"] in ("valid", "valid_unknown_issuer") else 1)
    for page in pages:
        assert page.status_code == 200
        assert _codes(page.text) == ", ".join(f"{check['name']}: {check['code']}" for check in told["checks"])
        for check in told["checks"]:
            if check["code"] != "not_checked":
                assert html.escape(check["detail"]).replace("&#x27;", "&#39;") in page.text


def test_the_badges_of_that_comparison_differ_in_their_verdicts(client: TestClient) -> None:
    verdicts = [
        client.post("/api/v1/verify", files={"file": ("badge", make())}).json()["verdict"] for make in BADGES.values()
    ]
    assert set(verdicts) == {"valid_unknown_issuer", "expired", "not_yet_valid", "invalid", "unknown"}
    assert len(BADGES) >= 20


def test_a_look_alike_is_said_right_under_the_verdict_and_first_in_the_terminal(
    services: Services, client: TestClient
) -> None:
    folder = services.runtime.settings.data_dir
    known = KnownIssuer("did:web:known.example", "Orygen Institute", "the tests")
    known_issuers_file.write(folder, known_issuers_file.with_entry("", known).text)
    badge = _called("0rygen Institute")
    page = client.post("/verify", files={"file": ("badge.json", badge)}).text
    main = page[page.index("<main") :]
    places = [main.index(text) for text in ("verdict__title", "This is not Orygen Institute", "<h2>" + SECRET_CLAIM)]
    assert places == sorted(places)
    said = CliRunner().invoke(waymark, ["verify", "-"], input=badge, env={"WAYMARK_DATA_DIR": str(folder)}).stdout
    assert said.index("Warning: This is not Orygen Institute (known.example)") < said.index("Checks")


def test_a_badge_in_the_field_for_addresses_is_taken_for_what_it_is(client: TestClient) -> None:
    page = client.post("/verify", data={"url": _badge().decode()}).text
    assert "Valid, but we do not know the issuer" in page


@pytest.mark.parametrize("url", ["example.org/credentials/1", "ftp://example.org/", "javascript:alert(1)", "my badge"])
def test_what_is_no_address_is_said_at_its_field_and_kept(client: TestClient, url: str) -> None:
    answer = client.post("/verify", data={"url": url})
    assert answer.status_code == 400
    assert "An address begins with https://" in answer.text
    assert f'value="{url}"' in answer.text
    assert 'href="#f-url"' in answer.text


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"url": "https://a.example/1", "badge": "{}"}},
        {"data": {"url": "https://a.example/1"}, "files": {"file": ("a.json", b"{}")}},
        {"data": {"badge": "{}"}, "files": {"file": ("a.json", b"{}")}},
    ],
)
def test_of_two_badges_none_is_chosen(client: TestClient, sent: dict[str, Any]) -> None:
    answer = client.post("/verify", **sent)
    assert answer.status_code == 400
    assert "You gave more than one badge" in answer.text
    assert "A file has to be chosen again" in answer.text
    for value in sent["data"].values():
        assert html.escape(value) in answer.text


@pytest.mark.parametrize(("field", "shown"), [("badge", "The text is longer"), ("url", "The text is longer")])
def test_a_text_that_is_too_long_is_refused_and_not_sent_back(client: TestClient, field: str, shown: str) -> None:
    answer = client.post("/verify", data={field: "x" * 5_000_001}, files={"file": ("", b"")})
    assert answer.status_code == 413
    assert shown in answer.text
    assert len(answer.content) < 50_000


def test_a_long_text_is_checked_and_not_carried_about(client: TestClient) -> None:
    answer = client.post("/verify", data={"badge": _badge().decode() + " " * 200_000 + "x"}, files={"file": ("", b"")})
    assert answer.status_code == 200
    assert len(answer.content) < 50_000
    assert "Check again" not in answer.text


def test_what_was_pasted_can_be_checked_again(client: TestClient) -> None:
    page = client.post("/verify", data={"badge": _badge().decode()}).text
    again = re.search(r'name="badge" value="([^"]*)"', page)
    assert again
    assert "Valid, but" in client.post("/verify", data={"badge": html.unescape(again[1])}).text


def test_checked_again_it_rests_on_nothing_that_was_fetched_before(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed, judge = [], Verifier.verify

    def watched(verifier: Verifier, presented: Presented, **how: Any) -> Report:
        renewed.append(how["renew"])
        return judge(verifier, presented, **how)

    monkeypatch.setattr(Verifier, "verify", watched)
    answer = client.post("/verify", files={"badge": (None, _badge())})
    (again,) = re.findall(r'<input type="hidden" name="again" value="(.*?)">', answer.text)
    client.post("/verify", files={"badge": (None, _badge()), "again": (None, again)})
    assert renewed == [False, True]


def test_nothing_sent_is_kept_by_caches_or_written_to_the_log(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        client.post("/verify", data={"badge": _badge().decode()}),
        client.post("/verify", files={"file": ("holder-name.json", _badge())}),
        client.post("/verify", data={"url": "https://no-such-name.invalid/credentials/secret-path"}),
        client.post("/verify", data={"url": "secret words"}),
    ]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    said = "".join(capsys.readouterr())
    for word in (SECRET_CLAIM, "holder-name", "secret-path", "secret words", "no-such-name", "did:key"):
        assert word not in said
    assert '"route": "/verify"' in said or '"route":"/verify"' in said


def test_the_form_says_what_it_wants_without_a_script(client: TestClient) -> None:
    page = client.get("/verify").text
    for name in ("url", "badge", "file"):
        assert re.search(rf'<label class="field__label" for="f-{name}">', page)
    assert "up to ten" in page
    assert re.search(r"data-drop-hint hidden", page), "an offer that only a script can keep is hidden until it is there"
    assert not re.search(r"<style|style=|<script(?![^>]* src=)| on[a-z]+=", page)
