"""JSON Schemas of the programme's files, made from the models that check them, so that the two cannot differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.programme.files import FILES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def all_schemas() -> dict[str, dict[str, Any]]:
    """File name to JSON Schema, for every kind of file."""
    return {f"{kind}.schema.json": {"$schema": DIALECT, **model.model_json_schema()} for kind, model in FILES.items()}


def as_text(schema: dict[str, Any]) -> str:
    """A schema as it is written to its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(directory: Path) -> list[Path]:
    """Write every schema into a folder; returns the paths."""
    paths = []
    for name, schema in all_schemas().items():
        path = directory / name
        path.write_text(as_text(schema), encoding="utf-8")
        paths.append(path)
    return paths
