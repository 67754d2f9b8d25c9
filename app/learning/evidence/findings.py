"""What a scan finds: kinds, how sure it is, and why each matters, in words for the person who wrote the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "email",
    "phone",
    "profile",
    "birth_date",
    "medicare",
    "crn",
    "tax_file_number",
    "record_number",
    "address",
    "name",
]
Sureness = Literal["certain", "likely"]

EXCERPT_LENGTH = 60  # characters

KIND_WORDS: Mapping[FindingKind, str] = {
    "email": "e-mail address",
    "phone": "phone number",
    "profile": "social media profile",
    "birth_date": "date of birth",
    "medicare": "Medicare number",
    "crn": "Centrelink number",
    "tax_file_number": "tax file number",
    "record_number": "client or record number",
    "address": "street address",
    "name": "person’s name",
}
REASONS: Mapping[FindingKind, str] = {
    "email": "An e-mail address leads straight to one person.",
    "phone": "A phone number leads straight to one person or workplace.",
    "profile": "A profile shows who somebody is, with pictures and friends.",
    "birth_date": "A date of birth and a town are often enough to tell who somebody is. Say “19 years old” instead.",
    "medicare": "A Medicare number belongs to one person or family.",
    "crn": "A Centrelink number (CRN) belongs to one person.",
    "tax_file_number": "A tax file number belongs to one person, and the law protects it.",
    "record_number": "Whoever can open the record system can see whose number this is.",
    "address": "An address tells where somebody lives or works.",
    "name": "A real name tells who it is about. Use an invented name, or a role such as “a young person”.",
}


@dataclass(frozen=True)
class Finding:
    """A place in a text that could point at a real person.

    Attributes:
        start: its first character in the text as it was given, counted from 0.
        end: the character after its last.
        excerpt: the place itself, at most 60 characters. Never for logs or the audit.
        sure: `certain` where its form leaves little doubt, else `likely`.
        reason: why it matters, one or two sentences.
    """

    kind: FindingKind
    start: int
    end: int
    excerpt: str
    sure: Sureness
    reason: str


@dataclass(frozen=True)
class Place:
    """A finding in one field of one activity.

    Attributes:
        id: says which words it is about, and which of several alike; the same until they are changed.
        label: the field's question.
    """

    id: str
    activity_key: str
    field_key: str
    label: str
    finding: Finding


@dataclass(frozen=True)
class Span:
    """A find in a folded text, before it is led back to the text as it was given."""

    kind: FindingKind
    start: int
    end: int
    sure: Sureness
