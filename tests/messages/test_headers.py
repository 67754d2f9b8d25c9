"""What a mail looks like on the wire: its headers, its lines, and nothing smuggled in by names and titles."""

from __future__ import annotations

import email
import email.policy
import re
import smtplib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core.clock import now
from app.core.outbox import GiveUp, RetryLater
from app.messages import kinds, mail
from app.messages.appeal_jobs import AppealMail
from app.messages.ground_jobs import GroundMail
from app.messages.kinds import KINDS, Kind
from app.messages.observation_jobs import AnswerMail, AskMail, ObserverCodeMail
from app.messages.pathway_jobs import ConfirmationAnsweredMail, ConfirmationAskedMail, ProposalDeclinedMail
from app.messages.renewed import RenewedMail
from app.messages.service import (
    TEMPLATES,
    Around,
    AwardedMail,
    ClaimMail,
    CodeMail,
    ExpiringMail,
    LinkCodeMail,
    LinkedMail,
    QuarantinedMail,
    ReturnedMail,
    WalletMail,
    compose_from,
)
from app.messages.suspension_jobs import LiftedMail, SuspendedMail
from app.messages.wording import greeting
from app.wiring import Services
from tests.messages.post import Post, mailing, running
from tests.messages.test_mails import TESS, deps_of

LINK = "https://waymark.example.org/claim/7b1f6f0e-8f0a-4b52-9a4e-0d2f7c1f9a10." + "x" * 43
ENDS = datetime(2027, 2, 14, tzinfo=UTC)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language",
    "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
}  # fmt: skip

Words = Callable[[str], Any]
EVERY: dict[str, tuple[Kind, str, Words]] = {
    "code": (kinds.CODE, "code.txt", lambda text: CodeMail("123456", 15)),
    "returned": (kinds.RETURNED, "returned.txt", lambda text: ReturnedMail(text, text)),
    "appeal upheld": (kinds.APPEAL, "appeal_decided.txt", lambda text: AppealMail(text, text, True)),
    "appeal declined": (kinds.APPEAL, "appeal_decided.txt", lambda text: AppealMail(text, text, False)),
    "awarded": (kinds.AWARDED, "awarded.txt", lambda text: AwardedMail(text, text, LINK)),
    "renewed": (kinds.AWARDED, "renewed.txt", lambda text: RenewedMail(text, text, ENDS, LINK)),
    "claim": (kinds.CLAIM, "claim.txt", lambda text: ClaimMail(text, text, text, text, text, LINK)),
    "wallet": (kinds.WALLET, "wallet.txt", lambda text: WalletMail(text, text, LINK)),
    "expiring": (kinds.EXPIRING, "expiring.txt", lambda text: ExpiringMail(text, text, ENDS, 84, text, True, LINK)),
    "ground ended": (
        kinds.GROUND_ENDED, "ground_ended.txt",
        lambda text: GroundMail(text, text, text, "expired", ENDS, ENDS, LINK),
    ),
    "suspended": (
        kinds.GROUND_ENDED, "ground_suspended.txt",
        lambda text: SuspendedMail(text, text, text, "revoked", ENDS, False, LINK),
    ),
    "suspension lifted": (
        kinds.GROUND_ENDED, "ground_lifted.txt", lambda text: LiftedMail(text, text, text, True, False, LINK)
    ),
    "quarantined": (kinds.QUARANTINED, "quarantined.txt", lambda text: QuarantinedMail(text, text, False)),
    "asked": (
        kinds.OBSERVER_ASKED, "observation_asked.txt", lambda text: AskMail(text, text, text, text, LINK, ENDS, True)
    ),
    "observer's code": (
        kinds.OBSERVER_CODE, "observation_code.txt", lambda text: ObserverCodeMail("123456", 15, text)
    ),
    "observed": (
        kinds.OBSERVED, "observation_answer.txt", lambda text: AnswerMail(text, text, text, text, "observed")
    ),
    "word asked": (
        kinds.CONFIRMATION_ASKED, "confirmation_asked.txt", lambda text: ConfirmationAskedMail(text, text, text, text)
    ),
    "word given": (
        kinds.PATHWAY_NEWS, "confirmation_answered.txt",
        lambda text: ConfirmationAnsweredMail(text, text, text, confirmed=True),
    ),
    "word not given": (
        kinds.PATHWAY_NEWS, "confirmation_answered.txt",
        lambda text: ConfirmationAnsweredMail(text, text, text, confirmed=False),
    ),
    "declined": (kinds.PATHWAY_NEWS, "proposal_declined.txt", lambda text: ProposalDeclinedMail(text, text)),
    "code to join": (kinds.LINK_CODE, "link_code.txt", lambda text: LinkCodeMail("123456", 15, text)),
    "joined": (kinds.LINKED, "linked.txt", lambda text: LinkedMail(text, ENDS, "badges@example.org")),
}  # fmt: skip


def composed(case: str, text: str, *, contact: str = "badges@example.org") -> tuple[str, str]:
    kind, template, words = EVERY[case]
    switch_url = LINK.replace("claim", "mail") if kind.switchable else None
    return compose_from(template, words(text), Around(kind, switch_url, contact))


def sent(services: Services, post: Post, subject: str, text: str, **more: Any) -> bytes:
    """What the mail server got."""
    mail.send(deps_of(services).settings, to=TESS, subject=subject, text=text, reference="kind.1", **more)
    return post.raw[-1]


@pytest.mark.parametrize("case", EVERY)
@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=300))
@example(text="Tess\r\nBcc: mallory@evil.example\r\n\r\nHello")
@example(text="Tess\nX-Spam: no\u2028Cc: x@evil.example\x85To: y@evil.example")
@example(text="\ud800 half a pair \u202e turned \x00")
@example(text="Zoë Ngọc-Ánh Đặng 李小龙 " * 10)
@example(text=".\n.\r\n.\r\nQUIT\r\n")
def test_no_name_and_no_title_adds_a_header_a_recipient_or_a_long_line(
    services: Services, post: Post, case: str, text: str
) -> None:
    subject, body = composed(case, text)
    raw = sent(services, post, subject, body)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert set(message.keys()) == HEADERS
    assert post.recipients[-1] == [TESS]
    assert message["To"] == TESS
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert raw.isascii()
    content = message.get_content()  # type: ignore[attr-defined]
    assert content.replace("\r\n", "\n") == body
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f]", content)


def test_a_line_that_begins_with_from_stays_as_it_is(services: Services, post: Post) -> None:
    text = "Hello,\n\nFrom now on this is so.\n"
    message = email.message_from_bytes(sent(services, post, "A mail", text), policy=email.policy.default)
    assert message.get_content().replace("\r\n", "\n") == text  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", EVERY)
def test_every_mail_says_why_it_came_whom_to_ask_and_how_to_be_rid_of_it(case: str) -> None:
    kind = EVERY[case][0]
    text = " ".join(composed(case, "Tess Nguyen")[1].split())
    assert f"You get this mail because {kind.because}" in text
    assert "If you have a question, answer this mail or write to: badges@example.org" in text
    assert ("switch them off here" in text) == kind.switchable
    without = " ".join(composed(case, "Tess Nguyen", contact="")[1].split())
    assert f"ask {kind.helper}." in without


@pytest.mark.parametrize("case", EVERY)
def test_a_link_stands_on_a_line_of_its_own_so_that_every_program_finds_all_of_it(case: str) -> None:
    lines = composed(case, "Tess Nguyen")[1].splitlines()
    for number, line in enumerate(lines):
        if "https://" in line:
            assert re.fullmatch(r"    https://\S+", line)
            assert lines[number - 1] == ""
            assert lines[number + 1] == ""
            before = next(each for each in reversed(lines[:number]) if each)
            assert before.endswith((":", ".")), "what the link is for is said before it"


def test_no_mail_is_left_out_here() -> None:
    templates = {path.name for path in TEMPLATES.iterdir() if not path.name.startswith("_")}
    assert templates == {template for _, template, _ in EVERY.values()}
    assert {kind.key for kind, _, _ in EVERY.values()} == {kind.key for kind in KINDS}


def test_the_headers_say_who_what_when_and_that_a_program_wrote_it(services: Services, post: Post) -> None:
    before = now().replace(microsecond=0)
    sent(services, post, "Your badge: Zoë’s first", "Zoë, well done.\n")
    sent(services, post, "Your badge: Zoë’s first", "Zoë, well done.\n")
    first, second = post.taken
    assert first["From"] == "Waymark <no-reply@waymark.example>"
    assert first["Message-ID"] == second["Message-ID"] == "<kind.1@waymark.example>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Subject"] == "Your badge: Zoë’s first"
    assert before <= parsedate_to_datetime(str(first["Date"])) <= now() + timedelta(seconds=1)
    assert first.get_content_charset() == "utf-8"
    assert first.get_content_type() == "text/plain"
    assert first["Reply-To"] is None


def test_an_answer_goes_to_those_who_can_help(services: Services, post: Post) -> None:
    settings = deps_of(services, contact_email="badges@example.org").settings
    mail.send(settings, to=TESS, subject="s", text="t", reference="r")
    assert post.taken[-1]["Reply-To"] == "badges@example.org"


def test_a_button_of_the_mail_program_has_both_its_headers(services: Services, post: Post) -> None:
    sent(services, post, "s", "t", unsubscribe=LINK)
    assert str(post.taken[-1]["List-Unsubscribe"]).replace(" ", "") == f"<{LINK}>"
    assert post.taken[-1]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


NAMES = {
    "Tess Nguyen": "Hello Tess Nguyen,",
    "Zoë O’Neil-Đặng": "Hello Zoë O’Neil-Đặng,",
    "Dr. Lee": "Hello Dr. Lee,",
    "  Tess \n Nguyen ": "Hello Tess Nguyen,",
    "": "Hello,",
    "Your account ends. See www.evil.example": "Hello,",
    "Tess, see evil.example/login": "Hello,",
    "tess@evil.example": "Hello,",
    "Call 03 9999 1234 now": "Hello,",
    "x" * 61: "Hello,",
}


@pytest.mark.parametrize("name", NAMES)
def test_only_what_looks_like_a_name_is_greeted_as_one(name: str) -> None:
    """An LMS may tell any text as a name and any address as theirs: our mails carry no message of it to strangers."""
    assert greeting(name) == NAMES[name]


def test_every_kind_is_told_apart_and_says_why_it_comes() -> None:
    assert len({kind.key for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind.because.endswith("."), kind.key
        assert re.fullmatch(r"[a-z_]+", kind.key)


REFUSALS = {
    "the address, for good": (
        "recipient",
        "550 5.1.1 No such user tess@example.org",
        GiveUp,
        "the address (550 5.1.1)",
    ),
    "the address, for now": ("recipient", "451 4.7.1 Greylisted tess@example.org", RetryLater, "yet (451 4.7.1)"),
    "the mail, for good": ("data", "554 5.7.1 Spam", GiveUp, "the mail (554 5.7.1)"),
    "the mail, for now": ("data", "452 4.3.1 Full", RetryLater, "not now (452 4.3.1)"),
    "the sender, for good": ("sender", "553 5.7.1 Not yours", GiveUp, "WAYMARK_MAIL_FROM (553 5.7.1)"),
    "the sender, for now": ("sender", "451 Later", RetryLater, "not now (451)"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_refused_says_what_and_with_which_codes_and_never_with_whose_address(
    services: Services, post: Post, case: str
) -> None:
    where, answer, outcome, words = REFUSALS[case]
    setattr(post, where, answer)
    with pytest.raises(outcome) as raised:
        sent(services, post, "s", "t")
    assert words in str(raised.value)
    assert "example.org" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_server_that_takes_the_mail_and_is_gone_before_we_say_goodbye_has_taken_it(
    services: Services, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_server: smtplib.SMTP) -> None:
        raise smtplib.SMTPResponseException(421, b"closing")

    monkeypatch.setattr(smtplib.SMTP, "quit", gone)
    sent(services, post, "s", "t")
    assert len(post.taken) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"smtp_starttls": True}, "no STARTTLS"),
        ({"smtp_username": "u", "smtp_password": "p"}, "no way to sign in"),
        ({"smtp_port": 1}, "does not answer"),
    ],
)
def test_what_the_operator_has_to_mend_is_said_in_words(
    services: Services, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(RetryLater, match=words):
        mail.send(deps_of(services, **changes).settings, to=TESS, subject="s", text="t", reference="r")


def test_a_port_for_encrypted_mail_is_spoken_to_encrypted_from_the_start(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port 465 (RFC 8314 §3.3); in a test another port stands in for it, where nobody speaks TLS."""
    with running(Post()) as port:
        monkeypatch.setattr(mail, "TLS_FROM_THE_START", port)
        with pytest.raises(RetryLater, match="no safe way"):
            mail.send(mailing(deps_of(services).settings, port), to=TESS, subject="s", text="t", reference="r")
