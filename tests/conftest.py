"""What all tests share: settings in a folder of their own, a fresh database, the whole house bound on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.outbox import Worker
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from tests.databases import Maker, PostgresMaker, SQLiteMaker, postgres_server

if TYPE_CHECKING:
    from app.wiring import Services

ROOT = Path(__file__).resolve().parents[1]
TEST_SECRET = "a-secret-key-for-tests-only-that-everybody-may-read"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The databases a run is made on."""
    parser.addoption("--db", choices=("sqlite", "postgres"), default="sqlite", help="the database the tests run on")


@pytest.fixture(scope="session")
def maker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Makes databases of the kind this run is on."""
    if request.config.getoption("--db") == "sqlite":
        return SQLiteMaker(tmp_path_factory.mktemp("templates"))
    return PostgresMaker(postgres_server(), os.environ.get("PYTEST_XDIST_WORKER", "main"))


@pytest.fixture(scope="session")
def empty_template(maker: Maker) -> str:
    """A database as the migrations make it, without a row."""
    return maker.template("empty", lambda _database: None)


@pytest.fixture
def template(empty_template: str) -> str:
    """What each test's database is a copy of; a folder of tests may choose another."""
    return empty_template


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: Maker, template: str) -> Settings:
    """Settings of a server of this test's own."""
    for name in [name for name in os.environ if name.startswith("WAYMARK_")]:
        monkeypatch.delenv(name)
    return Settings(
        data_dir=tmp_path,
        database_url=maker.copy(template, tmp_path),
        base_url="http://tool.localhost:8000",
        secret_key=TEST_SECRET,
        allow_private_networks=True,
        programme_dir=ROOT / "programme" / "ips",
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """A fresh database with every table."""
    database = Database(settings.database_url)
    yield database
    database.dispose()


@pytest.fixture
def secret_box() -> SecretBox:
    """Sealing under the tests' own key."""
    return SecretBox([TEST_SECRET])


@pytest.fixture
def services(settings: Settings, database: Database) -> Services:
    """The whole house bound on this test's database, its programme loaded and its issuer set up."""
    from app.wiring import Services, build_verifier, prepare

    http = HttpClient(allow_private_networks=True)
    runtime = Runtime(settings, database, http, JwksCache(http), SecretBox(settings.secret_keys))
    services = Services(runtime=runtime, verifier=build_verifier(runtime))
    prepare(services)
    return services


@pytest.fixture
def worker(services: Services) -> Worker:
    """A worker with every room's subscriptions."""
    from app.wiring import build_worker

    return build_worker(services)


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    """Somebody with a browser; errors reach it as pages, as they would a person."""
    from app.main import create_app

    with TestClient(
        create_app(services=services),
        base_url=services.runtime.settings.base_url,
        raise_server_exceptions=False,
        follow_redirects=False,
    ) as client:
        yield client
