"""What each mail says."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from app.awards.renewal_offers import RenewalStage
from app.core import days
from app.messages.kinds import Kind
from app.messages.wording import flowing, greeting, one_line

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class CodeMail:
    """The code that confirms an e-mail address."""

    code: str
    minutes: int


@dataclass(frozen=True)
class ReturnedMail:
    """Work came back with comments."""

    name: str
    module_title: str


@dataclass(frozen=True)
class AwardedMail:
    """A badge was awarded; the link is the holder's own. `note_on` names the page with the assessor's words, if any."""

    name: str
    achievement_name: str
    claim_url: str
    note_on: str = ""


@dataclass(frozen=True)
class ClaimMail:
    """A badge was awarded to an address, through the API; the link is the holder's own.

    Attributes:
        name: what the client calls the recipient; empty if it does not say.
        issuer_name: who issues.
        decided_by: the person who decided, who has never been a secret from the recipient; empty if what the client
            wrote could be read as a message or a link.
        decided_by_role: in what role, or empty in the same way.
    """

    name: str
    achievement_name: str
    issuer_name: str
    decided_by: str
    decided_by_role: str
    claim_url: str


@dataclass(frozen=True)
class WalletMail:
    """A badge was bound to a wallet, by somebody who had the launch or the link of the award mail."""

    name: str
    achievement_name: str
    claim_url: str


@dataclass(frozen=True)
class ExpiringMail:
    """A badge expires soon.

    Attributes:
        name: the holder's.
        achievement_name: the badge's.
        until: when it expires.
        days: how many days that is from now, rounded up; at least 1.
        renewal: what renewing asks for, in the programme's words; None where it does not say.
        is_module: whether there is a module to open.
        claim_url: the holder's link to the badge.
        by_talk: whether a conversation renews it that assessors arrange.
        stage: how far its renewal has come, as `RenewalOffer.stage`; None where none is under way.
    """

    name: str
    achievement_name: str
    until: datetime
    days: int
    renewal: str | None
    is_module: bool
    claim_url: str
    by_talk: bool = False
    stage: RenewalStage | None = None


@dataclass(frozen=True)
class QuarantinedMail:
    """A text was put away to protect somebody. Never says what was found in it.

    Attributes:
        name: the learner's.
        module_title: the module.
        awarded: whether the module was awarded before: then there is nothing to do.
    """

    name: str
    module_title: str
    awarded: bool


@dataclass(frozen=True)
class LinkCodeMail:
    """The code that shows that an earlier record is one's own too.

    Attributes:
        organisation: from whose LMS it was asked for, if that is known.
    """

    code: str
    minutes: int
    organisation: str | None


@dataclass(frozen=True)
class LinkedMail:
    """A record was joined by a login from elsewhere.

    Attributes:
        organisation: from whose LMS, if that is known.
        contact: whom to tell if it was not oneself; empty if the operator has not said.
    """

    organisation: str | None
    linked_at: datetime
    contact: str


Mail = (
    LinkCodeMail
    | LinkedMail
    | CodeMail
    | ReturnedMail
    | AwardedMail
    | ClaimMail
    | WalletMail
    | ExpiringMail
    | QuarantinedMail
)
_TEMPLATE: dict[type[Any], str] = {
    CodeMail: "code.txt",
    LinkCodeMail: "link_code.txt",
    LinkedMail: "linked.txt",
    ReturnedMail: "returned.txt",
    AwardedMail: "awarded.txt",
    ClaimMail: "claim.txt",
    WalletMail: "wallet.txt",
    ExpiringMail: "expiring.txt",
    QuarantinedMail: "quarantined.txt",
}


@dataclass(frozen=True)
class Around:
    """What stands at the end of every mail.

    Attributes:
        kind: which says why somebody gets it.
        switch_url: where its reader switches mails of this kind off; None if they cannot be.
        contact: who answers questions, an e-mail address; empty if the operator has said nothing.
    """

    kind: Kind
    switch_url: str | None = None
    contact: str = ""


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    # Plain text: nothing to escape, and escaping would spoil it.
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    made.filters["greeting"] = greeting
    made.filters["day"] = days.day
    return made


def compose(mail: Any, around: Around) -> tuple[str, str]:
    """Subject and text of a mail: a template's first line is the subject."""
    return compose_from(_TEMPLATE[type(mail)], mail, around)


def compose_from(template: str, mail: Any, around: Around) -> tuple[str, str]:
    """Subject and text from a template by name.

    Args:
        template: the file's name; its first line is the subject, `{{ name|greeting }}` greets.
        mail: a dataclass; its fields are what the template may use. Texts among them become one line each.
        around: what stands at the end.
    """
    fields = {field.name: getattr(mail, field.name) for field in dataclasses.fields(mail)}
    plain = {key: one_line(value) if isinstance(value, str) else value for key, value in fields.items()}
    subject, _, text = _environment().get_template(template).render(plain).partition("\n")
    end = (
        _environment()
        .get_template("_end.txt")
        .render(
            because=around.kind.because, helper=around.kind.helper, switch_url=around.switch_url, contact=around.contact
        )
    )
    return one_line(subject), flowing(f"{text.strip(chr(10))}\n\n{end}")
