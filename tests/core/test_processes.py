"""How many processes serve is what the machine gives, within bounds; what each may do at once is a share."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from app.core import metrics, processes


def machine(monkeypatch: pytest.MonkeyPatch, folder: Path, processors: int, **files: str) -> None:
    """A machine with so many processors, and the kernel's files on what a container may use."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    for name in ("_QUOTA", "_OLD_QUOTA", "_OLD_PERIOD"):
        (folder / name).write_text(files[name]) if name in files else None
        monkeypatch.setattr(processes, name, folder / name)


@pytest.mark.parametrize(("processors", "number"), [(1, 1), (2, 2), (4, 4), (64, 4)])
def test_one_for_each_processor_and_at_most_four(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processors: int, number: int
) -> None:
    machine(monkeypatch, tmp_path, processors)
    assert processes.fitting() == number


@pytest.mark.parametrize(
    ("quota", "number"),
    [("max 100000\n", 3), ("100000 100000", 1), ("150000 100000", 2), ("5000 100000", 1), ("900000 100000", 3),
     ("", 3), ("nonsense", 3), ("1 0", 3)],
)  # fmt: skip
def test_a_containers_quota_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, number: int) -> None:
    machine(monkeypatch, tmp_path, 3, _QUOTA=quota)
    assert processes.fitting() == number


@pytest.mark.parametrize(("quota", "number"), [("-1\n", 3), ("100000\n", 1), ("250000", 3)])
def test_an_older_kernels_quota_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, number: int
) -> None:
    machine(monkeypatch, tmp_path, 3, _OLD_QUOTA=quota, _OLD_PERIOD="100000\n")
    assert processes.fitting() == number


@pytest.mark.parametrize(("number", "threads"), [(1, 40), (2, 40), (4, 20), (100, 8)])
def test_together_they_hold_no_more_connections_than_postgresql_has(number: int, threads: int) -> None:
    assert processes.threads_of_each(number) == threads


def test_a_process_of_several_takes_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    async def share() -> float:
        processes.join()
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert anyio.run(share) == processes.THREADS
    monkeypatch.setattr(processes, "_end_with", lambda _: None)
    with processes.several(4):
        assert anyio.run(share) == 20
    assert anyio.run(share) == processes.THREADS


def test_the_counters_folder_goes_with_them() -> None:
    with processes.several(2):
        folder = Path(os.environ[processes.COUNTERS])
        (folder / "counter_1.db").write_bytes(b"")
    assert not folder.exists()
    assert processes.COUNTERS not in os.environ


def test_without_a_place_for_counters_each_counts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(prefix: str) -> str:
        raise OSError(prefix)

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with processes.several(2):
        assert processes.COUNTERS not in os.environ
        assert b"waymark_http_requests_total" in metrics.told()
