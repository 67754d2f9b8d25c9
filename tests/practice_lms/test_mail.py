"""The mail catcher, by real SMTP."""

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from practice_lms import PracticeLms
from practice_lms.mail import mail_server, with_links


@pytest.fixture
def smtp_port(lms: PracticeLms) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = mail_server(lms.mailbox, port)
    server.start()
    yield port
    server.stop()


def send(port: int, subject: str, text: str, html: str = "") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "waymark@example.org", "tess.nguyen@example.org", subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(message)


def test_mails_are_shown_newest_first_as_plain_text(client: TestClient, smtp_port: int) -> None:
    send(smtp_port, "First", "One")
    send(smtp_port, "Your badge – well done", "Dear Tess, “done” <b>\n", html="<script>alert(1)</script>")

    mails = client.get("/mail.json").json()["mails"]
    page = client.get("/mail").text

    assert [mail["subject"] for mail in mails] == ["Your badge – well done", "First"]
    assert mails[0]["to"] == ["tess.nguyen@example.org"]
    assert mails[0]["text"].strip() == "Dear Tess, “done” <b>"
    assert page.index("well done") < page.index("First")
    assert "“done” &lt;b&gt;" in page
    assert "alert(1)" not in page


def test_links_to_this_machine_can_be_followed_and_others_cannot(client: TestClient, smtp_port: int) -> None:
    send(smtp_port, "Links", "See http://tool.localhost:8000/claim/abc?x=1&y=2. Not https://evil.example/ at all.")

    page = client.get("/mail").text

    assert '<a href="http://tool.localhost:8000/claim/abc?x=1&amp;y=2" rel="noopener">' in page
    assert 'href="https://evil' not in page


def test_an_empty_mailbox_teaches(client: TestClient) -> None:
    assert "No mail yet" in client.get("/mail").text


def test_a_mail_in_an_unknown_charset_is_still_shown(client: TestClient, lms: PracticeLms) -> None:
    lms.mailbox.deliver(
        ["a@example.org"], b"Subject: S\r\nContent-Type: text/plain; charset=unheard-of\r\n\r\nHello\r\n"
    )
    lms.mailbox.deliver([], b"Content-Type: text/html\r\n\r\n<p>Only HTML</p>\r\n")

    texts = [mail["text"].strip() for mail in client.get("/mail.json").json()["mails"]]
    assert texts == ["", "Hello"]
    assert client.get("/mail").status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://localhost:80@evil.example/",
        "javascript://localhost/%0aalert(1)",
        "http://evil-localhost/",
        "http://127.0.0.10/",
    ],
)
def test_lookalikes_do_not_become_links(text: str) -> None:
    assert [piece.href for piece in with_links(text)] == [""]


@given(st.text(st.sampled_from("ab http://localhost:8000/<>\"'.\n"), max_size=80) | st.text(max_size=80))
def test_cutting_a_text_into_links_loses_nothing(text: str) -> None:
    pieces = with_links(text)

    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.href in ("", piece.text) for piece in pieces)
