"""Related resources: documents that a credential names together with their digests.

https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from app.vc import contexts, multibase
from app.vc.data_model_values import malformed, objects, url
from app.vc.keys import base64url_decode

MAX_RESOURCES: Final = 100
MAX_DIGESTS: Final = 8

_LENGTHS: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
# https://www.w3.org/TR/SRI/#the-integrity-attribute
_SRI: Final = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/=]+)(\?[!-~]*)?", re.ASCII)
# Multihash: the code of the algorithm and the length, before the digest. https://www.w3.org/TR/cid-1.0/#multihash
_MULTIHASHES: Final = {b"\x12\x20": "sha256", b"\x20\x30": "sha384", b"\x13\x40": "sha512"}

Digest = tuple[str, bytes]
"""The name of an algorithm, and a digest of its length."""


def check(value: Any) -> None:
    """Return if a relatedResource follows the rules; else raise ModelError (malformed_value).

    Each is an object with an id of its own and a digest at least. Nothing is fetched: a digest is compared only where
    the resource is a context whose published bytes we hold.
    """
    found = objects(value, "related resource")
    if len(found) > MAX_RESOURCES:
        raise malformed(f"More than {MAX_RESOURCES} related resources are named.")
    names = [url(each.get("id"), "id of the related resource") for each in found]
    if len(set(names)) != len(names):
        raise malformed("A related resource is named twice.")
    for name, each in zip(names, found, strict=True):
        if not isinstance(each.get("mediaType", ""), str):
            raise malformed("The media type of a related resource must be text.")
        given = _digests(each)
        if name == contexts.VC_V2:
            _compare(given, contexts.pinned_bytes(name))


def _digests(resource: Mapping[str, Any]) -> list[list[Digest]]:
    """The digests of each kind that is given; one kind must be."""
    readers = (("digestSRI", _of_sri), ("digestMultibase", _of_multibase))
    given = [
        [digest for text in _texts(resource[member]) for digest in read(text)]
        for member, read in readers
        if member in resource
    ]
    if not given:
        raise malformed("A related resource needs a digest.")
    return given


def _texts(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value]
    if not 0 < len(found) <= MAX_DIGESTS or not all(isinstance(each, str) for each in found):
        raise malformed("The digest of a related resource must be text.")
    return found


def _of_sri(text: str) -> list[Digest]:
    parts = [_SRI.fullmatch(part) for part in text.split()]
    if not 0 < len(parts) <= MAX_DIGESTS:
        raise malformed("A digestSRI holds no digest.")
    return [_sri_digest(part) for part in parts]


def _sri_digest(part: re.Match[str] | None) -> Digest:
    try:
        name, digest = (part[1], base64.b64decode(part[2], validate=True)) if part else ("sha256", b"")
    except binascii.Error:
        name, digest = "sha256", b""
    return _of_length(name, digest)


def _of_multibase(text: str) -> list[Digest]:
    try:
        data = base64url_decode(text[1:]) if text.startswith("u") else multibase.decode(text)
    except (ValueError, multibase.MultibaseInvalid) as problem:
        raise malformed("A digestMultibase is neither base64url nor base58btc.") from problem
    name = _MULTIHASHES.get(data[:2], "")
    if len(data) - 2 == _LENGTHS.get(name):
        return [(name, data[2:])]
    # Digests without the code of their algorithm are in use as well; the length tells which it was.
    return [_of_length(next((each for each, length in _LENGTHS.items() if length == len(data)), ""), data)]


def _of_length(name: str, digest: bytes) -> Digest:
    if len(digest) != _LENGTHS.get(name):
        raise malformed("The digest of a related resource is not one of SHA-256, SHA-384 or SHA-512.")
    return name, digest


def _compare(given: list[list[Digest]], data: bytes) -> None:
    for digests in given:
        if not any(hashlib.new(name, data).digest() == digest for name, digest in digests):
            raise malformed("A related resource does not have the digest that the credential gives.")
