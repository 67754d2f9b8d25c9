"""What the API's answers about badges, achievements and people look like."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer

from app.core.clock import rfc3339
from app.issuer.listing import BadgeRecord

Told = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]
Status = Literal["issued", "revoked", "suspended", "expired"]


class IssuedOut(BaseModel):
    """A badge as it was issued: the answer to the first call and to every repeat of it."""

    id: str = Field(description="The badge's id here.", examples=["7f3a91c2-5f1e-4c39-9d0a-3a1f2f0c9a55"])
    url: str = Field(description="Its address, which is the credential's own id. Public once its holder shares it.")
    status: Status = Field(description="`issued`: this is what it was when it was issued.")
    credential: dict[str, Any] = Field(description="Open Badges 3.0 with its embedded proof (eddsa-rdfc-2022).")
    jwt: str = Field(description="The same credential as a VC-JWT.")


class BadgeOut(BaseModel):
    """A badge and where it stands now."""

    id: str
    url: str
    status: Status
    achievement: str = Field(examples=["X1"])
    achievement_version: int
    version: int = Field(description="Grows with each correction, and when the holder changes how it names them.")
    awarded_at: Told
    issued_at: Told
    valid_until: Told | None
    revoked_at: Told | None
    suspended_at: Told | None


class WholeBadgeOut(BadgeOut):
    """A badge with its document in the version in force."""

    credential: dict[str, Any]
    jwt: str


class BadgesOut(BaseModel):
    """A page of badges, the newest first."""

    items: list[BadgeOut]
    next_cursor: str | None


class LevelOut(BaseModel):
    """One level of a criterion."""

    level: int
    name: str


class CriterionOut(BaseModel):
    """One criterion of the rubric."""

    key: str = Field(examples=["seeing-gates"])
    title: str
    levels: list[LevelOut]


class AchievementOut(BaseModel):
    """Something that a badge can be issued for, in the version that is issued now."""

    key: str = Field(examples=["X1"])
    version: int
    name: str
    description: str
    level: Literal["basic", "advanced", "stack"]
    scope: str = Field(description="What a token needs to issue it.", examples=["credentials:issue:advanced"])
    url: str
    validity_months: int
    prerequisites: list[list[str]] = Field(
        description="Keys of achievements in groups: of each group the recipient holds one that is in force.",
        examples=[[["M01"], ["M03", "M04"]]],
    )
    minimum_level: int = Field(description="The least level that a result may have.")
    criteria: list[CriterionOut]
    issue_until: str | None = Field(description="The last day for a new badge, unless its content is reviewed.")


class AchievementsOut(BaseModel):
    """What this client may see; all on one page."""

    items: list[AchievementOut]
    next_cursor: str | None


class PersonOut(BaseModel):
    """Somebody known by an address."""

    id: str
    address: Literal["confirmed", "told"] = Field(
        description="`confirmed`: they showed that it is theirs. `told`: an LMS or their centre gave it for them."
    )


class PeopleOut(BaseModel):
    """Whoever is known by the address; of several, those who confirmed it first."""

    items: list[PersonOut]
    next_cursor: str | None


class ModuleProgressOut(BaseModel):
    """A module that somebody has begun."""

    achievement: str
    state: Literal["working", "submitted", "returned", "awarded"]


class ProgressOut(BaseModel):
    """How far somebody is: modules in one word each, and their badges."""

    id: str
    modules: list[ModuleProgressOut]
    badges: list[BadgeOut]


class OverrideOut(BaseModel):
    """An award that was made although a prerequisite was missing."""

    id: str
    credential_id: str
    client_id: str
    missing: list[str] = Field(description="Keys; of several of which one was needed, `M03|M04`.")
    reason: str
    created_at: Told
    reviewed_at: Told | None
    reviewed_by: str | None = Field(description="`client:ID` or `operator:command-line`.")
    note: str | None


class OverridesOut(BaseModel):
    """A page of them, the newest first."""

    items: list[OverrideOut]
    next_cursor: str | None


def badge_members(base_url: str, badge: BadgeRecord) -> dict[str, Any]:
    """A badge as `BadgeOut` has it."""
    return {
        "id": badge.id,
        "url": f"{base_url}/credentials/{badge.id}",
        "status": badge.standing,
        "achievement": badge.achievement_key,
        "achievement_version": badge.achievement_version,
        "version": badge.version,
        "awarded_at": badge.awarded_at,
        "issued_at": badge.issued_at,
        "valid_until": badge.valid_until,
        "revoked_at": badge.revoked_at,
        "suspended_at": badge.suspended_at,
    }
