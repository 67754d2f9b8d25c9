"""Does the document have the form of an Open Badges 3.0 credential?

The rules of the data model (https://www.imsglobal.org/spec/ob/v3p0#data-model) that a reader depends on, checked in
plain code on the JSON itself: whatever is shown to an employer later must have been what this room understood it to be.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from app.vc import contexts, credential_schema, data_model_resources
from app.vc.canonicalization import canonicalize
from app.vc.errors import ModelError, VcError
from app.verifier import dates
from app.verifier.moments import moment
from app.verifier.reading import Readable
from app.verifier.wording import Stopped, fail, from_code, unknown

Kind = Literal["badge", "endorsement"]

BADGE_TYPES: Final = frozenset({"OpenBadgeCredential", "AchievementCredential"})
_TYPES: Final[dict[Kind, frozenset[str]]] = {"badge": BADGE_TYPES, "endorsement": frozenset({"EndorsementCredential"})}
_OB_PREFIX: Final = "https://purl.imsglobal.org/spec/ob/v3p0/"
_OB_CONTEXT: Final = re.compile(r"https://purl\.imsglobal\.org/spec/ob/v3p0/context-3\.0\.\d+\.json")
# Contents of the standard's drafts, which nobody has pinned: what a word meant in them cannot be told.
_OLDER_OB_CONTEXTS: Final = frozenset(
    {
        "https://purl.imsglobal.org/spec/ob/v3p0/context.json",
        "https://purl.imsglobal.org/spec/ob/v3p0/context/ob_v3p0.jsonld",
    }
)
# The standard's own name for a schema to be judged by, its slip of the pen for it, and those of the W3C.
_SCHEMA_TYPES: Final = frozenset(
    {"1EdTechJsonSchemaValidator2019", "JsonSchemaValidator2019", "JsonSchema", "JsonSchemaCredential"}
)
_OFFICIAL_SCHEMA: Final = re.compile(
    r"https://purl\.imsglobal\.org/spec/ob/v3p0/schema/json(?:-ld)?/ob_v3p0_(?:any)?(achievement|endorsement)credential_schema\.json"
)
_OUR_SCHEMA: Final[dict[str, credential_schema.Kind]] = {"achievement": "badge", "endorsement": "endorsement"}
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+", re.ASCII)
MAX_ITEMS: Final = 500


def check(readable: Readable, kind: Kind = "badge") -> None:
    """Return if the form is right; raises Stopped with the first thing that is not."""
    document = readable.document
    _contexts(document.get("@context"))
    if not is_of(document, kind):
        raise fail("not_a_badge" if kind == "badge" else "schema_invalid")
    _credential(document)
    _issuer(document.get("issuer"))
    (_subject if kind == "badge" else _endorsement)(document.get("credentialSubject"))
    _schemas(document)
    if "relatedResource" in document:
        try:
            data_model_resources.check(document["relatedResource"])
        except ModelError as error:
            raise _wrong(
                "A document that the badge rests on is not named in the form the standard has for it."
            ) from error
    if readable.securing == "jwt":
        # An embedded proof forces this by itself; a token's signature would cover words that nothing defines.
        _statements(document)
    else:
        _proofs(document)


def is_of(document: dict[str, Any], kind: Kind) -> bool:
    """Tell whether a document says it is a credential of this kind."""
    types = [each for each in as_list(document.get("type")) if isinstance(each, str)]
    return "VerifiableCredential" in types and not _TYPES[kind].isdisjoint(types)


def is_version_1(document: dict[str, Any]) -> bool:
    """Tell whether a document is of the VC Data Model 1.1."""
    return as_list(document.get("@context"))[:1] == [contexts.VC_V1]


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
    if any(url in _OLDER_OB_CONTEXTS for url in urls):
        raise unknown("context_unknown")
    if not set(contexts.FIRST_CONTEXTS) & set(urls) or not any(_OB_CONTEXT.fullmatch(url) for url in urls):
        raise fail("context_missing")
    if urls[0] not in contexts.FIRST_CONTEXTS or not _OB_CONTEXT.fullmatch(urls[1]):
        raise fail("context_order")


def _credential(document: dict[str, Any]) -> None:
    if not _is_uri(document.get("id")):
        raise _wrong("The badge has no proper identifier.")
    for name in ("validFrom", "validUntil", "issuanceDate", "expirationDate", "awardedDate"):
        _date(document, name)
    if ("issuanceDate" if is_version_1(document) else "validFrom") not in document:
        raise _wrong("The badge does not say from when it is valid.")
    begins, ends = dates.period(document)
    if begins is not None and ends is not None and ends < begins:
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


def _endorsement(subject: Any) -> None:
    if isinstance(subject, list) and len(subject) == 1:
        subject = subject[0]
    if not isinstance(subject, dict):
        raise _wrong("An endorsement must be about exactly one thing.")
    _typed(subject, "EndorsementSubject")
    if not _is_uri(subject.get("id")) or not isinstance(subject.get("endorsementComment", ""), str):
        raise _wrong("An endorsement does not say what it endorses, or not in the form the standard has for it.")


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
    """Judge the document by each schema it names, with our own in place of the official ones; none is fetched.

    https://www.imsglobal.org/spec/ob/v3p0/#verification (step 1)
    """
    named = [schema for schema in _objects(document, "credentialSchema") if _asks_for_a_schema(schema)]
    official = [_OFFICIAL_SCHEMA.fullmatch(str(schema.get("id", ""))) for schema in named]
    for kind in {_OUR_SCHEMA[match.group(1)] for match in official if match}:
        try:
            # Both of the official forms mean the same document, so the shorthand of JSON-LD is no offence in either.
            credential_schema.check(_as_version_2(document), kind, "compact")
        except ModelError as error:
            raise _wrong(f"It breaks the schema that it names: {error.detail}") from error
    if not all(official):
        raise unknown("schema_unsupported")


def _as_version_2(document: dict[str, Any]) -> dict[str, Any]:
    """A document of version 1.1 in the words of 2.0, in which our schemas are written; they differ in nothing else."""
    if not is_version_1(document):
        return document
    names = {"issuanceDate": "validFrom", "expirationDate": "validUntil"}
    renamed = {name: value for name, value in document.items() if name not in names}
    renamed |= {names[name]: value for name, value in document.items() if name in names}
    ours = [url for url in as_list(document["@context"])[1:] if url.startswith(_OB_PREFIX)]
    return {**renamed, "@context": [contexts.VC_V2, *ours]}


def _asks_for_a_schema(schema: dict[str, Any]) -> bool:
    return any(isinstance(name, str) and name in _SCHEMA_TYPES for name in as_list(schema.get("type")))


def _statements(document: dict[str, Any]) -> None:
    try:
        canonicalize({key: value for key, value in document.items() if key != "proof"})
    except VcError as error:
        raise from_code(error.code) from error


def _proofs(document: dict[str, Any]) -> None:
    """One proof that holds is enough, but what stands beside it must be a proof as well, of a kind with a meaning."""
    try:
        words = contexts.vocabulary(tuple(as_list(document["@context"]))).terms
    except VcError as error:
        raise from_code(error.code) from error
    for proof in as_list(document.get("proof")):
        types = as_list(proof.get("type")) if isinstance(proof, dict) else []
        if not types or not all(isinstance(each, str) and (each in words or _is_uri(each)) for each in types):
            raise fail("malformed_proof" if not types else "unsafe_jsonld")


def _objects(node: dict[str, Any], member: str) -> list[dict[str, Any]]:
    items = as_list(node.get(member))
    if len(items) > MAX_ITEMS or not all(isinstance(item, dict) for item in items):
        raise _wrong("A part of the badge that must be an object, or a list of objects, is something else.")
    return items


def _typed(node: dict[str, Any], name: str) -> None:
    types = as_list(node.get("type"))
    if name not in types or not all(isinstance(item, str) for item in types):
        raise _wrong(f"A part of the badge that must be of type {name} is not.")


def _date(document: dict[str, Any], name: str) -> None:
    if name not in document:
        return
    try:
        moment(document[name])
    except ValueError as error:
        raise _wrong(f"The badge's {name} is not a date and time with its zone.") from error


def _is_uri(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 2000 and _URI.fullmatch(value) is not None


def _wrong(detail: str) -> Stopped:
    return fail("schema_invalid", detail)
