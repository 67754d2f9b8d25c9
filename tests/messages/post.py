"""A mail server on this machine that keeps what it takes and refuses what it is told to."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from app.config import Settings
from tests.ports import free_ports


@dataclass
class Post:
    """The server's habits, and the mails it took. `data`, `recipient` and `sender` are its answers to those."""

    data: str = "250 OK"
    recipient: str = "250 OK"
    sender: str = "250 OK"
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    async def handle_MAIL(self, _server: SMTP, _session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.sender.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.sender

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.raw.append(envelope.content)
            self.recipients.append(envelope.rcpt_tos)
        return self.data


@contextmanager
def running(post: Post) -> Iterator[int]:
    """The server, running; its port."""
    (port,) = free_ports(1)
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
