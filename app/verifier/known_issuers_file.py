"""Changing the register of known issuers: one entry more or less in a file that people edit by hand as well."""

from __future__ import annotations

import json
import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.verifier.errors import KnownIssuersUnreadable
from app.verifier.known_issuers import FILE_NAME, HEADER, parse
from app.verifier.schemas import KnownIssuer

MOST_CHARACTERS: Final = 500
_DID: Final = re.compile(r"did:(web|key|jwk):[A-Za-z0-9.%:_-]+", re.ASCII)


class EntryRefused(ValueError):
    """An entry that the register does not take; the message says why."""


@dataclass(frozen=True)
class Changed:
    """What became of the file: its new text, and whether the comments in it are kept."""

    text: str
    comments_kept: bool


def read_text(data_dir: Path) -> str:
    """The file as it is, empty where there is none; raises KnownIssuersUnreadable."""
    path = data_dir / FILE_NAME
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise KnownIssuersUnreadable(f"{path} cannot be read.") from error


def check(entry: KnownIssuer) -> None:
    """Refuse what would never match a badge, or would be shown wrongly; raises EntryRefused."""
    if not _DID.fullmatch(entry.id) and not _is_https(entry.id):
        raise EntryRefused("The id must be the issuer's own: did:web:…, did:key:…, did:jwk:… or an https address.")
    if entry.url is not None and not _is_https(entry.url):
        raise EntryRefused("The address (--url) must begin with https:// and name a host.")
    for what, text in (("name", entry.name), ("legal name", entry.legal_name), ("listed-by", entry.listed_by)):
        if text is not None and (not text.strip() or len(text) > MOST_CHARACTERS or _has_odd_characters(text)):
            raise EntryRefused(f"The {what} must be one line of 1 to {MOST_CHARACTERS} characters that can be shown.")


def with_entry(text: str, entry: KnownIssuer) -> Changed:
    """The file's text with one more entry at its end; all that was there stays as it was."""
    members = {name: getattr(entry, name) for name in ("id", "name", "listed_by", "legal_name", "url")}
    # A JSON string is a TOML basic string, apart from the character DEL, which `check` refuses.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in members.items() if value]
    before = text.rstrip("\n") + "\n\n" if text.strip() else ""
    changed = before + "\n".join(["[[issuer]]", *lines]) + "\n"
    return _sure(changed, (*parse(text), entry))


def without_entry(text: str, issuer_id: str) -> Changed:
    """The file's text without the entry of this id.

    The entry goes with the comments among its lines. Where the file is written in a way that lines do not tell apart,
    it is written anew from its entries, without comments.
    """
    kept = tuple(entry for entry in parse(text) if entry.id != issuer_id)
    lines = text.splitlines(keepends=True)
    headers = [number for number, line in enumerate(lines) if HEADER.match(line)]
    for begin, following in pairwise([*headers, len(lines)]):
        end = following
        while end > begin + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
        # Of the empty lines that parted it from its neighbours one side is enough.
        while end < following and not lines[end].strip():
            end += 1
        shorter = "".join(lines[:begin] + lines[end:])
        if _entries(shorter) == kept:
            return Changed(shorter, comments_kept=True)
    return _sure(None, kept)


def write(data_dir: Path, text: str) -> None:
    """Put the new text in the file's place: whole or not at all; raises OSError."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / FILE_NAME
    handle, draft = tempfile.mkstemp(dir=data_dir, prefix=f".{FILE_NAME}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Nothing in it is secret, and a server may run as another user than the operator.
        Path(draft).chmod(path.stat().st_mode if path.exists() else 0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _sure(text: str | None, wanted: tuple[KnownIssuer, ...]) -> Changed:
    if text is not None and _entries(text) == wanted:
        return Changed(text, comments_kept=True)
    fresh = ""
    for entry in wanted:
        fresh = with_entry(fresh, entry).text
    return Changed(fresh, comments_kept=False)


def _entries(text: str) -> tuple[KnownIssuer, ...] | None:
    try:
        return parse(text)
    except KnownIssuersUnreadable:
        return None


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = address.isascii() and address.isprintable() and " " not in address
    return plain and parts.scheme == "https" and bool(host) and parts.username is None


def _has_odd_characters(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for character in text)
