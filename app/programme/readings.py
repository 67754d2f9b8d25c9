"""From a folder to a programme: what check, load and preview have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.core.clock import now
from app.programme import assemble, checks
from app.programme.errors import Problem, ProgrammeInvalid
from app.programme.frameworks import Programme
from app.programme.loader import is_marked_as_draft, read_folder
from app.programme.schemas import Module


@dataclass(frozen=True)
class Reading:
    """A programme's files, read and checked.

    Attributes:
        programme: with its published modules.
        drafts: the modules that are still written, for their authors' eyes only.
        left_out: names of the folders of drafts that were not read.
        notices: what its authors should know.
    """

    programme: Programme
    drafts: tuple[Module, ...]
    left_out: tuple[str, ...]
    notices: tuple[Problem, ...]


@dataclass(frozen=True)
class ModuleReading:
    """One module for its author.

    Attributes:
        programme: what it refers to; None if the files have a form nobody can read.
        module: the module, as far as it can be shown; None likewise.
        is_draft: whether learners can not meet it yet.
        findings: what check says of it.
    """

    programme: Programme | None
    module: Module | None
    is_draft: bool
    findings: tuple[Problem, ...]


def read(
    directory: Path, *, leave_out: Callable[[Path], bool] = lambda folder: False, today: date | None = None
) -> Reading:
    """Read and check a programme's files; touches no database.

    Args:
        directory: the folder that holds `programme.yaml`.
        leave_out: says of a module's folder that it need not be read.
        today: by which reviews are overdue; now, in UTC, if not given.

    Raises:
        ProgrammeInvalid: `problems` names every place by file and line.
    """
    folder = read_folder(directory, leave_out=leave_out)
    found = checks.problems(folder, today or now().date())
    errors, notices = _parted(found)
    if errors:
        raise ProgrammeInvalid(errors, notices)
    programme = assemble.programme(folder)
    drafts = assemble.modules(folder, programme, drafts=True)
    return Reading(programme, drafts, tuple(sorted(folder.left_out)), tuple(sorted(set(notices))))


def read_module(directory: Path, key: str, *, today: date | None = None) -> ModuleReading:
    """Read one module, published or draft, and what check says of it.

    Args:
        directory: the folder that holds `programme.yaml`.
        key: the name of the module's folder.
        today: by which reviews are overdue; now, in UTC, if not given.
    """
    try:
        folder = read_folder(directory, leave_out=lambda path: path.name != key)
    except ProgrammeInvalid as error:
        draft = is_marked_as_draft(directory / "modules" / key)
        return ModuleReading(None, None, is_draft=draft, findings=error.problems)
    found = checks.problems(folder, today or now().date())
    programme = assemble.programme(folder)
    (module,) = programme.modules or assemble.modules(folder, programme, drafts=True)
    home = f"modules/{key}/"
    return ModuleReading(
        programme,
        module,
        is_draft=not programme.modules,
        findings=tuple(sorted({problem for problem in found if problem.is_error or problem.file.startswith(home)})),
    )


def module_names(directory: Path) -> tuple[str, ...]:
    """The names of a programme's module folders."""
    home = directory / "modules"
    return tuple(sorted(path.name for path in home.iterdir() if path.is_dir())) if home.is_dir() else ()


def _parted(problems: list[Problem]) -> tuple[list[Problem], list[Problem]]:
    return [each for each in problems if each.is_error], [each for each in problems if not each.is_error]
