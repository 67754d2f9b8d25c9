"""The schemas that editors use are those of the models that check, and the programme's own files fit them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from app.programme import file_schemas
from tests.programme.conftest import IPS

SCHEMAS = Path(__file__).resolve().parents[2] / "credential_schemas" / "programme"
FILES = sorted(IPS.rglob("*.yaml"))


@pytest.mark.parametrize("name", sorted(file_schemas.all_schemas()))
def test_the_schema_in_the_repository_is_the_one_of_the_model(name: str) -> None:
    expected = file_schemas.as_text(file_schemas.all_schemas()[name])
    assert (SCHEMAS / name).read_text(encoding="utf-8") == expected, "run: waymark programme schemas DIR"


def test_no_schema_in_the_repository_is_left_over() -> None:
    assert {path.name for path in SCHEMAS.iterdir()} == set(file_schemas.all_schemas())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(IPS)))
def test_each_file_names_its_schema_and_fits_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    schema = (path.parent / named).resolve()
    assert schema.parent == SCHEMAS
    document = json.loads(json.dumps(yaml.safe_load(text), default=_iso))
    jsonschema_rs.validate(json.loads(schema.read_text(encoding="utf-8")), document)


def _iso(value: object) -> str:
    assert isinstance(value, date)
    return value.isoformat()
