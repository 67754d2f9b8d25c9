"""A posted form as plain text fields, for endpoints that run in threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

MAX_FIELDS = 200


async def posted_form(request: Request) -> Mapping[str, str]:
    """The text fields of a form, the last one where a name comes twice; files are left out."""
    form = await request.form(max_fields=MAX_FIELDS)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


PostedForm = Annotated[Mapping[str, str], Depends(posted_form)]
