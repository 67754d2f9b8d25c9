"""Issuers that could be taken for a known one: an address or a name that looks like theirs and is not.

`did:web` names hold ASCII only, but `xn--` stands for any letter of any alphabet, and a near-spelling needs no foreign
letter at all. So an unknown issuer is compared with those of the register. The comparison only adds a warning to what
is amber already: it is made to miss little, and to leave unrelated names alone.

The letters that look alike are a small table of our own, in the manner of https://www.unicode.org/reports/tr39/#Confusable_Detection.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from app.verifier.facts import domain_of
from app.verifier.schemas import KnownIssuer, LookAlike

_PAIRS: Final = (
    "аa бb вb гr дd еe ёe зz іi їi јj кk ӏl мm нh оo пn рp сc тt уy үy хx һh ьb ԁd ԛq ԝw ѕs цu чy шw єe ԍg "  # Cyrillic
    "αa βb γy δd εe ζz ηn ιi κk νv οo ρp σo τt υu χx ωw ϲc "  # Greek
    "ıi ɑa ɡg ɩi ʟl əe ƅb օo ցg սu ոn հh յj øo łl đd ħh "  # Armenian and others
    "0o 1l 3e 5s |l"
)
_LETTERS: Final = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
"""Each character beside the Latin letter it is taken for."""
_GROUPS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_PUNYCODE: Final = "xn--"
_SHORTEST: Final = 5
_SHORTEST_AS_PART: Final = 6
_LONG: Final = 10
_SECOND_LEVEL: Final = frozenset(
    {"ac", "asn", "co", "com", "csiro", "edu", "go", "gob", "gov", "gouv", "govt", "id", "info", "mil", "ne", "net",
     "nhs", "nom", "or", "org", "oz", "sch", "school", "state"}
)  # fmt: skip
_COMMON: Final = frozenset(
    {"academy", "agency", "australia", "badge", "badges", "careers", "certificate", "certificates", "college",
     "community", "credential", "credentials", "department", "education", "employment", "example", "foundation",
     "health", "institute", "issuer", "issuers", "learning", "localhost", "national", "online", "openbadges",
     "programs", "school", "service", "services", "skills", "student", "students", "support", "training", "university",
     "verify"}
)  # fmt: skip
"""Words that many share: as a part of an address they say nothing about whose it is."""
_LEGAL_FORM: Final = re.compile(r"\b(the|pty|ltd|limited|inc|incorporated|llc|gmbh|plc)\b")


@dataclass(frozen=True)
class _Address:
    """A host taken apart: `label` is the name somebody chose, `ending` what it stands under, `labels` all of it."""

    host: str
    labels: tuple[str, ...]
    label: str
    ending: str

    @property
    def subdomain(self) -> tuple[str, ...]:
        """The labels before the domain."""
        return self.labels[: -len(self.domain.split("."))]

    @property
    def domain(self) -> str:
        """What its owner has registered."""
        return f"{self.label}.{self.ending}" if self.ending else self.label


@dataclass(frozen=True)
class _Known:
    issuer: KnownIssuer
    address: _Address | None
    names: frozenset[str]


class LookAlikes:
    """Compares with the issuers of one register; made once for a register.

    Args:
        entries: the known issuers.
    """

    def __init__(self, entries: Iterable[KnownIssuer]) -> None:
        self._known = [_known(entry) for entry in entries]
        self._domains = {each.address.domain for each in self._known if each.address is not None}

    def find(self, issuer_id: str, claimed_name: str | None) -> LookAlike | None:
        """Which known issuer this unknown one could be taken for, if any; the gravest likeness is told.

        Args:
            issuer_id: identifier of an issuer that is not in the register.
            claimed_name: what it calls itself.
        """
        address = _address(issuer_id)
        # An address of an owner whom we know cannot feign another one; what it calls itself can.
        stranger = address if address is not None and address.domain not in self._domains else None
        path = _path(issuer_id)
        name = _plain_name(claimed_name or "")
        found = [
            (rank, each, reason)
            for each in self._known
            for rank, reason in [_likeness(stranger, path, name, each)]
            if rank is not None
        ]
        if not found:
            return None
        _, nearest, reason = min(found, key=lambda one: one[0])
        return LookAlike(nearest.issuer, f"This is not {_named(nearest.issuer)}. {reason}")


def letters_of(host: str) -> str | None:
    """What an address with `xn--` in it looks like in letters; None if there is nothing to add, or nothing to show."""
    if _PUNYCODE not in host:
        return None
    decoded = _decoded(host)
    is_plain = all(
        character.isalnum() or character in ".-:" or unicodedata.combining(character) for character in decoded
    )
    return decoded if decoded != host and is_plain else None


def shown(host: str) -> str:
    """An address as it is written, with its letters beside it where that is not the same."""
    letters = letters_of(host)
    return f"{host} (in letters: {letters})" if letters else host


def letters_note(issuer_id: str) -> str | None:
    """What to say of an unknown issuer whose address has `xn--` in it; None for all others."""
    address = _address(issuer_id)
    letters = letters_of(address.host) if address is not None else None
    if address is None or letters is None:
        return None
    return (
        f"The issuer is not in our register. Its address is {address.host}; in a browser that may look like {letters}."
    )


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """What is left of a text when all that looks alike is made the same."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = text.translate(_LETTERS)
    for group, letter in _GROUPS:
        text = text.replace(group, letter)
    return text


def _known(entry: KnownIssuer) -> _Known:
    address = _address(entry.id) or _address(entry.url or "")
    names = {_plain_name(name) for name in (entry.name, entry.legal_name) if name}
    return _Known(entry, address, frozenset(name for name in names if name))


def _likeness(stranger: _Address | None, path: tuple[str, ...], name: str, known: _Known) -> tuple[int | None, str]:
    """How an unknown issuer is like a known one: a rank, 0 the gravest, and a sentence."""
    if stranger is not None and known.address is not None:
        here, theirs = shown(stranger.host), known.address.domain
        if _has_the_same_look(stranger, known.address):
            return 0, f"Its address, {here}, only looks like {theirs}: it is written with other characters."
        if _holds(stranger, stranger.subdomain, known.address):
            return 1, f"Its address, {here}, only has that name in it: it belongs to whoever owns {stranger.domain}."
        if _holds(stranger, path, known.address):
            return (
                1,
                f"That name only stands behind its address: whoever owns {shown(stranger.domain)} can write it there.",
            )
        distance = _distance(stranger, known.address)
        if distance is not None:
            return 2 + distance, f"Its address, {here}, is only spelled much like {theirs}."
    if name and name in known.names:
        return 9, "It calls itself by that name, and it is another issuer."
    return None, ""


def _has_the_same_look(stranger: _Address, known: _Address) -> bool:
    """Other characters, the same look: of what somebody registered, or of the whole."""
    return any(
        here != theirs and skeleton(here) == skeleton(theirs)
        for here, theirs in ((_decoded(stranger.domain), _decoded(known.domain)), (_decoded(stranger.host), known.host))
    )


def _holds(stranger: _Address, parts: tuple[str, ...], known: _Address) -> bool:
    """The known domain or name stands in front of somebody else's domain, or behind it."""
    here, theirs = _skeletons(parts), _skeletons(known.domain.split("."))
    if known.ending and (_contains([*here, *_skeletons(stranger.labels)], theirs) or ".".join(theirs) in here):
        return True
    name, chosen = skeleton(_decoded(known.label)), skeleton(_decoded(stranger.label))
    if len(name) < _SHORTEST_AS_PART or known.label in _COMMON or chosen == name:
        return False
    return any(name in part.split("-") for part in (*here, chosen))


def _skeletons(labels: Iterable[str]) -> list[str]:
    return [skeleton(_decoded(label)) for label in labels]


def _contains(labels: list[str], wanted: list[str]) -> bool:
    """Whether `wanted` stands in `labels` in one piece."""
    return any(labels[place : place + len(wanted)] == wanted for place in range(len(labels) - len(wanted) + 1))


def _distance(stranger: _Address, known: _Address) -> int | None:
    """Letters between two spellings, if there are few enough; a known name under another ending counts as one."""
    here, theirs = skeleton(_decoded(stranger.label)), skeleton(_decoded(known.label))
    allowed = (len(theirs) >= _SHORTEST) + (len(theirs) >= _LONG)
    other_ending = int(stranger.ending != known.ending)
    if not allowed or known.label in _COMMON or abs(len(here) - len(theirs)) > allowed - other_ending:
        return None
    distance = _edits(here, theirs) + other_ending
    return distance if distance <= allowed else None


def _edits(one: str, other: str) -> int:
    """How many letters must be put in, left out, replaced or swapped with a neighbour to make one the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, wanted in enumerate(other, start=1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != wanted))
            if row > 1 < column and letter == other[column - 2] and one[row - 2] == wanted:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]


def _address(issuer_id: str) -> _Address | None:
    """The host in an issuer's identifier, taken apart; None where there is none, or only numbers."""
    try:
        domain = domain_of(issuer_id)
    except ValueError:
        return None
    host = (domain or "").lower().partition(":")[0].strip(".")
    if not host or _is_numbers(host):
        return None
    labels = tuple(host.split("."))
    # Nobody keeps one list of what may be registered where; endings of two parts look like `org.au` everywhere.
    parts = 2 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 1
    ending = labels[-parts:] if len(labels) > 1 else ()
    return _Address(host, labels, labels[-len(ending) - 1], ".".join(ending))


def _path(issuer_id: str) -> tuple[str, ...]:
    """The parts of an identifier behind its host."""
    if issuer_id.startswith("did:web:"):
        return tuple(unquote(part).lower() for part in issuer_id.split(":")[3:])
    return tuple(part.lower() for part in issuer_id.split("/")[3:] if part)


def _is_numbers(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.startswith("[")
    return True


@lru_cache(maxsize=4096)
def _decoded(host: str) -> str:
    return ".".join(_decoded_label(label) for label in host.split("."))


def _decoded_label(label: str) -> str:
    """The letters of one `xn--` label (RFC 3492); as it is, where it is no such thing or too long to be one."""
    if not label.startswith(_PUNYCODE) or len(label) > 63:
        return label
    try:
        return label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label


def _plain_name(name: str) -> str:
    """A name without what two spellings of it differ in: signs, capitals, legal forms, letters that look alike."""
    folded = unicodedata.normalize("NFKC", name[:500]).casefold()
    words = _LEGAL_FORM.sub(" ", "".join(c if c.isalnum() else " " for c in folded if unicodedata.category(c) != "Cf"))
    return skeleton("".join(words.split()))


def _named(issuer: KnownIssuer) -> str:
    domain = domain_of(issuer.id)
    return f"{issuer.name} ({domain})" if domain else issuer.name
