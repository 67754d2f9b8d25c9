"""The register of issuers whose identity somebody vouches for.

A signature proves which domain signed; only a register says which organisation that is. The register is a TOML file,
one `[[issuer]]` table for each: `id` (its DID), `name`, `listed_by`, and optionally `legal_name` and `url`.
"""

from __future__ import annotations

import re
import threading
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from app.core import metrics
from app.core.logging import get_logger
from app.verifier.errors import KnownIssuersUnreadable
from app.verifier.look_alikes import LookAlikes
from app.verifier.schemas import KnownIssuer, LookAlike

log = get_logger()

FILE_NAME: Final = "known_issuers.toml"
_MEMBERS: Final = frozenset({"id", "name", "listed_by", "legal_name", "url"})
_REQUIRED: Final = ("id", "name", "listed_by")
HEADER: Final = re.compile(r"[ \t]*\[\[[ \t]*(issuer|\"issuer\"|'issuer')[ \t]*\]\]")
"""A line with which an entry begins, in the way that people write the file."""

_LINE_TOLD: Final = re.compile(r" *\(at line (\d+), column \d+\)")


class KnownIssuers:
    """Who is known, by issuer id. Ids are compared as written: a DID has one spelling."""

    def __init__(self, entries: Iterable[KnownIssuer] = ()) -> None:
        self._by_id = {entry.id: entry for entry in entries}
        self._look_alikes = LookAlikes(self._by_id.values())

    def get(self, issuer_id: str) -> KnownIssuer | None:
        """The entry of this issuer, or None: then nobody vouches for it."""
        return self._by_id.get(issuer_id)

    def resembled(self, issuer_id: str, claimed_name: str | None) -> LookAlike | None:
        """Which known issuer one that is not known could be taken for. See `LookAlikes.find`."""
        return self._look_alikes.find(issuer_id, claimed_name)

    @property
    def entries(self) -> tuple[KnownIssuer, ...]:
        """All entries, in the order of the file."""
        return tuple(self._by_id.values())

    def with_entries(self, entries: Iterable[KnownIssuer]) -> KnownIssuers:
        """A register that also holds `entries`; they win over entries of the same id."""
        return KnownIssuers([*self._by_id.values(), *entries])


class WatchedRegister:
    """The operator's file as it is now: a changed one counts from the next question on, without a restart.

    A file with a mistake in it changes nothing: what was read before goes on counting, the log says what is wrong, and
    `waymark_known_issuers_ok` is 0 until it is mended.

    Args:
        data_dir: the data folder.

    Raises:
        KnownIssuersUnreadable: the file has a mistake at the start, when there is nothing to go on with.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._guard = threading.Lock()
        self._seen = self._look()
        self._register = load(data_dir)
        metrics.KNOWN_ISSUERS_OK.set(1)

    def current(self) -> KnownIssuers:
        """The register; asking costs one look at the file's dates."""
        if self._look() != self._seen:
            self._read_again()
        return self._register

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read_again(self) -> None:
        with self._guard:
            seen = self._look()
            if seen == self._seen:  # another thread was faster
                return
            # Noted before it is read: what is written in between is seen the next time.
            self._seen = seen
            try:
                self._register = load(self._path.parent)
            except KnownIssuersUnreadable as error:
                metrics.KNOWN_ISSUERS_OK.set(0)
                log.error("known_issuers.unreadable", detail=str(error))
                return
            metrics.KNOWN_ISSUERS_OK.set(1)
            log.info("known_issuers.read", entries=len(self._register.entries))


def load(data_dir: Path) -> KnownIssuers:
    """Read `known_issuers.toml` from the data folder; without such a file nobody is known.

    Raises KnownIssuersUnreadable naming the file, the line and the entry that is wrong: a register that is half read
    would turn known issuers into strangers without anybody noticing.
    """
    path = data_dir / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return KnownIssuers()
    except (OSError, UnicodeError) as error:
        raise KnownIssuersUnreadable(f"{path} cannot be read.") from error
    return KnownIssuers(parse(text, source=str(path)))


def parse(text: str, *, source: str = FILE_NAME) -> tuple[KnownIssuer, ...]:
    """Read the register's TOML text.

    Args:
        text: of the file.
        source: what the file is called in messages.

    Raises:
        KnownIssuersUnreadable: it names the file, the line and the mistake.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE_TOLD.search(str(error))
        number = int(line[1]) if line else len(text.splitlines())
        raise _mistake(source, number, f"This is not TOML: {_LINE_TOLD.sub('', str(error))}.") from error
    tables = content.get("issuer", [])
    if not isinstance(tables, list) or set(content) - {"issuer"}:
        raise _mistake(source, None, "The register of known issuers holds [[issuer]] tables and nothing else.")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if HEADER.match(line)]
    entries: dict[str, KnownIssuer] = {}
    for number, table in enumerate(tables, start=1):
        # Entries may be written in a way that lines do not tell apart; then their number alone is told.
        line_number = lines[number - 1] if len(lines) == len(tables) else None
        wrong = _what_is_wrong(table)
        if not wrong and table["id"] in entries:
            wrong = "names an id that an entry before it names."
        if wrong:
            raise _mistake(source, line_number, f"Entry {number} of the known issuers {wrong}")
        entries[table["id"]] = KnownIssuer(**table)
    return tuple(entries.values())


def _what_is_wrong(table: Any) -> str | None:
    if not isinstance(table, dict) or not all(isinstance(value, str) and value.strip() for value in table.values()):
        return "must hold texts only."
    if not set(_REQUIRED) <= set(table) <= _MEMBERS:
        return f"needs {', '.join(_REQUIRED)} and may add legal_name and url."
    return None


def _mistake(source: str, line: int | None, what: str) -> KnownIssuersUnreadable:
    return KnownIssuersUnreadable(f"{source}, line {line}: {what}" if line else f"{source}: {what}")
