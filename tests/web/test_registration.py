"""The pages that an LMS's administrator sees while connecting it, and Canvas's configuration for doing it by hand."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape

import httpx2
import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.core.secrets import SecretBox
from app.lti import registrations
from tests.databases import Maker
from tests.docs.test_what_is_described_exists import check_waymark
from tests.lti.platform import TOOL
from tests.lti.registering import (
    AGS,
    CANVAS_ISSUER,
    VENDOR,
    RegisteringPlatform,
    approve,
    bound,
    hosted_canvas,
    keyed,
    on_the_internet,
    reaching,
    rows,
    text_of,
)


@pytest.fixture(scope="session")
def keyed_template(maker: Maker) -> str:
    return keyed(maker)


@pytest.fixture
def template(keyed_template: str) -> str:
    return keyed_template


@pytest.fixture
def lms() -> RegisteringPlatform:
    return RegisteringPlatform()


@pytest.fixture
def house(settings: Settings, database: Database, secret_box: SecretBox, lms: RegisteringPlatform) -> TestClient:
    return bound(on_the_internet(settings), database, secret_box, reaching(lms))


def policy(answer: httpx2.Response) -> str:
    """Who may frame an answer."""
    return answer.headers["content-security-policy"].rpartition("frame-ancestors ")[2]


def command_on(answer: httpx2.Response) -> list[str]:
    """The line that approves, as a shell reads it."""
    found = re.search(r'id="command"[^>]*>\n([^<]*)</textarea>', answer.text)
    assert found is not None
    return shlex.split(unescape(found.group(1)))


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("waymark_lti_registrations_total", {"outcome": outcome}) or 0.0


def test_the_page_may_be_framed_by_the_lms_and_by_nobody_else(house: TestClient, lms: RegisteringPlatform) -> None:
    assert policy(lms.connects(house)) == "'self' https://lms.example"


def test_the_page_of_a_shared_issuer_may_be_framed_under_any_of_its_schools_addresses(
    house: TestClient, lms: RegisteringPlatform
) -> None:
    """An administrator of Canvas may see it under a domain that Canvas does not name. Nothing on it can be stolen."""
    lms.__dict__.update(hosted_canvas().__dict__)
    assert policy(lms.connects(house)) == "*"


def test_the_page_needs_and_sets_no_cookie_and_is_not_kept(house: TestClient, lms: RegisteringPlatform) -> None:
    answer = lms.connects(house)
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert lms.token is not None
    assert lms.token not in answer.text


def test_the_page_says_who_what_and_what_next(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.lti_changes = {"product_family_code": "moodle"}
    answer = lms.connects(house)
    text = text_of(answer)
    assert "Connected, and waiting for approval" in text
    assert "In Moodle: choose Activate on the card that says Waymark" in text
    assert "Issuer https://lms.example Client id client-77 Deployment id 5" in text
    assert text.count("Given") == 4
    assert 'data-close-seconds="5"' in answer.text
    assert command_on(answer) == [
        "waymark", "platform", "approve", "--issuer", "https://lms.example", "--client-id", "client-77",
        "--deployment", "5",
    ]  # fmt: skip


def test_the_line_that_approves_can_be_typed_and_does_it(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    words = command_on(lms.connects(house))
    check_waymark(words[1:])
    named = dict(zip(words[3::2], words[4::2], strict=True))
    with database.write() as session:
        registrations.approve(
            session, issuer=named["--issuer"], client_id=named["--client-id"], deployment=named["--deployment"]
        )
    assert rows(database)[0].state == "active"


@pytest.mark.parametrize("evil", ["x; rm -rf ~", "$(id)", "`id`", "a'b\"c", "--help", "-h", "a b", "a&&b", "*", "#"])
def test_what_an_lms_calls_things_is_harmless_in_a_shell(
    house: TestClient, lms: RegisteringPlatform, evil: str
) -> None:
    lms.client_id = lms.deployment_id = evil
    words = command_on(lms.connects(house))
    assert words[:5] == ["waymark", "platform", "approve", "--issuer", "https://lms.example"]
    if evil.startswith("-"):
        assert words[5:] == [f"--client-id={evil}", f"--deployment={evil}"]
    else:
        assert words[5:] == ["--client-id", evil, "--deployment", evil]


def test_what_an_lms_calls_things_is_harmless_on_the_page(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.lti_changes = {"product_family_code": "canvas", VENDOR + "account_name": '<img src=x onerror="alert(1)">'}
    lms.client_id = '"><script>alert(1)</script>'
    text = lms.connects(house).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_a_page_that_names_something_missing_stays_open(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.answer_changes = {"scope": AGS + "score"}
    answer = lms.connects(house)
    assert "data-close-seconds" not in answer.text
    assert "data-close-now" in answer.text
    assert "Waymark works without what was not given" in answer.text


def test_scopes_that_the_lms_does_not_have_are_named_too(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.configuration_changes = {"scopes_supported": [AGS + "score"]}
    assert "Reading course lists Not given" in text_of(lms.connects(house))


def test_canvas_is_told_as_the_school_and_where_its_deployment_stands(
    house: TestClient, lms: RegisteringPlatform
) -> None:
    lms.__dict__.update(hosted_canvas().__dict__)
    tool = {VENDOR + "registration_config_url": "https://northcoast.instructure.com/api/lti/registrations/7/view"}
    lms.answer_changes = {"https://purl.imsglobal.org/spec/lti-tool-configuration": tool}
    answer = lms.connects(house)
    text = text_of(answer)
    assert "Account North Coast TAFE" in text
    assert "Canvas has not told its deployment id. The first launch tells it" in text
    assert "Deployment id Not told yet" in text
    assert 'href="https://northcoast.instructure.com/api/lti/registrations/7/view"' in answer.text
    assert command_on(answer)[3:] == ["--issuer", CANVAS_ISSUER, "--client-id", "170000000000123"]


@pytest.mark.parametrize("url", ["https://evil.example/x", "javascript:alert(1)", 7, "http://lms.example/x"])
def test_a_settings_page_elsewhere_is_no_link(house: TestClient, lms: RegisteringPlatform, url: object) -> None:
    tool = {VENDOR + "registration_config_url": url, "deployment_id": "5"}
    lms.answer_changes = {"https://purl.imsglobal.org/spec/lti-tool-configuration": tool}
    answer = lms.connects(house)
    assert answer.status_code == 200
    assert 'target="_blank"' not in answer.text


def test_an_approved_lms_is_not_sent_to_an_operator_again(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.connects(house)
    approve(database, rows(database)[0])
    lms.new_token("token-2")
    answer = lms.connects(house)
    assert "Your LMS is connected" in answer.text
    assert 'id="command"' not in answer.text


def test_somebody_who_opens_the_address_by_hand_is_told_where_to_paste_it(house: TestClient) -> None:
    answer = house.get("/lti/register", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert f'value="{TOOL}/lti/register"' in answer.text
    assert "Moodle" in answer.text


def test_a_failure_is_a_page_in_the_frame_with_a_way_out(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.registration_answer = httpx2.Response(422, json={"error": "Name is taken"})
    answer = lms.connects(house)
    assert answer.status_code == 400
    assert policy(answer) == "*"
    assert "Name is taken" in answer.text
    assert "data-close-now" in answer.text
    assert answer.headers["x-request-id"] in answer.text


def test_a_program_gets_a_problem_instead_of_a_page(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.configuration_answer = httpx2.Response(404)
    answer = house.get(lms.page(), headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:waymark:error:connect-configuration-refused"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
def test_only_a_get_registers(house: TestClient, lms: RegisteringPlatform, method: str) -> None:
    assert house.request(method, lms.page()).status_code == 405
    assert lms.requests == []


def test_every_registration_is_counted_and_leaves_a_line_without_addresses(
    house: TestClient, lms: RegisteringPlatform, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    good, bad = counted("ok"), counted("connect-issuer-elsewhere")
    lms.connects(house)
    lms.issuer = "https://other.example"
    lms.connects(house)
    assert (counted("ok"), counted("connect-issuer-elsewhere")) == (good + 1, bad + 1)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"lti.registration"' in line]
    assert [(line["outcome"], line["registration_id"]) for line in lines] == [
        ("ok", rows(database)[0].id), ("connect-issuer-elsewhere", None),
    ]  # fmt: skip
    assert "lms.example" not in json.dumps(lines)


def test_canvas_reads_its_configuration_from_an_address(house: TestClient) -> None:
    answer = house.get("/lti/canvas.json")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["target_link_uri"] == f"{TOOL}/lti/launch"
    assert document["oidc_initiation_url"] == f"{TOOL}/lti/login"
    assert document["public_jwk_url"] == f"{TOOL}/lti/jwks"
    [extension] = document["extensions"]
    assert extension["domain"] == "tool.localhost:8000"
    assert extension["privacy_level"] == "public"
    placements = {each["placement"]: each["message_type"] for each in extension["settings"]["placements"]}
    assert placements == {
        "assignment_selection": "LtiDeepLinkingRequest",
        "link_selection": "LtiDeepLinkingRequest",
        "module_index_menu_modal": "LtiDeepLinkingRequest",
        "course_navigation": "LtiResourceLinkRequest",
    }
    assert all(isinstance(value, str) for value in document["custom_fields"].values())


def test_everything_we_tell_of_ourselves_is_there(house: TestClient, lms: RegisteringPlatform) -> None:
    """Every address of ours in the registration answers; the picture is a picture."""
    lms.connects(house)
    sent = lms.sent
    assert house.get(sent["jwks_uri"].removeprefix(TOOL)).json()["keys"]
    logo = house.get(sent["logo_uri"].removeprefix(TOOL))
    assert logo.headers["content-type"].startswith("image/svg+xml")
    assert house.get(sent["client_uri"].removeprefix(TOOL) + "/").status_code == 200
    for path in (sent["initiate_login_uri"], *sent["redirect_uris"]):
        assert house.post(path.removeprefix(TOOL)).status_code == 400, "there, and not content with nothing"
