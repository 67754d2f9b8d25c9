"""The mail catcher: a real SMTP server that delivers to nobody and shows everything on /mail."""

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

MOST_MAILS = 200
LARGEST_MAIL = 1_000_000
# Only addresses on this machine become links: a mail must not lead a demo's audience out into the web.
_LOCAL_URL = re.compile(
    r"https?://(?:[a-z0-9-]+\.)?(?:localhost|127\.0\.0\.1)(?::\d{1,5})?(?:/[^\s<>\"']*)?(?![\w@.:-])", re.IGNORECASE
)


@dataclass(frozen=True)
class Mail:
    """One mail as caught. `text` is its plain text part."""

    number: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str


@dataclass(frozen=True)
class TextPiece:
    """A stretch of a mail's text; `href` is empty unless it is a link that may be followed."""

    text: str
    href: str = ""


@dataclass
class Mailbox:
    """The last 200 mails, newest first."""

    mails: deque[Mail] = field(default_factory=lambda: deque(maxlen=MOST_MAILS))
    _count: int = 0

    def deliver(self, recipients: list[str], content: bytes) -> None:
        """Take in one mail in wire format (RFC 5322)."""
        message = message_from_bytes(content, policy=policy.default)
        self._count += 1
        self.mails.appendleft(
            Mail(
                number=self._count,
                received_at=datetime.now(UTC),
                sender=str(message.get("From", "")),
                recipients=tuple(recipients),
                subject=str(message.get("Subject", "")),
                text=_plain_text(message),
            )
        )


def _plain_text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain",))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, UnicodeDecodeError):
        # An unknown charset is the sender's mistake; show what can be shown.
        payload = body.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def with_links(text: str) -> list[TextPiece]:
    """Cut a text into plain stretches and links to this machine; a full stop after a URL stays outside it."""
    pieces: list[TextPiece] = []
    position = 0
    for match in _LOCAL_URL.finditer(text):
        url = match.group().rstrip(".,;:!?)]")
        pieces += [TextPiece(text[position : match.start()]), TextPiece(url, url)]
        position = match.start() + len(url)
    pieces.append(TextPiece(text[position:]))
    return [piece for piece in pieces if piece.text]


class _Catcher:
    """aiosmtpd calls `handle_DATA` for each mail, in the catcher's own thread; a deque's append is safe there."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        self._mailbox.deliver(
            list(envelope.rcpt_tos), content if isinstance(content, bytes) else (content or "").encode()
        )
        return "250 Caught for the practice mail page"


def mail_server(mailbox: Mailbox, port: int) -> Controller:
    """An SMTP server on 127.0.0.1 for the caller to start and stop; `start()` raises OSError if the port is taken."""
    return Controller(_Catcher(mailbox), hostname="127.0.0.1", port=port, data_size_limit=LARGEST_MAIL)
