"""`waymark key`: rotating, retiring and revoking keys, and giving up a master key, at a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import Result
from sqlmodel import select
from typer.testing import CliRunner

from app.awards import recipients
from app.awards.models import AwardRequest
from app.cli import app, keys
from app.config import Settings
from app.core.audit_seal import seal_due
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.issuer import service as issuer
from app.issuer.errors import CredentialNotFound
from app.lti.kept_tokens import KeptTokens
from app.lti.models import LtiLogin, LtiRegistration
from app.lti.toolkeys import ensure_tool_key
from tests.cli.conftest import Terminal
from tests.conftest import ROOT, TEST_SECRET

NEW_SECRET = "another-secret-key-for-tests-that-everybody-may-read"
BOTH = f"{NEW_SECRET},{TEST_SECRET}"
FIRST = "orygen-ed25519-1"
ISSUE = ("issue", "--achievement", "M01", "--email", "robin@example.org", "--idempotency-key", "k1",
         "--decided-by", "Helen Chapman", "--role", "programme lead", "--share")  # fmt: skip


@pytest.fixture
def ready(terminal: Terminal, settings: Settings, database: Database) -> Terminal:
    """A terminal at a house that is set up, on the database this run is about."""
    terminal.house.database_url = settings.database_url
    database.dispose()
    terminal.house.connect()
    return terminal


@contextmanager
def inside(terminal: Terminal) -> Iterator[Runtime]:
    with terminal.house.services() as services:
        yield services.runtime


def states(terminal: Terminal) -> dict[str, str]:
    return {key["kid"]: key["state"] for key in terminal.json("key", "list")["items"]}


def typed(terminal: Terminal, text: str, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, list(arguments), env=terminal.house.variables, input=text, catch_exceptions=False, prog_name="waymark"
    )


def test_a_key_is_rotated_listed_and_retired(ready: Terminal) -> None:
    made = ready.json("key", "rotate", "--issuer", "orygen", "--algorithm", "RS256")
    assert made["replaces"] == ["orygen-p-256-1"]
    assert made["active_from"] > now().isoformat()
    assert states(ready) == {FIRST: "in use", "orygen-p-256-1": "in use", "orygen-rsa-1": "next"}
    told = ready.waymark("key", "rotate", "--issuer", "orygen", "--now").stdout
    assert "orygen-ed25519-2 is published now and signs at once, in place of orygen-ed25519-1." in told
    assert ready.json("key", "retire", "orygen-rsa-1") == {"kid": "orygen-rsa-1", "state": "retired"}
    assert states(ready) == {
        FIRST: "retired", "orygen-ed25519-2": "in use", "orygen-p-256-1": "in use", "orygen-rsa-1": "retired"
    }  # fmt: skip
    listed = ready.waymark("key", "list").stdout
    assert re.search(r"orygen-rsa-1 +RSA +VC-JWT \(RS256\) +retired +20\d\d-\d\d-\d\d", listed)


def test_a_key_revoked_at_the_terminal_leaves_the_badge_valid_at_its_address(ready: Terminal) -> None:
    badge = ready.json(*ISSUE)
    since = ("--since", now().isoformat())
    done = ready.json("key", "revoke", FIRST, "--reason", "stolen", "--yes", *since)
    assert (done["signed_again"], done["left"], done["replaced_by"]) == (1, 0, "orygen-ed25519-2")
    assert (done["versions_signed"], done["versions_signed_since"]) == (1, 0)
    with inside(ready) as runtime, runtime.database.read() as session:
        stored = issuer.stored_credential(session, badge["id"])
    assert stored.version == 2
    again = ready.json("key", "revoke", FIRST, "--reason", "stolen", "--yes")
    assert (again["signed_again"], again["untrusted_from"]) == (0, done["untrusted_from"])


def test_revoking_asks_for_the_name_first(ready: Terminal) -> None:
    arguments = ("key", "revoke", FIRST, "--reason", "stolen")
    for text in ("", "yes\n", "y\n"):
        answer = typed(ready, text, *arguments)
        assert answer.exit_code == 1
        assert "cannot be undone" in answer.stderr
    assert states(ready)[FIRST] == "in use"
    answer = typed(ready, f"{FIRST}\n", *arguments)
    assert (answer.exit_code, states(ready)[FIRST]) == (0, "revoked")
    assert "Signed again: 0 badges." in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("key", "revoke", FIRST, "--reason", "x", "--json"), 2, "--yes"),
        (("key", "revoke", FIRST, "--reason", "x", "--yes", "--since", "yesterday"), 2, "--since"),
        (("key", "revoke", FIRST, "--reason", "x", "--yes", "--since", "2026-11-20T10:00:00"), 2, "zone"),
        (("key", "revoke", FIRST, "--reason", "x", "--yes", "--since", "2020-01-01"), 1, "made after"),
        (("key", "revoke", FIRST, "--reason", " ", "--yes"), 1, "reason"),
        (("key", "revoke", "nobody", "--reason", "x", "--yes"), 1, "no signing key"),
        (("key", "retire", FIRST), 1, "No other key"),
        (("key", "rotate", "--issuer", "nobody"), 1, "No issuer"),
        (("key", "rotate", "--issuer", "orygen", "--algorithm", "HS256"), 1, "HS256"),
        (("key", "rotate", "--issuer", "orygen", "--remote", "x"), 1, "WAYMARK_REMOTE_SIGNER_URL"),
        (("key", "reseal", "--check", "--end-old-links"), 2, "--check"),
    ],
)
def test_what_cannot_be_done_is_said_in_words_and_changes_nothing(
    ready: Terminal, arguments: tuple[str, ...], code: int, word: str
) -> None:
    before = states(ready)
    answer = ready.waymark(*arguments)
    assert (answer.exit_code, answer.stdout) == (code, "")
    assert word in answer.stderr
    assert states(ready) == before


# The master key


def fill(terminal: Terminal) -> str:
    """Something in every place that is sealed; the holder's link of a badge."""
    badge = terminal.json(*ISSUE)
    with inside(terminal) as runtime:
        ensure_tool_key(runtime.database, runtime.secret_box)
        KeptTokens(runtime.database, runtime.secret_box).keep("tenant", ["scope"], "token", 3600)
        with runtime.database.write() as session:
            login = begun_login(session)
            login.held_launch = runtime.secret_box.encrypt("lti.held-launch", b"a launch")
            session.add(login)
            waiting = recipients.seal(runtime.secret_box, recipients.Recipient("tess@example.org", "Tess"))
            asked = session.exec(select(AwardRequest).where(AwardRequest.credential_id == badge["id"])).one()
            asked.sealed_recipient = waiting
            session.add(asked)
        seal_due(runtime.database, runtime.secret_box)
    return str(badge["claim_url"])


def begun_login(session: ReadSession) -> LtiLogin:
    registration = session.exec(select(LtiRegistration)).one()
    return LtiLogin(
        registration_id=registration.id, nonce_hash="n", state_hash="s", browser_hash="b",
        target_link_uri="https://tool.example", expires_at=now(),
    )  # fmt: skip


def works_with(terminal: Terminal, secret: str) -> bool:
    return terminal.waymark("key", "list", WAYMARK_SECRET_KEY=secret).exit_code == 0


def test_after_resealing_the_old_master_key_can_be_dropped(ready: Terminal) -> None:
    claim = fill(ready)
    check = ready.waymark("key", "reseal", "--check", "--json", WAYMARK_SECRET_KEY=BOTH)
    assert check.exit_code == 1
    counts = json.loads(check.stdout)
    assert counts["needs_older_key"]
    assert {item["what"]: item["older"] for item in counts["items"]} == {
        "keys that badges are signed with": 2, "keys of the status lists": 1, "keys for LMSs": 1,
        "access tokens of LMSs": 1, "launches that wait for their browser": 1, "seals of the audit": 1,
        "rows of batches that wait": 0, "addresses that a claim mail is on its way to": 1,
    }  # fmt: skip
    assert not works_with(ready, NEW_SECRET)
    done = ready.json("key", "reseal", WAYMARK_SECRET_KEY=BOTH)
    assert not done["needs_older_key"]
    assert sum(item["resealed"] for item in done["items"]) == 8
    assert ready.json("key", "reseal", "--check", WAYMARK_SECRET_KEY=NEW_SECRET)["needs_older_key"] is False
    assert works_with(ready, NEW_SECRET)
    assert not works_with(ready, TEST_SECRET)
    assert ready.json(*ISSUE[:6], "k2", *ISSUE[7:], WAYMARK_SECRET_KEY=NEW_SECRET)["version"] == 1
    assert opens(ready, claim, NEW_SECRET)


def opens(terminal: Terminal, claim: str, *secrets: str) -> bool:
    credential_id, _, token = claim.rpartition("/")[2].partition(".")
    with inside(terminal) as runtime, runtime.database.read() as session:
        try:
            issuer.check_claim(session, SecretBox(secrets), credential_id, token)
        except CredentialNotFound:
            return False
    return True


def test_holders_links_outlive_two_master_keys(ready: Terminal) -> None:
    claim = ready.json(*ISSUE)["claim_url"]
    ready.json("key", "reseal", WAYMARK_SECRET_KEY=BOTH)
    third = "a-third-secret-key-for-tests-that-everybody-may-read"
    later = ready.json(*ISSUE[:6], "k2", *ISSUE[7:], WAYMARK_SECRET_KEY=NEW_SECRET)["claim_url"]
    ready.json("key", "reseal", WAYMARK_SECRET_KEY=f"{third},{NEW_SECRET}")
    assert opens(ready, claim, third)
    assert opens(ready, later, third)
    assert not opens(ready, claim[:-3] + "AAA", third)


def test_after_a_theft_old_links_can_be_ended(ready: Terminal) -> None:
    claim = ready.json(*ISSUE)["claim_url"]
    ready.json("key", "reseal", WAYMARK_SECRET_KEY=BOTH)
    assert opens(ready, claim, NEW_SECRET)
    ready.json("key", "reseal", "--end-old-links", WAYMARK_SECRET_KEY=BOTH)
    assert not opens(ready, claim, NEW_SECRET)


def test_a_master_key_dropped_too_early_is_put_back_and_nothing_is_lost(ready: Terminal) -> None:
    ready.json(*ISSUE)
    answer = ready.waymark("key", "reseal", "--json", WAYMARK_SECRET_KEY=NEW_SECRET)
    assert answer.exit_code == 1
    assert sum(item["unreadable"] for item in json.loads(answer.stdout)["items"]) == 3
    ready.json("key", "reseal", WAYMARK_SECRET_KEY=BOTH)
    assert works_with(ready, NEW_SECRET)


def test_a_repeat_of_a_command_is_known_under_the_new_master_key(ready: Terminal) -> None:
    first = ready.json(*ISSUE)
    assert ready.json(*ISSUE, WAYMARK_SECRET_KEY=BOTH)["id"] == first["id"]


def test_everything_that_is_sealed_anywhere_is_sealed_anew() -> None:
    """Whoever seals something new in a table must name the column, or its old master key is needed for ever."""
    found = set()
    for path in sorted((ROOT / "app").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found |= {(path.name, purpose) for purpose in re.findall(r"\bencrypt\(\s*([A-Za-z_.]+)\s*,", text)}
    places = {name for name, _ in found} - {"secrets.py", "resealing.py", "key_claims.py"}
    assert places == {"keys.py", "status.py", "held.py", "kept_tokens.py", "toolkeys.py", "audit_seal.py"} | {
        "recipients.py", "inputs.py",
    }  # fmt: skip
    assert len({place.purpose for place in keys.SEALED}) == len(keys.SEALED) == 8
