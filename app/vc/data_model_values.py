"""The kinds of values that the VC Data Model knows, each read by one rule or refused.

Nothing is repaired and nothing is fetched. https://www.w3.org/TR/vc-data-model-2.0/#basic-concepts
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from app.vc.errors import ModelError
from app.vc.iri import is_absolute_iri
from app.vc.timestamps import parse_rfc3339

# Stricter than RFC 3339: an upper-case T and Z, and a zone. https://www.w3.org/TR/xmlschema11-2/#dateTimeStamp
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_DIRECTIONS: Final = ("ltr", "rtl")


def malformed(detail: str) -> ModelError:
    """Return the refusal of a value that breaks a rule of the data model (MALFORMED_VALUE_ERROR)."""
    return ModelError("malformed_value", detail)


def url(value: Any, what: str) -> str:
    """Return `value` if it is one URL; `what` names it. https://www.w3.org/TR/vc-data-model-2.0/#identifiers"""
    if not isinstance(value, str) or not is_absolute_iri(value):
        raise malformed(f"The {what} must be a single URL.")
    return value


def optional_url(holder: Mapping[str, Any], what: str) -> str | None:
    """Return the `id` of an object, None where it has none. https://www.w3.org/TR/vc-data-model-2.0/#identifiers"""
    return url(holder["id"], f"id of the {what}") if "id" in holder else None


def url_or_object(value: Any, what: str) -> str:
    """Return the identifier of something that is a URL, or an object whose id is one.

    https://www.w3.org/TR/vc-data-model-2.0/#issuer
    """
    if isinstance(value, Mapping):
        return url(value.get("id"), f"id of the {what}")
    return url(value, what)


def types(value: Any, what: str) -> tuple[str, ...]:
    """Return one or more types, whatever their order. Whether a context gives each a meaning is seen when it is signed.

    https://www.w3.org/TR/vc-data-model-2.0/#types
    """
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(each, str) and each.strip() for each in found):
        raise malformed(f"The type of the {what} must be one or more names or URLs.")
    if len(set(found)) != len(found):
        raise malformed(f"The {what} names a type twice.")
    return tuple(found)


def objects(value: Any, what: str) -> tuple[dict[str, Any], ...]:
    """Return one object or a set of one or more, none of them empty.

    https://www.w3.org/TR/vc-data-model-2.0/#credential-subject
    """
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(each, dict) and each for each in found):
        raise malformed(f"The {what} must be one object or several, and none of them empty.")
    return tuple(found)


def typed_objects(value: Any, what: str, *, needs_id: bool = False) -> tuple[dict[str, Any], ...]:
    """Return objects that each say their type and, where they have or need an id, have a single URL as it.

    https://www.w3.org/TR/vc-data-model-2.0/#types and, for those reserved, #reserved-extension-points
    """
    found = objects(value, what)
    for each in found:
        types(each.get("type"), what)
        if needs_id and "id" not in each:
            raise malformed(f"The {what} needs an id.")
        optional_url(each, what)
    return found


def moment(value: Any, what: str, *, needs_zone: bool) -> datetime:
    """Return an aware moment from an xsd:dateTimeStamp.

    `needs_zone`: refuse a time without offset; else it is read as UTC, as a verifier must.
    https://www.w3.org/TR/vc-data-model-2.0/#representing-time
    """
    found = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None or (needs_zone and found[2] is None):
        raise malformed(f"The {what} must be a date and time with its time zone.")
    try:
        return parse_rfc3339(value if found[2] else f"{value}Z")
    except ModelError as problem:
        raise malformed(f"The {what} is a date that does not exist.") from problem


def language_values(holder: Mapping[str, Any], names: Collection[str], what: str) -> None:
    """Check that each of `names` in an object is text, a text with its language, or several of the latter.

    https://www.w3.org/TR/vc-data-model-2.0/#language-and-base-direction
    """
    for name in names:
        value = holder.get(name, "")
        if isinstance(value, str):
            continue
        several = value if isinstance(value, list) and value else [value]
        if not all(_is_language_value(each) for each in several):
            raise malformed(f"The {name} of the {what} must be text, or text with its language.")


def _is_language_value(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value.keys() <= {"@value", "@language", "@direction"}:
        return False
    language = value.get("@language", "en")
    return (
        isinstance(value.get("@value"), str)
        and isinstance(language, str)
        and _LANGUAGE.fullmatch(language) is not None
        and value.get("@direction", "ltr") in _DIRECTIONS
    )
