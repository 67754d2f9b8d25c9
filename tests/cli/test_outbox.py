"""`waymark outbox`: an operator sees what was given up and why, and sends it again; the worker's chores clear up."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.cli import operate
from app.core import outbox
from app.core.clock import now
from app.core.outbox_models import OutboxDelivery, OutboxEvent
from app.lti.events import ScoreRequested
from tests.cli.conftest import Terminal
from tests.system.house import House, eventually

MAIL = "messages.send_awarded"
NO_SERVER = "no mail server is set (WAYMARK_SMTP_HOST)"


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    """A terminal at a house that is set up."""
    terminal.house.connect()
    return terminal


@pytest.fixture
def robins_mail(ready: Terminal) -> str:
    """A house whose mail about Robin's badge was given up; the delivery's id."""
    ready.house.award(ready.house.hand_in("robin", "Robin", "robin@example.org"))
    ready.house.work()
    ((found,),) = ready.house.rows("SELECT id FROM outbox_delivery WHERE state = 'dead'")
    return str(found)


def change(house: House, *statements: sa.Update) -> None:
    with house.services() as services, services.runtime.database.write() as session:
        for statement in statements:
            session.execute(statement)


def expect_no(terminal: Terminal, *arguments: str, code: int = 1) -> str:
    answer = terminal.waymark("outbox", *arguments)
    assert (answer.exit_code, answer.stdout) == (code, ""), answer.output
    return answer.stderr


def test_an_empty_list_teaches(ready: Terminal) -> None:
    told = ready.waymark("outbox", "list").stdout
    assert "No delivery was given up" in told
    assert "waymark outbox resend" in told
    assert ready.json("outbox", "list") == {"items": [], "total": 0, "not_handed_out": 0}
    for state in ("waiting", "done", "discarded"):
        assert ready.waymark("outbox", "list", "--state", state).stdout.startswith("No delivery")


def test_what_was_given_up_is_shown_with_its_listener_age_tries_and_reason(ready: Terminal, robins_mail: str) -> None:
    change(ready.house, sa.update(OutboxEvent).values(created_at=now() - timedelta(days=3, hours=2)))
    change(ready.house, sa.update(OutboxDelivery).values(finished_at=now() - timedelta(minutes=90), attempt=7))
    told = ready.waymark("outbox", "list").stdout
    assert told.splitlines()[:2] == [
        f"{robins_mail}  {MAIL}",
        f"  3 days old, 7 tries, given up 1 hour ago: {NO_SERVER}",
    ]
    assert "waymark outbox resend" in told
    (item,) = ready.json("outbox", "list")["items"]
    assert (item["id"], item["handler"], item["state"], item["attempts"]) == (robins_mail, MAIL, "dead", 7)
    assert item["last_error"] == NO_SERVER
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", item["finished_at"])
    assert "robin" not in json.dumps(item).lower()


def test_a_list_can_be_narrowed_to_a_listener_and_cut(ready: Terminal, robins_mail: str) -> None:
    ready.house.award(ready.house.hand_in("kim", "Kim", "kim@example.org"))
    ready.house.work()
    cut = ready.waymark("outbox", "list", "--limit", "1").stdout
    assert cut.count(MAIL) == 1
    assert "… and 1 more" in cut
    assert ready.json("outbox", "list", "--handler", MAIL)["total"] == 2
    assert ready.json("outbox", "list", "--handler", "lti.post_award_score")["total"] == 0
    done = ready.json("outbox", "list", "--state", "done")
    assert done["total"] == len(done["items"])
    assert {"awards.award_from_decision", "pathways.after_issued"} <= {each["handler"] for each in done["items"]}
    assert "given up" not in ready.waymark("outbox", "list", "--state", "done").stdout


def test_what_waits_is_shown_with_what_comes_next(ready: Terminal, robins_mail: str) -> None:
    ready.waymark("outbox", "resend", robins_mail)
    assert "less than a minute old, 0 tries, due now" in ready.waymark("outbox", "list", "--state", "waiting").stdout
    change(ready.house, sa.update(OutboxDelivery).values(due_at=now() + timedelta(minutes=12, seconds=30)))
    assert "next in 12 minutes" in ready.waymark("outbox", "list", "--state", "waiting").stdout
    change(ready.house, sa.update(OutboxDelivery).values(leased_until=now() + timedelta(minutes=1)))
    assert "a worker has it in hand" in ready.waymark("outbox", "list", "--state", "waiting").stdout


def test_events_that_no_worker_has_handed_out_are_told(ready: Terminal) -> None:
    with ready.house.services() as services, services.runtime.database.write() as session:
        outbox.emit(session, ScoreRequested("request", "link", "1", "2"))
    told = ready.waymark("outbox", "list", "--state", "waiting").stdout
    assert "1 event was not handed to anybody yet: is a worker running?" in told
    assert ready.json("outbox", "list")["not_handed_out"] == 1


def test_a_letter_is_sent_again_by_its_id_and_that_is_logged_and_audited(ready: Terminal, robins_mail: str) -> None:
    answer = ready.waymark("outbox", "resend", robins_mail, "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {"resent": [robins_mail]}
    assert "outbox.resent" in answer.stderr
    assert robins_mail in answer.stderr
    assert ready.house.count("outbox_delivery", "state = 'waiting' AND attempt = 0") == 1
    assert ready.house.count("audit_entry", f"action = 'outbox.resent' AND subject_id = '{robins_mail}'") == 1
    ready.waymark("worker", "--until-idle", WAYMARK_SMTP_HOST="")
    assert ready.json("outbox", "list")["items"][0]["attempts"] == 1, "there is still no mail server"


def test_everything_is_sent_again_or_everything_to_one_listener(ready: Terminal, robins_mail: str) -> None:
    assert ready.waymark("outbox", "resend", "--all", "--handler", "lti.post_award_score").exit_code == 0
    assert ready.json("outbox", "list")["total"] == 1
    assert ready.waymark("outbox", "resend", "--all").stdout.startswith("Due again: 1 delivery.")
    again = ready.json("outbox", "resend", "--all")
    assert again == {"resent": []}
    assert "Nothing was given up" in ready.waymark("outbox", "resend", "--all").stdout


def test_what_is_not_there_or_was_not_given_up_is_no_and_nothing_is_changed(ready: Terminal, robins_mail: str) -> None:
    assert "no delivery nonsense" in expect_no(ready, "resend", robins_mail, "nonsense")
    ((done, *_),) = ready.house.rows("SELECT id FROM outbox_delivery WHERE state = 'done' LIMIT 1")
    assert "was made" in expect_no(ready, "resend", robins_mail, done)
    assert ready.house.count("outbox_delivery", "state = 'dead'") == 1
    assert ready.house.count("audit_entry", "action = 'outbox.resent'") == 0
    assert ready.waymark("outbox", "resend", robins_mail).exit_code == 0
    assert "waits for its next try" in expect_no(ready, "resend", robins_mail)


def test_a_letter_is_discarded_once_the_operator_has_said_that_they_mean_it(ready: Terminal, robins_mail: str) -> None:
    refused = ready.waymark("outbox", "discard", robins_mail)
    assert (refused.exit_code, refused.stdout.strip()) == (1, "")
    assert "Discard 1 delivery?" in refused.stderr
    assert ready.json("outbox", "list")["total"] == 1
    assert ready.json("outbox", "list", "--state", "discarded")["total"] == 0
    assert ready.waymark("outbox", "discard", robins_mail, "--yes").stdout == "Discarded: 1 delivery.\n"
    assert ready.json("outbox", "list")["total"] == 0
    assert robins_mail in ready.waymark("outbox", "list", "--state", "discarded").stdout
    assert "was discarded" in expect_no(ready, "discard", robins_mail, "--yes")


@pytest.mark.parametrize(
    "line",
    ["discard", "resend", "resend x --all", "resend x --handler messages.send_awarded",
     "resend --handler messages.send_awarded",
     "list --state lost", "list --limit 0", "list --limit many", "list x"],
)  # fmt: skip
def test_misuse_is_two_and_touches_nothing(terminal: Terminal, line: str) -> None:
    assert expect_no(terminal, *line.split(), code=2).strip()
    assert list(terminal.house.folder.iterdir()) == []


@pytest.mark.parametrize("line", ["list --handler messages.send_award", "resend --all --handler messages.send_award"])
def test_a_listener_that_nobody_knows_is_misuse_and_the_known_ones_are_named(
    ready: Terminal, robins_mail: str, line: str
) -> None:
    assert MAIL in expect_no(ready, *line.split(), code=2)
    assert ready.house.count("outbox_delivery", "state = 'dead'") == 1


def test_a_listener_of_another_version_that_left_something_behind_is_known(ready: Terminal, robins_mail: str) -> None:
    change(ready.house, sa.update(OutboxDelivery).values(handler="messages.send_pigeon").where(
        sa.column("id") == robins_mail))  # fmt: skip
    assert ready.json("outbox", "list", "--handler", "messages.send_pigeon")["total"] == 1


def test_a_chore_that_fails_keeps_the_worker_neither_from_the_others_nor_from_deliveries(
    ready: Terminal, robins_mail: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long_ago = now() - timedelta(days=40)
    change(ready.house, sa.update(OutboxEvent).values(dispatched_at=long_ago),
           sa.update(OutboxDelivery).values(finished_at=long_ago))  # fmt: skip
    ready.house.award(ready.house.hand_in("kim", "Kim", "kim@example.org"))
    stop = threading.Event()

    def explode(*_arguments: object) -> int:
        raise ZeroDivisionError("kim@example.org")

    monkeypatch.setattr("app.issuer.service.finish_orphans", explode)
    with ready.house.services() as services:
        thread = threading.Thread(target=operate.run_worker, args=(services, stop))
        thread.start()
        try:
            eventually(ready.house.settled, "Kim's badge is made")
        finally:
            stop.set()
            thread.join()
    assert ready.house.count("credential", "state = 'issued'") == 2
    made = "state = 'done' AND handler = 'awards.award_from_decision'"
    assert ready.house.count("outbox_delivery", made) == 1, "Robin's were cleared away, Kim's is new"
    assert ready.house.rows("SELECT id FROM outbox_delivery WHERE id = :id", id=robins_mail)
    said = capsys.readouterr().err
    assert "worker.chore_failed" in said
    assert "kim" not in said
