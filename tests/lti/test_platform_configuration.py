"""Whom a configuration may speak for, what it must have, and where this server never goes because of one."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.core.http import HttpClient
from app.core.secrets import SecretBox
from app.lti import openid_configuration, registrations
from app.lti.openid_configuration import PlatformConfiguration, read_configuration
from app.lti.platform_families import family_of
from app.lti.registration_errors import ConfigurationUnusable, ConnectionRefused
from app.lti.tool_configuration import tool_registration
from tests.databases import Maker
from tests.lti.conftest import everything
from tests.lti.platform import DROP, TOOL
from tests.lti.registering import (
    ALL_SCOPES,
    ANY_JSON,
    CANVAS_ISSUER,
    TOOL_CONFIGURATION,
    VENDOR,
    RegisteringPlatform,
    bound,
    hosted_canvas,
    keyed,
    on_the_internet,
    reaching,
    refused,
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


@pytest.fixture
def guarded(settings: Settings, database: Database, secret_box: SecretBox) -> TestClient:
    """The same, on the real network."""
    return bound(on_the_internet(settings), database, secret_box, HttpClient(allow_private_networks=False))


@pytest.fixture
def canvas(lms: RegisteringPlatform) -> RegisteringPlatform:
    lms.__dict__.update(hosted_canvas().__dict__)
    return lms


# Who may say what of whom


@pytest.mark.parametrize(
    "issuer",
    [
        "https://other.example", "https://lms.example.evil.example", "https://example", "https://sub.lms.example",
        "https://lms.example@evil.example", CANVAS_ISSUER, "https://blackboard.com", "https://nobody.invalid",
    ],
)  # fmt: skip
def test_nobody_registers_somebody_elses_issuer(
    house: TestClient, lms: RegisteringPlatform, database: Database, issuer: str
) -> None:
    lms.issuer = issuer
    slug = "connect-configuration-unusable" if "@" in issuer else "connect-issuer-elsewhere"
    refused(house, lms, database, slug)
    assert len(lms.requests) == 1, "nothing was sent after the configuration"


def test_hosted_canvas_speaks_for_its_schools(
    house: TestClient, canvas: RegisteringPlatform, database: Database
) -> None:
    answer = canvas.connects(house)
    assert answer.status_code == 200, text_of(answer)
    [row] = rows(database)
    assert (row.issuer, row.auth_login_url) == (CANVAS_ISSUER, "https://sso.canvaslms.com/api/lti/authorize_redirect")
    assert (row.name, row.account_name) == ("North Coast TAFE", "North Coast TAFE · pNu5:canvas-lms")
    assert row.audience is None, "its authorization_server is a bare host name; Canvas wants its token endpoint"
    assert registrations.platform_of(row).frame_origins == (
        CANVAS_ISSUER, "https://sso.canvaslms.com", "https://northcoast.instructure.com",
    )  # fmt: skip


def test_a_canvas_school_may_have_a_domain_of_its_own(
    house: TestClient, canvas: RegisteringPlatform, database: Database
) -> None:
    canvas.configuration_changes["registration_endpoint"] = "https://learn.tafe.example/api/lti/registrations"
    assert canvas.connects(house).status_code == 200
    assert "https://learn.tafe.example" in rows(database)[0].extra_frame_origins


@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("elsewhere", ["https://evil.example/x", "https://notinstructure.com/x"])
def test_whoever_speaks_for_canvas_leads_to_canvas(
    house: TestClient, canvas: RegisteringPlatform, database: Database, member: str, elsewhere: str
) -> None:
    canvas.configuration_changes[member] = elsewhere
    refused(house, canvas, database, "connect-endpoint-elsewhere")


def test_two_schools_of_one_canvas_are_two_registrations(
    house: TestClient, canvas: RegisteringPlatform, database: Database
) -> None:
    canvas.connects(house)
    canvas.new_token("token-2")
    canvas.client_id = "170000000000456"
    canvas.connects(house)
    assert sorted(row.client_id for row in rows(database)) == ["170000000000123", "170000000000456"]


def test_blackboards_portal_speaks_for_its_sites(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.root, lms.issuer = "https://developer.blackboard.com", "https://blackboard.com"
    lms.configuration_changes = {
        "registration_endpoint": "https://developer.blackboard.com/api/v1/gateway/registerLti?registrationToken=7f3c"
    }
    lms.lti_changes = {"product_family_code": "BlackboardLearn"}
    assert lms.connects(house).status_code == 200
    assert lms.requests[-1].url.query == b"registrationToken=7f3c"
    assert "7f3c" not in repr(everything(database))


def test_tools_are_registered_where_the_configuration_lies(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    """Otherwise anybody could have this server send a token of their choice to a third party."""
    lms.configuration_changes = {"registration_endpoint": "https://third.example/api/things"}
    refused(house, lms, database, "connect-endpoint-elsewhere")
    assert [request.url.host for request in lms.requests] == ["lms.example"]


@pytest.mark.parametrize(
    ("token_endpoint", "named", "kept"),
    [
        ("https://auth.brightspace.com/core/connect/token", "https://api.brightspace.com/auth/token", True),
        ("https://auth.brightspace.com/core/connect/token", DROP, True),
        ("https://lms.example/lti/token", "https://lms.example/oauth", True),
        ("https://lms.example/lti/token", "https://sso.canvaslms.com/login/oauth2/token", False),
        ("https://evil.example/token", "https://api.brightspace.com/auth/token", False),
    ],
)
def test_token_requests_are_made_out_to_whoever_gets_them(
    house: TestClient, lms: RegisteringPlatform, database: Database, token_endpoint: str, named: Any, kept: bool
) -> None:
    """A platform that names another's server as the audience could take our signed request there."""
    lms.lti_changes = {"product_family_code": "desire2learn"}
    lms.configuration_changes = {"token_endpoint": token_endpoint, "authorization_server": named}
    if not kept:
        refused(house, lms, database, "connect-endpoint-elsewhere")
        return
    assert lms.connects(house).status_code == 200
    assert rows(database)[0].audience == ("https://api.brightspace.com/auth/token" if named is DROP else named)


def test_a_practice_lms_may_speak_for_a_name_that_nobody_has(
    settings: Settings, database: Database, secret_box: SecretBox
) -> None:
    lms = RegisteringPlatform(root="http://lms.localhost:8100", issuer="https://canvas.practice.invalid")
    http = HttpClient(allow_private_networks=True, transport=httpx2.MockTransport(lms.handle))
    assert lms.connects(bound(settings, database, secret_box, http)).status_code == 200
    assert rows(database)[0].issuer == "https://canvas.practice.invalid"


# Bad configurations

ADDRESSES = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")


def judged(lms: RegisteringPlatform) -> PlatformConfiguration:
    return read_configuration(lms.configuration(), lms.configuration_url, allow_private=False)


@pytest.mark.parametrize("member", ADDRESSES)
@pytest.mark.parametrize(
    "value",
    [
        DROP, None, "", 7, ["https://lms.example"], {"a": 1}, "ftp://lms.example/x", "https://", "//lms.example/x",
        "https://lms.example/x#part", "https://lms.example\\@evil.example/", "https://lms.example/a b", "x" * 3000,
        "https://me:secret@lms.example/", "https://lms.example:port/", "javascript:alert(1)", "https://lms.example/\ud800",
        "http://lms.example/x",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_named(lms: RegisteringPlatform, member: str, value: Any) -> None:
    lms.configuration_changes = {member: value}
    with pytest.raises(ConfigurationUnusable, match=f"“{member}”"):
        judged(lms)


def test_an_address_that_cannot_be_used_is_told_on_a_page(
    house: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    lms.configuration_changes = {"jwks_uri": "http://lms.example/<script>"}
    answer = refused(house, lms, database, "connect-configuration-unusable")
    assert "“jwks_uri” is not an https address" in answer.text
    assert len(lms.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<!doctype html><html><body>Please log in</body></html>", b"[]", b'"text"', b"null", b"{", b"\xff\xfe",
        b"[" * 100_000, b'{"issuer": ' + b"9" * 5000 + b"}", b'{"issuer":1e999}',
    ],
)  # fmt: skip
def test_a_configuration_that_is_none_is_told(
    house: TestClient, lms: RegisteringPlatform, database: Database, body: bytes
) -> None:
    lms.configuration_answer = httpx2.Response(200, content=body)
    refused(house, lms, database, "connect-configuration-unusable")


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 403, 404, 500, 503])
def test_an_lms_that_does_not_show_its_configuration_is_told(
    house: TestClient, lms: RegisteringPlatform, database: Database, status: int
) -> None:
    lms.configuration_answer = httpx2.Response(status, content=b"")
    expected = "connect-configuration-unusable" if status < 300 else "connect-configuration-refused"
    refused(house, lms, database, expected)


def test_ten_megabytes_are_not_read(house: TestClient, lms: RegisteringPlatform, database: Database) -> None:
    lms.configuration_answer = httpx2.Response(200, content=b" " * 10_000_000)
    answer = refused(house, lms, database, "connect-configuration-unreachable")
    assert "larger than 200,000 bytes" in answer.text


@pytest.mark.parametrize("at", ["configuration_answer", "registration_answer"])
def test_an_lms_that_breaks_off_is_told(
    house: TestClient, lms: RegisteringPlatform, database: Database, at: str
) -> None:
    setattr(lms, at, httpx2.ConnectError("no"))
    answer = refused(house, lms, database, "connect-configuration-unreachable")
    assert ("unfinished tool called Waymark" in answer.text) == (at == "registration_answer")


@pytest.mark.parametrize("value", [7, None, "openid", {"a": 1}, [7], ["openid"], [["a"]]])
def test_optional_members_of_a_wrong_type_count_as_absent(
    house: TestClient, lms: RegisteringPlatform, value: Any
) -> None:
    lms.configuration_changes = {"scopes_supported": value, "authorization_server": value}
    lms.lti_changes = dict.fromkeys(("messages_supported", "product_family_code", VENDOR + "account_name"), value)
    if not isinstance(value, str):
        assert lms.connects(house).status_code == 200
        assert lms.sent["scope"].split() == ALL_SCOPES
        assert [each["type"] for each in lms.sent[TOOL_CONFIGURATION]["messages"]] == [
            "LtiResourceLinkRequest", "LtiDeepLinkingRequest",
        ]  # fmt: skip


def test_an_lms_that_says_nothing_of_lti_is_taken_all_the_same(house: TestClient, lms: RegisteringPlatform) -> None:
    lms.configuration_changes = {"https://purl.imsglobal.org/spec/lti-platform-configuration": DROP}
    assert lms.connects(house).status_code == 200


# Requests that nobody should make


@pytest.mark.parametrize(
    "changes",
    [
        {"openid_configuration": "lms.example"}, {"openid_configuration": "ftp://lms.example/"},
        {"openid_configuration": "https://lms.example/#a"}, {"openid_configuration": "https://a@lms.example/"},
        {"openid_configuration": "https://lms.example/\r\nX: y"}, {"openid_configuration": "\0"},
        {"openid_configuration": "https://lms.example/" + "a" * 3000}, {"openid_configuration": TOOL + "/lti/jwks"},
        {"registration_token": "a b"}, {"registration_token": "a\r\nX-Evil: 1"}, {"registration_token": "a" * 9000},
        {"registration_token": "Ünicode"},
    ],
)  # fmt: skip
def test_odd_parameters_send_this_server_nowhere(
    house: TestClient, lms: RegisteringPlatform, database: Database, changes: dict[str, str]
) -> None:
    refused(house, lms, database, "connect-request-unusable", **changes)
    assert lms.requests == []


def test_plain_http_and_odd_ports_are_left_to_the_guard(
    guarded: TestClient, lms: RegisteringPlatform, database: Database
) -> None:
    refused(guarded, lms, database, "connect-configuration-unreachable", openid_configuration="http://lms.example/c")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/c", "https://localhost/c", "https://lms.localhost/c", "https://[::1]/c", "https://10.0.0.7/c",
        "https://192.168.1.2/c", "https://169.254.169.254/latest/meta-data", "https://[fd00::1]/c", "https://0/c",
        "https://[::ffff:10.0.0.1]/c", "https://2130706433/c", "https://0x7f.1/c",
    ],
)  # fmt: skip
def test_private_addresses_are_not_fetched(
    guarded: TestClient, lms: RegisteringPlatform, database: Database, url: str
) -> None:
    answer = refused(guarded, lms, database, "connect-configuration-unreachable", openid_configuration=url)
    assert "private network" in answer.text or "could not be found" in answer.text


def test_a_name_that_leads_to_a_private_address_is_not_fetched(
    guarded: TestClient, lms: RegisteringPlatform, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
    answer = refused(guarded, lms, database, "connect-configuration-unreachable")
    assert "private network" in answer.text


@pytest.mark.parametrize("target", ["https://evil.example/c", "https://10.0.0.1/c", "http://169.254.169.254/"])
def test_a_redirect_to_another_host_is_not_followed(
    house: TestClient, lms: RegisteringPlatform, database: Database, target: str
) -> None:
    lms.configuration_answer = httpx2.Response(302, headers={"Location": target})
    refused(house, lms, database, "connect-configuration-unreachable")
    assert [request.url.host for request in lms.requests] == ["lms.example"], "and the token stays there"


class _Slow(http.server.BaseHTTPRequestHandler):
    """Answers letter by letter, until the other side has had enough."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.over.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(b" ")
                self.wfile.flush()
        except OSError:
            return

    def log_message(self, *_arguments: object) -> None:
        return


@pytest.fixture
def slow_lms() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.over = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.over.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_slow_lms_is_given_up(
    settings: Settings,
    database: Database,
    secret_box: SecretBox,
    slow_lms: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openid_configuration, "TIMEOUT", 0.3)
    client = bound(settings, database, secret_box, HttpClient(allow_private_networks=True))
    lms = RegisteringPlatform(root=slow_lms)
    answer = refused(client, lms, database, "connect-configuration-unreachable")
    assert "took too long" in answer.text or "ReadTimeout" in answer.text


# Whatever a stranger may write

_MEMBERS = [*RegisteringPlatform().configuration(), "authorization_server"]
_LTI_MEMBERS = ["product_family_code", "messages_supported", VENDOR + "account_name", VENDOR + "account_lti_guid"]


@given(
    changes=st.dictionaries(st.sampled_from(_MEMBERS), ANY_JSON, max_size=4),
    lti=st.dictionaries(st.sampled_from(_LTI_MEMBERS), ANY_JSON, max_size=4),
    base=st.sampled_from([RegisteringPlatform(), hosted_canvas()]),
)
def test_no_configuration_is_an_error_of_ours(
    changes: dict[str, Any], lti: dict[str, Any], base: RegisteringPlatform
) -> None:
    platform = RegisteringPlatform(
        root=base.root,
        configuration_changes=base.configuration_changes | changes,
        lti_changes=base.lti_changes | lti,
    )
    try:
        read = read_configuration(platform.configuration(), platform.configuration_url, allow_private=False)
    except ConnectionRefused:
        return
    assert isinstance(read, PlatformConfiguration)
    sent = tool_registration(TOOL, family_of(read.product_family), read)
    assert json.loads(json.dumps(sent)) == sent
    assert set(sent["scope"].split()) <= set(ALL_SCOPES)


@given(document=ANY_JSON)
def test_no_document_is_an_error_of_ours(document: Any) -> None:
    if isinstance(document, dict):
        with pytest.raises(ConnectionRefused):
            read_configuration(document, "https://lms.example/c", allow_private=True)
