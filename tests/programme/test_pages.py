"""The public catalogue: pages for people, documents for programs, at the same addresses."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.programme import service, stacks
from app.programme.case import cf_document_uuid, cf_item_path
from app.programme.documents import pathway_with_digest
from app.programme.frameworks import Programme
from app.programme.pathways import HeldRule
from app.web import catalogue, errors, matrix, pathways

from .folders import module_version, pathway_version

PAGE = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
DOCUMENT = f"/ims/case/v1p1/CFDocuments/{cf_document_uuid('ips')}"
PACKAGE = f"/ims/case/v1p1/CFPackages/{cf_document_uuid('ips')}"
ITEM = cf_item_path("competency", "IPSV-A2")
NEWEST = pathway_version("practitioner")
STACK = f"/achievements/practitioner/v{NEWEST}"
M01 = f"/achievements/M01/v{module_version('M01')}"
PAGES = ["/programme", "/programme/matrix", "/programme/modules/M01", M01, ITEM, DOCUMENT,
         "/programme/pathways", "/programme/modules/X1", STACK]  # fmt: skip
MACHINES = [M01, f"{M01}.json", ITEM, DOCUMENT, PACKAGE, "/programme/ips/2.json",
            STACK, f"{STACK}.json"]  # fmt: skip


@pytest.fixture
def visitor(settings: Settings, database: Database, secret_box: SecretBox, ips: Programme) -> Iterator[TestClient]:
    """Somebody without a session who looks at the catalogue."""
    with database.write() as session:
        service.store(session, ips)
    http = HttpClient(allow_private_networks=True)
    app = FastAPI()
    app.state.runtime = Runtime(settings, database, http, JwksCache(http), secret_box)
    app.include_router(catalogue.router)
    app.include_router(matrix.router)
    app.include_router(pathways.router)
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


def test_the_module_page_says_how_the_badge_is_renewed_and_nothing_twice(visitor: TestClient, ips: Programme) -> None:
    for module in ips.modules:
        page = html.unescape(visitor.get(f"/programme/modules/{module.key}", headers=PAGE).text)
        assert module.renewal is not None
        for told in (module.renewal, module.critical_information.delivery, *module.outcomes):
            assert page.count(told.strip()) == 1, (module.key, told)


def test_the_achievements_page_tells_outcomes_and_what_one_must_know(visitor: TestClient, ips: Programme) -> None:
    module = ips.modules[0]
    page = html.unescape(visitor.get(f"/achievements/{module.key}/v{module.version}", headers=PAGE).text)
    for told in (*module.outcomes, module.critical_information.quality_assurance, module.renewal or ""):
        assert told.strip() in page, told


def test_the_pathways_page_shows_what_each_asks_for_with_links(visitor: TestClient, ips: Programme) -> None:
    page = visitor.get("/programme/pathways", headers=PAGE).text
    for words in (
        "The ten badges",
        "A practice conversation: 45 minutes with an assessor",
        "About 75 hours, the badges below it included",
        "About 24 hours, on top of what it stands on",
        "Twelve months in an IPS role",
        "Your manager&#39;s support",
        'href="/programme/modules/M10"',
        'href="/programme/pathways#practitioner"',
        f'src="{STACK}.svg"',
        'href="/achievements/X1/v',
        "A certification within this programme. It is not an Australian Qualifications Framework qualification",
    ):
        assert words in page, words
    for pathway in ips.pathways:
        assert f'id="{pathway.key}"' in page
    assert all(f"/programme/pathways#{each.key}" in visitor.get("/programme").text for each in ips.pathways)


def test_a_stacks_badge_has_its_page_its_document_and_its_picture(visitor: TestClient) -> None:
    page = visitor.get(STACK, headers=PAGE).text
    assert "Honest about drift" in page
    assert 'href="/programme/pathways#practitioner"' in page
    document = visitor.get(f"{STACK}.json").json()
    assert document["achievementType"] == "Certification"
    assert len(document["resultDescription"]) == 4
    codes = [alignment["targetCode"] for alignment in document["alignment"]]
    assert codes[0] == "IPSV-A1"
    assert len(codes) == len(set(codes))
    assert visitor.get(f"{STACK}.png").content.startswith(b"\x89PNG")
    assert visitor.get(f"{STACK}.svg").text.count("<title>IPS Vocational Specialist (Youth)") == 1


def test_a_stack_without_a_rubric_has_a_page_without_one(visitor: TestClient, database: Database) -> None:
    with database.write() as session:
        pathway = stacks.current_pathway(session, "practitioner")
        changed = pathway_with_digest(replace(pathway, version=NEWEST + 1, rule=HeldRule("M01")))
        service.store(session, replace(service.current_programme(session), pathways=(changed,)))
    page = visitor.get(f"/achievements/practitioner/v{NEWEST + 1}", headers=PAGE).text
    assert "The rubric" not in page
    assert "rubric 1" not in page
    assert "the badge “What Makes IPS, IPS” (M01)" in page
    assert "resultDescription" not in visitor.get(f"/achievements/practitioner/v{NEWEST + 1}.json").json()
    assert "An earlier version" in visitor.get(STACK, headers=PAGE).text


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
    for path in (M01, ITEM, DOCUMENT):
        for headers in (PAGE, {"Accept": "application/json"}):
            assert visitor.get(path, headers=headers).headers["vary"] == "Accept"


def test_the_achievement_document_is_the_one_of_the_badges(visitor: TestClient) -> None:
    document = visitor.get(f"{M01}.json").json()
    assert document["id"] == f"http://tool.localhost:8000{M01}"
    assert document["type"] == ["Achievement"]
    assert "An assessor appointed by Orygen" in document["criteria"]["narrative"]
    for alignment in document["alignment"]:
        item = visitor.get(alignment["targetUrl"].removeprefix("http://tool.localhost:8000")).json()
        assert item["uri"] == alignment["targetUrl"]
        assert item["humanCodingScheme"] == alignment["targetCode"]


def test_the_pictures_are_served(visitor: TestClient) -> None:
    svg = visitor.get(f"{M01}.svg")
    assert (svg.status_code, svg.headers["content-type"]) == (200, "image/svg+xml")
    assert svg.text.startswith("<svg")
    png = visitor.get(f"{M01}.png")
    assert (png.status_code, png.headers["content-type"]) == (200, "image/png")
    assert png.content.startswith(b"\x89PNG")


def test_a_version_of_the_programme_is_the_same_bytes_as_its_digest(visitor: TestClient, ips: Programme) -> None:
    answer = visitor.get("/programme/ips/2.json")
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
        f"/achievements/M01/v{module_version('M01') + 1}",
        "/achievements/M01/v0",
        "/achievements/M01/v99999999999999999999999",
        "/achievements/M01/v99999999999999999999999.png",
        f"{M01}.exe",
        "/achievements/M99/v1.json",
        f"/achievements/practitioner/v{NEWEST + 1}",
        "/achievements/mentor/v1",
        "/achievements/mentor/v1.json",
        "/achievements/nobody/v1.png",
        "/programme/ips/1.json",
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
    app.include_router(matrix.router)
    app.include_router(pathways.router)
    errors.install(app)
    with TestClient(app, base_url=settings.base_url) as client:
        answer = client.get("/programme", headers=PAGE)
    assert answer.status_code == 404
    assert "No programme has been loaded" in answer.text


def test_the_matrix_can_be_taken_along_as_a_table(visitor: TestClient, ips: Programme) -> None:
    answer = visitor.get("/programme/matrix.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == len(ips.competencies) + len(ips.fidelity_items) + len(ips.principles)
    (gate,) = [row for row in rows if row["id"] == "IPSV-A2"]
    assert gate["modules"].split()[0] == "M01"
    assert gate["criteria"].split("; ")[0] == "M01: Seeing gates"
