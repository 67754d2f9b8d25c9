"""E-mail addresses, phone numbers, profiles and street addresses in a folded text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.learning.evidence.dates import DATE
from app.learning.evidence.findings import Span
from app.learning.evidence.word_sets import word_set

# No pattern here repeats without a bound, nor a repetition inside another but for single optional characters, so that
# the work at each character of a text has a limit.
EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")
_AT = r"\s?(?:[(\[{<]\s?(?:at|@)\s?[)\]}>]|(?<=\s)at(?=\s)|@)\s?"
_DOT = r"\s?(?:[(\[{<]\s?(?:dot|\.)\s?[)\]}>]|(?<=\s)dot(?=\s))\s?"
_ENDING = r"(?:com|org|net|edu|gov|info|io|co|me|asn|id|au|nz|uk)\b"
SPELLED_EMAIL = re.compile(
    rf"(?<![\w.%+-])[\w.%+-]{{1,64}}{_AT}[A-Za-z0-9-]{{1,63}}{_DOT}(?:[A-Za-z0-9-]{{1,63}}{_DOT})?{_ENDING}",
    re.IGNORECASE,
)
_PROVIDERS = (
    r"(?:gmail|googlemail|outlook|hotmail|live|yahoo|ymail|icloud|bigpond|optusnet|iinet|tpg|proton|protonmail)"
)
BRACKETED_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64}\s?[(\[{<]\s?(?:at|@)\s?[)\]}>]\s?[A-Za-z0-9-]{1,63}\.[A-Za-z0-9-]{2,63}",
    re.IGNORECASE,
)
PROVIDER_EMAIL = re.compile(
    rf"(?<![\w.%+-])[\w.%+-]{{1,64}}\s{{1,2}}(?:at|@)\s{{1,2}}{_PROVIDERS}\.(?:com|net|me)\b", re.IGNORECASE
)
MARK_OF_SPELLED = re.compile(r"\bdot\b|[(\[{<]\s?\.", re.IGNORECASE)
MARK_OF_BRACKETED = re.compile(r"[(\[{<]\s?(?:at\b|@)", re.IGNORECASE)
MARK_OF_PROVIDER = re.compile(rf"\b{_PROVIDERS}\.", re.IGNORECASE)

_GAP = r"[ .()/\t-]{0,2}"
_COUNTRY = r"(?:\+|\b00)61[ .-]?(?:\(0\)[ .-]?)?0?"
PHONE = re.compile(
    rf"(?<![\w.+])(?:{_COUNTRY}\(?|\(?0)[23478]\)?(?:{_GAP}\d){{8}}(?!\d)"
    rf"|(?<!\w)\+(?!61)[1-9](?:{_GAP}\d){{7,13}}(?!\d)"
    rf"|(?<![\w.+])00(?!61)[1-9]\d(?:{_GAP}\d){{7,12}}(?!\d)"
)
SERVICE_PHONE = re.compile(r"(?<![\w.+$])1[38]00(?:[ .-]{0,2}\d){6}(?!\d)")
_PHONE_WORDS = r"(?:phone|mobile|mob|tel|ph|call|called|ring|rang|text|texted|sms|whatsapp|landline)"
LOCAL_PHONE = re.compile(
    rf"\b{_PHONE_WORDS}\b[^\d\n]{{0,20}}"
    r"(?P<number>(?!19\d\d|20\d\d)[2-9]\d{3}[ .-]?\d{4}|4\d\d[ .-]?\d{3}[ .-]?\d{3})(?![\d/])",
    re.IGNORECASE,
)

PROFILE = re.compile(
    r"\b(?:facebook\.com|fb\.com|instagram\.com|tiktok\.com|linkedin\.com/in|twitter\.com|x\.com|snapchat\.com/add"
    r"|threads\.net|youtube\.com/@|reddit\.com/u(?:ser)?|t\.me|wa\.me|discord\.gg)/?@?[\w.%-]{2,80}",
    re.IGNORECASE,
)
HANDLE = re.compile(r"(?<![\w.@/])@[A-Za-z_][\w.]{2,30}")

_TYPES = (
    r"Street|St|Road|Rd|Avenue|Ave|Av|Drive|Dr|Court|Ct|Crescent|Cres|Place|Pl|Lane|Ln|Parade|Pde|Highway|Hwy"
    r"|Terrace|Tce|Close|Cl|Way|Boulevard|Blvd|Grove|Gr|Circuit|Cct|Esplanade|Square|Sq|Mews|Loop|Rise|Walk"
)
_NUMBER = (
    r"(?<![\w.,/$])(?:(?:[Uu]nit|[Ff]lat|[Aa]pt|[Ll]ot|[Ll]evel)\s)?"
    r"\d{1,5}[A-Za-z]?(?:\s?[/,-]\s?\d{1,5}[A-Za-z]?)?,?\s"
)
ADDRESS = re.compile(rf"{_NUMBER}[A-Z][A-Za-z'-]{{1,30}}\s(?:[A-Z][A-Za-z'-]{{1,30}}\s)?(?:{_TYPES})\b")
PLAIN_ADDRESS = re.compile(
    rf"{_NUMBER}(?P<street>[a-z][a-z'-]{{2,30}})\s(?:street|road|avenue|crescent|parade|highway|terrace|boulevard|esplanade)\b"
)
BOX = re.compile(r"\b(?:P\.?\s?O\.?|GPO|Locked)\s(?:Box|Bag)\s\d{1,6}\b", re.IGNORECASE)
# “5 high street shops” and “2 side street cafés” are no addresses.
_NO_STREETS = word_set(
    """
    the this that same main high side local busy quiet back country dirt other another different of across along down
    every each more long whole cross one-way major city inner suburban closed per new old and
    """
)

PATTERNS = (
    EMAIL, SPELLED_EMAIL, BRACKETED_EMAIL, PROVIDER_EMAIL, PHONE, SERVICE_PHONE, LOCAL_PHONE, PROFILE, HANDLE, ADDRESS,
    PLAIN_ADDRESS, BOX,
)  # fmt: skip


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also those spelled out: `name at example dot com`."""
    for match in EMAIL.finditer(text):
        yield Span("email", match.start(), match.end(), "certain")
    # The others begin at any word, which costs; few texts have what must be in them.
    for pattern, must in (
        (SPELLED_EMAIL, MARK_OF_SPELLED),
        (BRACKETED_EMAIL, MARK_OF_BRACKETED),
        (PROVIDER_EMAIL, MARK_OF_PROVIDER),
    ):
        if must.search(text):
            for match in pattern.finditer(text):
                yield Span("email", match.start(), match.end(), "likely")


def phones(text: str) -> Iterator[Span]:
    """Australian mobile and landline numbers with or without spaces, 1300 and 1800 numbers, and those with a `+`.

    What is called 1300 or 1800 is a service far more often than a person: likely, never certain.
    """
    for match in PHONE.finditer(text):
        # “02.12.2008 14:30”: a day with a time has as many digits as a phone number.
        if not DATE.match(text, match.start()):
            yield Span("phone", match.start(), match.end(), "certain")
    for match in SERVICE_PHONE.finditer(text):
        yield Span("phone", match.start(), match.end(), "likely")
    for match in LOCAL_PHONE.finditer(text):
        yield Span("phone", match.start("number"), match.end("number"), "likely")


def profiles(text: str) -> Iterator[Span]:
    """Addresses of social media profiles, and `@handles`."""
    for match in PROFILE.finditer(text):
        yield Span("profile", match.start(), match.end(), "certain")
    for match in HANDLE.finditer(text):
        yield Span("profile", match.start(), match.end(), "likely")


def addresses(text: str) -> Iterator[Span]:
    """A number, a street's name and what kind of street it is; post boxes."""
    for match in ADDRESS.finditer(text):
        yield Span("address", match.start(), match.end(), "certain")
    for match in PLAIN_ADDRESS.finditer(text):
        if match["street"] not in _NO_STREETS:
            yield Span("address", match.start(), match.end(), "likely")
    for match in BOX.finditer(text):
        yield Span("address", match.start(), match.end(), "likely")
