"""The tool with a platform that answers in memory, and a count of everything that is written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database, metadata
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.lti import registrations
from app.lti.registrations import PlatformDetails
from app.main import create_app
from app.programme import service as programme
from app.wiring import Services, build_verifier
from tests.conftest import ROOT
from tests.lti.platform import TOOL, Browser, Platform


@pytest.fixture(scope="session")
def loaded_database_file(empty_database_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the programme is loaded."""
    path = tmp_path_factory.mktemp("loaded") / "loaded.sqlite3"
    shutil.copy(empty_database_file, path)
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        programme.store(session, programme.load_programme(ROOT / "programme" / "ips"))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture
def database(settings: Settings, loaded_database_file: Path) -> Iterator[Database]:
    path = settings.data_dir / "waymark.sqlite3"
    shutil.copy(loaded_database_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def runtime(settings: Settings, database: Database, secret_box: SecretBox, platform: Platform) -> Runtime:
    http = HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(platform.handle))
    return Runtime(settings=settings, database=database, http=http, jwks=JwksCache(http), secret_box=secret_box)


@pytest.fixture
def registration_id(database: Database, platform: Platform) -> str:
    return register(database, platform)


def register(database: Database, platform: Platform, *, approved: bool = True) -> str:
    details = PlatformDetails(
        platform.issuer, platform.client_id, platform.auth_url, platform.token_url, platform.jwks_url
    )
    with database.write() as session:
        row = registrations.add_registration(session, details, deployment=platform.deployment_id)
        if approved:
            registrations.approve(session, issuer=platform.issuer, client_id=platform.client_id)
        return row.id


@pytest.fixture
def client(runtime: Runtime) -> TestClient:
    services = Services(runtime=runtime, verifier=build_verifier(runtime))
    return TestClient(create_app(services=services), base_url=TOOL, follow_redirects=False)


@pytest.fixture
def browser(client: TestClient, platform: Platform, registration_id: str) -> Browser:
    assert registration_id
    return Browser(client, platform)


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table: equal before and after means that nothing was written."""
    with database.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table)).all()), key=repr)
            for table in metadata.sorted_tables
        }
