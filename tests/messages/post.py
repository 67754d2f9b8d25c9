"""A mail server on this machine that keeps what it takes and refuses what it is told to."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from app.config import Settings


@dataclass
class Post:
    """The server's habits, and the mails it took. `data` and `recipient` are the answers to those two commands."""

    data: str = "250 OK"
    recipient: str = "250 OK"
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.recipients.append(envelope.rcpt_tos)
        return self.data


@contextmanager
def running(post: Post) -> Iterator[int]:
    """The server, running; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def mailing(settings: Settings, port: int) -> Settings:
    """Settings that send mail to the server on this port."""
    return settings.model_copy(
        update={
            "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_starttls": False,
            "mail_from": "Waymark <no-reply@waymark.example>",
        }
    )  # fmt: skip
