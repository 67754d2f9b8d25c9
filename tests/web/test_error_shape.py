"""One shape of errors: problem+json (RFC 9457) for programs and a page for people, each with the request's id."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2
import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.web.middleware import MAX_BODY
from app.wiring import Services
from tests.web.people import sign_in

NOBODYS = "7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10"
PROGRAM, PERSON = "application/json", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Case:
    """A request that is refused, and how."""

    status: int
    method: str
    path: str
    body: bytes = b""
    kind: str = ""


CASES = (
    Case(404, "GET", f"/credentials/{NOBODYS}"),
    Case(404, "GET", f"/credentials/{NOBODYS}/v1.json"),
    Case(404, "GET", f"/credentials/{NOBODYS}.png"),
    Case(404, "GET", "/issuers/nobody"),
    Case(404, "GET", "/keys/nobody-1"),
    Case(404, "GET", "/status/99"),
    Case(404, "GET", "/achievements/X99/v1"),
    Case(404, "GET", f"/ims/case/v1p1/CFItems/{NOBODYS}"),
    Case(404, "GET", "/programme/modules/X99"),
    Case(404, "GET", "/nothing/here"),
    Case(404, "GET", "/.well-known/nothing"),
    Case(404, "GET", "/api/v1/nothing"),
    Case(401, "GET", "/at/nobody/module"),
    Case(404, "GET", "/claim/nothing"),
    Case(405, "PUT", f"/credentials/{NOBODYS}"),
    Case(405, "GET", "/api/v1/verify"),
    Case(405, "POST", "/lti/jwks"),
    Case(400, "POST", "/lti/launch", b"", FORM),
    Case(413, "POST", "/lti/launch", b"a=" + b"x" * 200_000, FORM),
    Case(413, "POST", "/api/v1/verify", b"x" * (MAX_BODY + 1), "application/json"),
    Case(415, "POST", "/api/v1/verify", b"x", "video/mp4"),
    Case(404, "GET", "/status/x"),
    Case(400, "GET", "/credentials/%00"),
)
ALWAYS_FOR_PROGRAMS = ("/api/v1/", ".json", ".png")
ABOUT_DOCUMENTS = ("/credentials/", "/issuers/", "/keys/", "/status/", "/achievements/", "/ims/", "/.well-known/",
                   "/lti/jwks", "/programme")  # fmt: skip


def refused(client: TestClient, case: Case, accept: str | None) -> httpx2.Response:
    headers = ({"Content-Type": case.kind} if case.kind else {}) | ({"Accept": accept} if accept else {})
    request = client.build_request(case.method, case.path, content=case.body, headers=headers)
    if accept is None:
        del request.headers["accept"]
    answer = client.send(request)
    assert answer.status_code == case.status, (case, answer.text)
    assert "accept" in answer.headers["vary"].lower()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    return answer


def expect_problem(answer: httpx2.Response, status: int) -> dict[str, object]:
    assert answer.headers["content-type"] == "application/problem+json", answer.request.url
    problem: dict[str, object] = answer.json()
    assert problem["status"] == status
    assert problem["reference"] == answer.headers["x-request-id"]
    assert str(problem["type"]).startswith("urn:waymark:error:")
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize("accept", [PROGRAM, "application/problem+json", "application/json, text/plain, */*", None])
def test_a_program_is_refused_in_its_own_form(client: TestClient, accept: str | None) -> None:
    for case in CASES:
        answer = refused(client, case, accept)
        expect_problem(answer, case.status)
        if case.path.startswith(ABOUT_DOCUMENTS):
            assert answer.headers["access-control-allow-origin"] == "*", case


def test_a_person_is_refused_in_words(client: TestClient) -> None:
    for case in CASES:
        answer = refused(client, case, PERSON)
        if case.path.startswith(ALWAYS_FOR_PROGRAMS) or case.path.endswith(ALWAYS_FOR_PROGRAMS):
            expect_problem(answer, case.status)
        else:
            assert answer.headers["content-type"] == "text/html; charset=utf-8", case
            assert "<h1" in answer.text, case


ASKING_FOR_DOCUMENTS = (
    (f"/credentials/{NOBODYS}", "application/vc"),
    (f"/credentials/{NOBODYS}", "image/png"),
    (f"/credentials/{NOBODYS}", "application/vc+jwt"),
    (f"/credentials/{NOBODYS}", "text/html;q=0.2, application/json;q=0.9"),
    ("/issuers/nobody", "application/ld+json"),
    ("/keys/nobody-1", "*/*"),
    ("/status/99", "*/*"),
    ("/.well-known/nothing", "*/*"),
    ("/api/nothing", "*/*"),
)


def test_whoever_asks_for_a_document_is_refused_as_a_program(client: TestClient) -> None:
    for path, accept in ASKING_FOR_DOCUMENTS:
        expect_problem(refused(client, Case(404, "GET", path), accept), 404)


def test_whoever_takes_anything_gets_a_page_where_there_are_pages(client: TestClient) -> None:
    for path in ("/nothing", f"/credentials/{NOBODYS}", "/issuers/nobody"):
        assert client.get(path, headers={"Accept": "*/*"}).headers["content-type"].startswith("text/html")


def test_an_error_page_names_the_reference(client: TestClient) -> None:
    answer = client.get("/nothing", headers={"Accept": PERSON})
    assert answer.headers["x-request-id"] in answer.text


def test_a_program_is_told_which_ways_there_are(client: TestClient) -> None:
    answer = client.get("/api/v1/verify")
    problem = expect_problem(answer, 405)
    assert answer.headers["allow"] == "POST"
    assert problem["detail"] == "It takes POST."


def test_input_that_does_not_fit_is_told_to_a_program_field_by_field(services: Services, client: TestClient) -> None:
    tess = sign_in(services, client, "Tess")
    headers = {"Cookie": tess.cookie, "X-CSRF-Token": tess.token, "Accept": PROGRAM}
    answer = client.put(f"{tess.root}/activity/reflection/draft", json={"revision": "x"}, headers=headers)
    problem = expect_problem(answer, 422)
    assert "revision" in str(problem["detail"])
    assert problem["next_step"] == "Change the request and send it again."


@pytest.mark.parametrize("accept", [PROGRAM, PERSON])
def test_what_nobody_foresaw_has_the_same_shape(
    services: Services, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("tess@example.org could not be stored")

    monkeypatch.setattr("app.web.documents.issuer.issuer_info", fail)
    with TestClient(create_app(services=services), raise_server_exceptions=False) as client:
        answer = client.get("/issuers/orygen", headers={"Accept": accept})
    assert answer.status_code == 500
    assert "tess@example.org" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
    if accept == PROGRAM:
        expect_problem(answer, 500)
