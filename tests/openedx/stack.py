"""Both sides as processes: the Open edX campus in its own environment, and Waymark as its operator runs it."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import sqlalchemy as sa

from app.cli import demo_story
from app.core.clock import now
from app.core.outbox_models import OutboxDelivery
from app.learning import service as learning
from app.lti.models import LtiGradeLink, LtiScore
from app.people import service as people
from tests import loopback
from tests.system.house import House, eventually
from tests.system.walker import Walker, form_in

HERE = Path(__file__).parent
MODULE = "M01"
AUTHOR, ASSESSOR = "tomas", "ines"


@dataclass
class Campus:
    """The platform's process, seen from outside."""

    house: House
    python: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.house.ports[1]}"

    def start(self) -> None:
        variables = {
            "CAMPUS_DATABASE": str(self.house.folder / "openedx.sqlite3"),
            "CAMPUS_ADDRESS": self.address,
            "CAMPUS_TOOL": self.house.tool,
            "CAMPUS_TOOL_KEYS": f"http://127.0.0.1:{self.house.ports[0]}/lti/jwks",
        }
        ours = ("PYTHON", "WAYMARK_", "VIRTUAL_ENV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | variables
        with (self.house.folder / "campus.log").open("ab") as log:
            process = subprocess.Popen(
                [self.python, "-m", "campus", str(self.house.ports[1])],
                env=environment, cwd=HERE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.house.processes.append(process)
        eventually(lambda: process.poll() is not None or self._answers(), "the campus answers")
        assert process.poll() is None, self.house.log_of("campus")

    def _answers(self) -> bool:
        try:
            return loopback.get(f"{self.address}/gradebook").status_code == 200
        except httpx2.HTTPError:
            return False

    def about(self) -> dict[str, Any]:
        """What an administrator copies across, and the names of things."""
        return self.json("/about")

    def json(self, path: str) -> Any:
        answer = loopback.get(f"{self.address}{path}")
        assert answer.status_code == 200, self.house.log_of("campus")[-3000:]
        return answer.json()

    def grade(self, activity: str, username: str) -> dict[str, Any] | None:
        """What stands in the course's gradebook."""
        row: dict[str, Any] | None = self.json("/gradebook").get(activity, {}).get(username)
        return row

    def columns(self, activity: str) -> list[str]:
        """The addresses of an activity's columns."""
        return list(self.json(f"/columns/{activity}")["columns"])

    def results(self, activity: str) -> list[dict[str, Any]]:
        """The results of all columns of an activity, read from the consumer's own service."""
        told = self.json(f"/columns/{activity}")
        results = []
        for column in told["columns"]:
            answer = loopback.get(f"{column}/results", headers={"Authorization": f"Bearer {told['token']}"})
            assert answer.status_code == 200, answer.text
            results += answer.json()
        return results

    def picked(self, activity: str) -> list[dict[str, Any]]:
        """What the consumer keeps of what was picked for an activity."""
        return list(self.json(f"/picked/{activity}")["items"])

    def asked(self, words: str) -> int:
        """How many requests so far had these words in their first line."""
        return sum(
            words in line for line in self.house.log_of("campus").splitlines() if '"GET ' in line or '"POST ' in line
        )


@dataclass
class Visit:
    """Somebody in the course, and the browser they use."""

    campus: Campus
    walker: Walker
    username: str

    def launch(self, path: str) -> tuple[str, dict[str, str]]:
        """From a click in the course to the message for the tool: where it goes, and its fields."""
        clicked = self.walker.get(f"{self.campus.address}{path}")
        assert clicked.status_code == 302, self.campus.house.log_of("campus")[-3000:]
        begun = self.walker.get(clicked.headers["location"])
        assert begun.status_code == 302, begun.text
        return form_in(self.walker.get(begun.headers["location"]))

    def send(self, message: tuple[str, dict[str, str]]) -> httpx2.Response:
        """The browser posts the platform's page to the tool."""
        return self.walker.post(*message, origin=self.campus.address)

    def enter(self, path: str) -> httpx2.Response:
        """A launch, and every redirect after it; the page it ends on."""
        answer = self.send(self.launch(path))
        assert answer.status_code == 303, answer.text
        return self.follow(answer)

    def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Redirects within the tool."""
        while answer.status_code in (302, 303):
            answer = self.walker.get(urljoin(self.campus.house.tool, answer.headers["location"]))
        assert answer.status_code == 200, answer.text
        return answer


@dataclass
class Stack:
    """The house, connected to the campus by its own commands."""

    house: House
    campus: Campus
    copied: dict[str, Any]

    @property
    def registration(self) -> tuple[str, ...]:
        """The options that name the platform in every command."""
        return ("--issuer", self.copied["issuer"], "--client-id", self.copied["copied"]["client_id"])

    def waymark(self, *arguments: str) -> Any:
        """A command's JSON."""
        done = self.house.waymark(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def platform(self, command: str, *arguments: str) -> Any:
        """A `waymark platform` command about this platform."""
        return self.waymark("platform", command, *self.registration, *arguments)

    def connect(self) -> None:
        """What an operator types: enter, approve, name an assessor."""
        values = self.copied["copied"]
        self.platform(
            "add", "--deployment", values["deployment_id"], "--auth-login-url", values["oidc_callback"],
            "--auth-token-url", values["token_url"], "--jwks-url", values["keyset_url"],
        )  # fmt: skip
        self.platform("approve", "--org", "agency")
        self.waymark("role", "grant", "assessor", *self.registration, "--subject", self.subject(ASSESSOR))

    def subject(self, username: str) -> str:
        """What Waymark knows somebody by."""
        return str(self.copied["subjects"][username])

    def visit(self, username: str) -> Visit:
        """Somebody signs in to the course."""
        visit = Visit(self.campus, Walker(self.house), username)
        assert visit.walker.get(f"{self.campus.address}/sign-in/{username}").status_code == 204
        return visit

    def award(self, username: str) -> None:
        """The learner does all the work, the assessor marks and awards it; the worker does the rest."""
        with self.house.services() as services, services.runtime.database.write() as session:
            registration = self.house.rows("SELECT id FROM lti_registration")[0][0]
            learner, assessor = (
                people.person_by_lms_identity(session, registration_id=registration, subject=self.subject(name))
                for name in (username, ASSESSOR)
            )
            assert learner is not None
            assert assessor is not None
            enrolment = learning.enrolment_of(session, person_id=learner.id, module_key=MODULE)
            assert enrolment is not None, "the learner was never launched into the module"
            demo_story.work_through(session, enrolment, learning.module_of(session, enrolment))
            demo_story.mark_and_award(session, enrolment, assessor.id)

    def settle(self) -> None:
        """Wait until the worker has nothing to send to gradebooks any more."""
        # One statement: between two, a delivery may be done and leave a new event behind.
        under_way = (
            "dispatched_at IS NULL OR EXISTS "
            "(SELECT 1 FROM outbox_delivery WHERE state = 'waiting' AND handler LIKE 'lti.%')"
        )
        eventually(lambda: not self.house.count("outbox_event", under_way), "every score is delivered")

    def results_of(self, activity: str, username: str) -> list[dict[str, Any]]:
        """Somebody's results in an activity, as the platform tells them."""
        return [each for each in self.campus.results(activity) if each["userId"] == self.subject(username)]

    def scores(self, username: str) -> list[tuple[str, str | None]]:
        """What Waymark's ledger says of somebody's scores: the state of each, and the last trouble."""
        links = sa.select(LtiGradeLink.id).where(LtiGradeLink.subject == self.subject(username))
        query = sa.select(LtiScore.state, LtiScore.last_error).where(LtiScore.grade_link_id.in_(links))
        with self.house.services() as services, services.runtime.database.read() as session:
            return [(state, error) for state, error in session.execute(query)]

    def forget_that_scores_were_sent(self, username: str) -> None:
        """As if the worker had died after the platform took a score, and before it noted that."""
        links = sa.select(LtiGradeLink.id).where(LtiGradeLink.subject == self.subject(username))
        scores = sa.update(LtiScore).where(LtiScore.grade_link_id.in_(links))
        deliveries = sa.update(OutboxDelivery).where(
            OutboxDelivery.handler == "lti.post_award_score", OutboxDelivery.state == "done"
        )
        with self.house.services() as services, services.runtime.database.write() as session:
            session.execute(scores.values(state="waiting", sent_at=None))
            session.execute(deliveries.values(state="waiting", due_at=now(), leased_until=None))


@dataclass(frozen=True)
class Form:
    """A form of a page: where it goes, its hidden fields, and the values of what can be ticked, by name."""

    action: str
    hidden: dict[str, str]
    choices: dict[str, list[str]]


def form_with(page: httpx2.Response, field: str, base: str) -> Form:
    """The form of a page that has this field; `base` is the site that the page is of."""
    assert page.status_code == 200, page.text
    forms = re.findall(r"<form\b.*?</form>", page.text, re.DOTALL)
    text = next((each for each in forms if f'name="{field}"' in each), None)
    assert text is not None, f"no form has a field {field}: {page.text}"
    hidden, choices = {}, {}
    for tag in re.findall(r"<input\b[^>]*>", text):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'([a-z]+)="([^"]*)"', tag)}
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if attributes.get("type") == "hidden":
            hidden[name] = value
        elif attributes.get("type") in ("checkbox", "radio"):
            choices.setdefault(name, []).append(value)
    action = re.search(r'<form\b[^>]*\baction="([^"]*)"', text)
    return Form(urljoin(base, html.unescape(action.group(1)) if action else ""), hidden, choices)
