"""From a folder of files to checked models that still know their lines."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.programme import lesson_pictures
from app.programme.errors import Problem, ProgrammeInvalid
from app.programme.file_model import FileModel
from app.programme.files import (
    TAGS,
    AnyActivityEntry,
    CalibrationFile,
    ChecklistFile,
    FormFile,
    ModuleFile,
    QuestionsFile,
)
from app.programme.framework_files import FrameworkFile, PrinciplesFile, ProgrammeFile, ScaleFile, YouthElementsFile
from app.programme.located import Located, read_text, read_yaml
from app.programme.pathway_files import PathwayFile
from app.programme.schemas import Picture

FileT = TypeVar("FileT", bound=FileModel)
FileT_co = TypeVar("FileT_co", bound=FileModel, covariant=True)
_DRAFT = re.compile(rb"^status:[ \t]+draft[ \t]*(?:#.*)?\r?$", re.MULTILINE)


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
    """One module's files; texts, examples, questions, forms and checklists by the key of their activity.

    Attributes:
        media: the pictures its texts name, by `media/` and the file's name; why not, where one cannot be used.
    """

    name: str
    sheet: Sheet[ModuleFile]
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)
    questions: dict[str, Sheet[QuestionsFile]] = field(default_factory=dict)
    forms: dict[str, Sheet[FormFile]] = field(default_factory=dict)
    checklists: dict[str, Sheet[ChecklistFile]] = field(default_factory=dict)
    calibrations: list[Sheet[CalibrationFile]] = field(default_factory=list)
    media: dict[str, Picture | str] = field(default_factory=dict)

    @property
    def is_draft(self) -> bool:
        """Whether its author is still writing: checked and previewed, not loaded."""
        return self.sheet.content.status == "draft"


@dataclass(frozen=True)
class ProgrammeFolder:
    """All files of a programme.

    Attributes:
        left_out: names of the module folders that were not read; `left_out_drafts` are the drafts among them.
        pathways: published ones and drafts; a programme may have none.
    """

    programme: Sheet[ProgrammeFile]
    frameworks: tuple[Sheet[FrameworkFile], ...]
    scales: tuple[Sheet[ScaleFile], ...]
    principles: Sheet[PrinciplesFile]
    youth_elements: Sheet[YouthElementsFile]
    modules: tuple[ModuleFolder, ...]
    left_out: frozenset[str] = frozenset()
    left_out_drafts: frozenset[str] = frozenset()
    pathways: tuple[Sheet[PathwayFile], ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every published module was read, so that what pathways take from modules can be told."""
        return self.left_out <= self.left_out_drafts


class _Collector:
    """Reads file after file and goes on after a bad one, so that an author sees all problems at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.used: set[Path] = set()

    def sheet(self, path: Path, model: type[FileT]) -> Sheet[FileT] | None:
        self.used.add(path)
        try:
            return read_sheet(path, path.relative_to(self.root).as_posix(), model)
        except ProgrammeInvalid as error:
            self.problems.extend(error.problems)
            return None

    def sheets(self, folder: str, model: type[FileT], *, needed: bool = True) -> tuple[Sheet[FileT], ...]:
        paths = sorted((self.root / folder).glob("*.yaml"))
        if not paths and needed:
            self.problems.append(Problem(folder, 1, "there is no .yaml file in this folder"))
        found = (self.sheet(path, model) for path in paths)
        return tuple(sheet for sheet in found if sheet is not None)


def is_marked_as_draft(folder: Path) -> bool:
    """Whether a module's folder says so in a line of its own; reads one file only, and no YAML.

    For those who have no use for drafts. A draft that writes its status in another way is found when it is read.
    """
    try:
        return _DRAFT.search((folder / "module.yaml").read_bytes()) is not None
    except OSError:
        return False


def read_folder(root: Path, *, leave_out: Callable[[Path], bool] = lambda folder: False) -> ProgrammeFolder:
    """Read and check the form of every file of a programme.

    Args:
        root: the folder that holds `programme.yaml`.
        leave_out: says of a module's folder that it need not be read.

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
    pathways = collector.sheets("pathways", PathwayFile, needed=False)
    folders = _module_folders(collector)
    left_out = [folder for folder in folders if leave_out(folder)]
    modules = tuple(_read_modules(collector, [folder for folder in folders if folder not in left_out]))
    _tell_unused(collector, left_out)
    if collector.problems or programme is None or principles is None or youth_elements is None:
        raise ProgrammeInvalid(collector.problems)
    return ProgrammeFolder(
        programme,
        frameworks,
        scales,
        principles,
        youth_elements,
        modules,
        left_out=frozenset(folder.name for folder in left_out),
        left_out_drafts=frozenset(folder.name for folder in left_out if is_marked_as_draft(folder)),
        pathways=pathways,
    )


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


def _module_folders(collector: _Collector) -> list[Path]:
    home = collector.root / "modules"
    folders = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    if not folders:
        collector.problems.append(Problem("modules", 1, "there is no module in this folder"))
    return folders


def _read_modules(collector: _Collector, folders: Sequence[Path]) -> Iterator[ModuleFolder]:
    for folder in folders:
        sheet = collector.sheet(folder / "module.yaml", ModuleFile)
        if sheet is None:
            # Which of its files are used cannot be told, so none of them is called unused.
            collector.used.update(folder.rglob("*"))
        else:
            yield _read_module(collector, folder, sheet)


def _read_module(collector: _Collector, folder: Path, sheet: Sheet[ModuleFile]) -> ModuleFolder:
    module = ModuleFolder(folder.name, sheet)
    for index, activity in enumerate(sheet.content.activities):
        for name in ("text", "questions", "form", "example", "checklist"):
            path = _named_file(collector, folder, sheet, getattr(activity, name, None), "activities", index, name)
            if path is not None:
                _read_part(collector, module, activity, name, path)
    path = _named_file(collector, folder, sheet, sheet.content.calibration, "calibration")
    calibration = collector.sheet(path, CalibrationFile) if path is not None else None
    if calibration is not None:
        module.calibrations.append(calibration)
    texts = (*module.texts.values(), *module.examples.values())
    module.media.update(lesson_pictures.read(folder, (text for _file, text in texts)))
    collector.used.update(folder / name for name in module.media)
    return module


def _named_file(
    collector: _Collector, folder: Path, sheet: Sheet[ModuleFile], given: str | None, *route: str | int
) -> Path | None:
    """The file a module names, if it names one and it is there."""
    if given is None:
        return None
    path = folder / given
    collector.used.add(path)
    if path.is_file():
        return path
    collector.problems.append(sheet.problem(f"`{given}` does not exist in the folder of this module", *route))
    return None


def _tell_unused(collector: _Collector, left_out: Sequence[Path]) -> None:
    """Name every file that nothing refers to: most often its name is misspelt."""
    for path in sorted(collector.root.rglob("*")):
        inside = path.relative_to(collector.root)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path in collector.used or hidden or not path.is_file() or any(each in path.parents for each in left_out):
            continue
        of_module = len(inside.parts) > 2 and inside.parts[0] == "modules"
        message = (
            "no activity in module.yaml uses this file" if of_module else "nothing of this programme uses this file"
        )
        collector.problems.append(Problem(inside.as_posix(), 1, message))


def _read_part(collector: _Collector, module: ModuleFolder, activity: AnyActivityEntry, name: str, path: Path) -> None:
    if name in ("text", "example"):
        file = path.relative_to(collector.root).as_posix()
        texts = module.texts if name == "text" else module.examples
        try:
            texts[activity.key] = (file, read_text(path, file))
        except ProgrammeInvalid as error:
            collector.problems.extend(error.problems)
    elif name == "questions":
        _keep(module.questions, activity.key, collector.sheet(path, QuestionsFile))
    elif name == "form":
        _keep(module.forms, activity.key, collector.sheet(path, FormFile))
    else:
        _keep(module.checklists, activity.key, collector.sheet(path, ChecklistFile))


def _keep(sheets: dict[str, Sheet[FileT]], key: str, sheet: Sheet[FileT] | None) -> None:
    if sheet is not None:
        sheets[key] = sheet


def _problem(located: Located, model: type[FileModel], details: ErrorDetails) -> Problem:
    route = tuple(part for part in details["loc"] if part != "[key]" and part not in TAGS)
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
