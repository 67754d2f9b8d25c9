"""What each mail says."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jinja2

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
    """A badge was awarded; the link is the holder's own."""

    name: str
    achievement_name: str
    claim_url: str


@dataclass(frozen=True)
class WalletMail:
    """A badge was bound to a wallet, by somebody who had the launch or the link of the award mail."""

    name: str
    achievement_name: str
    claim_url: str


Mail = CodeMail | ReturnedMail | AwardedMail | WalletMail
_TEMPLATE = {
    CodeMail: "code.txt",
    ReturnedMail: "returned.txt",
    AwardedMail: "awarded.txt",
    WalletMail: "wallet.txt",
}


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    # Plain text: nothing to escape, and escaping would spoil it.
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )


def compose(mail: Mail) -> tuple[str, str]:
    """Subject and text of a mail: a template's first line is the subject."""
    fields = {field.name: getattr(mail, field.name) for field in dataclasses.fields(mail)}
    subject, _, text = _environment().get_template(_TEMPLATE[type(mail)]).render(fields).partition("\n")
    return subject.strip(), text.lstrip("\n")
