"""The register of issuers whose identity somebody vouches for.

A signature proves which domain signed; only a register says which organisation that is. The register is a TOML file,
one `[[issuer]]` table for each: `id` (its DID), `name`, `listed_by`, and optionally `legal_name` and `url`.
"""

from __future__ import annotations

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

    Raises KnownIssuersUnreadable naming the entry that is wrong: a register that is half read would turn known issuers
    into strangers without anybody noticing.
    """
    path = data_dir / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return KnownIssuers()
    except (OSError, UnicodeError) as error:
        raise KnownIssuersUnreadable(f"{path} cannot be read.") from error
    return KnownIssuers(parse(text))


def parse(text: str) -> tuple[KnownIssuer, ...]:
    """Read the register's TOML text; raises KnownIssuersUnreadable."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnownIssuersUnreadable(f"The register of known issuers is not TOML: {error}.") from error
    tables = content.get("issuer", [])
    if not isinstance(tables, list) or set(content) - {"issuer"}:
        raise KnownIssuersUnreadable("The register of known issuers holds [[issuer]] tables and nothing else.")
    entries = tuple(_entry(number, table) for number, table in enumerate(tables, start=1))
    if len({entry.id for entry in entries}) != len(entries):
        raise KnownIssuersUnreadable("The register of known issuers names the same id twice.")
    return entries


def _entry(number: int, table: Any) -> KnownIssuer:
    if not isinstance(table, dict) or not all(isinstance(value, str) and value.strip() for value in table.values()):
        raise KnownIssuersUnreadable(f"Entry {number} of the known issuers must hold texts only.")
    missing = [member for member in _REQUIRED if member not in table]
    if missing or set(table) - _MEMBERS:
        raise KnownIssuersUnreadable(
            f"Entry {number} of the known issuers needs {', '.join(_REQUIRED)} and may add legal_name and url."
        )
    return KnownIssuer(**table)
