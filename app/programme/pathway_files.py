"""The shape of `pathways/KEY.yaml`: what a badge stands on, in the words of rules.

A rule is written as a badge's key (`M01`), or as one of:

- `badge` with `awardedWithinMonths`: a badge in force whose award or last renewal is not older than that;
- `externalBadge`: another issuer's badge in force;
- `timeInRole`, `confirmation`, `conversation`: what is shown in other ways than by a badge;
- `all`, `oneOf`, `atLeast` with `of`: how many of several rules are needed.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from app.programme.file_model import AchievementKey, FileModel, ItemId, Key, ModuleKey, Text, Version
from app.programme.module_parts import CriticalInformationEntry, RubricEntry
from app.programme.pathways import ConfirmedBy
from app.programme.schemas import Level


class BadgeEntry(FileModel):
    """A badge in force whose award or last renewal is not older than so many months."""

    badge: AchievementKey
    awarded_within_months: Annotated[int, Field(ge=1)]


class ExternalBadge(FileModel):
    """Another issuer's badge: its issuer always, and the achievement by its name, or exactly by its id."""

    issuer: Annotated[str, StringConstraints(pattern=r"^(?:did:[a-z0-9]+:|https://)[^\s#]+$", max_length=500)]
    issuer_name: Text
    name: Text
    achievement: Annotated[str, StringConstraints(pattern=r"^(?:https://|urn:|did:)[^\s]+$", max_length=500)] | None = (
        None
    )


class ExternalBadgeEntry(FileModel):
    """Another issuer's badge in force."""

    external_badge: ExternalBadge


class TimeInRole(FileModel):
    """Months of work in a role; `role` is written so that it follows "in"."""

    months: Annotated[int, Field(ge=1, le=600)]
    role: Text
    longest_gap_days: Annotated[int, Field(ge=0, le=3660)] | None = None


class TimeInRoleEntry(FileModel):
    """Time in a role, all together."""

    time_in_role: TimeInRole


class Confirmation(FileModel):
    """What somebody confirms with their word."""

    key: Key
    title: Text
    text: Text
    by: ConfirmedBy


class ConfirmationEntry(FileModel):
    """Somebody's word."""

    confirmation: Confirmation


class Conversation(FileModel):
    """A conversation with an assessor and the rubric by which it is judged."""

    key: Key
    title: Text
    text: Text
    minutes: Annotated[int, Field(ge=1, le=600)]
    minimum_level: Annotated[int, Field(ge=1, le=4)]
    rubric: RubricEntry


class ConversationEntry(FileModel):
    """A conversation with an assessor."""

    conversation: Conversation


class AllEntry(FileModel):
    """Every one of these."""

    all: Annotated[list[RuleEntry], Field(min_length=1)]


class OneOfEntry(FileModel):
    """One of these, whichever."""

    one_of: Annotated[list[RuleEntry], Field(min_length=2)]


class AtLeastEntry(FileModel):
    """So many of these, whichever."""

    at_least: Annotated[int, Field(ge=1)]
    of: Annotated[list[RuleEntry], Field(min_length=2, max_length=12)]


AnyRuleEntry = (
    str
    | BadgeEntry
    | ExternalBadgeEntry
    | TimeInRoleEntry
    | ConfirmationEntry
    | ConversationEntry
    | AllEntry
    | OneOfEntry
    | AtLeastEntry
)
# The tags stand in the places pydantic reports, so none of them may be a name that files use.
A_BADGE, AN_AGED_BADGE, THEIR_BADGE, A_TIME, A_WORD, A_TALK, EVERY, ANY, SOME = (
    "a badge", "a badge and its age", "another issuer's badge", "a time in a role", "a confirmation", "a conversation",
    "all of these", "one of these", "some of these",
)  # fmt: skip
RULE_TAGS = frozenset({A_BADGE, AN_AGED_BADGE, THEIR_BADGE, A_TIME, A_WORD, A_TALK, EVERY, ANY, SOME})
_BY_NAME = {
    "badge": AN_AGED_BADGE,
    "awardedWithinMonths": AN_AGED_BADGE,
    "externalBadge": THEIR_BADGE,
    "timeInRole": A_TIME,
    "confirmation": A_WORD,
    "conversation": A_TALK,
    "oneOf": ANY,
    "atLeast": SOME,
    "of": SOME,
}


def _rule_form(value: Any) -> str:
    """Which rule is meant, by the names that are there; what has no name we know is read as `all`, and so told."""
    if isinstance(value, dict):
        return next((_BY_NAME[name] for name in value if name in _BY_NAME), EVERY)
    return A_BADGE


RuleEntry = Annotated[
    Annotated[AchievementKey, Tag(A_BADGE)]
    | Annotated[BadgeEntry, Tag(AN_AGED_BADGE)]
    | Annotated[ExternalBadgeEntry, Tag(THEIR_BADGE)]
    | Annotated[TimeInRoleEntry, Tag(A_TIME)]
    | Annotated[ConfirmationEntry, Tag(A_WORD)]
    | Annotated[ConversationEntry, Tag(A_TALK)]
    | Annotated[AllEntry, Tag(EVERY)]
    | Annotated[OneOfEntry, Tag(ANY)]
    | Annotated[AtLeastEntry, Tag(SOME)],
    Discriminator(_rule_form),
]


class StackAchievementEntry(FileModel):
    """The achievement at the end, where it is not a module's.

    Competencies, fidelity items and hours are not written here: they are those of the badges it stands on.
    """

    name: Text
    description: Text
    achievement_type: Literal["Certification", "LearningProgram", "MicroCredential"]
    code: Text
    domain: ItemId
    tags: list[Text]
    validity_months: Annotated[int, Field(ge=1)]
    renewal: Text
    critical_information: CriticalInformationEntry


class GraceEntry(FileModel):
    """So many days until an assessor is asked about a suspension."""

    grace: Annotated[int, Field(ge=1, le=730)]


# The tags stand in the places pydantic reports, as those of rules do.
A_WORD_FOR_IT, DAYS_OF_GRACE = "a consequence", "days of grace"
CONSEQUENCE_TAGS = frozenset({A_WORD_FOR_IT, DAYS_OF_GRACE})


def _consequence_form(value: Any) -> str:
    return A_WORD_FOR_IT if isinstance(value, str) else DAYS_OF_GRACE


ConsequenceEntry = Annotated[
    Annotated[Literal["nothing", "flag", "grace", "proposeSuspension"], Tag(A_WORD_FOR_IT)]
    | Annotated[GraceEntry, Tag(DAYS_OF_GRACE)],
    Discriminator(_consequence_form),
]


class ConsequencesEntry(FileModel):
    """What follows for the badge when one that it rests on ends; `grace` alone is 90 days of it."""

    expired: ConsequenceEntry = "flag"
    suspended: ConsequenceEntry = "flag"
    revoked: ConsequenceEntry = "flag"


class PathwayFile(FileModel):
    """`pathways/KEY.yaml`. It ends in a module's badge (`leadsTo`) or in an achievement of its own (`achievement`)."""

    key: Key
    version: Version
    status: Literal["draft", "published"] = "published"
    title: Text
    summary: Text
    level: Level
    review_by: date
    rule: RuleEntry
    leads_to: ModuleKey | None = None
    consequences: ConsequencesEntry | None = None
    achievement: StackAchievementEntry | None = None


for _model in (AllEntry, OneOfEntry, AtLeastEntry, PathwayFile):
    _model.model_rebuild()
