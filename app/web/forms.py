"""A posted form as plain text fields, for endpoints that run in threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from app.core.errors import BadInput
from app.core.text import is_plain_text

MAX_FIELDS = 200
MOST_DIGITS = 9


class FormUnreadable(BadInput):
    """A form that no page of ours sends."""

    slug = "form-unreadable"
    title = "This form could not be read"


async def posted_form(request: Request) -> Mapping[str, str]:
    """The text fields of a form, the last one where a name comes twice; no page that asks for this sends files.

    Raises:
        FormUnreadable: a field holds characters that no text has.
        HTTPException: more than 200 fields, a field over 1 MB, or a file.
    """
    form = await request.form(max_files=0, max_fields=MAX_FIELDS)
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if not all(is_plain_text(text) for pair in fields.items() for text in pair):
        raise FormUnreadable(
            "The form holds characters that no text has.",
            kept="What was saved before is kept.",
            next_step="Go back, take the odd characters out and send it again.",
        )
    return fields


def whole_number(text: str) -> int | None:
    """A field as a number of at most nine digits, or None if it is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


PostedForm = Annotated[Mapping[str, str], Depends(posted_form)]
