"""The OpenAPI description against the server it describes: schemathesis draws requests from it and judges the answers.

Bounded, so that a day's run stays short; `WAYMARK_DESCRIPTION_EXAMPLES=500` looks longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from app.main import create_app
from app.wiring import Services
from tests.api.clients import add_client, bearer, token_for

EXAMPLES = int(os.environ.get("WAYMARK_DESCRIPTION_EXAMPLES", "5"))
CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PATHS = sorted(create_app().openapi()["paths"])


@pytest.fixture
def description(services: Services) -> schemathesis.BaseSchema:
    """The description as the server gives it, and the way to that server."""
    return schemathesis.openapi.from_asgi("/api/openapi.json", create_app(services=services))


@pytest.fixture
def headers(services: Services, client: TestClient) -> dict[str, str]:
    """Those of a client that may do everything, often."""
    return bearer(token_for(client, *add_client(services)))


def drawn(operation: Any, mode: GenerationMode, check: Callable[[Any], None]) -> None:
    """Draw requests and look at what comes back."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def look(case: Any) -> None:
        check(case)

    with suppress(Unsatisfiable):  # there is no way to spoil a request that has nothing but an address
        look()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as described", "spoilt"])
def test_every_answer_is_one_that_is_described(
    description: schemathesis.BaseSchema, headers: dict[str, str], path: str, mode: GenerationMode
) -> None:
    for operation in description[path].values():
        drawn(operation, mode, lambda case: case.validate_response(case.call(headers=headers), checks=CHECKS))


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/api/v1/verify", "/oauth/token")])
def test_nothing_succeeds_without_a_token(description: schemathesis.BaseSchema, path: str) -> None:
    def refused(case: Any) -> None:
        answer = case.call()
        assert answer.status_code >= 400
        assert answer.status_code != 403
        case.validate_response(answer, checks=[not_a_server_error, ignored_auth])

    for operation in description[path].values():
        drawn(operation, GenerationMode.POSITIVE, refused)
