"""From a folder of files to checked models that still know their lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.programme.errors import Problem, ProgrammeInvalid
from app.programme.files import (
    ExerciseEntry,
    FileModel,
    FormFile,
    FrameworkFile,
    KnowledgeCheckEntry,
    LessonEntry,
    ModuleFile,
    PrinciplesFile,
    ProgrammeFile,
    QuestionsFile,
    ReflectionEntry,
    ScaleFile,
    YouthElementsFile,
)
from app.programme.located import Located, read_text, read_yaml

FileT = TypeVar("FileT", bound=FileModel)
FileT_co = TypeVar("FileT_co", bound=FileModel, covariant=True)


@dataclass(frozen=True)
class Sheet(Generic[FileT_co]):
    """A file's checked content together with its lines."""

    located: Located
    content: FileT_co

    def problem(self, message: str, *route: str | int) -> Problem:
        """A problem at a value of this file."""
        return self.located.problem(message, *route)


@dataclass(frozen=True)
class ModuleFolder:
    """One module's files; texts, questions and forms by the key of their activity."""

    name: str
    sheet: Sheet[ModuleFile]
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    questions: dict[str, Sheet[QuestionsFile]] = field(default_factory=dict)
    forms: dict[str, Sheet[FormFile]] = field(default_factory=dict)


@dataclass(frozen=True)
class ProgrammeFolder:
    """All files of a programme."""

    programme: Sheet[ProgrammeFile]
    frameworks: tuple[Sheet[FrameworkFile], ...]
    scales: tuple[Sheet[ScaleFile], ...]
    principles: Sheet[PrinciplesFile]
    youth_elements: Sheet[YouthElementsFile]
    modules: tuple[ModuleFolder, ...]


class _Collector:
    """Reads file after file and goes on after a bad one, so that an author sees all problems at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []

    def sheet(self, path: Path, model: type[FileT]) -> Sheet[FileT] | None:
        try:
            return read_sheet(path, path.relative_to(self.root).as_posix(), model)
        except ProgrammeInvalid as error:
            self.problems.extend(error.problems)
            return None

    def sheets(self, folder: str, model: type[FileT]) -> tuple[Sheet[FileT], ...]:
        paths = sorted((self.root / folder).glob("*.yaml"))
        if not paths:
            self.problems.append(Problem(folder, 1, "there is no .yaml file in this folder"))
        found = (self.sheet(path, model) for path in paths)
        return tuple(sheet for sheet in found if sheet is not None)


def read_folder(root: Path) -> ProgrammeFolder:
    """Read and check the form of every file of a programme.

    Args:
        root: the folder that holds `programme.yaml`.

    Raises:
        ProgrammeInvalid: with one problem for each place that cannot be used.
    """
    collector = _Collector(root)
    if not root.is_dir():
        raise ProgrammeInvalid([Problem(root.as_posix(), 1, "this folder does not exist")])
    programme = collector.sheet(root / "programme.yaml", ProgrammeFile)
    frameworks = collector.sheets("frameworks", FrameworkFile)
    scales = collector.sheets("scales", ScaleFile)
    principles = collector.sheet(root / "principles.yaml", PrinciplesFile)
    youth_elements = collector.sheet(root / "youth-elements.yaml", YouthElementsFile)
    modules = tuple(_read_modules(collector))
    if collector.problems or programme is None or principles is None or youth_elements is None:
        raise ProgrammeInvalid(collector.problems)
    return ProgrammeFolder(programme, frameworks, scales, principles, youth_elements, modules)


def read_sheet(path: Path, file: str, model: type[FileT]) -> Sheet[FileT]:
    """Read one YAML file and check its form.

    Raises:
        ProgrammeInvalid: with one problem for each value of the wrong form.
    """
    located = read_yaml(path, file)
    try:
        return Sheet(located, model.model_validate(located.data))
    except ValidationError as error:
        raise ProgrammeInvalid([_problem(located, model, details) for details in error.errors()]) from error


def _read_modules(collector: _Collector) -> Iterator[ModuleFolder]:
    home = collector.root / "modules"
    folders = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    if not folders:
        collector.problems.append(Problem("modules", 1, "there is no module in this folder"))
    for folder in folders:
        sheet = collector.sheet(folder / "module.yaml", ModuleFile)
        if sheet is not None:
            yield _read_module(collector, folder, sheet)


def _read_module(collector: _Collector, folder: Path, sheet: Sheet[ModuleFile]) -> ModuleFolder:
    module = ModuleFolder(folder.name, sheet)
    used = {folder / "module.yaml"}
    for index, activity in enumerate(sheet.content.activities):
        for name in ("text", "questions", "form"):
            given = getattr(activity, name, None)
            if given is None:
                continue
            path = folder / given
            used.add(path)
            if not path.is_file():
                message = f"`{given}` does not exist in the folder of this module"
                collector.problems.append(sheet.problem(message, "activities", index, name))
                continue
            _read_part(collector, module, activity, name, path)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".md", ".yaml", ".yml"} and path not in used:
            file = path.relative_to(collector.root).as_posix()
            collector.problems.append(Problem(file, 1, "no activity in module.yaml uses this file"))
    return module


def _read_part(
    collector: _Collector,
    module: ModuleFolder,
    activity: LessonEntry | KnowledgeCheckEntry | ExerciseEntry | ReflectionEntry,
    name: str,
    path: Path,
) -> None:
    file = path.relative_to(collector.root).as_posix()
    if name == "questions":
        questions = collector.sheet(path, QuestionsFile)
        if questions is not None:
            module.questions[activity.key] = questions
    elif name == "form":
        form = collector.sheet(path, FormFile)
        if form is not None:
            module.forms[activity.key] = form
    else:
        try:
            module.texts[activity.key] = (file, read_text(path, file))
        except ProgrammeInvalid as error:
            collector.problems.extend(error.problems)


def _problem(located: Located, model: type[FileModel], details: ErrorDetails) -> Problem:
    route = tuple(part for part in details["loc"] if part != "[key]")
    return located.problem(_message(model, route, details), *route)


def _message(model: type[FileModel], route: Sequence[str | int], details: ErrorDetails) -> str:
    name = next((f"`{part}`" for part in reversed(route) if isinstance(part, str)), "this file")
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return f"{name} is missing here"
        case "extra_forbidden":
            return f"{name} is not a name we know here{_suggestion(str(route[-1]), model)}"
        case "string_type":
            return f"{name} must be text: put it in quotes"
        case "int_type" | "int_from_float":
            return f"{name} must be a whole number, without quotes"
        case "float_type":
            return f"{name} must be a number, without quotes"
        case "bool_type":
            return f"{name} must be true or false"
        case "date_type" | "date_parsing" | "date_from_datetime_inexact":
            return f"{name} must be a date like 2026-11-30, without quotes"
        case "list_type":
            return f"{name} must be a list: one `- ` line for each entry"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"{name} must hold `name: value` lines"
        case "literal_error" | "union_tag_invalid":
            return f"{name} must be one of {context.get('expected') or context.get('expected_tags')}"
        case "union_tag_not_found":
            return "`kind` is missing here"
        case "string_too_short":
            return f"{name} is empty"
        case "string_too_long":
            return f"{name} is longer than {context['max_length']} characters"
        case "string_pattern_mismatch":
            return f"{name} has a form we cannot use: {details['input']!r} does not fit {context['pattern']}"
        case "too_short":
            return f"{name} needs at least {context['min_length']} entries"
        case _:
            return f"{name}: {details['msg'].lower()}"


def _suggestion(name: str, model: type[FileModel]) -> str:
    known: set[str] = set()
    _collect_names(model.model_json_schema(by_alias=True), known)
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _collect_names(schema: Any, known: set[str]) -> None:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            known.update(properties)
        for value in schema.values():
            _collect_names(value, known)
    elif isinstance(schema, list):
        for value in schema:
            _collect_names(value, known)
