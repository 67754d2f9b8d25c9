"""A server in conformance mode, as the W3C's suites meet it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.config import Settings
from app.main import create_app
from app.wiring import Services, bind
from tests.api.awarding import Api
from tests.api.clients import add_client, bearer, token_for
from tests.api.suites import BASE_URL, Server
from tests.conftest import TEST_SECRET


@pytest.fixture(scope="session")
def conformance_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings in conformance mode; the database is never opened, for the VC API keeps nothing."""
    folder: Path = tmp_path_factory.mktemp("conformance")
    return Settings(
        env="development",
        conformance=True,
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'unused.sqlite3'}",
        base_url=BASE_URL,
        secret_key=TEST_SECRET,
    )


@pytest.fixture(scope="session")
def conformance_client(conformance_settings: Settings) -> Iterator[TestClient]:
    """What a suite sends its requests with."""
    with TestClient(
        create_app(services=bind(conformance_settings)),
        base_url=BASE_URL,
        raise_server_exceptions=False,
        follow_redirects=False,
    ) as client:
        yield client


@pytest.fixture
def server(conformance_client: TestClient) -> Server:
    """The VC API."""
    return Server(conformance_client)


@pytest.fixture
def entered(services: Services, client: TestClient) -> Callable[..., Api]:
    """Enters clients; without scopes they have all."""

    def enter(*scopes: str, achievements: set[str] | None = None) -> Api:
        client_id, secret = add_client(services, *scopes, achievements=achievements)
        return Api(client, client_id, bearer(token_for(client, client_id, secret)))

    return enter


@pytest.fixture
def api(entered: Callable[..., Api]) -> Api:
    """A client that may do everything."""
    return entered()
