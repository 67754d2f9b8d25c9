"""The image, as far as it can be seen without a Docker engine: its commands work in a fresh place and it runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import httpx2
import pytest
import yaml

from tests import loopback
from tests.container.dockerfile import Stage, follow, parse
from tests.ports import free_ports
from tests.system.house import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
STAGES = parse(ROOT / "Dockerfile")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context: what git tracks, cut down by .dockerignore."""
    folder = tmp_path_factory.mktemp("context")
    archive = folder / "tracked.tar"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tarfile.open(archive, "w") as tar:
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).exists():
                tar.add(ROOT / name, name)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for entry in folder.iterdir():
        if entry.name not in kept:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return folder


def test_the_image_runs_as_a_user_without_rights_and_says_how_it_is() -> None:
    run = STAGES["run"]
    assert run.values("USER") == ["10001"]
    assert "/healthz" in run.values("HEALTHCHECK")[0]
    assert "WAYMARK_ENV=production" in run.values("ENV")[0]
    assert run.instructions.index(("USER", "10001")) < [word for word, _ in run.instructions].index("CMD")


def test_the_run_stage_takes_only_what_was_built() -> None:
    assert all(copied.startswith("--from=build ") for copied in STAGES["run"].values("COPY"))


def test_compose_starts_two_apps_a_worker_and_a_database_from_a_read_only_root() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = composed["services"]
    assert set(services) == {"database", "migrate", "app-1", "app-2", "worker"}
    for name in ("migrate", "app-1", "app-2", "worker"):
        assert services[name]["read_only"] is True, name
        assert services[name]["cap_drop"] == ["ALL"], name
    assert services["worker"]["command"] == ["waymark", "worker"]
    assert set(composed["volumes"]) == {"data", "database"}


@pytest.mark.slow
def test_the_images_commands_build_a_server_that_answers(context: Path, tmp_path: Path) -> None:
    root, data = tmp_path / "image", tmp_path / "data"
    follow(STAGES["build"], context, root)
    waymark = _command(STAGES["run"], root)
    (port,) = free_ports(1)
    environment = {
        "PATH": f"{root}/opt/waymark/bin:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "WAYMARK_ENV": "production",
        "WAYMARK_BASE_URL": "https://waymark.example.org",
        "WAYMARK_SECRET_KEY": "a-secret-key-for-tests-only-that-everybody-may-read",
        "WAYMARK_DATA_DIR": str(data),
    }
    folder = root / "srv" / "waymark"
    before = _files(folder)
    subprocess.run([waymark, "migrate"], cwd=folder, env=environment, check=True, capture_output=True)
    server = subprocess.Popen(
        [waymark, "serve", "--port", str(port)], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        assert _answer(f"http://127.0.0.1:{port}/readyz").json()["ready"] is True
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0
    assert _files(folder) == before, "nothing may be written beside the code: the root is read-only"


def _command(stage: Stage, root: Path) -> str:
    assert '"waymark"' in stage.values("CMD")[0]
    return str(root / "opt" / "waymark" / "bin" / "waymark")


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _answer(url: str) -> httpx2.Response:
    for _ in range(600):
        try:
            return loopback.get(url)
        except httpx2.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer")
