"""The practice LMS over real HTTP, for what a test client cannot carry."""

from __future__ import annotations

import html
import re
import time

import httpx2
import pytest

from practice_lms import KeyRing, Settings, add_activity, serving
from practice_lms.scopes import LINE_ITEMS
from tests import loopback
from tests.practice_lms.stub_tool import TOOL_KEY, StubTool


@pytest.fixture
def keys(shared_keys: KeyRing) -> KeyRing:
    return KeyRing(shared_keys.current, shared_keys.upcoming, shared_keys.hint_key)


def test_moodles_paging_link_is_escaped_for_html_and_quoted_for_print(keys: KeyRing) -> None:
    with (
        serving(Settings(profile="moodle", port=0), keys=keys) as lms,
        httpx2.Client(trust_env=False, timeout=60) as client,
    ):
        add_activity(lms, "foundations", title="More")
        token = lms.issue_access_token(lms.tool.scopes, lms.tool.client_id)
        headers = {"Authorization": f"Bearer {token}", "Accept": LINE_ITEMS}
        url = f"{lms.settings.back_url}/ags/foundations/lineitems?type_id=1"

        page = client.get(f"{url}&limit=1", headers=headers)

        raw = dict(page.headers.raw)[b"link"].decode()
        assert raw == f"<{url}&amp;limit=1&amp;from=1>; rel=“next”"
        assert len(page.json()) == 1
        following = html.unescape(re.findall("<(.+)>", raw)[0])
        assert [item["label"] for item in client.get(following, headers=headers).json()] == ["More"]
        assert "link" not in client.get(url, headers=headers).headers


def test_a_free_port_is_chosen_and_given_back(keys: KeyRing) -> None:
    with serving(keys=keys) as first, serving(keys=keys) as second:
        assert first.settings.port != second.settings.port
        for lms in (first, second):
            assert loopback.get(f"{lms.settings.back_url}/healthz").json() == {"status": "ok"}
        told = loopback.get(f"{first.settings.back_url}/admin/api/state").json()
    assert told["profile"] == "standard"
    with pytest.raises(httpx2.ConnectError):
        loopback.get(f"{first.settings.back_url}/healthz")


def test_a_port_that_is_taken_is_told(keys: KeyRing) -> None:
    with serving(keys=keys) as lms:
        second = serving(Settings(port=lms.settings.port), keys=keys)
        with pytest.raises(OSError, match="in use"):
            second.__enter__()


def test_a_token_request_over_the_network_fetches_the_tools_keys_from_the_back_channel(keys: KeyRing) -> None:
    with serving(Settings(profile="d2l", port=0, tool_backchannel_url="http://127.0.0.1:1"), keys=keys) as lms:
        assertion = StubTool(None, lms.settings).assertion(time.time(), key=TOOL_KEY)  # type: ignore[arg-type]
        form = {"grant_type": "client_credentials", "client_assertion": assertion}
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

        answer = loopback.post(lms.settings.token_url, data=form)

    assert answer.status_code == 400
    assert "http://127.0.0.1:1/lti/jwks could not be fetched" in answer.json()["error_description"]
