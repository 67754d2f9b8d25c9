"""Identifiers that every processor writes the same way."""

import re
from typing import Final

from pyoxigraph import NamedNode

FORBIDDEN_TEXT: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Characters on which processors differ: lone surrogates, U+FFFE and U+FFFF."""

_FORBIDDEN_IN_IRIS: Final = re.compile("[\ud800-\udfff\ufffe\uffff\\s\ufeff]")
"""The same, and spaces: JavaScript's verifiers refuse an IRI with any space that Unicode knows."""


def is_absolute_iri(value: str) -> bool:
    """Tell whether `value` is an absolute IRI that every processor writes the same way (not a blank node label)."""
    if value.startswith("_:") or _FORBIDDEN_IN_IRIS.search(value):
        return False
    try:
        NamedNode(value)
    except ValueError:
        return False
    return True
