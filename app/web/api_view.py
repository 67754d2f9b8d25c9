"""What the page about the API shows, from its own description."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LONGEST_EXAMPLE = 1_400  # characters; what is longer is in the description for programs
METHODS = frozenset({"get", "put", "post", "delete", "patch"})


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    place: str
    required: bool
    description: str


@dataclass(frozen=True)
class Answer:
    """One answer an operation may give."""

    status: str
    description: str


@dataclass(frozen=True)
class Example:
    """A body as it is sent or answered."""

    about: str
    text: str


@dataclass(frozen=True)
class Operation:
    """One operation of the API.

    Attributes:
        scopes: one of them is enough; none: anybody may.
        examples: of what is sent, then of what comes back.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str
    scopes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body_types: tuple[str, ...]
    answers: tuple[Answer, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Group:
    """Operations that belong together."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class ApiPage:
    """What the API page shows."""

    title: str
    version: str
    description: str
    groups: tuple[Group, ...]


def describe(document: dict[str, Any]) -> ApiPage:
    """The page from the OpenAPI description."""
    groups = []
    for tag in document.get("tags", ()):
        found = [
            _operation(method, path, details)
            for path, methods in sorted(document.get("paths", {}).items())
            for method, details in methods.items()
            if method in METHODS and tag["name"] in details.get("tags", ())
        ]
        if found:
            groups.append(Group(tag["name"], tag["description"], tuple(found)))
    info = document["info"]
    return ApiPage(info["title"], info["version"], info.get("description", ""), tuple(groups))


def _operation(method: str, path: str, details: dict[str, Any]) -> Operation:
    body = details.get("requestBody", {}).get("content", {})
    return Operation(
        name=details["operationId"],
        method=method.upper(),
        path=path,
        summary=details.get("summary", ""),
        description=details.get("description", ""),
        scopes=tuple(scope for each in details.get("security", ()) for scopes in each.values() for scope in scopes),
        parameters=tuple(
            Parameter(item["name"], item["in"], item.get("required", False), item.get("description", ""))
            for item in details.get("parameters", ())
        ),
        body_types=tuple(body),
        answers=tuple(
            Answer(status, answer.get("description", "")) for status, answer in details.get("responses", {}).items()
        ),
        examples=(*_examples("You send", body), *_answered(details.get("responses", {}))),
    )


def _answered(responses: dict[str, Any]) -> tuple[Example, ...]:
    return tuple(
        example
        for status, response in responses.items()
        if status < "300"
        for example in _examples(f"You get {status}", response.get("content", {}))
    )


def _examples(about: str, content: dict[str, Any]) -> tuple[Example, ...]:
    """The first example of each kind of body, unless it would fill the page."""
    told = []
    for kind, media in content.items():
        for example in list(media.get("examples", {}).values())[:1]:
            value = example["value"]
            text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            if len(text) <= LONGEST_EXAMPLE:
                told.append(Example(f"{about}, as {kind}", text))
    return tuple(told)
