"""One URL pasted into an LMS that shares no code with us, over real HTTP: then a launch just works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from app.config import Settings
from app.core.db import Database
from app.core.secrets import SecretBox
from app.lti import registrations
from app.lti.models import LtiRegistration
from practice_lms import Settings as LmsSettings
from practice_lms import serving
from practice_lms.lms import PracticeLms
from practice_lms.registration import begin_registration
from tests.loopback import PatientHttpClient
from tests.lti.registering import ROSTER, bound, deployments, rows, text_of
from tests.ports import free_ports
from tests.serving import served
from tests.system.walker import Walker, form_in

PROFILES = ("standard", "moodle", "canvas", "d2l")


@dataclass
class Pair:
    """A tool and an LMS, each on a port of its own."""

    lms: str
    tool: str
    platform: PracticeLms
    database: Database

    def connect(self, **begun: Any) -> httpx2.Response:
        """Ali pastes our address; the LMS opens our page."""
        return self.open(begin_registration(self.platform, **begun).url)

    def open(self, url: str) -> httpx2.Response:
        return Walker(self).get(url)  # type: ignore[arg-type]

    def approve(self, row: LtiRegistration, deployment: str) -> None:
        """Both sides say yes."""
        with self.database.write() as session:
            registrations.approve(session, issuer=row.issuer, client_id=row.client_id, deployment=deployment)
        self.platform.use_tool(row.client_id)

    def launch(self) -> httpx2.Response:
        """Tess opens the activity."""
        walker = Walker(self)  # type: ignore[arg-type]
        walker.sign_in("tess")
        page = walker.get(f"{self.lms}/course/foundations/activity/m01/launch")
        for _ in range(3):
            action, fields = form_in(page)
            fields.pop("lti_storage_target", None)  # a browser without scripts keeps cookies or nothing
            page = walker.post(action, fields, origin=self.lms)
            if page.status_code == 302:
                page = walker.get(page.headers["location"])
            if page.status_code == 303:
                break
        return page


@contextmanager
def tool_on(port: int, settings: Settings, database: Database, secret_box: SecretBox) -> Iterator[None]:
    way_out = PatientHttpClient()
    client = bound(settings, database, secret_box, way_out)
    try:
        with served(client.app, port):
            yield
    finally:
        way_out._client.close()


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def pair(profile: str, settings: Settings, database: Database, secret_box: SecretBox) -> Iterator[Pair]:
    [port] = free_ports(1)
    tool = f"http://tool.localhost:{port}"
    lms_settings = LmsSettings(
        profile=profile, port=0, tool_url=tool, tool_backchannel_url=f"http://127.0.0.1:{port}", hint_seconds=600
    )
    with (
        tool_on(port, settings.model_copy(update={"base_url": tool}), database, secret_box),
        serving(lms_settings) as platform,
    ):
        yield Pair(platform.settings.front_url, tool, platform, database)


def test_one_url_and_a_yes_on_both_sides_and_a_launch_works(pair: Pair, database: Database) -> None:
    page = pair.connect()
    assert page.status_code == 200, text_of(page)
    [row] = rows(database)
    registered = pair.platform.tools[row.client_id]
    assert (registered.source, registered.state) == ("dynamic", "pending")
    assert (row.state, row.issuer) == ("pending", pair.platform.settings.issuer)
    assert set(row.granted_scopes) == set(registered.scopes)
    assert registered.shared == {"name", "given_name", "family_name", "email"}
    knows = pair.platform.settings.plays.knows_deployment_at_once
    assert deployments(database) == ({registered.deployment_id: "pending"} if knows else {})
    pair.approve(row, registered.deployment_id)
    launched = pair.launch()
    assert launched.status_code == 303, text_of(launched)
    assert launched.headers["location"].startswith("/at/")


@pytest.mark.parametrize("profile", ["moodle", "d2l"], indirect=True)
def test_the_same_link_again_is_refused_and_the_connection_stands(pair: Pair, database: Database) -> None:
    begun = begin_registration(pair.platform)
    assert pair.open(begun.url).status_code == 200
    again = pair.open(begun.url)
    assert again.status_code == 400
    assert "This link was already used" in again.text
    assert len(rows(database)) == 1


@pytest.mark.parametrize("profile", ["moodle"], indirect=True)
def test_moodles_update_keeps_the_connection_approved(pair: Pair, database: Database) -> None:
    pair.connect()
    [row] = rows(database)
    pair.approve(row, pair.platform.tools[row.client_id].deployment_id)
    page = pair.connect(update=row.client_id)
    assert "This connection was approved before and stays so" in page.text
    assert [each.state for each in rows(database)] == ["active"]
    assert pair.launch().status_code == 303


@pytest.mark.parametrize("profile", ["d2l"], indirect=True)
def test_the_words_of_an_lms_that_has_us_already_are_shown(pair: Pair, database: Database) -> None:
    assert pair.connect().status_code == 200
    again = pair.connect()
    assert again.status_code == 400
    assert "A tool of this name is registered already." in again.text
    assert len(rows(database)) == 1


@pytest.mark.parametrize("profile", ["moodle", "canvas"], indirect=True)
def test_services_that_are_withheld_are_named(pair: Pair, database: Database) -> None:
    pair.platform.withheld_scopes = frozenset({ROSTER})
    page = pair.connect()
    assert "Reading course lists Not given" in text_of(page)
    assert ROSTER not in rows(database)[0].granted_scopes


@pytest.mark.parametrize("profile", ["moodle"], indirect=True)
@pytest.mark.parametrize("how", ["html", "huge", "status"])
def test_an_lms_in_trouble_is_told_and_nothing_is_entered(pair: Pair, database: Database, how: str) -> None:
    pair.platform.trouble.start("registration", how=how)
    page = pair.connect()
    assert page.status_code == 400
    assert "<h1" in page.text
    assert rows(database) == []
