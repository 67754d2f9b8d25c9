"""Handing one mail to the mail server (RFC 5321, https://www.rfc-editor.org/rfc/rfc5321)."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from app.config import Settings
from app.core.outbox import GiveUp, RetryLater

TIMEOUT_SECONDS = 20.0


def send(settings: Settings, *, to: str, subject: str, text: str, reference: str) -> None:
    """Send a plain-text mail.

    Args:
        settings: the mail server and the sender.
        to: one address.
        subject: one line.
        text: the body.
        reference: stable for this mail, so that a repeat after a crash can be recognised by its Message-ID.

    Raises:
        RetryLater: the server does not answer or says "not now".
        GiveUp: no server is set, or the server refuses the mail for good.
    """
    if not settings.smtp:
        raise GiveUp("no mail server is set (WAYMARK_SMTP_HOST)")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, " ".join(subject.split())
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{reference}@{parseaddr(settings.mail_from)[1].rpartition('@')[2] or 'waymark.invalid'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS) as server:
            if settings.smtp_starttls:
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_username:
                server.login(settings.smtp_username, settings.smtp_password)
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        # "from None" here and below: the refusal quotes the address, and causes are logged.
        if any(code < 500 for code, _ in refused.recipients.values()):
            raise RetryLater("the mail server does not take mail for the address yet") from None
        raise GiveUp("the mail server refuses the address") from None
    except smtplib.SMTPAuthenticationError as error:
        # The operator's to mend: the mail is good.
        raise RetryLater(f"the mail server does not let us in ({error.smtp_code})") from None
    except smtplib.SMTPResponseException as error:
        if 500 <= error.smtp_code < 600:
            raise GiveUp(f"the mail server refuses the mail ({error.smtp_code})") from None
        raise RetryLater(f"the mail server says not now ({error.smtp_code})") from None
    except (OSError, smtplib.SMTPException) as error:
        raise RetryLater(f"the mail server does not answer ({type(error).__name__})") from None
