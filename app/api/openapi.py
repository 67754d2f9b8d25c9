"""The API's description (OpenAPI 3.1), completed: what all operations share is said once, here.

The endpoints say what they take and give. Added to that are one shape for all refusals, the headers that come with an
answer, the scopes where one of several is enough, examples, and what the groups of operations are for.
https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import FastAPI

from app.api.authentication import TOKEN_PATH
from app.api.idempotency import HEADER
from app.api.openapi_examples import EXAMPLES, KEY, PROBLEMS
from app.api.openapi_words import DESCRIPTION, PARAMETERS, TAGS
from app.api.problems import PROBLEM, problems

Json = dict[str, Any]

REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}
SCHEME: Final = "clientCredentials"
METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
# Statuses that an endpoint need not name: whoever calls it with a token may be answered so.
WITH_TOKEN: Final = (401, 403, 429)
# What FastAPI tells of its own refusals; ours have another form.
NOT_OURS: Final = ("HTTPValidationError", "ValidationError")
# Where one scope of several is enough; FastAPI has no words for that.
_ISSUING: Final = ("credentials:issue", "credentials:issue:advanced")
_LOOKING: Final = ("credentials:read", *_ISSUING)
ONE_OF: Final = {
    "issue": _ISSUING, "correct": _ISSUING, "create_batch": _ISSUING, "pause_batch": _ISSUING,
    "resume_batch": _ISSUING, "cancel_batch": _ISSUING,
    "list_batches": _LOOKING, "get_batch": _LOOKING, "list_batch_errors": _LOOKING,
}  # fmt: skip
MATCHING: Final = {
    "revoke": ("If-Match", False), "suspend": ("If-Match", False), "reinstate": ("If-Match", False),
    "correct": ("If-Match", True), "read_credential": ("If-None-Match", False),
}  # fmt: skip
PATTERN: Final = "^[A-Za-z0-9._:/+=~-]{1,200}$"
_MATCH_WORDS: Final = {
    "If-Match": "The ETag of the badge as you saw it; if it has changed since, nothing is done and the answer is 412.",
    "If-None-Match": "The ETag that you have; if it is still right, the answer is 304 without a body.",
}
_HEADERS: Final[dict[str, str]] = {
    "Retry-After": "Seconds after which to try again.",
    "WWW-Authenticate": "What is wrong with the token (RFC 6750 §3).",
    "ETag": "Names the state of the badge, for If-Match.",
    "Location": "Where the new thing can be read.",
}
_HEADERS_OF: Final[dict[str, tuple[str, ...]]] = {
    "201": ("Location", "ETag"), "202": ("Location",), "401": ("WWW-Authenticate",), "403": ("WWW-Authenticate",),
    "429": ("Retry-After",), "503": ("Retry-After",),
}  # fmt: skip


def install(app: FastAPI, base_url: str) -> None:
    """Have the application tell the completed description, made once.

    Args:
        app: with all its routes.
        base_url: where it is reached; the standard wants the token endpoint's whole address.
    """
    usual: Callable[[], Json] = app.openapi
    made: list[Json] = []

    def described() -> Json:
        if not made:
            made.append(complete(copy.deepcopy(usual()), base_url))
        return made[0]

    app.openapi = described  # type: ignore[method-assign]


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Each operation with its path and method."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def complete(document: Json, base_url: str) -> Json:
    """Add what the operations share to a description as FastAPI makes it; changes it in place."""
    document["info"]["description"] = DESCRIPTION
    document["servers"] = [{"url": base_url}]
    document["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = next(iter(problems(400).values()))["content"][PROBLEM]["schema"]
    for name in NOT_OURS:
        schemas.pop(name, None)
    flow = document["components"]["securitySchemes"][SCHEME]["flows"][SCHEME]
    flow["tokenUrl"] = base_url + TOKEN_PATH
    for path, method, operation in operations(document):
        operation["operationId"] = name = _name(operation["operationId"], path, method)
        _secure(operation, name)
        for parameter in operation.get("parameters", ()):
            parameter.setdefault("description", PARAMETERS.get(parameter["name"], ""))
            if parameter["name"] == HEADER:
                # The endpoint refuses its absence in words of its own, so FastAPI takes it for optional.
                parameter |= {"required": True, "schema": {"type": "string", "pattern": PATTERN}, "example": KEY}
        _match(operation, name)
        _refusals(operation, path)
        _headers(operation, name)
        _examples(operation, name)
    return document


def _name(made: str, path: str, method: str) -> str:
    """The function's name: FastAPI puts path and method behind it."""
    behind = "".join(character if character.isalnum() else "_" for character in path) + f"_{method}"
    return made.removesuffix(behind)


def _secure(operation: Json, name: str) -> None:
    if name in ONE_OF:
        operation["security"] = [{SCHEME: [scope]} for scope in ONE_OF[name]]
    operation.setdefault("security", [])  # said aloud: anybody may


def _match(operation: Json, name: str) -> None:
    if name not in MATCHING:
        return
    header, required = MATCHING[name]
    operation.setdefault("parameters", []).append(
        {
            "name": header, "in": "header", "required": required, "description": _MATCH_WORDS[header],
            "schema": {"type": "string", "maxLength": 200}, "example": '"1-issued"',
        }
    )  # fmt: skip


def _refusals(operation: Json, path: str) -> None:
    """One shape for all of them; those of the token endpoint are OAuth's."""
    responses = operation["responses"]
    if operation["security"]:
        for status, told in problems(*WITH_TOKEN).items():
            responses.setdefault(str(status), told)
    for status, response in responses.items():
        if status < "400" or (path.startswith("/oauth/") and status != "422"):
            continue
        content: Json = {"schema": REFERENCE}
        if status in PROBLEMS:
            content["examples"] = _values({each["type"].rpartition(":")[2]: each for each in PROBLEMS[status]})
        response["content"] = {PROBLEM: content}
        if response.get("description") == "Validation Error":
            response["description"] = problems(422)[422]["description"]
    operation["responses"] = dict(sorted(responses.items()))


def _headers(operation: Json, name: str) -> None:
    for status, response in operation["responses"].items():
        wanted = _HEADERS_OF.get(status, ())
        if status == "200" and name in MATCHING:
            wanted = ("ETag",)
        if status == "401" and not operation["security"]:
            continue
        if wanted:
            told = {each: {"description": _HEADERS[each], "schema": {"type": "string"}} for each in wanted}
            response.setdefault("headers", {}).update(told)


def _examples(operation: Json, name: str) -> None:
    known = EXAMPLES.get(name)
    if known is None:
        return
    body = operation.get("requestBody", {}).get("content", {})
    for media, examples in known.requests.items():
        if media in body:
            body[media].setdefault("examples", _values(examples))
    for status, media, example in known.answers:
        content = operation["responses"].get(status, {}).get("content", {})
        if media in content:
            content[media].setdefault("examples", _values({"usual": example}))


def _values(examples: dict[str, Any]) -> Json:
    return {name: {"value": value} for name, value in examples.items()}
