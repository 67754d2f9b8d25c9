"""What holds for every command: help, JSON, exit codes, and no traceback whatever is typed."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import typer.main

from app.cli import app
from tests.cli.conftest import Terminal

CONTRACT = {
    "serve", "worker", "demo", "migrate", "programme check", "programme load", "role grant", "role revoke",
    "platform add", "platform list", "platform approve", "platform roster", "platform score", "platform remove",
    "client add", "client list", "client rotate", "client disable", "key list", "issue", "revoke", "verify",
}  # fmt: skip


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below one, with the words it is called by."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, each in below.items():
        yield from commands(each, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))
every_command = pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words)) for words in ALL])


def test_the_commands_of_this_slice_are_there() -> None:
    assert {" ".join(words) for words in ALL} >= CONTRACT


@every_command
def test_it_explains_itself_and_prints_json_if_asked(terminal: Terminal, words: tuple[str, ...]) -> None:
    answer = terminal.waymark(*words, "--help")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert f"waymark {' '.join(words)}" in answer.stdout
    options = [option for parameter in ALL[words].params for option in parameter.opts]
    assert "--json" in options
    assert ALL[words].help


@every_command
def test_every_option_says_what_it_is_for(words: tuple[str, ...]) -> None:
    silent = [parameter.name for parameter in ALL[words].params if not getattr(parameter, "help", None)]
    assert silent == []


@every_command
def test_an_option_nobody_knows_is_misuse(terminal: Terminal, words: tuple[str, ...]) -> None:
    answer = terminal.waymark(*words, "--no-such-option")
    assert answer.exit_code == 2
    assert "--no-such-option" in answer.stderr
    assert answer.stdout == ""
    assert list(terminal.house.folder.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        "nonsense", "serve --port 0", "serve --port 70000", "serve --port x", "serve --workers 0", "role grant",
        "role grant king --person x", "role grant assessor", "role grant assessor --person x --subject y",
        "platform add --issuer https://lms.example", "platform approve", "issue", "revoke x --reason y", "verify",
        "verify no-such-file.json", "programme check no-such-folder", "migrate --revision",
        "platform score --issuer i --client-id c --resource-link r --user u --given 2 --maximum 1",
        "platform score --issuer i --client-id c --resource-link r --user u --given nan --maximum 1",
        "platform score --issuer i --client-id c --resource-link r --user u --given -1 --maximum 1",
    ],
)  # fmt: skip
def test_misuse_is_said_in_words_and_is_two(terminal: Terminal, line: str) -> None:
    answer = terminal.waymark(*line.split())
    assert answer.exit_code == 2, answer.output
    assert answer.stdout == ""
    assert answer.stderr.strip()
    assert "Traceback" not in answer.stderr
    assert not (terminal.house.folder / "waymark.sqlite3").exists()


def test_without_a_command_it_shows_what_there_is(terminal: Terminal) -> None:
    answer = terminal.waymark()
    assert answer.exit_code == 2
    assert "worker" in answer.output
