"""Whoever adds a setting, command, metric, listener or error must describe it: otherwise these tests name it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click
import prometheus_client
import pytest
import typer.main

from app.cli import app as waymark
from app.config import Settings
from app.core import metrics, outbox
from app.core.errors import AppError
from app.core.jwks import JwksUnavailable
from app.lti import errors as lti_errors
from app.main import create_app
from app.verifier import wording
from app.verifier.reading import MAX_BADGE_BYTES
from app.web.lti import UNBOUND
from app.wiring import Services, subscriptions
from tests.docs.pages import all_pages, page

ROOT_COMMAND = typer.main.get_command(waymark)


def commands(group: click.Command = ROOT_COMMAND, name: str = "waymark") -> Iterator[tuple[str, click.Command]]:
    inner = getattr(group, "commands", None)
    if inner is None:
        yield name, group
        return
    for key, command in inner.items():
        yield from commands(command, f"{name} {key}")


def rows(name: str) -> set[str]:
    """The first cells of a page's tables, where they are code."""
    return set(re.findall(r"^\| `([^`]+)` \|", page(name).text, re.MULTILINE))


def missing(wanted: Iterable[str], name: str) -> list[str]:
    return sorted(set(wanted) - rows(name))


def settings_names() -> set[str]:
    return {f"WAYMARK_{name.upper()}" for name in Settings.model_fields}


def metric_names() -> set[str]:
    collectors = [value for value in vars(metrics).values() if isinstance(value, prometheus_client.Counter)]
    gauges = [value for value in vars(metrics).values() if isinstance(value, prometheus_client.Gauge)]
    return {f"{each.describe()[0].name}_total" for each in collectors} | {each.describe()[0].name for each in gauges}


def launch_error_slugs() -> set[str]:
    classes = [value for value in vars(lti_errors).values() if isinstance(value, type) and issubclass(value, AppError)]
    ours = {each.slug for each in classes if each.__module__ == lti_errors.__name__}
    return ours | {UNBOUND, JwksUnavailable.slug}


def test_every_setting_is_described() -> None:
    assert missing(settings_names(), "docs/operate.md") == []


def test_every_command_is_described() -> None:
    assert missing((name for name, _ in commands()), "docs/operate.md") == []


@pytest.mark.parametrize(("name", "command"), [pytest.param(*each, id=each[0]) for each in commands()])
def test_every_option_is_described(name: str, command: click.Command) -> None:
    text = page("docs/operate.md").text
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert [option for option in sorted(options) if not re.search(rf"{option}\b", text)] == [], name


def test_every_metric_is_described() -> None:
    assert len(metric_names()) > 5
    assert missing(metric_names(), "docs/operate.md") == []


def test_every_listener_of_the_outbox_is_described(services: Services) -> None:
    assert missing((each.name for each in subscriptions(services)), "docs/operate.md") == []


def test_every_error_of_a_launch_has_a_cause_and_a_mend() -> None:
    assert len(launch_error_slugs()) > 30
    assert missing(launch_error_slugs(), "docs/lti-any.md") == []


def test_every_code_of_the_verifier_is_described() -> None:
    text = page("docs/verification.md").text
    assert [code for code in sorted(wording.codes()) if f"`{code}`" not in text] == []


def test_every_operation_of_the_api_is_described_and_no_other(services: Services) -> None:
    paths = create_app(services=services).openapi()["paths"]
    existing = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    described = set(re.findall(r"^## `([A-Z]+ /[^`]*)`", page("docs/api.md").text, re.MULTILINE))
    assert described == existing


def test_no_page_speaks_of_a_setting_there_is_not() -> None:
    for_tests = {"WAYMARK_CHROMIUM", "WAYMARK_SCREENSHOTS", "WAYMARK_SLOW_BROWSER", "WAYMARK_UPDATE_GOLDEN"}
    spoken = {name for each in all_pages() for name in re.findall(r"WAYMARK_[A-Z_]*[A-Z]", each.text)}
    assert spoken - settings_names() - for_tests == set()


def test_no_page_speaks_of_a_launch_error_there_is_not() -> None:
    pages = [each for each in all_pages() if each.name.startswith("docs/lti-")]
    spoken = {span for each in pages for span in each.code_spans if re.fullmatch(r"lti-[a-z-]+", span)}
    assert spoken - launch_error_slugs() == set()


def test_no_page_speaks_of_a_listener_there_is_not(services: Services) -> None:
    known = {each.name for each in subscriptions(services)}
    rooms = r"(awards|lti|messages|pathways|people)\.\w+"
    described = {name for name in rows("docs/operate.md") if re.fullmatch(rooms, name)}
    assert described == known


def test_the_numbers_in_the_pages_are_those_in_the_code() -> None:
    operate = page("docs/operate.md").text
    assert f"after {outbox.GIVE_UP_AFTER.days} days" in operate
    assert f"tried again after {outbox.FIRST_PAUSE.total_seconds():.0f} seconds" in operate
    assert f"more than {MAX_BADGE_BYTES // 1_000_000} MB" in page("docs/api.md").text
    for name, field in Settings.model_fields.items():
        if name.endswith(("port", "hours")):
            assert f"| `WAYMARK_{name.upper()}` | `{field.default}` |" in operate, name
