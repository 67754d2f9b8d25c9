"""The tool with a platform that answers in memory, and a count of everything that is written."""

from __future__ import annotations

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
from tests.databases import Maker
from tests.lti.platform import TOOL, Browser, Platform


@pytest.fixture(scope="session")
def loaded_template(maker: Maker) -> str:
    """A database in which the programme is loaded."""

    def load(database: Database) -> None:
        with database.write() as session:
            programme.store(session, programme.load_programme(ROOT / "programme" / "ips"))

    return maker.template("loaded", load)


@pytest.fixture
def template(loaded_template: str) -> str:
    return loaded_template


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
