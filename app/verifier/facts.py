"""What a badge says, taken out of its JSON for showing. Called only after its signature has passed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from app.verifier import dates
from app.verifier.form import as_list, identifier_of
from app.verifier.moments import moment_or_none
from app.verifier.schemas import (
    AchievementFacts,
    AlignmentFact,
    EndorsementFacts,
    Facts,
    HolderFacts,
    Identifier,
    IssuerFacts,
    LevelFact,
)

# A stranger may sign a megabyte of Markdown; turning that into a page would hold the server up for minutes.
MAX_NARRATIVE: Final = 20_000
_RANK: Final = re.compile(r"-?\d{1,6}(\.\d{1,6})?", re.ASCII)


def extract(document: dict[str, Any], *, status_list_at: datetime | None) -> Facts:
    """Read a credential whose form and signature have passed; what has an odd form is left out, never guessed."""
    subject = as_list(document["credentialSubject"])[0]
    achievement = subject["achievement"]
    begins, ends = dates.period(document)
    return Facts(
        credential_id=document["id"],
        name=_text(document.get("name")) or achievement["name"],
        issuer=_issuer(document["issuer"]),
        achievement=_achievement(achievement),
        levels=_levels(subject, achievement),
        alignments=tuple(_alignment(item) for item in as_list(achievement.get("alignment")) if isinstance(item, dict)),
        holder=_holder(subject),
        awarded_at=moment_or_none(document.get("awardedDate")),
        valid_from=begins,
        valid_until=ends,
        status_list_at=status_list_at,
        narrative=_text(subject.get("narrative")),
    )


def extract_endorsement(document: dict[str, Any]) -> EndorsementFacts:
    """Read an endorsement whose form and signature have passed."""
    subject = as_list(document["credentialSubject"])[0]
    begins, ends = dates.period(document)
    return EndorsementFacts(
        issuer=_issuer(document["issuer"]),
        comment=_beginning(_text(subject.get("endorsementComment"))),
        valid_from=begins,
        valid_until=ends,
    )


def domain_of(issuer_id: str) -> str | None:
    """The domain that controls an issuer's keys, in plain letters as it is written; None where there is no domain."""
    if issuer_id.startswith("did:web:"):
        return unquote(issuer_id.removeprefix("did:web:").split(":")[0])
    if issuer_id.startswith(("https://", "http://")):
        return urlsplit(issuer_id).hostname
    return None


def claimed_name(document: dict[str, Any]) -> str | None:
    """What the issuer of a credential calls itself."""
    return _issuer(document["issuer"]).claimed_name


def _issuer(issuer: Any) -> IssuerFacts:
    profile = issuer if isinstance(issuer, dict) else {}
    issuer_id = identifier_of(issuer) or ""
    return IssuerFacts(
        id=issuer_id,
        domain=domain_of(issuer_id),
        claimed_name=_text(profile.get("name")),
        claimed_url=_link(profile.get("url")),
        claimed_description=_text(profile.get("description")),
    )


def _achievement(achievement: dict[str, Any]) -> AchievementFacts:
    criteria = achievement["criteria"]
    credits_available = achievement.get("creditsAvailable")
    return AchievementFacts(
        id=achievement["id"],
        name=achievement["name"],
        description=achievement["description"],
        achievement_type=_text(achievement.get("achievementType")),
        criteria=_beginning(_text(criteria.get("narrative"))),
        criteria_url=_link(criteria.get("id")),
        image=_link(identifier_of(achievement.get("image"))),
        credits=str(credits_available) if type(credits_available) in (int, float) else None,
        tags=tuple(tag for tag in as_list(achievement.get("tag")) if isinstance(tag, str)),
        version=_text(achievement.get("version")),
    )


def _levels(subject: dict[str, Any], achievement: dict[str, Any]) -> tuple[LevelFact, ...]:
    described = as_list(achievement.get("resultDescription"))
    return tuple(
        _level(result, _with_id(described, result.get("resultDescription")))
        for result in as_list(subject.get("result"))
    )


def _with_id(items: list[dict[str, Any]], wanted: Any) -> dict[str, Any]:
    return next((item for item in items if isinstance(wanted, str) and item.get("id") == wanted), {})


def _level(result: dict[str, Any], description: dict[str, Any]) -> LevelFact:
    levels = as_list(description.get("rubricCriterionLevel"))
    reached = _with_id(levels, result.get("achievedLevel"))
    return LevelFact(
        criterion=_text(description.get("name")) or "Result",
        level=_text(reached.get("name")),
        description=_text(reached.get("description")),
        value=_text(result.get("value")),
        status=_text(result.get("status")),
        scale=_scale(levels),
    )


def _scale(levels: list[dict[str, Any]]) -> tuple[str, ...]:
    """The names of the levels, lowest first, by the number that each carries.

    Their order in the file is not signed (the vocabulary makes it a set): whoever holds the badge can change it.
    """
    ranks = {level["name"].strip(): float(level["level"]) for level in levels if _is_ranked(level)}
    if len(set(ranks.values())) != len(levels) or len(ranks) != len(levels):
        return ()
    return tuple(sorted(ranks, key=lambda name: ranks[name]))


def _is_ranked(level: dict[str, Any]) -> bool:
    rank = level.get("level")
    return isinstance(rank, str) and _RANK.fullmatch(rank) is not None


def _beginning(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_NARRATIVE else text[:MAX_NARRATIVE] + " …"


def _alignment(item: dict[str, Any]) -> AlignmentFact:
    return AlignmentFact(
        name=_text(item.get("targetName")) or "",
        url=_link(item.get("targetUrl")) or "",
        code=_text(item.get("targetCode")),
        description=_text(item.get("targetDescription")),
        framework=_text(item.get("targetFramework")),
    )


def _holder(subject: dict[str, Any]) -> HolderFacts:
    identifiers = tuple(
        Identifier(
            kind=str(item["identityType"]),
            hashed=bool(item["hashed"]),
            value=str(item["identityHash"]),
            salt=str(item.get("salt", "")),
        )
        for item in as_list(subject.get("identifier"))
    )
    names = [item.value for item in identifiers if item.kind == "name" and not item.hashed]
    return HolderFacts(_text(subject.get("id")), names[0] if names else None, identifiers)


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _link(value: Any) -> str | None:
    """Only web addresses become links or pictures: never javascript:, data: or anything else."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None
