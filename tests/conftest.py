"""What all tests share: settings in a folder of their own, a fresh database, the whole house bound on it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.logging import configure_our_own
from app.core.outbox import Worker
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from tests import commands, programmes, rsa_keys, statements
from tests.databases import Maker, PostgresMaker, SQLiteMaker, postgres_server

if TYPE_CHECKING:
    from app.wiring import Services

ROOT = Path(__file__).resolve().parents[1]
SECOND_OPINIONS = 2
# These rooms ask the rooms below for everything that differs between databases, and those have a second opinion each.
OUTER_ROOMS = ("tests/web/", "tests/lti/", "tests/api/")
ONE_IN = 3
TEST_SECRET = "a-secret-key-for-tests-only-that-everybody-may-read"

# No property is about time, and a busy machine is slow; where hypothesis knows its own profile for CI, that one stays.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if hypothesis_settings.get_current_profile_name() == "default":
    hypothesis_settings.load_profile("patient")

commands.share()
programmes.share()
statements.share()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The databases a run is made on."""
    parser.addoption(
        "--db",
        choices=("sqlite", "postgres", "both", "all"),
        default="sqlite",
        help="the database the tests run on; both: PostgreSQL gets a part of them, others in each run",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On both, whatever touches a database is run twice."""
    if metafunc.config.getoption("--db") in ("both", "all") and "database" in metafunc.fixturenames:
        metafunc.parametrize("maker", ["sqlite", "postgres"], indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what touches a database is run: the rest has no second opinion to give."""
    asked = config.getoption("--db")
    if asked == "postgres":
        kept = [item for item in items if "database" in getattr(item, "fixturenames", ())]
    elif asked == "both":
        kept = sampled(items, config.getoption("randomly_seed", default=0))
    else:
        return
    held = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in held])
    items[:] = kept


def sampled(items: Sequence[pytest.Item], seed: object) -> list[pytest.Item]:
    """All tests, but on PostgreSQL each with `SECOND_OPINIONS` of its parameters: those that the seed draws.

    Of the outer rooms' tests one in `ONE_IN` is drawn, with one set of parameters. SQLite has everything in every run;
    PostgreSQL with `--db=all`; otherwise each run draws others.
    """
    drawn: dict[str, list[tuple[str, pytest.Item]]] = {}
    for item in items:
        function = item.nodeid.partition("[")[0]
        if _on_postgres(item) and not (function.startswith(OUTER_ROOMS) and int(_lot(seed, function), 16) % ONE_IN):
            drawn.setdefault(function, []).append((_lot(seed, item.nodeid), item))
    chosen = {
        item.nodeid
        for function, lots in drawn.items()
        for _, item in sorted(lots, key=itemgetter(0))[: 1 if function.startswith(OUTER_ROOMS) else SECOND_OPINIONS]
    }
    return [item for item in items if not _on_postgres(item) or item.nodeid in chosen]


def _lot(seed: object, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _on_postgres(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("maker") == "postgres"


def in_folder(items: list[pytest.Item], file: str) -> list[pytest.Item]:
    """Those tests that stand in the folder of a conftest.py, given as its `__file__`, or below it."""
    folder = f"{Path(file).parent.relative_to(ROOT)}/"
    return [item for item in items if item.nodeid.startswith(folder)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Of several processes, each begins with other files: see `tests/scheduling.py`."""
    from tests.scheduling import read_own_share_first

    read_own_share_first(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Several processes share a run as `tests/scheduling.py` says."""
    from tests.scheduling import Scheduling

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def _lines_as_in_production() -> None:
    """Log lines as a server writes them; structlog's own habit is to paint every error with all its variables."""
    configure_our_own(
        level="DEBUG",
        json=True,
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),  # whatever it is at that moment
    )


@pytest.fixture(autouse=True)
def _a_few_rsa_keys() -> Iterator[None]:
    """Set up after whatever is made for many tests, so that those have keys of their own."""
    with rsa_keys.shared():
        yield


@pytest.fixture(scope="session")
def makers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Maker]:
    """The maker of each kind of database; each is made once, as are its templates."""

    @cache
    def maker_of(kind: str) -> Maker:
        if kind == "sqlite":
            return SQLiteMaker(tmp_path_factory.mktemp("templates"))
        return PostgresMaker(postgres_server(), os.environ.get("PYTEST_XDIST_WORKER", "main"))

    return maker_of


@pytest.fixture(scope="session")
def maker(request: pytest.FixtureRequest, makers: Callable[[str], Maker]) -> Maker:
    """Makes databases of the kind this test is run on."""
    asked = request.config.getoption("--db")
    return makers(getattr(request, "param", "postgres" if asked == "postgres" else "sqlite"))


@pytest.fixture(scope="session")
def empty_template(maker: Maker) -> str:
    """A database as the migrations make it, without a row."""
    return maker.template("empty", lambda _database: None)


@pytest.fixture(scope="session")
def prepared_template(maker: Maker) -> str:
    """A database in which a server has been started once: programme loaded, issuer and keys made."""

    def fill(database: Database) -> None:
        from app.wiring import prepare

        prepare(_bound(_settings(url=database.url, data_dir=ROOT / ".waymark"), database))

    return maker.template("prepared", fill)


@pytest.fixture
def template(request: pytest.FixtureRequest) -> str:
    """What each test's database is a copy of; a folder of tests may choose another."""
    wanted = "prepared_template" if "services" in request.fixturenames else "empty_template"
    chosen: str = request.getfixturevalue(wanted)
    return chosen


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: Maker, template: str) -> Settings:
    """Settings of a server of this test's own."""
    for name in [name for name in os.environ if name.startswith("WAYMARK_")]:
        monkeypatch.delenv(name)
    return _settings(url=maker.copy(template, tmp_path), data_dir=tmp_path)


def _settings(*, url: str, data_dir: Path) -> Settings:
    return Settings(
        data_dir=data_dir,
        database_url=url,
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
    from app.wiring import prepare

    services = _bound(settings, database)
    prepare(services)
    return services


def _bound(settings: Settings, database: Database) -> Services:
    from app.wiring import Services, build_verifier

    http = HttpClient(allow_private_networks=True)
    runtime = Runtime(settings, database, http, JwksCache(http), SecretBox(settings.secret_keys))
    return Services(runtime=runtime, verifier=build_verifier(runtime))


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
