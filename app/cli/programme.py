"""`waymark programme`: check the programme's files, load them, write the schemas that editors use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.cli.support import EXIT_MISUSE, EXIT_NO, JSON_OPTION, emit, fail, open_database
from app.config import Settings
from app.programme import file_schemas, service
from app.programme.errors import ProgrammeInvalid
from app.programme.frameworks import Programme

app = typer.Typer(help="Check the programme's files, or load them.", no_args_is_help=True)


Directory = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="Folder that holds programme.yaml.", show_default=False)
]
AsJson = Annotated[bool, JSON_OPTION]


@app.command()
def check(directory: Directory = None, as_json: AsJson = False) -> None:
    """Check a programme's files; needs no database. Exits 0 if they are clean, 1 if not, 2 if there is no folder."""
    folder = _existing(directory or _usual_directory())
    programme = _read(folder, as_json)
    modules = [f"{module.key} v{module.version}" for module in programme.modules]
    emit(
        {"ok": True, "programme": f"{programme.key} v{programme.version}", "modules": modules, "problems": []},
        as_json,
        f"{folder}: no problems. {programme.key} v{programme.version} with {', '.join(modules)}.",
    )


@app.command()
def load(directory: Directory = None, as_json: AsJson = False) -> None:
    """Check a programme's files and make them the current ones: all of them, or none."""
    if directory is not None:
        _existing(directory)
    with open_database() as (settings, database):
        programme = _read(_existing(directory or settings.programme_dir), as_json)
        with database.write() as session:
            report = service.store(session, programme)
    lines = [
        *(f"{name}: loaded" for name in report.loaded),
        *(f"{name}: unchanged" for name in report.unchanged),
    ]
    emit({"loaded": report.loaded, "unchanged": report.unchanged}, as_json, "\n".join(lines))


@app.command()
def schemas(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")], as_json: AsJson = False
) -> None:
    """Write the JSON Schemas of the programme's files, which make an editor point out mistakes while typing."""
    directory.mkdir(parents=True, exist_ok=True)
    written = file_schemas.write(directory)
    emit({"written": [str(path) for path in written]}, as_json, "\n".join(f"{path}: written" for path in written))


def _usual_directory() -> Path:
    """The setting's value without the other settings: a check must work where nothing is set up."""
    return Path(os.environ.get("WAYMARK_PROGRAMME_DIR") or Settings.model_fields["programme_dir"].default)


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        fail(f"There is no folder {folder}.", code=EXIT_MISUSE)
    return folder


def _read(folder: Path, as_json: bool) -> Programme:
    try:
        return service.load_programme(folder)
    except ProgrammeInvalid as error:
        _tell(folder, error, as_json)


def _tell(folder: Path, error: ProgrammeInvalid, as_json: bool) -> NoReturn:
    """One line for each problem, in the form `file:line: message` that editors turn into links."""
    problems = [{"file": problem.file, "line": problem.line, "message": problem.message} for problem in error.problems]
    lines = [f"{folder / problem.file}:{problem.line}: {problem.message}" for problem in error.problems]
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    emit({"ok": False, "problems": problems}, as_json, "\n".join((*lines, f"{count}. Nothing was loaded.")))
    raise typer.Exit(EXIT_NO)
