"""What can be wrong with programme files, and what is not in the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.core.errors import BadInput, Conflict, NotFound

Severity = Literal["error", "notice"]


@dataclass(frozen=True, order=True)
class Problem:
    """One thing an author has to mend, or should know of.

    Attributes:
        file: path inside the programme's folder, with `/`.
        line: 1-based; 1 where the whole file is meant.
        message: what is wrong and, where it can be told, what to write instead.
        severity: an error stops check and load; a notice is for the author to weigh.
    """

    file: str
    line: int
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.words}"

    @property
    def is_error(self) -> bool:
        """Whether nothing is loaded until it is mended; a notice stops nothing."""
        return self.severity == "error"

    @property
    def words(self) -> str:
        """The message; a notice says that it is one."""
        return self.message if self.is_error else f"notice: {self.message}"


class ProgrammeInvalid(BadInput):
    """The programme's files cannot be used; `problems` names every place, `notices` what else an author should know."""

    slug = "programme-invalid"
    title = "The programme's files need mending"

    def __init__(self, problems: Iterable[Problem], notices: Iterable[Problem] = ()) -> None:
        self.problems = tuple(sorted(set(problems)))
        self.notices = tuple(sorted(set(notices)))
        super().__init__(
            "\n".join(str(problem) for problem in self.problems),
            kept="Nothing was loaded; what was in use stays in use.",
            next_step="Mend these places and run `waymark programme check` again.",
        )


class VersionInUse(Conflict):
    """Content was changed under a version number that is already in use."""

    slug = "programme-version-in-use"
    title = "This version is already in use"


class NoProgramme(NotFound):
    """No programme has been loaded yet."""

    slug = "no-programme"
    title = "No programme is loaded"


class ModuleUnknown(NotFound):
    """There is no such module, or not in this version."""

    slug = "module-unknown"
    title = "There is no such module"


class PathwayUnknown(ModuleUnknown):
    """There is no such pathway, or not in this version; where achievements are looked up it is one of their errors."""

    slug = "pathway-unknown"
    title = "There is no such pathway"


class ItemUnknown(NotFound):
    """No version of the programme knows this competency, item or principle."""

    slug = "item-unknown"
    title = "There is no such item"
