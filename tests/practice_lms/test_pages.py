"""The pages: what they show, whom they let in, and what they let a browser do."""

import re

import pytest
from starlette.testclient import TestClient

from practice_lms import PracticeLms
from tests.practice_lms.stub_tool import StubTool

PAGES = ["/", "/course", "/course/foundations/activity/m01", "/gradebook", "/mail", "/admin"]


@pytest.mark.parametrize("path", [*PAGES, "/course/foundations/activity/m01/launch", "/nowhere", "/course/x/return"])
def test_every_page_forbids_inline_code_and_everything_remote(tool: StubTool, path: str) -> None:
    tool.sign_in("ali")

    answer = tool.client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", answer.text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!lms\.localhost|tool\.localhost)', answer.text)
    assert '<html lang="en-AU">' in answer.text
    assert len(re.findall("<h1[ >]", answer.text)) == 1


@pytest.mark.parametrize(("person", "place"), [("tess", "/course"), ("priya", "/course"), ("ali", "/admin")])
def test_signing_in_leads_to_the_right_page(client: TestClient, person: str, place: str) -> None:
    answer = client.post("/sign-in", data={"user": person}, follow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (303, place)
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=lax" in answer.headers["Set-Cookie"]
    assert f"You are </span><strong>{person.title()}" in client.get("/").text


def test_an_unknown_person_cannot_sign_in(client: TestClient) -> None:
    assert client.post("/sign-in", data={"user": "<b>"}).status_code == 400


@pytest.mark.parametrize("path", ["/course", "/course/foundations/activity/m01"])
def test_nobody_is_led_to_the_first_page(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_nobody_cannot_launch(client: TestClient) -> None:
    assert client.get("/course/foundations/activity/m01/launch").status_code == 403


def test_signing_out_ends_the_session(tool: StubTool) -> None:
    tool.sign_in("tess")
    cookie = dict(tool.client.cookies)
    tool.client.post("/sign-out")
    tool.client.cookies.update(cookie)

    assert tool.client.get("/course", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-out", "/admin/outage", "/admin/rotate-key", "/admin/revoke-tokens"]
)
@pytest.mark.parametrize("origin", ["http://tool.localhost:8000", "null", "https://evil.example"])
def test_a_form_of_another_site_is_refused(tool: StubTool, path: str, origin: str) -> None:
    tool.sign_in("ali")

    assert tool.client.post(path, data={"user": "tess", "seconds": "9"}, headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/admin"), ("POST", "/admin/outage"), ("POST", "/admin/rotate-key"), ("POST", "/admin/revoke-tokens")],
)
def test_the_platform_page_is_for_ali(tool: StubTool, method: str, path: str) -> None:
    tool.sign_in("tess")

    assert tool.client.request(method, path).status_code == 403


@pytest.mark.parametrize("seconds", ["", "-1", "abc", "3601", "١"])
def test_an_outage_of_nonsense_length_is_refused(tool: StubTool, lms: PracticeLms, seconds: str) -> None:
    tool.sign_in("ali")

    assert tool.client.post("/admin/outage", data={"seconds": seconds}).status_code == 400
    assert lms.outage_seconds_left() == 0


def test_the_platform_page_shows_the_registration_and_what_was_refused(tool: StubTool) -> None:
    tool.sign_in("ali")
    assert "Nothing has been refused so far" in tool.client.get("/admin").text
    tool.client.get("/auth", params={"client_id": "<script>"})

    page = tool.client.get("/admin").text

    for value in ("http://127.0.0.1:8100/token", "waymark-practice", "http://127.0.0.1:8100/jwks"):
        assert f"<code>{value}</code>" in page
    assert "client_id is not registered here." in page


def test_the_launch_frame_may_hold_the_tool_and_nothing_else(tool: StubTool) -> None:
    tool.sign_in("tess")

    answer = tool.client.get("/course/foundations/activity/m01")

    assert "frame-src 'self' http://tool.localhost:8000;" in answer.headers["Content-Security-Policy"]
    assert re.search(r'<iframe[^>]* title="M01 What Makes IPS, IPS', answer.text)


def test_only_pages_meant_for_the_frame_may_be_framed(tool: StubTool) -> None:
    tool.sign_in("tess")
    for path in ("/", "/course", "/gradebook"):
        assert "frame-ancestors 'none'" in tool.client.get(path).headers["Content-Security-Policy"]
    for path in ("/course/foundations/activity/m01/launch", "/course/foundations/return", "/auth"):
        assert "frame-ancestors 'self'" in tool.client.get(path).headers["Content-Security-Policy"]


def test_a_message_of_the_tool_is_shown_as_text(client: TestClient) -> None:
    answer = client.get("/course/foundations/return", params={"lti_errormsg": "<img src=x>", "lti_msg": "Saved."})

    assert "&lt;img src=x&gt;" in answer.text
    assert "Saved." in answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/course/nowhere/activity/m01", "/course/foundations/activity/m99"])
def test_a_page_that_does_not_exist_says_so(tool: StubTool, path: str) -> None:
    tool.sign_in("tess")
    answer = tool.client.get(path)

    assert answer.status_code == 404
    assert "There is no" in answer.text


def test_an_unknown_way_to_open_is_refused(tool: StubTool) -> None:
    tool.sign_in("tess")

    assert tool.client.get("/course/foundations/activity/m01/launch?target=popup").status_code == 400


def test_an_empty_gradebook_teaches(client: TestClient) -> None:
    assert "No grade has arrived yet" in client.get("/gradebook").text


@pytest.mark.parametrize("host", ["127.0.0.1:8100", "localhost:8100"])
def test_a_browser_that_came_by_address_is_led_to_the_name(client: TestClient, host: str) -> None:
    answer = client.get("/mail?a=b", headers={"Host": host, "Accept": "text/html"}, follow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (307, "http://lms.localhost:8100/mail?a=b")
    assert client.get("/jwks", headers={"Host": host}, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:9999"])
def test_no_other_host_is_ever_redirected_to(client: TestClient, host: str) -> None:
    answer = client.get("//evil.example/", headers={"Host": host, "Accept": "text/html"}, follow_redirects=False)

    assert "Location" not in answer.headers
