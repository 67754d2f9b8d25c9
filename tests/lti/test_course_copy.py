"""A copied course opens what its original opened, also where the LMS loses what the link says."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from app.core.db import Database
from app.lti import registrations
from app.lti.models import LtiGradeLink
from tests.lti.platform import DROP, TOOL, Browser, Platform

HOME = TOOL + "/lti/launch"


def opens(browser: Browser, platform: Platform, **claims: Any) -> str:
    """Where a learner's launch lands, below its session's root."""
    begun = browser.login(target_link_uri=HOME)
    message = platform.claims(begun.nonce, **{"target_link_uri": HOME, "custom": DROP} | claims)
    response = browser.launch(platform.sign(message), begun.state)
    assert response.status_code == 303, response.text
    root = response.headers["location"]
    return str(browser.get(root).headers["location"].removeprefix(root))


def test_a_link_that_names_nothing_opens_the_list(browser: Browser, platform: Platform) -> None:
    assert opens(browser, platform) == "modules"


def test_a_link_goes_on_opening_what_it_opened(browser: Browser, platform: Platform) -> None:
    assert opens(browser, platform, custom={"module": "M01"}) == "module"
    assert opens(browser, platform) == "module"
    assert opens(browser, platform, resource_link={"id": "another"}) == "modules"


def test_a_copied_link_opens_what_its_original_opened(browser: Browser, platform: Platform) -> None:
    opens(browser, platform, custom={"module": "M01", "activity": "reflection"})
    copied = {"resource_link": {"id": "copy"}, "context": {"id": "course-3"}}
    assert opens(browser, platform, **copied, custom={"resource_link_id_history": "link-5"}) == "activity/reflection"


def test_of_several_originals_the_newest_known_one_counts(browser: Browser, platform: Platform) -> None:
    opens(browser, platform, resource_link={"id": "oldest"}, custom={"view": "pathway"})
    opens(browser, platform, resource_link={"id": "older"}, custom={"module": "M01", "activity": "reflection"})
    history = {"resource_link_id_history": "never-seen, older ,oldest"}
    assert opens(browser, platform, resource_link={"id": "copy"}, custom=history) == "activity/reflection"


@pytest.mark.parametrize("value", ["$ResourceLink.id.history", "", ",,,", "x" * 300, "unknown"])
def test_a_history_that_says_nothing_is_passed_over(browser: Browser, platform: Platform, value: str) -> None:
    opens(browser, platform, custom={"module": "M01"})
    copied = {"resource_link": {"id": "copy"}, "custom": {"resource_link_id_history": value}}
    assert opens(browser, platform, **copied) == "modules"


def test_another_deployments_link_of_the_same_id_is_none_of_ours(
    browser: Browser, platform: Platform, database: Database
) -> None:
    opens(browser, platform, custom={"module": "M01"})
    with database.write() as session:
        registrations.approve(session, issuer=platform.issuer, client_id=platform.client_id, deployment="dep-2")
    assert opens(browser, platform, deployment_id="dep-2") == "modules"


def test_a_duplicated_activity_keeps_its_own_gradebook_column(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """Duplicates share resourceId and tag; a score for one must not land in the other's column."""
    first = {"scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"], "lineitem": "https://lms.example/i/1"}
    second = first | {"lineitem": "https://lms.example/i/2"}
    opens(browser, platform, custom={"module": "M01"}, ags=first)
    opens(browser, platform, custom={"module": "M01"}, ags=second, resource_link={"id": "duplicate"})
    with database.read() as session:
        links = session.exec(select(LtiGradeLink)).all()
    assert {link.resource_link_id: link.line_item_url for link in links} == {
        "link-5": "https://lms.example/i/1", "duplicate": "https://lms.example/i/2",
    }  # fmt: skip
