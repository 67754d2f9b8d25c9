"""Is this the document that a badge names by its digest?

https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any, Final

from app.vc import multibase
from app.vc.keys import base64url_decode
from app.verifier.form import as_list

# Multihash: the code of the algorithm and the length, before the digest. https://www.w3.org/TR/cid-1.0/#multihash
_MULTIHASHES: Final = {b"\x12\x20": "sha256", b"\x20\x30": "sha384", b"\x13\x40": "sha512"}
_LENGTHS: Final = {32: "sha256", 48: "sha384", 64: "sha512"}
_SRI: Final = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/=]+)(?:\?[!-~]*)?", re.ASCII)


def fits(resource: dict[str, Any], data: bytes) -> bool:
    """Tell whether `data` has each kind of digest that a relatedResource gives, and it gives one at least.

    Of several digests of one kind one must fit: issuers list a digest for each form a document is served in. The form
    of the resource was checked before (`vc.data_model_resources`); a digest that cannot be read fits nothing.
    """
    kinds = [
        (member, read) for member, read in (("digestSRI", _sri), ("digestMultibase", _multibase)) if member in resource
    ]
    return bool(kinds) and all(
        any(
            hashlib.new(name, data).digest() == digest
            for text in as_list(resource[member])
            if isinstance(text, str)
            for name, digest in read(text)
        )
        for member, read in kinds
    )


def _sri(text: str) -> Iterator[tuple[str, bytes]]:
    for part in text.split():
        found = _SRI.fullmatch(part)
        if found:
            try:
                yield found[1], base64.b64decode(found[2], validate=True)
            except binascii.Error:
                continue


def _multibase(text: str) -> Iterator[tuple[str, bytes]]:
    try:
        data = base64url_decode(text[1:]) if text.startswith("u") else multibase.decode(text)
    except (ValueError, multibase.MultibaseInvalid):
        return
    if data[:2] in _MULTIHASHES:
        yield _MULTIHASHES[data[:2]], data[2:]
    elif len(data) in _LENGTHS:
        # Digests without the code of their algorithm are in use as well; the length tells which it was.
        yield _LENGTHS[len(data)], data
