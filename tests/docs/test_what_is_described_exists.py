"""What the pages tell people to type, click and look at exists."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import click
import pytest
import typer

from tests.conftest import ROOT
from tests.docs.pages import Page, all_pages, page
from tests.docs.test_everything_is_described import ROOT_COMMAND

PAGES = all_pages()
SCREENSHOTS = ROOT / "docs" / "screenshots"
WAYMARK = ("waymark", ".venv/bin/waymark")
MISUSE = typer.BadParameter.__mro__[1]  # typer brings a click of its own, whose errors have no public name
OTHER_PROGRAMS = {"export", "curl", "python3", ".venv/bin/python", ".venv/bin/ruff"}

each_page = pytest.mark.parametrize("each", [pytest.param(each, id=each.name) for each in PAGES])


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", page("Makefile").text, re.MULTILINE))


def is_program(words: list[str]) -> list[str]:
    """The command without the settings written before it."""
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words


def check_waymark(words: list[str]) -> None:
    """The words name a command, and every option is one of its own."""
    command: click.Command = ROOT_COMMAND
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    assert not hasattr(command, "commands"), f"{command.name} is a group of commands"
    # Parsing runs nothing; it refuses unknown options, missing ones and words too many.
    command.make_context(command.name, words)


def broken(each: Page, target: str) -> str | None:
    parts = urlsplit(target)
    if parts.scheme in ("http", "https", "mailto"):
        return None
    file = (each.path.parent / unquote(parts.path)).resolve() if parts.path else each.path
    if not file.exists():
        waits = file.parent == SCREENSHOTS and not SCREENSHOTS.exists()  # pictures are taken by the browser tests
        return None if waits else f"{target}: there is no such file"
    if not file.is_relative_to(ROOT):
        return f"{target}: leads out of the repository"
    if parts.fragment and file.suffix == ".md" and parts.fragment not in Page(file).anchors:
        return f"{target}: there is no such heading"
    return None


def test_the_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/operate.md"} <= {each.name for each in PAGES}


@each_page
def test_links_and_pictures_lead_somewhere(each: Page) -> None:
    assert [problem for target in each.targets if (problem := broken(each, target))] == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    readme = page("README.md")
    assert broken(readme, "docs/nowhere.md")
    assert broken(readme, "docs/operate.md#nowhere")
    assert broken(readme, "../elsewhere/README.md")
    assert broken(readme, "docs/operate.md#settings") is None


@each_page
def test_every_picture_says_what_it_shows(each: Page) -> None:
    for picture in each.html_pictures:
        words = re.search(r'\balt="([^"]*)"', picture)
        assert words, picture
        assert len(words.group(1).split()) >= 8, picture
    assert not re.findall(r"!\[\s*\]\(", each.text), "a Markdown picture without words"


def test_every_screenshot_is_shown_in_the_readme() -> None:
    shown = set(re.findall(r"docs/screenshots/([\w-]+\.png)", page("README.md").text))
    there = {path.name for path in SCREENSHOTS.glob("[0-9]*.png")}
    assert there <= shown


@each_page
def test_commands_can_be_typed_as_they_stand(each: Page) -> None:
    for written in each.shell_commands:
        words = is_program(written)
        if not words:
            continue
        if words[0] in WAYMARK:
            check_waymark(words[1:])
        elif words[0] == "make":
            assert [word for word in words[1:] if word not in make_targets()] == [], written
        else:
            assert words[0] in OTHER_PROGRAMS, written


def test_a_command_that_is_not_there_is_found() -> None:
    with pytest.raises(AssertionError, match="no command"):
        check_waymark(["platform", "paint"])
    with pytest.raises(MISUSE):
        check_waymark(["platform", "list", "--colour"])
    with pytest.raises(MISUSE):
        check_waymark(["revoke", "some-badge"])


@each_page
def test_targets_and_commands_named_in_sentences_exist(each: Page) -> None:
    for span in each.code_spans:
        words = is_program(span.split())
        if words[:1] == ["make"] and len(words) == 2:
            assert words[1] in make_targets(), span
        if len(words) > 1 and words[0] in WAYMARK and words[1][0].isalpha():
            assert words[1] in ROOT_COMMAND.commands, span  # type: ignore[attr-defined]


def test_the_map_of_the_house_shows_every_room_and_no_other() -> None:
    shown = set(re.findall(r"^\| `([\w./]+/)` \|", page("README.md").text, re.MULTILINE))
    rooms = {f"app/{path.name}/" for path in (ROOT / "app").iterdir() if (path / "__init__.py").exists()}
    assert rooms - shown == {"app/cli/"}  # told in the line of app/
    assert [folder for folder in sorted(shown) if not (ROOT / folder).is_dir()] == []
