"""What can be wrong with switching mails on and off."""

from __future__ import annotations

from app.core.errors import NotFound


class MailLinkUnknown(NotFound):
    """A link that is not from one of our mails, or from one for somebody who is not here any more."""

    slug = "mail-link-unknown"
    title = "This link does not work"

    def __init__(self) -> None:
        super().__init__(
            "It is not from one of our mails, or a part of it is missing, or this server’s secret key was changed "
            "since.",
            kept="Nothing was changed.",
            next_step="Copy the whole link from the mail. Or open Waymark from your LMS and choose “Your data”, then "
            "“Mails”.",
        )
