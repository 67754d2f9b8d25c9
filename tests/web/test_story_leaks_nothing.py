"""The whole story, launch to badge, with everything that is logged, audited and passed on looked through for anything
that is a person's or a secret; and with an eye on what goes out while a transaction is open.
"""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import re
import smtplib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
import structlog
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.db import Database, WriteSession, metadata
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.logging import configure
from app.main import create_app
from app.people import service as people
from app.wiring import Services, build_worker
from tests.lti.conftest import register
from tests.lti.platform import INSTRUCTOR, Browser, Platform
from tests.messages.post import Post, mailing, running
from tests.web.people import hand_in

TESS = {"sub": "subject-41", "name": "Tess Nguyen", "email": "tess@example.org"}
PRIYA = {
    "sub": "subject-77", "name": "Priya Raman", "given_name": "Priya", "family_name": "Raman",
    "email": "priya.raman@example.org", "roles": [INSTRUCTOR],
}  # fmt: skip
PERSONAL = (
    "tess@", "Tess", "Nguyen", "Raman", "priya.raman", "subject-41", "subject-77", "user 41", "user+41",
    "confirmed.address", "A private thought", "An assessor's remark", "mallory@", "Centre manager",
)  # fmt: skip
IDS_ONLY = ("audit_entry", "outbox_event", "outbox_delivery", "message_sent_mail", "lti_score")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Logs as the server writes them, at their most talkative."""
    lines = io.StringIO()
    monkeypatch.setattr(sys, "stderr", lines)
    configure(level="DEBUG", json=True)
    yield lines
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


class Watch:
    """Counts what goes out, and notes what goes out while this thread has a transaction open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outgoing = 0
        self.inside: list[str] = []
        self._open = threading.local()
        self._real_write = Database.write
        self._real_request, self._real_smtp = HttpClient.request, smtplib.SMTP.connect
        watch = self

        @contextmanager
        def write(database: Database) -> Iterator[WriteSession]:
            with watch._real_write(database) as session:
                watch._open.depth = getattr(watch._open, "depth", 0) + 1
                try:
                    yield session
                finally:
                    watch._open.depth -= 1

        def request(client: HttpClient, method: str, url: str, **options: Any) -> Any:
            watch.note(url)
            return watch._real_request(client, method, url, **options)

        def connect(server: smtplib.SMTP, *arguments: Any, **options: Any) -> Any:
            watch.note("smtp")
            return watch._real_smtp(server, *arguments, **options)

        monkeypatch.setattr(Database, "write", write)
        monkeypatch.setattr(HttpClient, "request", request)
        monkeypatch.setattr(smtplib.SMTP, "connect", connect)

    def note(self, what: str) -> None:
        self.outgoing += 1
        if getattr(self._open, "depth", 0):
            self.inside.append(what)


@dataclasses.dataclass
class Page:
    """A signed-in person's way about their session's pages."""

    browser: Browser
    root: str

    def get(self, path: str) -> httpx2.Response:
        return self.browser.get(self.root + path)

    def post(self, path: str, **fields: str) -> httpx2.Response:
        html = self.get(fields.pop("form", path)).text
        found = re.search(r'name="csrf" value="([^"]+)"', html)
        assert found, html
        answer = self.browser.post(
            self.root + path, {"csrf": found[1]} | {k.replace("_", "-"): v for k, v in fields.items()}
        )
        assert answer.status_code in (200, 303), answer.text  # a refusal is 4xx; 200 is the question before an award
        return answer


def launched(browser: Browser, **claims: Any) -> Page:
    answer = browser.full_launch(**claims)
    assert answer.status_code == 303, answer.text
    return Page(browser, answer.headers["location"].rstrip("/"))


def test_the_whole_story_leaves_nothing_personal_where_ids_belong(
    services: Services,
    platform: Platform,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = Watch(monkeypatch)
    post = Post()
    http = HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(platform.handle))
    with running(post) as port:
        runtime = dataclasses.replace(
            services.runtime, http=http, jwks=JwksCache(http), settings=mailing(services.runtime.settings, port)
        )
        house = Services(runtime=runtime, verifier=services.verifier)
        worker = build_worker(house)
        register(runtime.database, platform)
        with TestClient(
            create_app(services=house), base_url=runtime.settings.base_url, follow_redirects=False
        ) as client:
            browsers = [Browser(client, platform), Browser(client, platform)]
            secrets = story(house, worker, browsers, platform, post)
    written = logged.getvalue()
    assert watch.outgoing > 5
    assert watch.inside == []
    assert len(platform.scores()) == 1
    assert written.count("http.answered") > 20
    assert "lti.refused" in written
    assert "http.unexpected_error" in written
    kept = ids_only(runtime.database)
    for word in (*PERSONAL, *secrets):
        assert word not in written, word
        assert word not in kept, word


def story(services: Services, worker: Any, browsers: list[Browser], platform: Platform, post: Post) -> list[str]:
    """Everything that happens between a first launch and a shared badge, mishaps included; the secrets there were."""
    runtime = services.runtime
    tess = launched(browsers[0], **TESS)
    bad = browsers[0].login()
    stale = platform.sign(platform.claims(bad.nonce, **TESS, version="1.1"))
    assert browsers[0].launch(stale, bad.state).status_code == 400
    tess.post("/activity/reflection/draft", form="/activity/reflection", text="A private thought", revision="0")
    with runtime.database.read() as session:
        registration = session.exec(sa.text("SELECT id FROM lti_registration")).scalar_one()  # type: ignore[call-overload]
        person = people.person_by_lms_identity(session, registration_id=registration, subject="subject-41")
    assert person is not None
    submission_id = hand_in(services, person.id)
    launched(browsers[1], **PRIYA)
    with runtime.database.write() as session:
        assessor = people.person_by_lms_identity(session, registration_id=registration, subject="subject-77")
        assert assessor is not None
        people.grant_role(session, person_id=assessor.id, role="assessor", actor=OPERATOR)
    priya = launched(browsers[1], **PRIYA)
    work = f"/assess/{submission_id}"
    priya.post(work, decision="return", comment="An assessor's remark")
    worker.run_until_idle()
    submission_id = hand_in(services, person.id)
    work = f"/assess/{submission_id}"
    levels = re.findall(r'name="(level-[^"]+)"', priya.get(work).text)
    marks = dict.fromkeys(levels, "3") | {"talk-date": "2026-01-05", "talk-role": "Centre manager"}
    priya.post(work, decision="award", **{key.replace("-", "_"): value for key, value in marks.items()})
    priya.post(f"{work}/award", comment="An assessor's remark")
    worker.run_until_idle()
    fail_once(runtime.database, tess)
    tess.post("/badges/email", email="confirmed.address@example.org")
    worker.run_until_idle()
    code = str(post.taken[-1]["Subject"]).split()[0]
    tess.post("/badges/email/code", code=code)
    worker.run_until_idle()
    claim = next(re.search(r"/claim/\S+", mail.get_content()) for mail in post.taken if "claim/" in mail.get_content())
    assert claim
    assert browsers[0].get(claim[0]).status_code == 200
    post.recipient = "550 no such user mallory@evil.example"
    tess.post("/badges/email", email="mallory@evil.example")
    worker.run_until_idle()
    cookies = [value for browser in browsers for value in browser.cookies.values()]
    return [code, claim[0].rpartition(".")[2], bad.state, bad.nonce, stale, *cookies]


def fail_once(database: Database, tess: Page) -> None:
    """An error whose words quote a person's data reaches the last answer and the log."""

    def fail(*_: object) -> None:
        raise LookupError("Tess Nguyen, tess@example.org")

    sa.event.listen(database.write_engine, "commit", fail)
    try:
        html = tess.get("/badges/email").text
        token = re.search(r'name="csrf" value="([^"]+)"', html)
        assert token
        fields = {"csrf": token[1], "email": "tess@example.org"}
        answer = tess.browser.post(f"{tess.root}/badges/email", fields)
    finally:
        sa.event.remove(database.write_engine, "commit", fail)
    assert answer.status_code == 500
    assert "tess@example.org" not in answer.text


def ids_only(database: Database) -> str:
    """Every row of the tables that may hold ids and numbers only."""
    with database.engine.connect() as connection:
        rows = [
            list(map(str, row))
            for name in IDS_ONLY
            for row in connection.execute(sa.select(metadata.tables[name])).all()
        ]
    assert len(rows) > 20
    return json.dumps(rows, ensure_ascii=False)


@pytest.fixture
def platform() -> Platform:
    return Platform()
