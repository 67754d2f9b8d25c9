"""`waymark programme`: check the programme's files, load them, show a module to its author, write editors' schemas."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from app.cli import preview_server, serving
from app.cli.support import EXIT_MISUSE, EXIT_NO, JSON_OPTION, emit, fail, open_database
from app.config import Settings
from app.programme import file_schemas, readings, service
from app.programme.errors import Problem, ProgrammeInvalid
from app.programme.loader import is_marked_as_draft
from app.programme.readings import Reading

app = typer.Typer(help="Check the programme's files, load them, or preview a module.", no_args_is_help=True)


Directory = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="Folder that holds programme.yaml.", show_default=False)
]
AsJson = Annotated[bool, JSON_OPTION]


@app.command()
def check(directory: Directory = None, as_json: AsJson = False) -> None:
    """Check a programme's files; needs no database. Exits 0 if nothing has to be mended, 1 if something has."""
    folder = _existing(directory or _usual_directory())
    reading = _read(folder, as_json)
    programme = reading.programme
    modules = [f"{module.key} v{module.version}" for module in programme.modules]
    drafts = [module.key for module in reading.drafts]
    lines = [
        *_lines(folder, reading.notices),
        f"{folder}: no problems{_and_notices(reading.notices)}. {programme.key} v{programme.version} with "
        f"{', '.join(modules) or 'no module'}.",
    ]
    if drafts:
        lines.append(f"Drafts, checked and not offered to anybody: {', '.join(drafts)}.")
    answer = {
        "ok": True,
        "programme": f"{programme.key} v{programme.version}",
        "modules": modules,
        "drafts": drafts,
        "problems": [],
        "notices": _as_data(reading.notices),
    }
    emit(answer, as_json, "\n".join(lines))


@app.command()
def load(directory: Directory = None, as_json: AsJson = False) -> None:
    """Check a programme's files and make them the current ones: all of them, or none. Drafts are left out."""
    if directory is not None:
        _existing(directory)
    with open_database() as (settings, database):
        reading = _read(_existing(directory or settings.programme_dir), as_json, leave_out=is_marked_as_draft)
        with database.write() as session:
            report = service.store(session, reading.programme)
    drafts = sorted({*reading.left_out, *(module.key for module in reading.drafts)})
    lines = [
        *(f"{name}: loaded" for name in report.loaded),
        *(f"{name}: unchanged" for name in report.unchanged),
        *(f"{name}: a draft, left out" for name in drafts),
    ]
    emit({"loaded": report.loaded, "unchanged": report.unchanged, "drafts": drafts}, as_json, "\n".join(lines))


@app.command()
def preview(
    directory: Directory = None,
    module: Annotated[str, typer.Option(help="Key of the module, e.g. M02.")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the preview on this computer.")] = 8020,
    host: Annotated[
        str, typer.Option(help="Address to listen on: this computer's own only, 127.0.0.1 or ::1.")
    ] = "127.0.0.1",
    as_json: AsJson = False,
) -> None:
    """Show a module to its author as learners would see it, with all answers; read anew with each click."""
    folder = _existing(directory or _usual_directory())
    names = readings.module_names(folder)
    if module not in names:
        fail(f"Say which module with --module: {', '.join(names) or 'there is none'}.", code=EXIT_MISUSE)
    if not _is_loopback(host):
        fail("A preview shows every answer, so only this computer may open it: --host 127.0.0.1 or ::1.",
             code=EXIT_MISUSE)  # fmt: skip
    try:
        listening = serving.listen(host, port)
    except OSError as error:
        fail(f"Port {port} cannot be used ({error.strerror}). Choose another with --port.")
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/preview/{module}"
    emit({"address": address, "module": module}, as_json, f"Open {address}. End it with Ctrl+C.")
    preview_server.serve(listening, folder)


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


def _is_loopback(host: str) -> bool:
    """Whether this is an address that other computers cannot reach; a name may mean another one tomorrow."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(folder: Path, as_json: bool, leave_out: Callable[[Path], bool] = lambda folder: False) -> Reading:
    try:
        return readings.read(folder, leave_out=leave_out)
    except ProgrammeInvalid as error:
        _tell(folder, error, as_json)


def _tell(folder: Path, error: ProgrammeInvalid, as_json: bool) -> NoReturn:
    """One line for each problem, in the form `file:line: message` that editors turn into links."""
    lines = _lines(folder, (*error.problems, *error.notices))
    count = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
    lines.append(f"{count}{_and_notices(error.notices)}. Nothing was loaded.")
    answer = {"ok": False, "problems": _as_data(error.problems), "notices": _as_data(error.notices)}
    emit(answer, as_json, "\n".join(lines))
    raise typer.Exit(EXIT_NO)


def _lines(folder: Path, problems: Iterable[Problem]) -> list[str]:
    return [f"{folder / problem.file}:{problem.line}: {problem.words}" for problem in problems]


def _as_data(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [
        {"file": each.file, "line": each.line, "severity": each.severity, "message": each.message} for each in problems
    ]


def _and_notices(notices: tuple[Problem, ...]) -> str:
    return "" if not notices else ", 1 notice" if len(notices) == 1 else f", {len(notices)} notices"
