"""A credential that uses every part the standard has, and every way to spoil it in one place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

from app.vc.contexts import CREDENTIAL_CONTEXTS

Path = tuple[str | int, ...]
MOMENT = "2026-01-15T02:30:00Z"

_ALIGNMENT = {
    "type": ["Alignment"],
    "targetName": "Rapid engagement",
    "targetUrl": "https://a.example/items/1",
    "targetCode": "E1",
    "targetDescription": "Starts early.",
    "targetFramework": "Framework",
    "targetType": "CFItem",
}
_IMAGE = {"id": "https://a.example/image.png", "type": "Image", "caption": "A path"}
_ENTRY = {"type": "IdentifierEntry", "identifier": "1-2-3", "identifierType": "ext:register"}
_SECURED = {
    "proof": [
        {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-rdfc-2022",
            "created": MOMENT,
            "verificationMethod": "did:web:a.example#1",
            "proofPurpose": "assertionMethod",
            "proofValue": "z1",
            "challenge": "c",
            "domain": "d",
            "nonce": "n",
        }
    ],
    "credentialSchema": [{"id": "https://a.example/schema.json", "type": "1EdTechJsonSchemaValidator2019"}],
    "credentialStatus": {"id": "https://a.example/status#1", "type": "BitstringStatusListEntry"},
    "refreshService": {"id": "https://a.example/refresh", "type": "1EdTechCredentialRefresh"},
    "termsOfUse": [{"id": "https://a.example/terms", "type": "Terms"}],
}
_DATED = {"validFrom": MOMENT, "validUntil": MOMENT, "awardedDate": MOMENT}


def endorsement() -> dict[str, Any]:
    """An EndorsementCredential with every member."""
    return copy.deepcopy(
        {
            "@context": [*CREDENTIAL_CONTEXTS, {"word": "https://a.example/word"}],
            "id": "urn:uuid:2",
            "type": ["VerifiableCredential", "EndorsementCredential"],
            "name": "A word",
            "description": "What it is about.",
            "issuer": "did:web:b.example",
            "credentialSubject": {"id": "urn:uuid:3", "type": ["EndorsementSubject"], "endorsementComment": "Good."},
            **_DATED,
            **_SECURED,
        }
    )


def badge() -> dict[str, Any]:
    """An OpenBadgeCredential with every member of every part."""
    endorsed = {"endorsement": [endorsement()], "endorsementJwt": ["aGVhZA.Ym9keQ.c2ln"]}
    return copy.deepcopy(
        {
            "@context": list(CREDENTIAL_CONTEXTS),
            "id": "https://a.example/credentials/1",
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": "Rapid job search",
            "description": "What it is about.",
            "image": _IMAGE,
            "issuer": _profile() | endorsed,
            "credentialSubject": _subject(endorsed),
            "evidence": [
                dict.fromkeys(("id", "name", "description", "narrative", "genre", "audience"), "text")
                | {"type": ["Evidence"]}
            ],
            **endorsed,
            **_DATED,
            **_SECURED,
        }
    )


def _profile() -> dict[str, Any]:
    names = (
        "name", "url", "phone", "description", "email", "official", "familyName", "givenName", "additionalName",
        "patronymicName", "honorificPrefix", "honorificSuffix", "familyNamePrefix",
    )  # fmt: skip
    lines = (
        "addressCountry", "addressCountryCode", "addressRegion", "addressLocality", "streetAddress",
        "postOfficeBoxNumber", "postalCode",
    )  # fmt: skip
    place = {"type": "GeoCoordinates", "latitude": -37.8, "longitude": 145}
    return {
        "id": "did:web:a.example",
        "type": ["Profile"],
        **dict.fromkeys(names, "text"),
        "dateOfBirth": "1990-02-28",
        "image": _IMAGE,
        "address": {"type": ["Address"], **dict.fromkeys(lines, "text"), "geo": place},
        "otherIdentifier": [_ENTRY],
        "parentOrg": {"id": "did:web:c.example", "type": ["Profile"]},
    }


def _subject(endorsed: dict[str, Any]) -> dict[str, Any]:
    identity = {"type": "IdentityObject", "hashed": True, "identityHash": "sha256$0", "salt": "s"}
    result = {"type": ["Result"], "resultDescription": "urn:uuid:5", "achievedLevel": "urn:uuid:6"}
    return {
        "id": "urn:uuid:4",
        "type": ["AchievementSubject"],
        "activityStartDate": MOMENT,
        "activityEndDate": MOMENT,
        "creditsEarned": 1.5,
        "identifier": [identity | {"identityType": "emailAddress"}],
        "image": _IMAGE,
        "licenseNumber": "1",
        "narrative": "text",
        "result": [result | {"value": "3", "status": "Completed", "alignment": [_ALIGNMENT]}],
        "role": "text",
        "source": _profile(),
        "term": "text",
        "achievement": _achievement() | endorsed,
    }


def _achievement() -> dict[str, Any]:
    level = dict.fromkeys(("id", "name", "description", "level", "points"), "text")
    texts = ("requiredLevel", "requiredValue", "valueMin", "valueMax")
    described = {
        "id": "urn:uuid:5",
        "type": ["ResultDescription"],
        "name": "Plan",
        "resultType": "RubricCriterionLevel",
        "rubricCriterionLevel": [{"type": ["RubricCriterionLevel"], **level, "alignment": [_ALIGNMENT]}],
        "allowedValue": ["1", "2"],
        "alignment": [_ALIGNMENT],
        **dict.fromkeys(texts, "text"),
    }
    return {
        "id": "https://a.example/achievements/1",
        "type": ["Achievement"],
        "name": "Rapid job search",
        "description": "text",
        "criteria": {"id": "https://a.example/criteria", "narrative": "text"},
        "achievementType": "MicroCredential",
        "alignment": [_ALIGNMENT],
        "creator": _profile(),
        "creditsAvailable": 2,
        "fieldOfStudy": "text",
        "humanCode": "text",
        "image": _IMAGE,
        "inLanguage": "en-AU",
        "otherIdentifier": [_ENTRY],
        "related": [{"id": "urn:uuid:7", "type": ["Related"], "inLanguage": "zh-Hans-CN", "version": "1"}],
        "resultDescription": [described],
        "specialization": "text",
        "tag": ["IPS"],
        "version": "1",
    }


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a document with its path, the document itself left out."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield (*path, step), member
        yield from places(member, (*path, step))


def replaced(document: Any, path: Path, value: Any) -> Any:
    """The document with another value at the path; everything beside the path is shared, so neither may be changed."""
    step, *rest = path
    changed = copy.copy(document)
    changed[step] = replaced(changed[step], tuple(rest), value) if rest else value
    return changed


def without(document: Any, path: Path) -> Any:
    """The document without what is at the path."""
    kept = document
    for step in path[:-1]:
        kept = kept[step]
    kept = copy.copy(kept)
    del kept[path[-1]]
    return replaced(document, path[:-1], kept) if len(path) > 1 else kept


def spoiled(document: dict[str, Any], words: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every document that differs in one place, with a note of where and how; not all of them are wrong.

    `words`: what else to try where one of the standard's words stands.
    """
    for path, value in list(places(document)):
        yield f"without {path}", without(document, path)
        for other in _instead_of(path, value, words):
            yield f"{path}: {other!r:.60}", replaced(document, path, other)


def spoiled_twice(document: dict[str, Any], words: list[str], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """`count` documents that differ in two places, the same ones for the same seed."""
    chance = Random(seed)
    for _ in range(count):
        changed = document
        for _ in range(2):
            path, value = chance.choice(list(places(changed)))
            changed = replaced(changed, path, chance.choice(_instead_of(path, value, words)))
        yield changed


_ANYTHING: list[Any] = [None, True, 0, 1.5, "", "text", [], {}, ["text"], [[]], {"id": "urn:uuid:8"}, [None]]
_DATES = [
    "2026-01-15", "2026-01-15T02:30:00", "2026-01-15T02:30:00+10:00", "2026-02-30T02:30:00Z", "2026-01-15 02:30:00Z",
    "2026-01-15T02:30:00.123Z", "2026-01-15t02:30:00z", "2026-01-15T24:00:00Z", "2026-01-15T02:30Z", "26-01-15",
    "2026-01-15T02:30:60Z", "2026-13-01", "2026-02-29", "2024-02-29", f"{MOMENT}\n", "٢٠٢٦-01-15T02:30:00Z",
]  # fmt: skip
_LANGUAGES = ["en", "en-au", "EN", "es-419", "english", "e", "en_AU", "en-AU\n", "zh-Hans", "zh-hans", "sr-Latn-RS-x"]
_OWN_WORDS = ["ext:a", "ext:", "ext:-", "my ext:a", "ext:|", "ext: a", "EXT:a", "ext:é", "ext:_", "ext:.", "ext:\n"]
_TOKENS = ["a..b", "a.b", "a.b.c.d", "a.b.c=", "é.b.c", ".b.c", "a.b.", "a.b.c\n", "a/b.c.d"]
_OB = "https://purl.imsglobal.org/spec/ob/v3p0/context"
_CONTEXTS = [
    f"{_OB}.json", f"{_OB}-3.0.3.json", f"{_OB}-3.0.3-3.0.2.json", f"{_OB}-3.1.0.json", f"{_OB}-3.0.33.json",
    f"{_OB}-3.0.٣.json", f"{_OB}-4.0.0.json", f"{_OB}.json\n", f"{_OB}xjson", f" {_OB}.json", CREDENTIAL_CONTEXTS[0],
    "https://www.w3.org/2018/credentials/v1",
]  # fmt: skip
_BY_NAME: dict[str, list[Any]] = {"inLanguage": _LANGUAGES, "endorsementJwt": _TOKENS, "@context": _CONTEXTS}


def _instead_of(path: Path, value: Any, words: list[str]) -> list[Any]:
    name = next(step for step in reversed(path) if isinstance(step, str))
    found = [*_ANYTHING, *_BY_NAME.get(name, []), [value], [value, value], {"@value": value}]
    if isinstance(value, str) and value[:4].isdigit():
        found += _DATES
    if isinstance(value, str) and (name in ("type", "status") or name.endswith("Type")):
        found += [*words, *_OWN_WORDS]
    if isinstance(value, list):
        found += [*value[:1], [*value, *value], [*value, None], [*value, "text"], [*value, 1]]
    if isinstance(value, dict):
        found += [{**value, "extra": "text"}, {**value, "id": 1}, {**value, "type": "text"}]
    return found
