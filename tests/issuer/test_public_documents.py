"""The public documents as strangers' programs fetch them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import service
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.programme import service as programme
from app.vc.baking import unbake_png, unbake_svg
from app.vc.did import did_web_url
from app.web.documents import negotiate
from app.wiring import Services

from .conftest import BASE, EMAIL

FORMS = {
    "json": "application/vc+ld+json",
    "jwt": "application/vc+jwt",
    "png": "image/png",
    "svg": "image/svg+xml",
}


def issue(services: Services, *, shared: bool, key: str = "k") -> IssuedCredential:
    runtime = services.runtime
    with runtime.database.read() as session:
        module = programme.current_module(session, "M01")
    request = IssueRequest(
        idempotency_key=key, issuer_key="orygen", achievement_key="M01", achievement_version=module.version,
        person_id="person-1", recipient_email=EMAIL, awarded_at=now(), shared=shared,
    )  # fmt: skip
    return service.issue(runtime.database, runtime.secret_box, BASE, request)


def get(client: TestClient, path: str, **headers: str) -> Any:
    return client.get(path, headers={"Accept": "*/*", **headers})


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("*/*", "html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("application/json", "json"),
        ("application/ld+json, application/json", "json"),
        ("application/vc+ld+json", "json"),
        ("application/vc", "json"),
        ("application/json, text/plain, */*", "json"),
        ("*/*, application/json", "json"),
        ("application/vc+jwt", "jwt"),
        ("application/jwt", "jwt"),
        ("text/plain", "jwt"),
        ("image/png", "png"),
        ("image/*", "png"),
        ("image/svg+xml", "svg"),
        ("text/html;q=0.2, application/json;q=0.9", "json"),
        ("application/json;q=0, text/html", "html"),
        ("application/json;q=banana, image/png;q=0.1", "png"),
        ("APPLICATION/JSON", "json"),
        ("", "html"),
        (",;,;q=", "html"),
        ("application/pdf", "html"),
    ],
)
def test_the_form_follows_the_accept_header(accept: str | None, form: str) -> None:
    assert negotiate(accept) == form


def test_what_stands_far_behind_in_a_very_long_accept_header_is_not_read() -> None:
    assert negotiate("application/pdf," * 100_000 + "image/png") == "html"


PARTS = st.sampled_from(["text/html", "*/*", "image/png", "q=0.1", ";q=x"])


@settings(deadline=None)
@given(st.one_of(st.none(), st.text(), st.lists(PARTS).map(",".join)))
def test_any_accept_header_is_answered_with_some_form(accept: str | None) -> None:
    assert negotiate(accept) in ("html", "json", "jwt", "png", "svg")


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/ld+json", "application/vc", "text/plain", "application/jwt"]
)
def test_a_badge_comes_under_the_media_type_that_was_asked_for(
    services: Services, client: TestClient, media_type: str
) -> None:
    issued = issue(services, shared=True)
    answer = get(client, f"/credentials/{issued.credential_id}", Accept=f"{media_type}, */*;q=0.1")
    assert answer.headers["content-type"] == media_type


@pytest.mark.parametrize("path", [*(f"/credentials/{{id}}.{suffix}" for suffix in FORMS), "/credentials/{id}/v1.json"])
def test_a_badge_that_is_not_shared_looks_like_none_at_all(services: Services, client: TestClient, path: str) -> None:
    issued = issue(services, shared=False)
    nothing = "00000000-0000-4000-8000-000000000000"
    hidden, unknown = (get(client, path.format(id=number)) for number in (issued.credential_id, nothing))
    assert hidden.status_code == unknown.status_code == 404
    assert {k: v for k, v in hidden.json().items() if k != "reference"} == {
        k: v for k, v in unknown.json().items() if k != "reference"
    }
    head = client.head(path.format(id=issued.credential_id))
    assert head.status_code == 404


@pytest.mark.parametrize("suffix", FORMS)
def test_a_shared_badge_comes_in_every_form(services: Services, client: TestClient, suffix: str) -> None:
    issued = issue(services, shared=True)
    answer = get(client, f"/credentials/{issued.credential_id}.{suffix}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FORMS[suffix]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "Accept" in answer.headers["vary"]
    body = {
        "json": lambda data: data,
        "jwt": lambda data: issued.document if data == issued.jwt.encode() else b"",
        "png": unbake_png,
        "svg": unbake_svg,
    }[suffix](answer.content)
    assert body == issued.document


@pytest.mark.parametrize("suffix", FORMS)
def test_head_and_if_none_match_send_no_body(services: Services, client: TestClient, suffix: str) -> None:
    path = f"/credentials/{issue(services, shared=True).credential_id}.{suffix}"
    full, head = get(client, path), client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(full.content))
    assert head.headers["etag"] == full.headers["etag"]
    assert not full.headers["etag"].startswith("W/")
    again = get(client, path, **{"If-None-Match": full.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_version_keeps_its_bytes_and_an_unknown_one_is_not_found(services: Services, client: TestClient) -> None:
    issued = issue(services, shared=True)
    runtime = services.runtime
    second = service.reissue(runtime.database, runtime.secret_box, BASE, issued.credential_id, recipient_email=None)
    path = f"/credentials/{issued.credential_id}"
    assert get(client, f"{path}/v1.json").content == issued.document
    assert get(client, f"{path}/v2.json").content == second.document == get(client, f"{path}.json").content
    assert get(client, f"{path}/v3.json").status_code == 404
    assert get(client, f"{path}.exe").status_code == 404


def test_a_revoked_badge_is_still_served_and_its_list_says_so(services: Services, client: TestClient) -> None:
    issued = issue(services, shared=True)
    before = get(client, "/status/1")
    runtime = services.runtime
    service.revoke(
        runtime.database, runtime.secret_box, BASE, credential_id=issued.credential_id, reason="a test", actor=OPERATOR
    )
    after = get(client, "/status/1")
    assert get(client, f"/credentials/{issued.credential_id}.json").content == issued.document
    assert before.headers["etag"] != after.headers["etag"]
    assert after.headers["cache-control"] == "public, max-age=300"
    assert after.headers["access-control-allow-origin"] == "*"
    assert after.json()["id"] == f"{BASE}/status/1"


ENDLESS = ["0" * 400, "9" * 25, "9" * 5000, "-1", "1.5", "٣"]


@pytest.mark.parametrize("number", ENDLESS, ids=range(len(ENDLESS)))
@pytest.mark.parametrize(
    "path",
    [
        "/status/{}",
        "/credentials/00000000-0000-4000-8000-000000000000/v{}.json",
        "/achievements/M01/v{}",
        "/achievements/M01/v{}.json",
        "/achievements/M01/v{}.png",
        "/programme/ips/{}.json",
    ],
)
def test_a_number_that_nothing_can_have_is_not_found(client: TestClient, path: str, number: str) -> None:
    assert get(client, path.format(number)).status_code == 404


@pytest.mark.parametrize("path", ["/status/9", "/issuers/nobody", "/issuers/nobody/did.json", "/keys/none"])
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    assert get(client, path).status_code == 404


def test_the_did_document_is_where_the_did_says_and_lists_methods_as_text(client: TestClient) -> None:
    document = get(client, "/issuers/orygen/did.json").json()
    assert did_web_url(document["id"], allow_http_localhost=True) == f"{BASE}/issuers/orygen/did.json"
    ids = [method["id"] for method in document["verificationMethod"]]
    assert document["assertionMethod"] == ids
    assert all(method["controller"] == document["id"] for method in document["verificationMethod"])


def test_every_key_is_published_and_nothing_private_is(client: TestClient) -> None:
    document = get(client, "/issuers/orygen/did.json").json()
    keys = get(client, "/.well-known/jwks.json").json()["keys"]
    assert {key["kid"] for key in keys} == set(document["assertionMethod"])
    assert {key["iss"] for key in keys} == {document["id"]}
    for key in keys:
        assert "d" not in key
        single = get(client, "/keys/" + key["kid"].partition("#")[2])
        assert single.status_code == 200
        assert "d" not in single.json()
        assert single.json() == key or single.json()["publicKeyMultibase"].startswith("z6Mk")


def test_the_host_points_to_its_issuers(client: TestClient) -> None:
    document = get(client, "/.well-known/did.json").json()
    assert document["id"] == "did:web:tool.localhost%3A8000"
    assert [item["serviceEndpoint"] for item in document["service"]] == [f"{BASE}/issuers/orygen"]


def test_an_issuer_is_a_page_for_people_and_a_profile_for_machines(client: TestClient) -> None:
    page = client.get("/issuers/orygen", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "Orygen" in page.text
    profile = client.get("/issuers/orygen", headers={"Accept": "application/json"})
    assert profile.json()["type"] == ["Profile"]
    assert "Accept" in page.headers["vary"]
    assert "Accept" in profile.headers["vary"]


def test_the_achievement_document_is_what_the_badge_says(services: Services, client: TestClient) -> None:
    issued = issue(services, shared=True)
    inside = json.loads(issued.document)["credentialSubject"]["achievement"]
    outside = client.get(inside["id"].removeprefix(BASE), headers={"Accept": "application/json"}).json()
    assert inside.items() <= outside.items()
