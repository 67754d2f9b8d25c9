"""Bitstring Status List: one bit per credential, read by anyone, telling nobody which badge was looked up.

https://www.w3.org/TR/vc-bitstring-status-list/
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.vc.contexts import STATUS_LIST_CONTEXTS
from app.vc.errors import StatusListError
from app.vc.keys import base64url, base64url_decode
from app.vc.timestamps import rfc3339

MINIMUM_ENTRIES: Final = 131_072
"""The smallest list that hides one badge among enough others (§2.2 of the specification)."""

MAX_BYTES: Final = 1_000_000
MAX_STATUS_SIZE: Final = 8
_MAX_ENCODED: Final = 1_400_000
_ROUNDS: Final = 8
_GZIP: Final = 31
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"0x[0-9A-Fa-f]{1,4}", re.ASCII)
_URL: Final = re.compile(r"https?://[!-~]+", re.ASCII)
_MAX_INDEX_DIGITS: Final = 18


def encode_list(set_bits: Iterable[int], size: int = MINIMUM_ENTRIES) -> str:
    """Return the encodedList of `size` bits (a multiple of 8) in which the indexes `set_bits` are 1.

    Index 0 is the most significant bit of the first byte. The same bits always give the same text. Raises
    StatusListError (status_length, status_range). https://www.w3.org/TR/vc-bitstring-status-list/#bitstring-encoding
    """
    if size < MINIMUM_ENTRIES or size % 8 or size > 8 * MAX_BYTES:
        raise StatusListError("status_length", f"A list holds {MINIMUM_ENTRIES} entries or more, in whole bytes.")
    bits = bytearray(size // 8)
    for index in set_bits:
        if not 0 <= index < size:
            raise StatusListError("status_range", f"The list has no entry {index}.")
        bits[index // 8] |= 0x80 >> index % 8
    return "u" + base64url(gzip.compress(bytes(bits), mtime=0))


def decode_list(encoded: str) -> bytes:
    """Return the bits of an encodedList; 16 KB to 1 MB, never more work than that.

    Raises StatusListError (status_malformed, status_length).
    https://www.w3.org/TR/vc-bitstring-status-list/#bitstring-expansion-algorithm
    """
    if not encoded.startswith("u") or len(encoded) > _MAX_ENCODED:
        raise StatusListError("status_malformed", "The list is not multibase base64url, or is too large.")
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        bits = unpacker.decompress(base64url_decode(encoded[1:]), MAX_BYTES + 1)
    except (ValueError, zlib.error) as problem:
        raise StatusListError("status_malformed", "The list cannot be unpacked.") from problem
    if len(bits) > MAX_BYTES:
        raise StatusListError("status_length", "The list is larger than 1 MB.")
    if not unpacker.eof or unpacker.unused_data:
        raise StatusListError("status_malformed", "The list is cut off or has something after it.")
    if len(bits) * 8 < MINIMUM_ENTRIES:
        raise StatusListError("status_length", f"The list has fewer than {MINIMUM_ENTRIES} entries.")
    return bits


def status_list_credential(
    *,
    list_url: str,
    issuer: str,
    encoded_list: str,
    valid_from: datetime,
    valid_until: datetime | None = None,
    purpose: str = "revocation",
) -> dict[str, Any]:
    """Return the unsigned status list credential at `list_url`, to be secured like any credential.

    `issuer` is the issuer's id; the dates are aware. Raises ModelError for a naive date.
    https://www.w3.org/TR/vc-bitstring-status-list/#bitstringstatuslistcredential
    """
    until = {} if valid_until is None else {"validUntil": rfc3339(valid_until)}
    return {
        "@context": list(STATUS_LIST_CONTEXTS),
        "id": list_url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": rfc3339(valid_from),
        **until,
        "credentialSubject": {
            "id": f"{list_url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encoded_list,
        },
    }


def entry(list_url: str, index: int, purpose: str = "revocation") -> dict[str, Any]:
    """Return the credentialStatus of the credential at `index` of the list at `list_url`.

    https://www.w3.org/TR/vc-bitstring-status-list/#bitstringstatuslistentry
    """
    return {
        "id": f"{list_url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": list_url,
    }


@dataclass(frozen=True)
class StatusEntry:
    """What a credentialStatus asks of a list.

    Attributes:
        purpose: `revocation`, `suspension`, `refresh`, `message` or a word of the issuer's own.
        list_url: where the list is.
        index: of the status, from 0.
        size: bits of one status.
        messages: of each value that has one, for developers; not to be shown to people.
    """

    purpose: str
    list_url: str
    index: int
    size: int = 1
    messages: tuple[tuple[int, str], ...] = ()


def read_entry(entry_document: object) -> StatusEntry:
    """Read a credentialStatus as the specification demands it, nothing repaired.

    Raises StatusListError: status_unsupported for another type, or for statuses wider than 8 bits; status_entry for a
    member that breaks a rule; status_range for an index that no list can hold.
    https://www.w3.org/TR/vc-bitstring-status-list/#bitstringstatuslistentry
    """
    if not isinstance(entry_document, dict):
        raise StatusListError("status_entry", "A credential's status is not an object.")
    types = entry_document.get("type")
    if "BitstringStatusListEntry" not in (types if isinstance(types, list) else [types]):
        raise StatusListError("status_unsupported", "The status is not an entry of a bitstring status list.")
    purpose, url = entry_document.get("statusPurpose"), entry_document.get("statusListCredential")
    if not isinstance(purpose, str) or not purpose:
        raise StatusListError("status_entry", "The status has no purpose, or more than one.")
    if not isinstance(url, str) or not _URL.fullmatch(url):
        raise StatusListError("status_entry", "The status does not name its list by an http address.")
    size = _size(entry_document)
    return StatusEntry(purpose, url, _index(entry_document), size, _messages(entry_document, size))


def _index(entry_document: dict[str, Any]) -> int:
    text = entry_document.get("statusListIndex")
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise StatusListError("status_entry", "The status's index is not a decimal number written as text.")
    if len(text) > _MAX_INDEX_DIGITS:
        raise StatusListError("status_range", "No list is so long that it has an entry of this index.")
    return int(text)


def _size(entry_document: dict[str, Any]) -> int:
    size = entry_document.get("statusSize", 1)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise StatusListError("status_entry", "The status's size is not a whole number above zero.")
    if size > MAX_STATUS_SIZE:
        raise StatusListError("status_unsupported", f"Statuses wider than {MAX_STATUS_SIZE} bits are not read.")
    return size


def _messages(entry_document: dict[str, Any], size: int) -> tuple[tuple[int, str], ...]:
    """One message for each value that `size` bits can have; they may be left out where there is only one bit."""
    if "statusMessage" not in entry_document and size == 1:
        return ()
    given = entry_document.get("statusMessage")
    if not isinstance(given, list) or len(given) != 1 << size:
        raise StatusListError("status_entry", f"A status of {size} bits needs {1 << size} messages.")
    messages = {}
    for item in given:
        value, text = (item.get("status"), item.get("message")) if isinstance(item, dict) else (None, None)
        if not isinstance(value, str) or not _HEXADECIMAL.fullmatch(value) or not isinstance(text, str):
            raise StatusListError("status_entry", "A status message lacks its hexadecimal value or its text.")
        messages[int(value, 16)] = text
    if set(messages) != set(range(1 << size)):
        raise StatusListError("status_entry", "The status messages do not tell about each value once.")
    return tuple(sorted(messages.items()))


def read_status(list_document: dict[str, Any], asked: StatusEntry) -> int:
    """Return the status that `asked` points at, 0 for unset, in a list whose proof has already been checked.

    Raises StatusListError: status_malformed, status_purpose, status_length, status_range.
    https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm
    """
    bits = decode_list(_encoded(list_document, asked.purpose))
    entries = len(bits) * 8 // asked.size
    if entries < MINIMUM_ENTRIES:
        raise StatusListError("status_length", f"The list has fewer than {MINIMUM_ENTRIES} entries.")
    if not 0 <= asked.index < entries:
        raise StatusListError("status_range", f"The list has no entry {asked.index}.")
    first, last = asked.index * asked.size, (asked.index + 1) * asked.size
    span = bits[first // 8 : (last + 7) // 8]
    return int.from_bytes(span) >> -last % 8 & (1 << asked.size) - 1


def read_bit(list_document: dict[str, Any], index: int, purpose: str) -> bool:
    """Tell whether entry `index` is set in a list of single bits whose proof has already been checked.

    `purpose` is the entry's statusPurpose. Raises as `read_status`.
    """
    return bool(read_status(list_document, StatusEntry(purpose, "", index)))


def _encoded(list_document: dict[str, Any], purpose: str) -> str:
    """The encodedList of a document that is a list for this purpose."""
    types, subject = list_document.get("type"), list_document.get("credentialSubject")
    if isinstance(subject, list) and len(subject) == 1:
        subject = subject[0]
    if not isinstance(types, list) or "BitstringStatusListCredential" not in types or not isinstance(subject, dict):
        raise StatusListError("status_malformed", "The document is not a bitstring status list.")
    encoded = subject.get("encodedList")
    if subject.get("type") not in ("BitstringStatusList", ["BitstringStatusList"]) or not isinstance(encoded, str):
        raise StatusListError("status_malformed", "The document does not hold a bitstring status list.")
    told = subject.get("statusPurpose")
    purposes = told if isinstance(told, list) else [told]
    if not purposes or not all(isinstance(each, str) for each in purposes):
        raise StatusListError("status_malformed", "The list does not say in words what it tells about.")
    if purpose not in purposes:
        raise StatusListError("status_purpose", f"The list does not tell about {purpose}.")
    return encoded


def permuted_index(counter: int, key: bytes, size: int) -> int:
    """Return the place of the `counter`-th credential in a list of `size`: scattered, unguessable, never used twice.

    A permutation of 0..size-1 keyed by `key` (16 to 64 secret bytes): a balanced Feistel network over the next power of
    four, walked until it lands inside. Indexes must not follow the order of issue (§5.3 of the specification). Raises
    StatusListError (status_range) for a counter outside the list, ValueError for a short key.
    """
    if not 16 <= len(key) <= 64:
        raise ValueError("The key of a permutation has 16 to 64 bytes.")
    if not 0 <= counter < size:
        raise StatusListError("status_range", f"A list of {size} has no place for credential {counter}.")
    half = ((size - 1).bit_length() + 1) // 2 or 1
    value = _feistel(counter, key, half)
    while value >= size:
        value = _feistel(value, key, half)
    return value


def _feistel(value: int, key: bytes, half: int) -> int:
    mask = (1 << half) - 1
    left, right = value >> half, value & mask
    for turn in range(_ROUNDS):
        digest = hashlib.blake2b(bytes([turn]) + right.to_bytes(8), key=key, digest_size=8, person=b"status index")
        left, right = right, left ^ int.from_bytes(digest.digest()) & mask
    return left << half | right
