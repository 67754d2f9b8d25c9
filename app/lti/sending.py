"""Sending one score (Assignment and Grade Services 2.0 §3.4), so that the platform has it once and nothing is lost.

Only final scores are sent. Each carries a timestamp in whole seconds, never ahead of the clock and later than that of
any score of the same person that went to the same column. A repeat after a crash carries the same one, so a platform
that has it already says so (409 of Moodle, 400 of Canvas); what it shows then tells whether it is ours.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from pylti1p3.grade import Grade

from app.core.clock import now, rfc3339
from app.core.db import Database
from app.core.outbox import Delivery, GiveUp, RetryLater
from app.core.runtime import Runtime
from app.lti import line_items
from app.lti import score_problems as problems
from app.lti.connector import Connectors, PlatformConnector
from app.lti.errors import ServiceFailed
from app.lti.grades import RESULT_SCOPE, SCORE_SCOPE
from app.lti.line_items import ColumnBusy, ColumnStillThere, NoColumn, below
from app.lti.results import is_same, share_reached
from app.lti.score_problems import SendingFailed, failed, may_pass, not_yet, problem_of
from app.lti.score_tasks import Task, date, note, take
from app.lti.scores import ALREADY_THERE, FAILED, NOT_SENT, SENT, WAITING, second_after

SCORE = "application/vnd.ims.lis.v1.score+json"
SLOW = 2.0  # seconds; a failure that took longer holds others up
COLUMN_PAUSE = 10.0  # seconds; until another worker has made the column
GONE = frozenset({404, 410})
BAD_REQUEST = 400
CONFLICT = 409


def send_score(runtime: Runtime, connectors: Connectors, score_id: str, delivery: Delivery) -> None:
    """Send a score that is due, and note what became of it.

    One that was refused for good is tried once more if its delivery was sent again.

    Args:
        runtime: database, secrets, the guarded way out.
        connectors: to platforms.
        score_id: of `LtiScore`.
        delivery: that does it.

    Raises:
        RetryLater: the platform could not take it yet.
        GiveUp: it refuses it for good.
    """
    with runtime.database.write() as session:
        task = take(session, score_id, delivery)
    if task is None:
        return
    connector = connectors.to(task.gradebook.platform, task.gradebook.scopes)
    silent = connector.silent_for()
    if silent:
        # A worker makes one delivery after the other: an LMS that hangs must not hold up the badges of all others.
        raise RetryLater("the platform kept us waiting for nothing a moment ago", silent)
    began = time.monotonic()
    try:
        state = _Sending(runtime.database, connector, task).send()
    except NoColumn:
        note(runtime.database, task, NOT_SENT, problems.NO_COLUMN)
    except SendingFailed as error:
        if error.problem == problems.UNREACHABLE and time.monotonic() - began >= SLOW:
            connector.note_silence()
        note(runtime.database, task, WAITING if error.passing else FAILED, error.problem, error.reason)
        if error.passing:
            raise RetryLater(error.reason, error.retry_after) from None
        raise GiveUp(error.reason) from None
    else:
        connector.note_word()
        note(runtime.database, task, state)


@dataclass
class _Sending:
    """One score on its way to one platform."""

    database: Database
    connector: PlatformConnector
    task: Task

    def send(self) -> str:
        """Send it; returns the state it is in then.

        Raises:
            SendingFailed: it is not there.
            NoColumn: there is nowhere to send it.
        """
        url = self.task.gradebook.line_item_url
        if url is None:
            url = self._column()
        try:
            return self._send_to(url)
        except ServiceFailed as error:
            if error.status_code not in GONE or not self._may_replace():
                raise failed(error) from None
        # The column was deleted in the LMS, or the platform says 404 of a person: looking tells the two apart.
        url = self._column(gone=url)
        try:
            return self._send_to(url)
        except ServiceFailed as error:
            raise failed(error) from None

    def _may_replace(self) -> bool:
        gradebook = self.task.gradebook
        return gradebook.may_look and gradebook.link_id is not None and not gradebook.opens_part

    def _column(self, *, gone: str | None = None) -> str:
        try:
            return line_items.line_item(self.database, self.connector, self.task.gradebook, gone=gone)
        except ColumnBusy:
            raise SendingFailed(
                problems.COLUMN_BUSY, "the column is being made", passing=True, retry_after=COLUMN_PAUSE
            ) from None
        except ColumnStillThere:
            raise SendingFailed(problems.NOT_TAKEN, "the service answered 404", passing=False) from None
        except NoColumn:
            if gone is None:
                raise
            raise SendingFailed(problems.COLUMN_GONE, "the service answered 404", passing=False) from None
        except ServiceFailed as error:
            raise failed(error, for_good=problems.COLUMN_GONE if gone else problems.COLUMN_REFUSED) from None

    def _send_to(self, url: str) -> str:
        timestamp = date(self.database, self.task, url, later=self.task.was_late)
        try:
            self._post(url, timestamp)
        except ServiceFailed as error:
            if error.status_code in self.task.quirks.stale_statuses:
                return self._settle(url, timestamp, error)
            if error.status_code == BAD_REQUEST and self._shows_ours(url):
                return ALREADY_THERE
            raise
        return SENT

    def _shows_ours(self, url: str) -> bool:
        """Whether the column shows this very score: Open edX answers 400 to one that it has already."""
        share, readable = self._shown(url)
        return readable and is_same(share, self.task.given, self.task.maximum)

    def _settle(self, url: str, timestamp: datetime, refusal: ServiceFailed) -> str:
        """The platform holds a score that is not earlier: ours, or another. Another is answered by a later one, once.

        Raises:
            ServiceFailed: the refusal, where a later one is refused as well.
        """
        share, readable = self._shown(url)
        if readable and is_same(share, self.task.given, self.task.maximum):
            return ALREADY_THERE
        if not readable and self.task.may_have_arrived and refusal.status_code == CONFLICT:
            return ALREADY_THERE
        wait = (second_after(timestamp) - now()).total_seconds()
        if wait > 0 and refusal.status_code == CONFLICT:
            raise refusal  # dated this very second it is too late all the same: better ask again in a while
        if wait > 0:
            raise not_yet(wait, problems.CLOCK)
        self._post(url, date(self.database, self.task, url, later=True))
        return SENT

    def _shown(self, url: str) -> tuple[float | None, bool]:
        """What the column shows, and whether we could see."""
        if RESULT_SCOPE not in self.task.gradebook.scopes:
            return None, False
        try:
            return share_reached(self.connector, url, self.task.gradebook.subject), True
        except ServiceFailed as error:
            if may_pass(problem_of(error)):
                raise
            return None, False

    def _post(self, url: str, timestamp: datetime) -> None:
        task = self.task
        grade = (
            Grade()
            .set_score_given(task.given)
            .set_score_maximum(task.maximum)
            .set_activity_progress("Completed")
            .set_grading_progress("FullyGraded")
            .set_timestamp(rfc3339(timestamp))
            .set_user_id(task.gradebook.subject)
            .set_comment(task.comment)
        )
        if task.submitted_at is not None:
            grade.set_submitted_at(rfc3339(min(task.submitted_at, now())))
        extras = task.quirks.score_extras(is_correction=task.is_correction)
        if extras:
            grade.set_extra_claims(extras)
        self.connector.make_service_request(
            [SCORE_SCOPE], below(url, "scores"), is_post=True, data=grade.get_value(), content_type=SCORE
        )
