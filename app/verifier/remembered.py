"""What was found out about exact bytes, and is not worked out twice, because it cannot become untrue.

Whether a status list's proof holds follows from the list's bytes, the key and the rules of this program, and from
nothing else; what form a document has follows from its bytes. So both are remembered, by digest, in bounded drawers,
and only where the answer was yes. Whatever can change is asked for anew each time: the key, in the issuer's document of
this moment, so that a key that was revoked, replaced or taken off the list counts no more; and dates, status and
register. A badge's own proof is verified each time. docs/decisions/0015-what-is-remembered-of-exact-bytes.md
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Generic, TypeVar

from app.vc.data_integrity import ResolveKey
from app.vc.errors import VcError
from app.vc.keys import PublicKey
from app.verifier import form, reading, signature
from app.verifier.form import Kind
from app.verifier.reading import Readable
from app.verifier.signature import Signed

T = TypeVar("T")

MOST_FORMS: Final = 5_000
MOST_LISTS: Final = 256
MOST_DOCUMENTS: Final = 64
LARGEST_DOCUMENT: Final = 64_000
"""Larger documents are parsed each time: they come from strangers, and what is kept of them must stay small."""


class Drawer(Generic[T]):
    """Answers by what they follow from; shared by the threads of a process.

    Args:
        most: how many are kept; the one longest unused goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, T] = OrderedDict()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Hashable) -> T | None:
        """The answer, if it is still there."""
        with self._guard:
            if key not in self._answers:
                return None
            self._answers.move_to_end(key)
            return self._answers[key]

    def put(self, key: Hashable, answer: T) -> None:
        """Keep an answer."""
        with self._guard:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)


@dataclass(frozen=True)
class _Held:
    """A proof that held: the one key that was asked for, the key that was given, and what the proof says of itself."""

    method_id: str
    purpose: str
    key: PublicKey
    signed: Signed

    def is_still_by(self, resolve_key: ResolveKey) -> bool:
        """Whether the issuer of this moment gives the same key for the same purpose."""
        try:
            return resolve_key(self.method_id, self.purpose) == self.key
        except VcError:
            return False


@dataclass
class _Asking:
    """Gives keys on, and notes which were asked for."""

    resolve_key: ResolveKey
    asked: list[tuple[str, str]] = field(default_factory=list)
    given: list[PublicKey] = field(default_factory=list)

    def __call__(self, method_id: str, purpose: str) -> PublicKey:
        self.asked.append((method_id, purpose))
        key = self.resolve_key(method_id, purpose)
        self.given.append(key)
        return key


_forms: Drawer[bool] = Drawer(MOST_FORMS)
_lists: Drawer[_Held] = Drawer(MOST_LISTS)


def check_form(readable: Readable, kind: Kind) -> None:
    """As `form.check`, which looks at nothing but the document; of the document itself only its digest is kept."""
    key = (readable.digest, kind)
    if readable.digest is not None and _forms.get(key):
        return
    form.check(readable, kind)
    if readable.digest is not None:
        _forms.put(key, True)


def check_list(readable: Readable, resolve_key: ResolveKey) -> Signed:
    """As `signature.check`, for a document that is the same for everybody who asks, such as a status list."""
    held = None if readable.digest is None else _lists.get(readable.digest)
    if held is not None and held.is_still_by(resolve_key):
        return held.signed
    asking = _Asking(resolve_key)
    signed = signature.check(readable, asking)
    # Where several keys were asked for, the outcome hung on what became of each of them.
    if readable.digest is not None and len(asking.asked) == len(asking.given) == 1:
        _lists.put(readable.digest, _Held(*asking.asked[0], asking.given[0], signed))
    return signed


def read_list(data: bytes) -> Readable:
    """As `reading.read_bytes`, for such a document; whoever gets it changes nothing in it. Raises Stopped."""
    return _read(data) if len(data) <= LARGEST_DOCUMENT else reading.read_bytes(data)


_read = lru_cache(MOST_DOCUMENTS)(reading.read_bytes)
