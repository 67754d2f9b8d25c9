"""Whether an award that a client asks for may be made: its rights, the achievement, the dates, what it rests on.

Nothing is written here. Each refusal has a slug of its own, so that a program can tell them apart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from app.awards import prerequisites
from app.awards.errors import (
    AchievementUnknown,
    AwardedInTheFuture,
    AwardedTooLongAgo,
    AwardNotAllowed,
    ContentTooOld,
    OverrideNotAllowed,
    PrerequisiteMissing,
    ResultUnknown,
)
from app.awards.prerequisites import Asked
from app.awards.recipients import digests_of
from app.awards.schemas import CheckedAward, ClientAward, IssuingRights
from app.awards.service import months_after
from app.core.clock import rfc3339
from app.core.db import ReadSession
from app.core.errors import AppError
from app.core.secrets import SecretBox
from app.issuer.listing import BadgeRecord
from app.people import confirmed
from app.programme import service as programme
from app.programme.errors import ModuleUnknown
from app.programme.schemas import AchievementInfo

ISSUE: Final = "credentials:issue"
ISSUE_ADVANCED: Final = "credentials:issue:advanced"
OVERRIDE: Final = "credentials:override"
# IPS for young people began in Australia with a trial in 2016: nobody can have been awarded anything before.
EARLIEST: Final = datetime(2016, 1, 1, tzinfo=UTC)
NOTHING_ISSUED: Final = "Nothing was issued."


def check(
    session: ReadSession, secret_box: SecretBox, award: ClientAward, rights: IssuingRights, at: datetime
) -> CheckedAward:
    """Check one award.

    Args:
        session: for reading.
        secret_box: keys the digest of the recipient's address.
        award: what is asked for; its form is right.
        rights: what the client may do.
        at: now.

    Raises:
        AchievementUnknown, AwardNotAllowed, OverrideNotAllowed, AwardedInTheFuture, AwardedTooLongAgo,
        ContentTooOld, ResultUnknown, PrerequisiteMissing: as their names say.
    """
    (found,) = check_many(session, secret_box, (award,), rights, at)
    if isinstance(found, AppError):
        raise found
    return found


def check_many(
    session: ReadSession, secret_box: SecretBox, awards: Sequence[ClientAward], rights: IssuingRights, at: datetime
) -> list[CheckedAward | AppError]:
    """Check many awards in a few questions to the database: for each, in order, what `check` gives or raises.

    Awards among them do not count as prerequisites of one another.
    """
    infos: dict[str, AchievementInfo] = {}
    found: list[AchievementInfo | AppError] = [_allowed(session, award, rights, at, infos) for award in awards]
    holders = confirmed.holders_of(session, {award.email for award in awards})
    digests = {award.email: digests_of(secret_box, award.email) for award in awards}
    needed = {
        key for info in found if isinstance(info, AchievementInfo) for group in info.needed_before for key in group
    }
    asked = {
        award.email: Asked(holders.get(award.email, ()), digests[award.email])
        for award, info in zip(awards, found, strict=True)
        if isinstance(info, AchievementInfo) and info.needed_before
    }
    held = prerequisites.badges_of(session, asked, needed, at)
    return [
        info
        if isinstance(info, AppError)
        else _checked(
            session, award, info, at, held.get(award.email, ()), holders.get(award.email, ()), digests[award.email]
        )
        for award, info in zip(awards, found, strict=True)
    ]


def _checked(
    session: ReadSession,
    award: ClientAward,
    info: AchievementInfo,
    at: datetime,
    held: Sequence[BadgeRecord],
    holders: Sequence[str],
    digests: Sequence[str],
) -> CheckedAward | AppError:
    lacking, rests_on = prerequisites.missing(info.needed_before, held)
    if lacking and award.override_reason is None:
        return PrerequisiteMissing(lacking)
    # Of what rests on nothing no rule is looked for: a batch has a hundred thousand of those.
    by_rule = bool(info.needed_before) and not lacking
    awarded_at = award.awarded_at or at.replace(microsecond=0)
    return CheckedAward(
        award=award,
        achievement_version=info.version,
        person_id=holders[0] if holders else None,
        recipient_digest=digests[0],
        awarded_at=awarded_at,
        valid_until=months_after(awarded_at, info.validity_months),
        missing=tuple(each.achievement for each in lacking),
        related=prerequisites.related(session, rests_on, achievement=info, by_rule=by_rule),
    )


def _allowed(
    session: ReadSession, award: ClientAward, rights: IssuingRights, at: datetime, infos: dict[str, AchievementInfo]
) -> AchievementInfo | AppError:
    """What is awarded, or why it is not, as far as that can be told without the recipient's badges.

    `infos` keeps the achievements that were asked for.
    """
    try:
        _check_rights(award, rights)
        info = infos.get(award.achievement_key) or _achievement(session, award.achievement_key)
        infos[award.achievement_key] = info
        check_scope(info, rights.scopes)
        _check_dates(award, info, at)
        check_results(award.results, info)
    except AppError as error:
        return error
    return info


def _check_rights(award: ClientAward, rights: IssuingRights) -> None:
    if rights.achievements is not None and award.achievement_key not in rights.achievements:
        meant = next(
            (each for each in rights.achievements if each.casefold() == award.achievement_key.casefold()), None
        )
        raise AwardNotAllowed(
            "This client is limited to other achievements." + _there_is(meant),
            kept=NOTHING_ISSUED,
            next_step="GET /api/v1/achievements lists those that it may issue.",
        )
    if award.override_reason is not None and OVERRIDE not in rights.scopes:
        raise OverrideNotAllowed(
            "override needs the scope credentials:override.",
            kept=NOTHING_ISSUED,
            next_step="Leave override out, or use a client and a token that have the scope.",
        )


def _achievement(session: ReadSession, key: str) -> AchievementInfo:
    try:
        return programme.current_achievement(session, key)
    except ModuleUnknown:
        raise AchievementUnknown(
            "The programme has no published achievement of this key." + _there_is(_in_other_case(session, key)),
            kept=NOTHING_ISSUED,
            next_step="GET /api/v1/achievements lists what can be issued.",
        ) from None


def _in_other_case(session: ReadSession, key: str) -> str | None:
    """The achievement whose key is the same but for capitals."""
    for other in {key.upper(), key.lower()} - {key}:
        with suppress(ModuleUnknown):
            return programme.current_achievement(session, other).key
    return None


def _there_is(meant: str | None) -> str:
    return f" There is {meant}: capitals count." if meant is not None else ""


def check_scope(info: AchievementInfo, scopes: Collection[str]) -> None:
    """Refuse a token that may not issue an achievement of this level.

    Raises:
        AwardNotAllowed: as said.
    """
    needed = needed_scope(info.level)
    if needed not in scopes:
        raise AwardNotAllowed(
            f"An achievement of the level “{info.level}” needs the scope {needed}.",
            kept=NOTHING_ISSUED,
            next_step="Ask for a token with that scope; whoever runs this server gives it to the client.",
        )


def needed_scope(level: str) -> str:
    """The scope that issuing an achievement of this level takes."""
    return ISSUE if level == "basic" else ISSUE_ADVANCED


def _check_dates(award: ClientAward, info: AchievementInfo, at: datetime) -> None:
    check_awarded_at(award.awarded_at, info, at)
    if info.issue_until is not None and at.date() > info.issue_until:
        raise ContentTooOld(
            f"The rules that {info.key} teaches change often, and its review is overdue: the last day for a new "
            f"badge was {info.issue_until:%Y-%m-%d}.",
            kept=NOTHING_ISSUED,
            next_step="It can be awarded again once a reviewed version of the module is published.",
        )


def check_awarded_at(awarded_at: datetime | None, info: AchievementInfo, at: datetime) -> None:
    """Refuse a date that no new award can have.

    Raises:
        AwardedInTheFuture, AwardedTooLongAgo: as their names say.
    """
    if awarded_at is None:
        return
    check_day(awarded_at, at)
    ends = months_after(awarded_at, info.validity_months)
    if ends <= at:
        raise AwardedTooLongAgo(
            f"A badge of this achievement is valid for {info.validity_months} months, so this one would have ended "
            f"on {ends:%Y-%m-%d}.",
            kept=NOTHING_ISSUED,
            next_step="Check the year. What has ended needs a new decision, with its own date.",
        )


def check_day(awarded_at: datetime, at: datetime) -> None:
    """Refuse a date at which nothing was ever awarded.

    Raises:
        AwardedInTheFuture, AwardedTooLongAgo: as their names say.
    """
    if awarded_at > at:
        raise AwardedInTheFuture(
            f"awarded_at lies ahead of this server's clock, which says {rfc3339(at)}.",
            kept=NOTHING_ISSUED,
            next_step="Check your clock and the zone of the time, or leave awarded_at out: then it is now.",
        )
    if awarded_at < EARLIEST:
        raise AwardedTooLongAgo(
            f"awarded_at lies before {EARLIEST:%Y-%m-%d}, when there was no such programme.",
            kept=NOTHING_ISSUED,
            next_step="Check the year and the form of the date.",
        )


def check_results(results: Sequence[tuple[str, int]], info: AchievementInfo) -> None:
    """Refuse results that do not fit the rubric, or that the achievement's own rule does not call an award.

    Raises:
        ResultUnknown: as said.
    """
    levels = {criterion.key: {each.level for each in criterion.levels} for criterion in info.rubric.criteria}
    seen: set[str] = set()
    for number, (criterion, level) in enumerate(results):
        place = f"results[{number}]"
        if criterion not in levels:
            raise _refused(f"{place} names a criterion that the rubric does not have; it has {_named(levels)}.")
        if level not in levels[criterion]:
            known = ", ".join(str(each) for each in sorted(levels[criterion]))
            raise _refused(f"{place} names a level that its criterion does not have; it has {known}.")
        if criterion in seen:
            raise _refused(f"{place} names a criterion that has a result already.")
        if level < info.minimum_level:
            raise _refused(
                f"{place} is below level {info.minimum_level}, which each criterion has to reach for this badge."
            )
        seen.add(criterion)


def _named(levels: Mapping[str, Collection[int]]) -> str:
    return ", ".join(levels) or "none"


def _refused(detail: str) -> ResultUnknown:
    return ResultUnknown(detail, kept=NOTHING_ISSUED, next_step="GET /api/v1/achievements/{key} has the rubric.")
