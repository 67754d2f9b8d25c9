"""What a badge says: from the catalogue and a decision to the unsigned document. No evidence text ever goes in.

Addresses of criteria and levels are `{achievement}#criterion-{key}` and `{achievement}#criterion-{key}-level-{n}`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.programme.schemas import AchievementInfo, Criterion
from app.vc import json_text
from app.vc.open_badges import (
    Achievement,
    Alignment,
    Image,
    IssuerProfile,
    Recipient,
    RefreshService,
    RelatedResource,
    Result,
    ResultDescription,
    RubricCriterionLevel,
    StatusEntry,
    build_credential,
    hash_recipient,
    multibase_of,
)

SALT_BYTES = 16
BADGE_TYPE = "application/vc+ld+json"  # as what a version of a badge is served


@dataclass(frozen=True)
class CredentialFacts:
    """Everything that goes into one version of a badge."""

    base_url: str
    credential_id: str
    subject_id: str
    issuer_did: str
    issuer_name: str
    issuer_description: str
    issuer_url: str
    achievement: AchievementInfo
    results: tuple[tuple[str, int], ...]
    identity_hash: str | None
    identity_salt: str
    holder_name: str | None
    awarded_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    status_list_url: str
    status_index: int
    related: tuple[tuple[str, str], ...] = ()
    refresh_url: str | None = None


def new_salt() -> str:
    """A fresh salt of 16 random bytes, in hex, for one credential."""
    return secrets.token_hex(SALT_BYTES)


def recipient_hash(email: str, salt: str) -> str:
    """The salted hash by which a confirmed address stands in a badge; the address itself is never stored here."""
    return hash_recipient(email, salt)


def build_document(facts: CredentialFacts) -> dict[str, Any]:
    """The unsigned credential.

    Raises:
        ModelError: the facts do not make a badge.
    """
    achievement = achievement_of(facts.base_url, facts.achievement)
    document = build_credential(
        id=f"{facts.base_url}/credentials/{facts.credential_id}",
        issuer=IssuerProfile(
            id=facts.issuer_did,
            name=facts.issuer_name,
            url=facts.issuer_url,
            description=facts.issuer_description,
        ),
        recipient=Recipient(id=facts.subject_id),
        achievement=achievement,
        awarded_at=facts.awarded_at,
        valid_from=facts.valid_from,
        valid_until=facts.valid_until,
        name=facts.achievement.name,
        description=facts.achievement.description,
        results=[
            Result(
                result_description=criterion_id(achievement.id, key),
                achieved_level=level_id(achievement.id, key, level),
            )
            for key, level in facts.results
        ],
        status=StatusEntry(list_url=facts.status_list_url, index=facts.status_index),
        related=related_of(facts),
        refresh=refresh_of(facts),
    )
    identities = identified(facts)
    return _with_identities(document, identities) if identities else document


def related_of(facts: CredentialFacts) -> list[RelatedResource]:
    """What the badge rests on, by address and digest: badges in the version that was looked at, framework and rule.

    Each under the media type that its address answers with: of a badge that is not shared a verifier can tell by it
    that it was one. https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
    """
    return [
        RelatedResource(
            id=f"{facts.base_url}{path}",
            digest_multibase=multibase_of(bytes.fromhex(digest)),
            media_type=BADGE_TYPE if path.startswith("/credentials/") else "application/json",
        )
        for path, digest in facts.related
    ]


def refresh_of(facts: CredentialFacts) -> RefreshService | None:
    """Where whoever has this copy gets the one that stands."""
    return RefreshService(facts.refresh_url) if facts.refresh_url is not None else None


def identified(facts: CredentialFacts) -> list[dict[str, Any]]:
    """The holder's hashed address, of which only the hash is kept from the reservation on; their name, if they chose.

    https://www.imsglobal.org/spec/ob/v3p0/#identityobject
    """
    found: list[dict[str, Any]] = []
    if facts.identity_hash is not None:
        hashed = {"hashed": True, "identityHash": facts.identity_hash, "identityType": "emailAddress"}
        found.append({"type": "IdentityObject", **hashed, "salt": facts.identity_salt})
    if facts.holder_name is not None:
        plain = {"hashed": False, "identityHash": facts.holder_name, "identityType": "name"}
        found.append({"type": "IdentityObject", **plain})
    return found


def name_in(document: bytes) -> str | None:
    """The name of its holder that a document of ours carries, if it does."""
    subject = json_text.loads(document)["credentialSubject"]
    names = (item for item in subject.get("identifier", ()) if item["identityType"] == "name")
    return next((str(item["identityHash"]) for item in names), None)


def subject_of(document: bytes) -> str:
    """The identifier of its holder that a document of ours carries: a DID, or one that leads nowhere."""
    return str(json_text.loads(document)["credentialSubject"]["id"])


def did_in(document: bytes) -> str | None:
    """The DID of its holder that a document of ours carries, if it is bound to one."""
    subject_id = subject_of(document)
    return subject_id if is_did(subject_id) else None


def is_did(identifier: str) -> bool:
    """Whether an identifier of a holder is a DID, and not one that leads nowhere."""
    return identifier.startswith("did:")


def _with_identities(document: dict[str, Any], identities: list[dict[str, Any]]) -> dict[str, Any]:
    subject = dict(document["credentialSubject"])
    head = {name: subject.pop(name) for name in ("id", "type")}
    return {**document, "credentialSubject": {**head, "identifier": identities, **subject}}


def achievement_of(base_url: str, info: AchievementInfo) -> Achievement:
    """A catalogue achievement as Open Badges 3.0 has it, all its addresses below `base_url`."""
    url = f"{base_url}{info.path}"
    return Achievement(
        id=url,
        name=info.name,
        description=info.description,
        criteria_id=f"{url}#criteria",
        criteria_narrative=info.criteria_narrative,
        version=str(info.version),
        achievement_type=info.achievement_type,
        in_language=info.language,
        image=Image(id=f"{base_url}{info.image_path}", caption=f"The badge “{info.name}”"),
        alignments=[
            Alignment(
                target_name=alignment.target_name,
                target_url=f"{base_url}{alignment.target_path}",
                target_code=alignment.target_code,
                target_description=alignment.target_description,
                target_framework=alignment.target_framework,
                target_type=alignment.target_type,
            )
            for alignment in info.alignments
        ],
        result_descriptions=[
            _result_description(url, criterion, info.minimum_level) for criterion in info.rubric.criteria
        ],
        tags=info.tags,
    )


def _result_description(achievement_url: str, criterion: Criterion, minimum_level: int) -> ResultDescription:
    return ResultDescription(
        id=criterion_id(achievement_url, criterion.key),
        name=criterion.title,
        required_level=level_id(achievement_url, criterion.key, minimum_level),
        levels=[
            RubricCriterionLevel(
                id=level_id(achievement_url, criterion.key, level.level),
                name=level.name,
                description=level.description,
                level=str(level.level),
            )
            for level in criterion.levels
        ],
    )


def criterion_id(achievement_url: str, criterion_key: str) -> str:
    """The address of a rubric criterion."""
    return f"{achievement_url}#criterion-{criterion_key}"


def level_id(achievement_url: str, criterion_key: str, level: int) -> str:
    """The address of one level of a rubric criterion."""
    return f"{criterion_id(achievement_url, criterion_key)}-level-{level}"
