"""Handing one mail to the mail server (RFC 5321, https://www.rfc-editor.org/rfc/rfc5321)."""

from __future__ import annotations

import email.policy
import re
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Final

from app.config import Settings
from app.core.outbox import GiveUp, RetryLater

TIMEOUT_SECONDS: Final = 20.0
TLS_FROM_THE_START: Final = 465  # RFC 8314 §3.3, https://www.rfc-editor.org/rfc/rfc8314
PERMANENT: Final = 500
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")


def send(
    settings: Settings, *, to: str, subject: str, text: str, reference: str, unsubscribe: str | None = None
) -> None:
    """Send a plain-text mail.

    Args:
        settings: the mail server and the sender.
        to: one address.
        subject: one line.
        text: the body.
        reference: stable for this mail, so that a repeat after a crash can be recognised by its Message-ID.
        unsubscribe: an https address that takes the POST by which a mail program switches mails of this kind off
            (RFC 8058, https://www.rfc-editor.org/rfc/rfc8058).

    Raises:
        RetryLater: the server does not answer, says "not now", or has a quarrel with us rather than with this mail.
        GiveUp: no server is set, or the server refuses the mail for good.
    """
    if not settings.smtp:
        raise GiveUp("no mail server is set (WAYMARK_SMTP_HOST)")
    message = _message(settings, to, subject, text, reference)
    if unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    server = _signed_in(settings)
    try:
        _hand_over(server, message)
    finally:
        # The server has taken the mail or refused it by now; how it says goodbye changes nothing.
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()


def _message(settings: Settings, to: str, subject: str, text: str, reference: str) -> EmailMessage:
    message = EmailMessage()
    message.set_content(text, cte="quoted-printable")  # RFC 2045 §6.7: lines of at most 76, however long those of text
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, " ".join(subject.split())
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{reference}@{parseaddr(settings.mail_from)[1].rpartition('@')[2] or 'waymark.invalid'}>"
    if settings.contact_email:
        message["Reply-To"] = settings.contact_email
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: out-of-office notices do not answer it
    message["Content-Language"] = "en-AU"
    return message


def _signed_in(settings: Settings) -> smtplib.SMTP:
    """A connection that is ready for a mail. What goes wrong before that is the operator's to mend: the mail is good.

    "from None" here and below: an answer may quote the address, and causes are logged.
    """
    try:
        server = _connected(settings)
        try:
            _prepare(server, settings)
        except BaseException:
            server.close()
            raise
        return server
    except (OSError, smtplib.SMTPException) as error:
        raise RetryLater(_trouble(error)) from None


def _trouble(error: OSError | smtplib.SMTPException) -> str:
    """What an operator has to know of a server that we do not get on with."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the mail server does not let us in ({_codes(error.smtp_code, error.smtp_error)})"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the mail server offers no STARTTLS, or no way to sign in that we know"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server turns us away ({_codes(error.smtp_code, error.smtp_error)})"
    if isinstance(error, ssl.SSLError):
        return f"there is no safe way to the mail server ({error.reason or type(error).__name__})"
    return f"the mail server does not answer ({type(error).__name__})"


def _connected(settings: Settings) -> smtplib.SMTP:
    where = (settings.smtp_host, settings.smtp_port)
    if settings.smtp_port == TLS_FROM_THE_START:
        return smtplib.SMTP_SSL(*where, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(*where, timeout=TIMEOUT_SECONDS)


def _prepare(server: smtplib.SMTP, settings: Settings) -> None:
    if settings.smtp_starttls and settings.smtp_port != TLS_FROM_THE_START:
        server.starttls(context=ssl.create_default_context())
    if settings.smtp_username:
        server.login(settings.smtp_username, settings.smtp_password)


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> None:
    """RFC 5321 §4.2.1: what is answered with 4yz may be tried again as it is, with 5yz not."""
    try:
        # Not send_message: it puts a ">" before a line that begins with "From ", as if the mail went into an mbox file.
        sender, recipient = (parseaddr(message[name])[1] for name in ("From", "To"))
        server.sendmail(sender, recipient, message.as_bytes(policy=email.policy.SMTP))
    except smtplib.SMTPRecipientsRefused as refused:
        code, answer = next(iter(refused.recipients.values()))  # one mail has one recipient
        if code < PERMANENT:
            reason = f"the mail server does not take mail for the address yet ({_codes(code, answer)})"
            raise RetryLater(reason) from None
        raise GiveUp(f"the mail server refuses the address ({_codes(code, answer)})") from None
    except smtplib.SMTPResponseException as error:
        codes = _codes(error.smtp_code, error.smtp_error)
        if not PERMANENT <= error.smtp_code < PERMANENT + 100:
            raise RetryLater(f"the mail server says not now ({codes})") from None
        if isinstance(error, smtplib.SMTPSenderRefused):
            raise GiveUp(f"the mail server refuses the sender; see WAYMARK_MAIL_FROM ({codes})") from None
        raise GiveUp(f"the mail server refuses the mail ({codes})") from None
    except (OSError, smtplib.SMTPException) as error:
        raise RetryLater(_trouble(error)) from None


def _codes(code: int, answer: bytes | str) -> str:
    """The reply code, and the enhanced one (RFC 3463), which says more; never the words: they may quote an address."""
    found = _ENHANCED.match(answer if isinstance(answer, bytes) else answer.encode("utf-8", "replace"))
    return f"{code} {found.group(1).decode('ascii')}" if found else str(code)
