"""Every id that files may refer to, and what is said of an id that nobody knows or that is used twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.programme.errors import Problem
from app.programme.file_model import FileModel
from app.programme.loader import ModuleFolder, ProgrammeFolder, Sheet


@dataclass(frozen=True)
class Known:
    """Every id that may be referred to.

    Attributes:
        modules: published ones and drafts.
        published: those that learners can meet.
        folders: the modules that were read, by key.
        stacks: pathways with an achievement of their own; `published_stacks` those that learners can reach.
    """

    domains: frozenset[str]
    competencies: frozenset[str]
    fidelity_items: frozenset[str]
    principles: frozenset[str]
    practice_elements: frozenset[str]
    themes: frozenset[str]
    modules: frozenset[str]
    published: frozenset[str]
    folders: dict[str, ModuleFolder]
    stacks: frozenset[str]
    published_stacks: frozenset[str]


def known_ids(folder: ProgrammeFolder) -> Known:
    """What the files of a programme may refer to."""
    domains = [domain for sheet in folder.frameworks for domain in sheet.content.domains]
    sections = [section for sheet in folder.scales for section in sheet.content.sections]
    folders = {module.sheet.content.key: module for module in folder.modules}
    published = {key for key, module in folders.items() if not module.is_draft}
    stacks = [sheet.content for sheet in folder.pathways if sheet.content.achievement is not None]
    return Known(
        domains=frozenset(domain.id for domain in domains),
        competencies=frozenset(competency.id for domain in domains for competency in domain.competencies),
        fidelity_items=frozenset(item.id for section in sections for item in section.items),
        principles=frozenset(principle.id for principle in folder.principles.content.principles),
        practice_elements=frozenset(element.id for element in folder.youth_elements.content.elements),
        themes=frozenset(theme.id for sheet in folder.frameworks for theme in sheet.content.themes),
        modules=frozenset(folders) | folder.left_out,
        published=frozenset(published | (folder.left_out - folder.left_out_drafts)),
        folders=folders,
        stacks=frozenset(stack.key for stack in stacks),
        published_stacks=frozenset(stack.key for stack in stacks if stack.status == "published"),
    )


def unknown(
    sheet: Sheet[FileModel],
    given: Iterable[str],
    known: frozenset[str],
    what: str,
    *route: str | int,
) -> Iterator[Problem]:
    """A problem for each id of a list that nobody knows."""
    for index, item in enumerate(given):
        if item not in known:
            yield sheet.problem(f"there is no {what} `{item}`", *route, index)


def unknown_badge(key: str) -> str:
    """What is said of a badge's key that nobody knows."""
    return f"there is no {'module' if key[:1].isupper() else 'pathway with an achievement of its own called'} `{key}`"


def repeated(sheet: Sheet[FileModel], keys: list[str], *route: str | int) -> Iterator[Problem]:
    """A problem for each key of a list that was used before."""
    for index, key in enumerate(keys):
        if key in keys[:index]:
            yield sheet.problem(f"the key `{key}` is used twice in this list", *route, index, "key")
