"""`/credentials/{id}` over HTTP: every state a page of its own, every form under one address."""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.config import Settings
from app.core.audit import OPERATOR
from app.issuer import service
from app.main import create_app
from app.verifier.schemas import Presented
from app.web.badge_pictures import qr_svg
from app.wiring import Services
from tests.web.badge_states import STATES, Stage, with_empty_register, with_unreadable_keys

NAME = "What Makes IPS, IPS"
HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
JSON = "application/vc+ld+json"
NOBODYS = "/credentials/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10"
FORMS = {".json": JSON, ".jwt": "application/vc+jwt", ".png": "image/png", ".svg": "image/svg+xml"}
BY_ACCEPT = {
    "application/vc": ".json", "application/vc+ld+json": ".json", "application/ld+json": ".json",
    "application/json": ".json", "application/vc+jwt": ".jwt", "application/jwt": ".jwt", "text/plain": ".jwt",
    "image/png": ".png", "image/svg+xml": ".svg",
}  # fmt: skip


@pytest.fixture
def stage(services: Services) -> Stage:
    return Stage(services)


def first_heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>([^<]*)</h1>", page)
    assert found, "the page has no first heading"
    return found[1].strip()


def visitor(services: Services) -> TestClient:
    base_url = services.runtime.settings.base_url
    return TestClient(create_app(services=services), base_url=base_url, raise_server_exceptions=False)


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_a_page_with_its_own_status_and_first_words(
    stage: Stage, client: TestClient, state: str
) -> None:
    make, status, words = STATES[state]
    answer = client.get(make(stage), headers=HTML)
    assert (answer.status_code, first_heading(answer.text)) == (status, words)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Vary"] == "Accept"
    assert '<meta name="robots" content="noindex">' in answer.text


@pytest.mark.parametrize(
    ("suffix", "route"),
    [("", "/credentials/{credential_id:uuid}"), (".json", "/credentials/{credential_id}.{suffix}")],
)
def test_what_is_asked_for_most_is_logged_by_its_route_and_refuses_other_methods(
    stage: Stage, client: TestClient, capsys: pytest.CaptureFixture[str], suffix: str, route: str
) -> None:
    path = stage.path(stage.issue()) + suffix
    capsys.readouterr()
    assert client.get(path, headers=HTML).status_code == 200
    said = "".join(capsys.readouterr())
    assert f'"{route}"' in said
    assert path not in said
    assert client.head(path, headers=HTML).text == ""
    refused = client.delete(path)
    assert (refused.status_code, set(refused.headers["Allow"].split(", "))) == (405, {"GET", "HEAD"})


def test_pages_of_two_badges_that_share_fragments_tell_their_own_addresses_and_levels(
    stage: Stage, client: TestClient
) -> None:
    badges = [stage.issue(), stage.issue(), stage.issue()]
    pages = [client.get(stage.path(badge), headers=HTML).text for badge in badges for _ in range(2)]
    for number, badge in enumerate(badges):
        for page in pages[2 * number : 2 * number + 2]:
            assert re.findall(r"/credentials/([0-9a-f-]{36})\.json", page) == [badge.credential_id]
            assert page.count(f'value="{badge.url}"') == 1
            assert f'action="{stage.path(badge)}/holder#holder-title"' in page
            others = [each.credential_id for each in badges if each != badge]
            assert not [other for other in others if other in page]


@pytest.mark.parametrize("state", STATES)
def test_no_page_has_a_script_or_style_of_its_own_or_anything_from_elsewhere(
    stage: Stage, client: TestClient, state: str
) -> None:
    page = client.get(STATES[state][0](stage), headers=HTML).text
    assert not re.search(r"<style|style=|<script(?![^>]* src=\"/)| on[a-z]+=|src=\"(?!/)", page)


@pytest.mark.parametrize("state", STATES)
def test_the_verdict_comes_before_everything_else_in_the_main_part(
    stage: Stage, client: TestClient, state: str
) -> None:
    page = client.get(STATES[state][0](stage), headers=HTML).text
    main = page[page.index("<main") :]
    words = re.sub(r"<[^>]*>", " ", main).split()
    assert " ".join(words).startswith(STATES[state][2])


def test_the_parts_of_a_valid_badge_stand_in_the_order_an_employer_asks(stage: Stage, client: TestClient) -> None:
    page = client.get(stage.path(stage.issue()), headers=HTML).text
    order = ["verdict__title", "Checked ", NAME, "Who issued it", "Who holds it", "What it took", "Levels reached",
             "Competencies it stands for", "Dates", "Evidence", "How we checked", "What you can do", "Check again",
             "Download JSON", "Check it somewhere else", "Is something wrong here?"]  # fmt: skip
    main = page[page.index("<main") :]
    places = [main.index(text, main.index("</section>") if text == NAME else 0) for text in order]
    assert places == sorted(places)


def test_a_badge_whose_bytes_were_changed_shows_nothing_that_it_says(stage: Stage, client: TestClient) -> None:
    page = client.get(STATES["changed"][0](stage), headers=HTML).text
    for words in ("Fakes", "IPS, IPS", "Orygen", "og:image", "Levels reached", "Who holds it", "Download"):
        assert words not in page
    assert "We do not show what this badge says" in page


def test_an_issuer_that_nobody_vouches_for_is_said_to_be_unknown(stage: Stage, tmp_path: Path) -> None:
    path = stage.path(stage.issue())
    page = visitor(with_empty_register(stage.services, tmp_path)).get(path, headers=HTML).text
    assert first_heading(page) == "Valid, but we do not know the issuer"
    assert "tone-caution" in page
    assert "tone-success" not in page[: page.index("How we checked")]
    assert "This is what the badge says of its issuer. Nobody we know has confirmed it." in page


def test_a_badge_that_we_cannot_check_just_now_is_our_own_trouble(stage: Stage) -> None:
    path = stage.path(stage.issue())
    answer = visitor(with_unreadable_keys(stage.services)).get(path, headers=HTML)
    assert (answer.status_code, first_heading(answer.text)) == (503, "Could not check")
    assert answer.headers["Retry-After"].isdigit()
    assert "Do not take that as a yes" in answer.text


def test_a_suspended_badge_says_so_to_every_check_on_this_server_and_stands_again_after(
    stage: Stage, client: TestClient
) -> None:
    badge = stage.issue()
    stage.suspend(badge)
    told = stage.services.verifier.verify(Presented.from_bytes(badge.document))
    assert (told.verdict, [c.code for c in told.checks if c.result == "fail"]) == ("suspended", ["suspended"])
    posted = client.post("/api/v1/verify", json={"url": badge.url}).json()
    assert posted["verdict"] == "suspended"
    assert "A complaint" not in client.get(stage.path(badge), headers=HTML).text
    with stage.services.runtime.database.write() as session:
        service.reinstate(session, badge.credential_id, actor=OPERATOR)
    assert stage.services.verifier.verify(Presented.from_bytes(badge.document)).verdict == "valid"


def test_an_older_version_leads_to_the_newest_and_says_nothing_of_the_holder(stage: Stage, client: TestClient) -> None:
    badge = stage.issue(recipient_email=None)
    stage.reissue(badge)
    path = stage.path(badge)
    page = client.get(f"{path}/v1", headers=HTML).text
    assert f'href="{path}"' in page
    assert "version 2 stands in its place" in page
    assert "Who holds it" not in page
    newest = client.get(f"{path}/v2", headers=HTML, follow_redirects=False)
    assert (newest.status_code, newest.headers["Location"]) == (303, path)
    assert client.get(f"{path}/v3", headers=HTML).status_code == 404
    assert client.get(f"{path}/v0", headers=HTML).status_code == 404


def test_an_older_version_of_a_revoked_badge_is_revoked_first_of_all(stage: Stage, client: TestClient) -> None:
    badge = stage.issue(recipient_email=None)
    stage.reissue(badge)
    stage.revoke(badge)
    page = client.get(f"{stage.path(badge)}/v1", headers=HTML).text
    assert first_heading(page) == "Revoked: do not rely on it"
    assert "which version 2 has replaced" in page


def test_a_version_as_json_names_the_badge_as_its_newest(stage: Stage, client: TestClient) -> None:
    badge = stage.issue(recipient_email=None)
    stage.reissue(badge)
    for path, accept in ((f"{stage.path(badge)}/v1", "application/json"), (f"{stage.path(badge)}/v1.json", "*/*")):
        answer = client.get(path, headers={"Accept": accept})
        assert answer.content == badge.document
        assert answer.headers["Link"] == f'<{badge.url}>; rel="latest-version"'


@pytest.mark.parametrize("accept", BY_ACCEPT)
def test_one_address_gives_each_form_by_what_is_accepted(stage: Stage, client: TestClient, accept: str) -> None:
    badge = stage.issue()
    path, suffix = stage.path(badge), BY_ACCEPT[accept]
    answer = client.get(path, headers={"Accept": accept})
    assert answer.content == client.get(path + suffix, headers={"Accept": "*/*"}).content
    assert answer.headers["Content-Type"] == accept
    assert answer.headers["Vary"] == "Accept"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("accept", ["text/html", "*/*", HTML["Accept"]])
def test_a_browser_gets_the_page(stage: Stage, client: TestClient, accept: str) -> None:
    answer = client.get(stage.path(stage.issue()), headers={"Accept": accept})
    assert first_heading(answer.text) == "Valid"


@pytest.mark.parametrize("suffix", FORMS)
def test_machines_get_strong_etags_and_are_asked_again_by_them(stage: Stage, client: TestClient, suffix: str) -> None:
    path = stage.path(stage.issue()) + suffix
    answer = client.get(path, headers={"Accept": "*/*"})
    assert answer.headers["Content-Type"] == FORMS[suffix]
    etag = answer.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    again = client.get(path, headers={"Accept": "*/*", "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(path)
    assert (head.headers["ETag"], head.headers["Content-Length"]) == (etag, str(len(answer.content)))


@pytest.mark.parametrize("suffix", ["", *FORMS])
def test_every_form_names_the_others(stage: Stage, client: TestClient, suffix: str) -> None:
    badge = stage.issue()
    links = client.get(stage.path(badge) + suffix, headers=HTML).headers["Link"].split(", ")
    assert links[0] == f'<{badge.url}>; rel="canonical"'
    assert links[1:] == [f'<{badge.url}{form}>; rel="alternate"; type="{kind}"' for form, kind in FORMS.items()]


@pytest.mark.parametrize("rest", ["", *FORMS, "/v1", "/v1.json", "/preview.png", "/qr.svg"])
@pytest.mark.parametrize(("state", "status", "problem"), [
    ("not shared", 404, "badge-not-found"), ("erased", 410, "badge-erased"),
])  # fmt: skip
def test_what_is_not_shared_or_erased_is_so_in_every_form(
    stage: Stage, client: TestClient, rest: str, state: str, status: int, problem: str
) -> None:
    answer = client.get(STATES[state][0](stage) + rest, headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert answer.json()["type"].endswith(problem)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert NAME not in answer.text


def test_a_badge_that_is_not_shared_cannot_be_told_from_none(stage: Stage, client: TestClient) -> None:
    hidden = stage.path(stage.issue(shared=False))
    for rest in ("", "/v1", "/preview.png", "/qr.svg"):
        one, none = (client.get(path + rest, headers=HTML) for path in (hidden, NOBODYS))
        assert one.status_code == none.status_code == 404
        strip = re.compile(r"[0-9a-f-]{36}|(?<=<code class=\"reference\">)[^<]*|\"reference\":\"[^\"]*\"")
        assert strip.sub("", one.text) == strip.sub("", none.text)


def test_the_address_of_a_badge_cannot_be_guessed(stage: Stage) -> None:
    ids = [uuid.UUID(stage.issue().credential_id) for _ in range(5)]
    assert {each.version for each in ids} == {4}
    assert len(set(ids)) == 5


def test_who_passes_the_address_on_gets_a_picture_without_the_holder(stage: Stage, client: TestClient) -> None:
    badge = stage.issue()
    page = client.get(stage.path(badge), headers=HTML).text
    meta = dict(re.findall(r'<meta property="og:([a-z:]+)" content="([^"]*)"', page))
    assert meta["image"] == f"{badge.url}/preview.png"
    assert (meta["image:width"], meta["image:height"], meta["url"]) == ("1200", "630", badge.url)
    assert meta["description"].startswith("Valid. ")
    picture = client.get(f"{stage.path(badge)}/preview.png")
    assert (picture.headers["Content-Type"], picture.headers["X-Robots-Tag"]) == ("image/png", "noindex")
    assert Image.open(io.BytesIO(picture.content)).size == (1200, 630)
    assert client.get(f"{stage.path(badge)}/preview.png").content == picture.content
    again = client.get(f"{stage.path(badge)}/preview.png", headers={"If-None-Match": picture.headers["ETag"]})
    assert again.status_code == 304


def test_the_picture_of_a_badge_that_has_ended_says_so(stage: Stage, client: TestClient) -> None:
    pictures = {
        state: client.get(STATES[state][0](stage) + "/preview.png").content
        for state in ("valid", "expired", "revoked", "suspended")
    }
    assert len(set(pictures.values())) == 4


def test_the_qr_code_is_the_address(stage: Stage, client: TestClient) -> None:
    first, second = stage.issue(), stage.issue()
    codes = [client.get(f"{stage.path(badge)}/qr.svg") for badge in (first, second)]
    assert codes[0].headers["Content-Type"] == "image/svg+xml"
    assert codes[0].content != codes[1].content
    assert codes[0].content == qr_svg(first.url)
    assert codes[0].content.startswith(b"<svg")


def test_a_problem_goes_by_the_visitors_own_mail_to_whom_the_operator_names(services: Services, stage: Stage) -> None:
    badge = stage.issue()
    settings = services.runtime.settings.model_copy(update={"contact_email": "badges@ips.example.org"})
    named = Services(runtime=replace(services.runtime, settings=settings), verifier=services.verifier)
    page = visitor(named).get(stage.path(badge), headers=HTML).text
    found = re.search(r'href="mailto:badges@ips\.example\.org\?subject=([^"]*)"', page)
    assert found
    body = unquote(found[1].replace("&amp;", "&"))
    assert badge.url in body
    assert "Valid" in body


def test_without_one_the_page_leads_to_the_issuer(stage: Stage, client: TestClient) -> None:
    page = client.get(stage.path(stage.issue()), headers=HTML).text
    assert "mailto:" not in page
    assert re.search(r'Tell the issuer: <a href="https://[^"]+"', page)


@pytest.mark.parametrize("wrong", ["nobody", "a@b@c", "a b@example.org", "a@example.org?cc=x@example.org", "<a@b.au>"])
def test_a_contact_that_is_no_single_address_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(ValueError, match="WAYMARK_CONTACT_EMAIL"):
        Settings(contact_email=wrong)


def test_the_paper_names_the_address_the_time_and_carries_the_code(stage: Stage, client: TestClient) -> None:
    badge = stage.issue()
    page = client.get(stage.path(badge), headers=HTML).text
    paper = page[page.index('class="paper') :]
    assert f"This page is at {badge.url}" in paper
    assert "It was checked <time" in paper
    assert f'src="{stage.path(badge)}/qr.svg"' in paper


def test_head_of_the_page_has_its_headers_and_no_body(stage: Stage, client: TestClient) -> None:
    answer = client.head(stage.path(stage.issue()), headers=HTML)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["X-Robots-Tag"] == "noindex"
