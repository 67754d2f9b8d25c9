"""What an achievement rests on, asked for recipients who may not be persons here: they are known by an address."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import col, select

from app.awards.errors import MissingPrerequisite
from app.awards.models import AwardRequest
from app.core.db import ReadSession
from app.issuer import listing
from app.issuer.listing import BadgeRecord
from app.programme import service as programme
from app.programme import stacks
from app.programme.schemas import AchievementInfo

AT_ONCE = 500  # databases bound how many values one question may hold
# Of several badges of one achievement the one is named that can be mended most easily.
_NEAREST = ("suspended", "expired", "revoked")


@dataclass(frozen=True)
class Asked:
    """By what a recipient's badges are found.

    Attributes:
        person_ids: who has confirmed the address.
        digests: of the address, under every master key.
    """

    person_ids: tuple[str, ...]
    digests: tuple[str, ...] = field(repr=False)


def badges_of(
    session: ReadSession, asked: Mapping[str, Asked], achievements: Collection[str], at: datetime
) -> dict[str, tuple[BadgeRecord, ...]]:
    """The badges that recipients hold or held, in a few questions however many there are.

    A badge counts for whoever confirmed the address, and one that a client issued to the address counts as well.

    Args:
        session: for reading.
        asked: recipients, under keys of the caller's choice.
        achievements: keys of the achievements that matter.
        at: the moment that decides what is in force.

    Returns:
        Under each key the recipient's badges.
    """
    if not asked or not achievements:
        return dict.fromkeys(asked, ())
    by_digest = _issued_to(session, {digest for each in asked.values() for digest in each.digests})
    found = listing.badges_held(
        session,
        at,
        person_ids={person_id for each in asked.values() for person_id in each.person_ids},
        credential_ids={credential_id for ids in by_digest.values() for credential_id in ids},
        achievements=achievements,
    )
    held: dict[str, tuple[BadgeRecord, ...]] = {}
    for key, each in asked.items():
        # A badge that has become somebody's counts for them alone, whatever address it was once issued to.
        sent = {credential_id for digest in each.digests for credential_id in by_digest.get(digest, ())}
        held[key] = tuple(
            badge
            for badge in found
            if badge.person_id in each.person_ids or (badge.person_id is None and badge.id in sent)
        )
    return held


def missing(
    groups: Iterable[tuple[str, ...]], held: Iterable[BadgeRecord]
) -> tuple[list[MissingPrerequisite], list[BadgeRecord]]:
    """Which groups no badge in force fills, and the badges that fill the others.

    Args:
        groups: keys of achievements; one of each group is needed.
        held: the recipient's badges.
    """
    badges = tuple(held)
    lacking: list[MissingPrerequisite] = []
    rests_on: list[BadgeRecord] = []
    for group in groups:
        of_group = [badge for badge in badges if badge.achievement_key in group]
        standing = next((badge for badge in of_group if badge.standing == "issued"), None)
        if standing is not None:
            rests_on.append(standing)
        else:
            lacking.append(_lacking(group, of_group))
    return lacking, rests_on


def related(
    session: ReadSession, badges: Iterable[BadgeRecord], *, achievement: AchievementInfo, by_rule: bool = True
) -> tuple[tuple[str, str], ...]:
    """What a badge names that rests on these: each in the version in force, and by what it was judged.

    That is the framework as it stands, and the pathway that leads to the achievement, where one does: also where every
    badge below was recognised and none is there. Nothing where it rests neither on badges nor on a rule.

    Args:
        session: for reading.
        badges: what it rests on, with their digests.
        achievement: what is awarded.
        by_rule: whether the pathway's rule was met; not where somebody's reason stood in for a part of it.

    Returns:
        Paths on this server, each with the SHA-256, in hex, of what is there.
    """
    named = {f"/credentials/{badge.id}/v{badge.version}.json": str(badge.digest) for badge in badges}
    rule = stacks.leading_to(session, achievement.key, achievement.version) if by_rule else None
    if not named and rule is None:
        return ()
    framework = programme.current_programme(session)
    found = [*sorted(named.items()), (f"/programme/{framework.key}/{framework.version}.json", framework.digest)]
    if rule is not None:
        found.append((stacks.path_of(rule), rule.digest))
    return tuple(found)


def _lacking(group: tuple[str, ...], badges: Collection[BadgeRecord]) -> MissingPrerequisite:
    for why in _NEAREST:
        for badge in badges:
            if badge.standing == why:
                return MissingPrerequisite("|".join(group), why, badge.since)  # type: ignore[arg-type]
    return MissingPrerequisite("|".join(group), "missing")


def _issued_to(session: ReadSession, digests: Collection[str]) -> dict[str, list[str]]:
    """Ids of the badges that clients issued to addresses, by the addresses' digests."""
    found: dict[str, list[str]] = {}
    wanted = sorted(digests)
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.exec(
            select(AwardRequest.recipient_digest, AwardRequest.credential_id).where(
                col(AwardRequest.recipient_digest).in_(wanted[start : start + AT_ONCE])
            )
        ).all()
        for digest, credential_id in rows:
            found.setdefault(str(digest), []).append(credential_id)
    return found
