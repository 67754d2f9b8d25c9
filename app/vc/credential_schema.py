"""Does a document keep to the JSON Schema of what it says it is?

The schemas are our own, in `credential_schemas/`; they judge as the official ones do, which are never fetched. There
are two forms, as the standard has two: `arrays`, where every list is a list (what Waymark issues), and `compact`, where
JSON-LD's shorthand may stand for a list of one. https://www.imsglobal.org/spec/ob/v3p0/#serialization
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Wrong

from app.vc import json_text
from app.vc.errors import ModelError, VcError

Kind = Literal["badge", "endorsement", "status-list"]
Form = Literal["arrays", "compact"]

FOLDER: Final = Path(__file__).resolve().parents[2] / "credential_schemas"
KINDS: Final[tuple[Kind, ...]] = ("badge", "endorsement", "status-list")
FORMS: Final[tuple[Form, ...]] = ("arrays", "compact")
PARTS: Final = "parts"
MAX_DEPTH: Final = 64
# What JSON-LD compaction writes without a list where there is one item: the contexts mark every other list as one.
MAY_STAND_ALONE: Final = frozenset({"type", "proof", "credentialSchema", "termsOfUse"})
# A credential has two types at least, so one of them alone is never enough.
_SEVERAL_TYPES: Final = frozenset({"credential"})
_BASE: Final = "file:///credential_schemas/"
_JSON_TYPES: Final = {
    "string": "text", "object": "an object", "array": "a list", "boolean": "true or false", "number": "a number",
    "integer": "a whole number", "null": "nothing",
}  # fmt: skip


@dataclass(frozen=True)
class CredentialSchemas:
    """The compiled schemas. `names`: every member they know, so that a message never repeats a stranger's word."""

    validators: Mapping[tuple[Kind, Form], jsonschema_rs.Validator]
    names: frozenset[str]

    def check(self, document: dict[str, Any], kind: Kind, form: Form) -> None:
        """Return if the document keeps to the schema; see the function `check`."""
        if type(document) is not dict:
            raise ModelError("schema_invalid", "The document must be an object.")
        if _too_deep(document):
            raise ModelError("schema_invalid", f"The document nests deeper than {MAX_DEPTH} levels.")
        try:
            self.validators[kind, form].validate(document)
        except jsonschema_rs.ValidationError as error:
            raise self._explained(error) from None
        except ValueError as error:
            raise ModelError("schema_invalid", "The document is not JSON that a schema can judge.") from error

    def _explained(self, error: jsonschema_rs.ValidationError) -> ModelError:
        path = [step for step in error.instance_path if isinstance(step, int) or step in self.names]
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        return ModelError("schema_invalid", f"{where or 'The document'} {_reason(error.kind)}.")


def check(document: dict[str, Any], kind: Kind = "badge", form: Form = "arrays") -> None:
    """Return if `document` is what the schema of its kind demands.

    `document` is strict JSON as `json_text.loads` gives it, with or without proofs; `kind` the kind of credential;
    `form` how strictly lists must be lists. Formats are asserted: a date and time is RFC 3339 with its zone. Raises
    ModelError with code schema_invalid; its detail names the place and the reason in words of ours only.
    https://www.imsglobal.org/spec/ob/v3p0/#verification (step 1)
    """
    load().check(document, kind, form)


@lru_cache(maxsize=4)
def load(folder: Path = FOLDER) -> CredentialSchemas:
    """Read and compile the schemas in `folder`, once. Raises RuntimeError where they are not there or not readable."""
    try:
        files = {name: json_text.loads((folder / f"{name}.schema.json").read_bytes()) for name in (*KINDS, PARTS)}
        validators = {(kind, form): _compiled(files, kind, form) for kind in KINDS for form in FORMS}
    except (OSError, ValueError, VcError) as error:
        raise RuntimeError(f"The credential schemas in {folder} cannot be read.") from error
    return CredentialSchemas(validators, frozenset(name for file in files.values() for name in _names(file)))


def compacted(file: dict[str, Any]) -> dict[str, Any]:
    """Return a schema file of the form `arrays` in the form `compact`: one item may stand without its list."""
    parts = {
        name: _with_shorthand(part, MAY_STAND_ALONE - {"type"} if name in _SEVERAL_TYPES else MAY_STAND_ALONE)
        for name, part in file.get("$defs", {}).items()
    }
    return {**file, "$defs": parts}


def _with_shorthand(part: dict[str, Any], alone: frozenset[str]) -> dict[str, Any]:
    if "properties" not in part:
        return part
    members = {name: _one_or_many(schema) if name in alone else schema for name, schema in part["properties"].items()}
    return {**part, "properties": members}


def _one_or_many(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") != "array":
        return schema
    return {"if": {"type": "array"}, "then": schema, "else": schema.get("contains", schema["items"])}


def _compiled(files: Mapping[str, dict[str, Any]], kind: Kind, form: Form) -> jsonschema_rs.Validator:
    shaped = {name: compacted(file) if form == "compact" else file for name, file in files.items()}
    registry = jsonschema_rs.Registry(
        [(f"{_BASE}{name}.schema.json", schema) for name, schema in shaped.items()], retriever=_retrieve
    )
    return jsonschema_rs.validator_for(
        shaped[kind],
        validate_formats=True,
        ignore_unknown_formats=False,
        registry=registry,
        retriever=_retrieve,
        base_uri=f"{_BASE}{kind}.schema.json",
        # An engine without backtracking: no text can make a pattern slow.
        pattern_options=jsonschema_rs.RegexOptions(),
        mask="it",
    )


def _retrieve(uri: str) -> NoReturn:
    raise RuntimeError(f"{uri} is not one of our schemas, and none is ever fetched.")


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from _names(each)


def _too_deep(document: Any) -> bool:
    """The judge walks down by recursion of its own, which nothing would stop before the process dies of it."""
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [
            member
            for each in level
            for member in (each.values() if type(each) is dict else each)
            if type(member) is dict or type(member) is list
        ]
        if not level:
            return False
    return True


def _reason(kind: Wrong) -> str:
    match kind:
        case Wrong.Required(name):
            return f"has no {name}"
        case Wrong.Type(types):
            return f"must be {' or '.join(_JSON_TYPES[each] for each in types)}"
        case Wrong.Enum() | Wrong.Constant() | Wrong.AnyOf():
            return "is not one of the words that the standard has for it"
        case Wrong.Contains():
            return "does not name the type that belongs there"
        case Wrong.Format("date"):
            return "is not a date"
        case Wrong.Format():
            return "is not a date and time with its zone"
        case Wrong.AdditionalProperties():
            return "holds something that the standard does not allow there"
        case Wrong.MinItems(limit):
            return f"must hold {limit} or more"
    return "does not have the form that the standard has for it"
