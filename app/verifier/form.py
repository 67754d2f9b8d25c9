"""Does the document have the form of an Open Badges 3.0 credential?

The rules of the data model (https://www.imsglobal.org/spec/ob/v3p0#data-model) that a reader depends on, checked in
plain code on the JSON itself: whatever is shown to an employer later must have been what this room understood it to be.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from app.vc import contexts
from app.vc.canonicalization import canonicalize
from app.vc.errors import VcError
from app.verifier.moments import moment
from app.verifier.reading import Readable
from app.verifier.wording import Stopped, fail, from_code, unknown

VC_V1: Final = "https://www.w3.org/2018/credentials/v1"
BADGE_TYPES: Final = frozenset({"OpenBadgeCredential", "AchievementCredential"})
_OB_CONTEXT: Final = re.compile(r"https://purl\.imsglobal\.org/spec/ob/v3p0/context-3\.0\.\d+\.json")
_SCHEMA_TYPE: Final = "1EdTechJsonSchemaValidator2019"
_KNOWN_SCHEMA: Final = re.compile(
    r"https://purl\.imsglobal\.org/spec/ob/v3p0/schema/json(-ld)?/ob_v3p0_achievementcredential_schema\.json"
)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+", re.ASCII)
MAX_ITEMS: Final = 500


def check(readable: Readable) -> None:
    """Return if the form is right; raises Stopped with the first thing that is not."""
    document = readable.document
    _contexts(document.get("@context"))
    types = as_list(document.get("type"))
    if "VerifiableCredential" not in types or not BADGE_TYPES.intersection(t for t in types if isinstance(t, str)):
        raise fail("not_a_badge")
    _credential(document)
    _issuer(document.get("issuer"))
    _subject(document.get("credentialSubject"))
    _schemas(document)
    if readable.securing == "jwt":
        # An embedded proof forces this by itself; a token's signature would cover words that nothing defines.
        _statements(document)


def as_list(value: Any) -> list[Any]:
    """JSON-LD's one-or-many as a list; nothing is an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def identifier_of(value: Any) -> str | None:
    """The id of a node that may be written as an object or as its bare URI."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else None


def _contexts(value: Any) -> None:
    urls = as_list(value)
    if not urls:
        raise fail("context_missing")
    if not all(isinstance(url, str) for url in urls):
        raise unknown("context_unknown")
    if urls[0] == VC_V1:
        raise unknown("context_unknown")
    if contexts.VC_V2 not in urls or not any(_OB_CONTEXT.fullmatch(url) for url in urls):
        raise fail("context_missing")
    if urls[0] != contexts.VC_V2 or not _OB_CONTEXT.fullmatch(urls[1]):
        raise fail("context_order")


def _credential(document: dict[str, Any]) -> None:
    if not _is_uri(document.get("id")):
        raise _wrong("The badge has no proper identifier.")
    begins, ends = (_date(document, name) for name in ("validFrom", "validUntil"))
    _date(document, "awardedDate")
    if begins is None:
        raise _wrong("The badge does not say from when it is valid.")
    if ends is not None and ends < begins:
        raise _wrong("The badge would expire before it begins to be valid.")
    for evidence in _objects(document, "evidence"):
        _typed(evidence, "Evidence")


def _issuer(issuer: Any) -> None:
    if not _is_uri(identifier_of(issuer)):
        raise _wrong("The badge does not name its issuer.")
    if isinstance(issuer, dict):
        _profile(issuer)


def _profile(profile: dict[str, Any]) -> None:
    _typed(profile, "Profile")
    for entry in _objects(profile, "otherIdentifier"):
        _typed(entry, "IdentifierEntry")
    for parent in _objects(profile, "parentOrg"):
        _typed(parent, "Profile")


def _subject(subject: Any) -> None:
    if isinstance(subject, list) and len(subject) == 1:
        subject = subject[0]
    if not isinstance(subject, dict):
        raise _wrong("The badge must be about exactly one holder.")
    _typed(subject, "AchievementSubject")
    identifiers = _objects(subject, "identifier")
    if "id" not in subject and not identifiers:
        raise fail("subject_unidentified")
    if "id" in subject and not _is_uri(subject["id"]):
        raise fail("subject_unidentified")
    for identifier in identifiers:
        _identity(identifier)
    for result in _objects(subject, "result"):
        _result(result)
    for source in _objects(subject, "source"):
        _typed(source, "Profile")
    _achievement(subject.get("achievement"))


def _result(result: dict[str, Any]) -> None:
    _typed(result, "Result")
    # One value in a list carries the same signature and would be overlooked by whoever shows the level reached.
    said = (result.get(name, "") for name in ("resultDescription", "achievedLevel", "value", "status"))
    if not all(isinstance(text, str) for text in said):
        raise _wrong("A result of the badge is not written in the form the standard has for it.")


def _identity(identifier: dict[str, Any]) -> None:
    _typed(identifier, "IdentityObject")
    texts = (identifier.get("identityHash"), identifier.get("identityType"), identifier.get("salt", ""))
    if not isinstance(identifier.get("hashed"), bool) or not all(isinstance(text, str) for text in texts):
        raise _wrong("An identifier of the holder has the wrong form.")


def _achievement(achievement: Any) -> None:
    if not isinstance(achievement, dict):
        raise _wrong("The badge does not say what was achieved.")
    _typed(achievement, "Achievement")
    if not _is_uri(achievement.get("id")):
        raise _wrong("The achievement has no proper identifier.")
    for name in ("name", "description"):
        if not isinstance(achievement.get(name), str) or not achievement[name].strip():
            raise _wrong(f"The achievement has no {name}.")
    criteria = achievement.get("criteria")
    if not isinstance(criteria, dict) or not (criteria.get("id") or criteria.get("narrative")):
        raise _wrong("The achievement does not say what had to be done for it.")
    for description in _described_once(achievement, "resultDescription", "ResultDescription"):
        _described_once(description, "rubricCriterionLevel", "RubricCriterionLevel")
    for alignment in _objects(achievement, "alignment"):
        _typed(alignment, "Alignment")


def _described_once(node: dict[str, Any], member: str, name: str) -> list[dict[str, Any]]:
    """The objects of a list, each with its own id and a name.

    Two objects of one id are one node to a signature, so a holder could spread what it says over both, and a reader
    who looks at the first would miss the rest.
    """
    items = _objects(node, member)
    for item in items:
        _typed(item, name)
        if not _is_uri(item.get("id")) or not isinstance(item.get("name"), str) or not item["name"].strip():
            raise _wrong(f"A part of the badge of type {name} has no identifier or no name.")
    if len({item["id"] for item in items}) != len(items):
        raise _wrong(f"A part of the badge of type {name} is described twice.")
    return items


def _schemas(document: dict[str, Any]) -> None:
    for schema in _objects(document, "credentialSchema"):
        known = _KNOWN_SCHEMA.fullmatch(str(schema.get("id", "")))
        if _SCHEMA_TYPE in as_list(schema.get("type")) and not known:
            raise unknown("schema_unsupported")


def _statements(document: dict[str, Any]) -> None:
    try:
        canonicalize({key: value for key, value in document.items() if key != "proof"})
    except VcError as error:
        raise from_code(error.code) from error


def _objects(node: dict[str, Any], member: str) -> list[dict[str, Any]]:
    items = as_list(node.get(member))
    if len(items) > MAX_ITEMS or not all(isinstance(item, dict) for item in items):
        raise _wrong("A part of the badge that must be an object, or a list of objects, is something else.")
    return items


def _typed(node: dict[str, Any], name: str) -> None:
    types = as_list(node.get("type"))
    if name not in types or not all(isinstance(item, str) for item in types):
        raise _wrong(f"A part of the badge that must be of type {name} is not.")


def _date(document: dict[str, Any], name: str) -> datetime | None:
    if name not in document:
        return None
    try:
        return moment(document[name])
    except ValueError as error:
        raise _wrong(f"The badge's {name} is not a date and time with its zone.") from error


def _is_uri(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 2000 and _URI.fullmatch(value) is not None


def _wrong(detail: str) -> Stopped:
    return fail("schema_invalid", detail)
