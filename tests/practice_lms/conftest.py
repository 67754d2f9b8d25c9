"""A practice LMS with a clock the test moves, and a stub tool registered with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from practice_lms import KeyRing, PracticeLms, Settings, create_app, lms_of
from tests.practice_lms.stub_tool import StubTool


@dataclass
class Clock:
    """Unix seconds that stand still until the test moves them."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def shared_keys() -> KeyRing:
    """RSA keys cost time to make, so the tests share a pair; only the test of rotation makes its own."""
    return KeyRing()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lms_settings() -> Settings:
    return Settings()


@pytest.fixture
def lms_app(lms_settings: Settings, shared_keys: KeyRing, clock: Clock) -> FastAPI:
    published: list[StubTool] = []
    keys = KeyRing(shared_keys.current, shared_keys.upcoming, shared_keys.hint_key)
    app = create_app(lms_settings, keys=keys, clock=clock, fetch_jwks=lambda url: published[0].jwks(url))
    app.state.published_by = published
    return app


@pytest.fixture
def tool(lms_app: FastAPI, lms_settings: Settings) -> Iterator[StubTool]:
    with TestClient(lms_app, base_url=lms_settings.front_url) as client:
        tool = StubTool(client, lms_settings)
        lms_app.state.published_by.append(tool)
        yield tool


@pytest.fixture
def client(tool: StubTool) -> TestClient:
    return tool.client


@pytest.fixture
def lms(lms_app: FastAPI) -> PracticeLms:
    return lms_of(lms_app)
