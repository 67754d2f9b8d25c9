"""What arrives in a request's body, read strictly: one JSON object, of the right kind, not too large, not too slow.

Two readers that take the same bytes differently would act on different requests, so whatever JSON parsers differ on is
refused (RFC 7493, https://www.rfc-editor.org/rfc/rfc7493).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from app.api.refusals import BodyTooLarge, BodyTooSlow, BodyUnreadable, KindNotTaken, MembersRefused
from app.awards.award_input import problems_of
from app.vc import json_text
from app.vc.errors import VcError

MAX_BODY: Final = 1_000_000  # bytes
MAX_DEPTH: Final = 16
SECONDS_TO_ARRIVE: Final = 20
JSON: Final = "application/json"
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class Body:
    """A JSON object as it was sent."""

    members: dict[str, Any] = field(repr=False)

    def read(self, model: type[ModelT]) -> ModelT:
        """The members as a model.

        Raises:
            MembersRefused: `problems` names each place and rule, never what was there.
        """
        try:
            return model.model_validate(self.members)
        except ValidationError as error:
            raise MembersRefused(problems_of(error)) from None


async def json_body(request: Request) -> Body:
    """Read a request's JSON object.

    Raises:
        KindNotTaken: its Content-Type is not application/json in UTF-8, or it is compressed.
        BodyTooLarge: more than 1 MB.
        BodyTooSlow: it takes longer than 20 seconds to arrive.
        BodyUnreadable: it is no JSON object, or one that readers could take differently.
    """
    _check_kind(request)
    try:
        async with asyncio.timeout(SECONDS_TO_ARRIVE):
            data = await _arrived(request)
    except TimeoutError:
        raise BodyTooSlow from None
    if not data:
        raise BodyUnreadable("The body is empty; it must be one JSON object.")
    try:
        return Body(json_text.loads(data, max_bytes=MAX_BODY, max_depth=MAX_DEPTH))
    except VcError as error:
        # The reader's words name a place or a member, and of a member no more than its name.
        raise BodyUnreadable(error.detail.replace("A credential must be", "The body must be")) from None


def json_object(model: type[BaseModel], examples: dict[str, Any] | None = None) -> dict[str, Any]:
    """How the OpenAPI description tells of a body that `json_body` reads: for an endpoint's `openapi_extra`."""
    content: dict[str, Any] = {"schema": model.model_json_schema(ref_template="#/components/schemas/{model}")}
    content["schema"] = _inlined(content["schema"])
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"requestBody": {"required": True, "content": {JSON: content}}}


Sent = Annotated[Body, Depends(json_body)]


def _check_kind(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != JSON:
        raise KindNotTaken(f"The body must be {JSON}.")
    charset = parameters.strip().lower().replace('"', "")
    if charset not in ("", "charset=utf-8"):
        raise KindNotTaken(f"The body must be {JSON} in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise KindNotTaken("The body must not be compressed.")


async def _arrived(request: Request) -> bytes:
    """The bytes, without ever holding more than are taken."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and len(length) < 20 and int(length) > MAX_BODY:
        raise BodyTooLarge(MAX_BODY)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise BodyTooLarge(MAX_BODY)
    return bytes(data)


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema in one piece: its parts stand where they are used, as nothing else in the description refers to them."""
    parts = schema.pop("$defs", {})

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str):
            return filled(parts[reference.rpartition("/")[2]])
        return {name: filled(each) for name, each in value.items()}

    result: dict[str, Any] = filled(schema)
    return result
