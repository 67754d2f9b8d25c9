"""The API's description holds what it promises: valid by the standard, complete, and with examples that are true."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from app.api.idempotency import HEADER, checked_key
from app.api.openapi import REFERENCE, operations
from app.api.openapi_examples import CSV, EXAMPLES, JSON_LINES
from app.api.openapi_words import TAGS
from app.api.problems import PROBLEM
from app.api.scopes import SCOPES
from app.awards.award_input import award_from_csv, award_from_json
from app.core.errors import AppError
from app.main import create_app
from app.wiring import Services

OPEN = {"token", "verify"}
Json = dict[str, Any]


@pytest.fixture
def document(services: Services) -> Json:
    """The description as clients get it."""
    return create_app(services=services).openapi()


def told(document: Json) -> Iterator[tuple[str, Json]]:
    for path, method, operation in operations(document):
        yield f"{method.upper()} {path}", operation


def media(operation: Json) -> Iterator[tuple[str, str, Json]]:
    """Every body that is taken or given, refusals aside: which, its kind, what is told of it."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", kind, content
    for status, response in operation["responses"].items():
        if status < "300":
            for kind, content in response.get("content", {}).items():
                yield status, kind, content


def test_it_is_valid_by_the_standard(document: Json) -> None:
    import schemathesis  # takes a second, and only this test needs it

    schema = schemathesis.openapi.from_dict(document)
    assert schema.specification.version.startswith("3.1")
    schema.validate()


def test_every_operation_says_what_it_does_and_for_whom(document: Json) -> None:
    names = [operation["operationId"] for _, operation in told(document)]
    assert len(set(names)) == len(names)
    for name, operation in told(document):
        assert operation["summary"], name
        assert len(operation["description"]) > 20, name
        assert set(operation["tags"]) <= set(TAGS), name
        assert len(operation["tags"]) == 1, name
        scopes = [scope for each in operation["security"] for scope in each["clientCredentials"]]
        assert set(scopes) <= set(SCOPES), name
        assert bool(scopes) is (operation["operationId"] not in OPEN), f"{name}: no scope is named"
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter["name"])


def test_what_makes_something_says_that_it_takes_a_key(document: Json) -> None:
    for name, operation in told(document):
        keys = [each for each in operation.get("parameters", ()) if each["name"] == HEADER]
        assert bool(keys) is (operation["operationId"] in ("issue", "create_batch")), name
        assert all(each["required"] and checked_key(each["example"]) for each in keys), name


def test_every_json_body_has_an_example_that_its_schema_takes(document: Json) -> None:
    for name, operation in told(document):
        for which, kind, content in media(operation):
            if not kind.endswith(("json", "x-www-form-urlencoded")):
                continue
            examples = content.get("examples", {})
            assert examples, f"{name}: no example for {which} {kind}"
            validator = jsonschema_rs.Draft202012Validator(
                {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"],
                 "allOf": [content["schema"]]},
                validate_formats=True,
            )  # fmt: skip
            for example in examples.values():
                validator.validate(example["value"])


def test_every_example_belongs_to_an_operation(document: Json) -> None:
    names = {operation["operationId"] for _, operation in told(document)}
    assert set(EXAMPLES) <= names


def test_the_examples_of_batches_can_be_sent_as_they_stand() -> None:
    rows = [dict(row) for row in csv.DictReader(io.StringIO(CSV))]
    lines = [json.loads(line) for line in JSON_LINES.splitlines()]
    read = [award_from_csv(row) for row in rows]
    assert [award.email for award in read] == ["tess@example.org", "sam@example.org"]
    for line, row in zip(lines, rows, strict=True):
        assert line.pop("idempotency_key") == row["idempotency_key"]
        assert award_from_json(line).email == row["email"]


def test_every_refusal_has_the_one_shape(document: Json) -> None:
    for name, operation in told(document):
        for status, response in operation["responses"].items():
            if status < "400" or name == "POST /oauth/token":
                continue
            assert response["content"][PROBLEM]["schema"] == REFERENCE, (name, status)
        if operation["security"]:
            assert {"401", "403", "429"} <= set(operation["responses"]), name
            assert "Retry-After" in operation["responses"]["429"]["headers"], name


def slugs(kind: type[AppError] = AppError) -> set[str]:
    return {kind.slug}.union(*(slugs(each) for each in kind.__subclasses__()))


def test_the_refusals_shown_are_ones_there_are(document: Json) -> None:
    for name, operation in told(document):
        for status, response in operation["responses"].items():
            for example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).values():
                assert example["value"]["type"].removeprefix("urn:waymark:error:") in slugs(), (name, status)
                assert example["value"]["status"] == int(status)


def test_it_is_served_and_told_as_a_page(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    page = client.get("/api/docs").text
    for path, method, _ in operations(document):
        assert f"{method.upper()} {path}" in page
