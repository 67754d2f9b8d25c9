"""The key by which a call that creates something may be repeated without harm.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ writes it as a string of RFC 8941, in
quotation marks; most clients leave those out, and both say the same key here.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends, Header, Request

from app.api.refusals import IdempotencyKeyNeeded

HEADER: Final = "Idempotency-Key"
LONGEST: Final = 200
# No "@" and no space: a key is stored as a digest that could be guessed, so it must be neither an address nor a name.
_KEY: Final = re.compile(r"[A-Za-z0-9._:/+=~-]{1,200}")


def key_in(request: Request) -> str:
    """A request's key.

    Raises:
        IdempotencyKeyNeeded: there is none, there are several, or it has the wrong form.
    """
    given = request.headers.getlist(HEADER)
    if not given:
        raise IdempotencyKeyNeeded(f"The header {HEADER} is missing.")
    if len(given) > 1:
        raise IdempotencyKeyNeeded(f"The header {HEADER} is given more than once.")
    return checked_key(given[0])


def checked_key(text: str) -> str:
    """A key as it is used, without quotation marks around it.

    Raises:
        IdempotencyKeyNeeded: it has the wrong form.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not _KEY.fullmatch(text):
        raise IdempotencyKeyNeeded(
            f"{HEADER} must have 1 to {LONGEST} letters, digits and the characters . _ : / + = ~ - and no others."
        )
    return text


def _documented(
    request: Request,
    _shown: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description=(
                "Required. A fresh UUID for each thing to create, and the same one for every repeat: then a repeat is "
                "answered as the first call was, and nothing is made twice."
            ),
            examples=["0f8f6f0e-6f0b-4d0e-9b1e-0f5f3b0a7c11"],
            json_schema_extra={"maxLength": LONGEST + 2},  # told only: `key_in` refuses a longer one, in its own words
        ),
    ] = None,
) -> str:
    return key_in(request)


IdempotencyKey = Annotated[str, Depends(_documented)]
