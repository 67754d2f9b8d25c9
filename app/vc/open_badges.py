"""What Waymark says in a badge: the parts, and the one document they make.

Every part is checked when it is made, so that a badge that could not be verified elsewhere is never built. The shape is
that of Open Badges 3.0 over VC 2.0, arrays always written as arrays, nothing null, nothing empty.
https://www.imsglobal.org/spec/ob/v3p0/
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.vc import status_list
from app.vc.contexts import CREDENTIAL_CONTEXTS
from app.vc.errors import ModelError
from app.vc.keys import base64url
from app.vc.safe_mode import is_absolute_iri
from app.vc.timestamps import rfc3339

SCHEMA_URL: Final = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
MINIMUM_SALT: Final = 16


@dataclass(frozen=True)
class Image:
    """A picture: its URL and what it shows, in words."""

    id: str
    caption: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the Image object."""
        return _compact({"id": _iri(self.id), "type": "Image", "caption": self.caption})


@dataclass(frozen=True)
class IssuerProfile:
    """Who issues. `id`: the issuer's DID; `url`: its home page; `email`: a contact of the organisation."""

    id: str
    name: str
    url: str | None = None
    description: str | None = None
    email: str | None = None
    image: Image | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the Profile object."""
        members = {"url": self.url, "description": self.description, "email": self.email, "image": _part(self.image)}
        return _compact({"id": _iri(self.id), "type": ["Profile"], "name": _text(self.name), **members})


@dataclass(frozen=True)
class Alignment:
    """A competency or fidelity item that the achievement answers to. `target_url`: its public URI."""

    target_name: str
    target_url: str
    target_code: str | None = None
    target_description: str | None = None
    target_framework: str | None = None
    target_type: str | None = "CFItem"

    def to_dict(self) -> dict[str, Any]:
        """Return the Alignment object."""
        members = {
            "targetCode": self.target_code,
            "targetDescription": self.target_description,
            "targetFramework": self.target_framework,
            "targetType": self.target_type,
        }
        named = {"targetName": _text(self.target_name), "targetUrl": _iri(self.target_url)}
        return _compact({"type": ["Alignment"], **named, **members})


@dataclass(frozen=True)
class RubricCriterionLevel:
    """One level of a rubric criterion. `id`: its URL; `level` and `points`: short texts, such as 3."""

    id: str
    name: str
    description: str | None = None
    level: str | None = None
    points: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the RubricCriterionLevel object."""
        members = {"description": self.description, "level": self.level, "points": self.points}
        return _compact({"id": _iri(self.id), "type": ["RubricCriterionLevel"], "name": _text(self.name), **members})


@dataclass(frozen=True)
class ResultDescription:
    """What can be reached in one criterion. `required_level`: the id of the level needed for the badge."""

    id: str
    name: str
    levels: Sequence[RubricCriterionLevel]
    required_level: str | None = None
    result_type: str = "RubricCriterionLevel"
    alignments: Sequence[Alignment] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the ResultDescription object."""
        if self.required_level is not None and self.required_level not in {level.id for level in self.levels}:
            raise _malformed("A required level is not one of the levels.")
        members = {
            "requiredLevel": self.required_level,
            "rubricCriterionLevel": _parts(self.levels),
            "alignment": _parts(self.alignments),
        }
        head = {"id": _iri(self.id), "type": ["ResultDescription"], "name": _text(self.name)}
        return _compact({**head, "resultType": self.result_type, **members})


@dataclass(frozen=True)
class Result:
    """What the holder reached: the id of a result description, and the id of the level reached in it."""

    result_description: str
    achieved_level: str

    def to_dict(self) -> dict[str, Any]:
        """Return the Result object."""
        reached = {"resultDescription": self.result_description, "achievedLevel": self.achieved_level}
        return {"type": ["Result"], **reached}


@dataclass(frozen=True)
class Achievement:
    """What was achieved. `id`: the immutable public URL of this version; `criteria_id`: where the criteria stand.

    `criteria_narrative` (Markdown) says how it was assessed and by whose role; `achievement_type` is one of the names
    of the specification or ext:…; `in_language` a BCP 47 tag.
    """

    id: str
    name: str
    description: str
    criteria_id: str
    criteria_narrative: str
    version: str
    achievement_type: str = "MicroCredential"
    in_language: str = "en-AU"
    image: Image | None = None
    alignments: Sequence[Alignment] = ()
    result_descriptions: Sequence[ResultDescription] = ()
    tags: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the Achievement object."""
        criteria = {"id": _iri(self.criteria_id), "narrative": _text(self.criteria_narrative)}
        members = {
            "image": _part(self.image),
            "alignment": _parts(self.alignments),
            "resultDescription": _parts(self.result_descriptions),
            "tag": list(self.tags),
        }
        return _compact(
            {
                "id": _iri(self.id),
                "type": ["Achievement"],
                "achievementType": self.achievement_type,
                "name": _text(self.name),
                "description": _text(self.description),
                "criteria": criteria,
                "version": self.version,
                "inLanguage": self.in_language,
                **members,
            }
        )


@dataclass(frozen=True)
class Recipient:
    """The holder. `id`: a fresh urn:uuid for this credential, or the DID the holder bound to it.

    `email`: a confirmed address, written only as its salted hash; `salt`: 16 bytes or more of text, new for each
    credential; both or neither. `name` only where the holder chose to show it.
    """

    id: str
    email: str | None = None
    salt: str | None = None
    name: str | None = None

    def identifiers(self) -> list[dict[str, Any]]:
        """Return the IdentityObjects, an empty list where there are none."""
        if (self.email is None) != (self.salt is None):
            raise _malformed("A hashed address needs both the address and its salt.")
        found: list[dict[str, Any]] = []
        if self.email is not None and self.salt is not None:
            hashed = hash_recipient(self.email, self.salt)
            found.append(_identity("emailAddress", hashed, hashed=True) | {"salt": self.salt})
        if self.name is not None:
            found.append(_identity("name", _text(self.name), hashed=False))
        return found


@dataclass(frozen=True)
class StatusEntry:
    """Where the credential's revocation bit is: the list's URL and the index in it."""

    list_url: str
    index: int

    def to_dict(self) -> dict[str, Any]:
        """Return the BitstringStatusListEntry."""
        if self.index < 0:
            raise _malformed("A status index is not negative.")
        return status_list.entry(_iri(self.list_url), self.index)


@dataclass(frozen=True)
class RelatedResource:
    """A document this badge rests on: its immutable URL and the `digest_multibase` of its bytes (VC 2.0 §5.3)."""

    id: str
    digest_multibase: str
    media_type: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the relatedResource entry."""
        members = {"digestMultibase": self.digest_multibase, "mediaType": self.media_type}
        return _compact({"id": _iri(self.id), **members})


@dataclass(frozen=True)
class RefreshService:
    """Where the copy that stands now can be had (Open Badges 3.0 `1EdTechCredentialRefresh`). `id`: its URL."""

    id: str

    def to_dict(self) -> dict[str, Any]:
        """Return the refreshService entry; its type is a word of the context of extensions."""
        return {"id": _iri(self.id), "type": "1EdTechCredentialRefresh"}


def build_credential(
    *,
    id: str,
    issuer: IssuerProfile,
    recipient: Recipient,
    achievement: Achievement,
    awarded_at: datetime,
    valid_from: datetime,
    name: str,
    valid_until: datetime | None = None,
    description: str | None = None,
    image: Image | None = None,
    results: Sequence[Result] = (),
    status: StatusEntry | None = None,
    related: Sequence[RelatedResource] = (),
    refresh: RefreshService | None = None,
) -> dict[str, Any]:
    """Return the unsigned OpenBadgeCredential; sign it with `data_integrity.sign`, then `vc_jwt.sign`.

    `id`: the badge URL. Dates are aware; they are written in UTC at whole seconds. `awarded_at` keeps the day of the
    award over re-issues, `valid_from` is the moment of this issue. Raises ModelError (malformed_value) for facts that
    do not make a badge: a relative URL, an empty text, a result in something the achievement does not describe, an end
    before the beginning. https://www.imsglobal.org/spec/ob/v3p0/#achievementcredential
    """
    begins, ends = rfc3339(valid_from), None if valid_until is None else rfc3339(valid_until)
    if valid_until is not None and valid_until <= valid_from:
        raise _malformed("A badge cannot end before it begins.")
    _check_results(achievement, results)
    subject = {
        "id": _iri(recipient.id),
        "type": ["AchievementSubject"],
        "identifier": recipient.identifiers(),
        "achievement": achievement.to_dict(),
        "result": _parts(results),
    }
    return _compact(
        {
            "@context": list(CREDENTIAL_CONTEXTS),
            "id": _iri(id),
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "issuer": issuer.to_dict(),
            "validFrom": begins,
            "validUntil": ends,
            "awardedDate": rfc3339(awarded_at),
            "name": _text(name),
            "description": description,
            "image": _part(image),
            "credentialSubject": _compact(subject),
            "credentialStatus": _part(status),
            "credentialSchema": [{"id": SCHEMA_URL, "type": "1EdTechJsonSchemaValidator2019"}],
            "refreshService": _part(refresh),
            "relatedResource": _parts(related),
        }
    )


def hash_recipient(email: str, salt: str) -> str:
    """Return the identityHash of an e-mail address: sha256$ and the lower-case hex of SHA-256(address + salt).

    The address is trimmed and lower-cased first, here and by whoever compares. `salt` is 16 bytes or more as UTF-8
    text. Raises ModelError (malformed_value). https://www.imsglobal.org/spec/ob/v3p0/#identityobject
    """
    address = email.strip().lower()
    if "@" not in address or len(salt.encode()) < MINIMUM_SALT:
        raise _malformed("A hashed address needs an address and a salt of 16 bytes or more.")
    return "sha256$" + hashlib.sha256((address + salt).encode()).hexdigest()


def digest_multibase(data: bytes) -> str:
    """Return the digestMultibase of some bytes: their SHA-256 as a multihash in multibase base64url.

    https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
    """
    return multibase_of(hashlib.sha256(data).digest())


def multibase_of(sha256: bytes) -> str:
    """Return the digestMultibase of a SHA-256 that is known already."""
    return "u" + base64url(b"\x12\x20" + sha256)


def _identity(kind: str, value: str, *, hashed: bool) -> dict[str, Any]:
    return {"type": "IdentityObject", "hashed": hashed, "identityHash": value, "identityType": kind}


def _check_results(achievement: Achievement, results: Sequence[Result]) -> None:
    levels = {item.id: {level.id for level in item.levels} for item in achievement.result_descriptions}
    described = [result.result_description for result in results]
    if len(set(described)) != len(described):
        raise _malformed("A criterion has two results.")
    for result in results:
        if result.achieved_level not in levels.get(result.result_description, ()):
            raise _malformed("A result names a criterion or a level that the achievement does not describe.")


def _compact(members: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what is absent: a signed document holds no null, no empty array and no empty text."""
    return {key: value for key, value in members.items() if value is not None and value not in ("", [])}


def _part(part: Image | StatusEntry | RefreshService | None) -> dict[str, Any] | None:
    return None if part is None else part.to_dict()


def _parts(
    parts: Sequence[Alignment]
    | Sequence[RubricCriterionLevel]
    | Sequence[ResultDescription]
    | Sequence[Result]
    | Sequence[RelatedResource],
) -> list[dict[str, Any]]:
    return [part.to_dict() for part in parts]


def _iri(value: str) -> str:
    if not is_absolute_iri(value):
        raise _malformed(f"{value[:80]!a} is not an absolute URL or URI.")
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise _malformed("A text that a badge needs is empty.")
    return value


def _malformed(detail: str) -> ModelError:
    return ModelError("malformed_value", detail)
