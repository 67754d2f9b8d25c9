"""The public catalogue: pages for people, documents for programs, at the same addresses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.programme import service
from app.programme.case import cf_document_uuid, cf_item_path
from app.programme.frameworks import Programme
from app.web import catalogue, errors

PAGE = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
DOCUMENT = f"/ims/case/v1p1/CFDocuments/{cf_document_uuid('ips')}"
PACKAGE = f"/ims/case/v1p1/CFPackages/{cf_document_uuid('ips')}"
ITEM = cf_item_path("competency", "IPSV-A2")
PAGES = ["/programme", "/programme/modules/M01", "/achievements/M01/v1", ITEM, DOCUMENT]
MACHINES = ["/achievements/M01/v1", "/achievements/M01/v1.json", ITEM, DOCUMENT, PACKAGE, "/programme/ips/1.json"]


@pytest.fixture
def visitor(settings: Settings, database: Database, secret_box: SecretBox, ips: Programme) -> Iterator[TestClient]:
    """Somebody without a session who looks at the catalogue."""
    with database.write() as session:
        service.store(session, ips)
    http = HttpClient(allow_private_networks=True)
    app = FastAPI()
    app.state.runtime = Runtime(settings, database, http, JwksCache(http), secret_box)
    app.include_router(catalogue.router)
    errors.install(app)
    with TestClient(app, base_url=settings.base_url) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_one_heading_and_only_links_that_lead_somewhere(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path, headers=PAGE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert len(re.findall(r"<h1[ >]", answer.text)) == 1
    assert "{{" not in answer.text
    prefixes = ("/programme", "/achievements/", "/ims/")
    links = {link for link in re.findall(r'(?:href|src)="([^"#]+)', answer.text) if link.startswith(prefixes)}
    assert links
    for link in links:
        assert visitor.get(link).status_code == 200, link


def test_the_module_page_says_what_one_must_know_before_choosing(visitor: TestClient) -> None:
    page = visitor.get("/programme/modules/M01", headers=PAGE).text
    for words in (
        "What Makes IPS, IPS",
        "Find one informal gate or drift in your own setting",
        "about 6 hours",
        "Talk with your supervisor",
        "One specific gate shown by counts and a colleague&#39;s view",
        "not an Australian Qualifications Framework qualification",
        "30 November 2027",
        "Can also hold an award back: IPSV-G3",
    ):
        assert words in page, words


def test_the_pages_have_no_inline_script_or_style(visitor: TestClient) -> None:
    for path in PAGES:
        page = visitor.get(path, headers=PAGE).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page), path


@pytest.mark.parametrize("path", MACHINES)
@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/ld+json, text/html;q=0.5"])
def test_a_program_gets_json_that_any_site_may_read_and_keep(visitor: TestClient, path: str, accept: str) -> None:
    answer = visitor.get(path, headers={"Accept": accept})
    assert answer.status_code == 200
    assert "json" in answer.headers["content-type"]
    assert isinstance(answer.json(), dict)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "public, max-age=" in answer.headers["cache-control"]
    again = visitor.get(path, headers={"Accept": accept, "If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = visitor.head(path, headers={"Accept": accept})
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])


def test_one_address_tells_caches_that_its_form_depends_on_who_asks(visitor: TestClient) -> None:
    for path in ("/achievements/M01/v1", ITEM, DOCUMENT):
        for headers in (PAGE, {"Accept": "application/json"}):
            assert visitor.get(path, headers=headers).headers["vary"] == "Accept"


def test_the_achievement_document_is_the_one_of_the_badges(visitor: TestClient) -> None:
    document = visitor.get("/achievements/M01/v1.json").json()
    assert document["id"] == "http://tool.localhost:8000/achievements/M01/v1"
    assert document["type"] == ["Achievement"]
    assert "An assessor appointed by Orygen" in document["criteria"]["narrative"]
    for alignment in document["alignment"]:
        item = visitor.get(alignment["targetUrl"].removeprefix("http://tool.localhost:8000")).json()
        assert item["uri"] == alignment["targetUrl"]
        assert item["humanCodingScheme"] == alignment["targetCode"]


def test_the_pictures_are_served(visitor: TestClient) -> None:
    svg = visitor.get("/achievements/M01/v1.svg")
    assert (svg.status_code, svg.headers["content-type"]) == (200, "image/svg+xml")
    assert svg.text.startswith("<svg")
    png = visitor.get("/achievements/M01/v1.png")
    assert (png.status_code, png.headers["content-type"]) == (200, "image/png")
    assert png.content.startswith(b"\x89PNG")


def test_a_version_of_the_programme_is_the_same_bytes_as_its_digest(visitor: TestClient, ips: Programme) -> None:
    answer = visitor.get("/programme/ips/1.json")
    assert hashlib.sha256(answer.content).hexdigest() == ips.digest
    assert "immutable" in answer.headers["cache-control"]
    assert "modules" not in answer.json()


def test_every_association_has_an_address(visitor: TestClient) -> None:
    association = visitor.get(PACKAGE).json()["CFAssociations"][-1]
    assert visitor.get(association["uri"].removeprefix("http://tool.localhost:8000")).json() == association


@pytest.mark.parametrize(
    "path",
    [
        "/programme/modules/M99",
        "/programme/modules/%00",
        "/achievements/M01/v2",
        "/achievements/M01/v0",
        "/achievements/M01/v99999999999999999999999",
        "/achievements/M01/v99999999999999999999999.png",
        "/achievements/M01/v1.exe",
        "/achievements/M99/v1.json",
        "/programme/ips/2.json",
        "/programme/other/1.json",
        "/ims/case/v1p1/CFItems/00000000-0000-4000-8000-000000000000",
        "/ims/case/v1p1/CFItems/nonsense",
        "/ims/case/v1p1/CFDocuments/00000000-0000-4000-8000-000000000000",
        "/ims/case/v1p1/CFPackages/00000000-0000-4000-8000-000000000000",
        "/ims/case/v1p1/CFAssociations/00000000-0000-4000-8000-000000000000",
    ],
)
def test_what_is_not_there_is_not_found(visitor: TestClient, path: str) -> None:
    for headers in (PAGE, {"Accept": "application/json"}):
        assert visitor.get(path, headers=headers).status_code == 404


def test_before_any_programme_is_loaded_the_page_says_so(settings: Settings, database: Database) -> None:
    http = HttpClient(allow_private_networks=True)
    app = FastAPI()
    app.state.runtime = Runtime(settings, database, http, JwksCache(http), SecretBox(["x" * 40]))
    app.include_router(catalogue.router)
    errors.install(app)
    with TestClient(app, base_url=settings.base_url) as client:
        answer = client.get("/programme", headers=PAGE)
    assert answer.status_code == 404
    assert "No programme has been loaded" in answer.text
