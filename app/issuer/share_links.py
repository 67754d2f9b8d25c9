"""Links that show some badges of one holder for a while, shared otherwise or not: `/s/{token}`.

The token has 256 bits and is derived from the link's id under the master key, so that the holder can copy it again and
no row keeps it; a row keeps its digest, by which it is found. It opens nothing but what is below `/s/{token}`: the
badge's own address stays as its holder has it. Nothing is noted about who opens a link, not even that anybody did.

A link is made by a person who is signed in (here), or by whoever has the award mail of a badge (`mailed_links`). The
mail proves that one badge and nothing else, so such a link shows that badge alone. The badge's holder, signed in, sees
and ends it like their own: a mail may have been passed on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core import audit
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.core.ids import digest, new_id
from app.core.secrets import SecretBox
from app.issuer.errors import credential_not_found
from app.issuer.models import BadgeShare, BadgeShareItem, Credential
from app.issuer.reading import stored_credential
from app.issuer.schemas import PublicCredential
from app.issuer.share_errors import ShareLinkRefused, TooManyShareLinks, link_not_found, link_over
from app.vc.keys import base64url

PURPOSE = "issuer.share-link"
LIFETIMES = (7, 30, 90, 365)
USUAL_LIFETIME = 30
MOST_BADGES = 30
MOST_LINKS = 50
KEPT_AFTER_THE_END = timedelta(days=90)


@dataclass(frozen=True)
class ShareLink:
    """A link as its holder sees it.

    Attributes:
        id: its id here, of no use to anybody else.
        url: its address; None once the master key it was made under is no longer in use.
        credential_ids: the badges behind it, in the holder's order.
        created_at: when it was made.
        expires_at: when it stops by itself.
        ended_at: when the holder ended it, if they did.
        by_mail: whether it was made by whoever has the badge's award mail.
    """

    id: str
    url: str | None = field(repr=False)
    credential_ids: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    by_mail: bool

    def works(self, at: datetime) -> bool:
        """Whether it opens anything at a moment."""
        return self.ended_at is None and self.expires_at > at


@dataclass(frozen=True)
class OpenedLink:
    """What somebody with the link may see."""

    credentials: tuple[PublicCredential, ...]
    expires_at: datetime


@dataclass(frozen=True)
class LinkOwner:
    """Whose links are meant.

    Attributes:
        whose: finds theirs.
        most: how many of these may work at a time.
        actor: who acts, for the audit.
        person_id: a person who is signed in, or None.
        claimed_credential_id: else the badge whose award mail somebody has.
    """

    whose: sa.ColumnElement[bool]
    most: int
    actor: Actor
    person_id: str | None = None
    claimed_credential_id: str | None = None


def make(
    session: WriteSession, secret_box: SecretBox, *, person_id: str, credential_ids: Sequence[str], days: int
) -> str:
    """Make a link to some of a person's badges. Those that are over for 90 days are deleted on the way.

    Args:
        session: the caller's transaction.
        secret_box: what its token is derived from.
        person_id: whose badges they are.
        credential_ids: the badges, in the order in which to show them.
        days: how long it works: 7, 30, 90 or 365.

    Returns:
        The link's id.

    Raises:
        ShareLinkRefused: no badge, more than 30, one twice, or another number of days.
        CredentialNotFound: one of them is unknown, unfinished, or somebody else's.
        TooManyShareLinks: the person has 50 links that work.
    """
    check_choice(credential_ids, days)
    own = session.exec(
        select(Credential.id)
        .where(
            col(Credential.id).in_(credential_ids),
            Credential.person_id == person_id,
            col(Credential.current_version) > 0,
        )
        .with_for_update(read=True)  # nobody erases one before the link refers to it
    ).all()
    if set(own) != set(credential_ids):
        raise credential_not_found()
    whose = col(BadgeShare.person_id) == person_id
    owner = LinkOwner(whose, MOST_LINKS, _person(person_id), person_id=person_id)
    return store(session, secret_box, owner, credential_ids, days)


def end(session: WriteSession, *, person_id: str, link_id: str) -> None:
    """End a link for good. One that is over stays as it is.

    Raises:
        ShareLinkNotFound: there is none of this id, or it is somebody else's.
    """
    end_one(session, link_id, _of_person(person_id), _person(person_id))


def links_of(session: ReadSession, secret_box: SecretBox, base_url: str, person_id: str) -> tuple[ShareLink, ...]:
    """A person's links and those made with their award mails, the newest first, those that are over included."""
    return list_links(session, secret_box, base_url, _of_person(person_id))


def store(
    session: WriteSession, secret_box: SecretBox, owner: LinkOwner, credential_ids: Sequence[str], days: int
) -> str:
    """Keep a new link to badges that its owner may show, and return its id.

    Raises:
        TooManyShareLinks: the owner has as many that work as they may.
    """
    _sweep(session, owner)
    _check_count(session, owner)
    link_id = new_id()
    moment = now()
    session.add(
        BadgeShare(
            id=link_id, person_id=owner.person_id, claimed_credential_id=owner.claimed_credential_id,
            token_hash=digest(secret_box.token(PURPOSE, link_id)),
            created_at=moment, expires_at=moment + timedelta(days=days),
        )
    )  # fmt: skip
    session.flush()  # the badges refer to it
    for position, credential_id in enumerate(credential_ids):
        session.add(BadgeShareItem(share_id=link_id, credential_id=credential_id, position=position))
    _note(session, owner.actor, "issuer.share_link_made", link_id, badges=len(credential_ids), days=days)
    return link_id


def end_one(session: WriteSession, link_id: str, whose: sa.ColumnElement[bool], actor: Actor) -> None:
    """End a link for good, if it is one of those that `whose` finds.

    Raises:
        ShareLinkNotFound: it is not.
    """
    moment = now()
    mine = (col(BadgeShare.id) == link_id, whose)
    ended = session.exec(
        sa.update(BadgeShare)
        .where(*mine, col(BadgeShare.ended_at).is_(None), col(BadgeShare.expires_at) > moment)
        .values(ended_at=moment)
        .execution_options(synchronize_session=False)
    )
    if ended.rowcount == 1:
        _note(session, actor, "issuer.share_link_ended", link_id)
    elif session.exec(select(BadgeShare.id).where(*mine)).first() is None:
        raise link_not_found()


def list_links(
    session: ReadSession, secret_box: SecretBox, base_url: str, whose: sa.ColumnElement[bool]
) -> tuple[ShareLink, ...]:
    """The links that `whose` finds, the newest first, those that are over included."""
    rows = session.exec(
        select(BadgeShare).where(whose).order_by(col(BadgeShare.created_at).desc(), col(BadgeShare.id))
    ).all()
    badges: dict[str, list[str]] = {row.id: [] for row in rows}
    for item in session.exec(
        select(BadgeShareItem).where(col(BadgeShareItem.share_id).in_(badges)).order_by(col(BadgeShareItem.position))
    ).all():
        badges[item.share_id].append(item.credential_id)
    return tuple(
        ShareLink(
            id=row.id,
            url=_url(secret_box, base_url, row),
            credential_ids=tuple(badges[row.id]),
            created_at=row.created_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            by_mail=row.person_id is None,
        )
        for row in rows
    )


def count_working(session: ReadSession, credential_ids: Collection[str]) -> dict[str, int]:
    """How many links that work show each of these badges; badges without one are left out."""
    found = session.exec(
        select(BadgeShareItem.credential_id, sa.func.count())
        .join(BadgeShare, col(BadgeShare.id) == col(BadgeShareItem.share_id))
        .where(
            col(BadgeShareItem.credential_id).in_(credential_ids),
            col(BadgeShare.ended_at).is_(None),
            col(BadgeShare.expires_at) > now(),
        )
        .group_by(col(BadgeShareItem.credential_id))
    ).all()
    return dict(found)


def open_link(session: ReadSession, token: str) -> OpenedLink:
    """The badges behind a link, for whoever has it.

    Raises:
        ShareLinkNotFound: no link has this token.
        ShareLinkOver: its time is over, its holder ended it, or none of its badges is left.
    """
    row = session.exec(select(BadgeShare).where(BadgeShare.token_hash == digest(token))).first()
    if row is None:
        raise link_not_found()
    if row.ended_at is not None or row.expires_at <= now():
        raise link_over()
    behind = session.exec(
        select(BadgeShareItem.credential_id)
        .where(BadgeShareItem.share_id == row.id)
        .order_by(col(BadgeShareItem.position))
    ).all()
    if not behind:
        raise link_over()
    return OpenedLink(tuple(stored_credential(session, each) for each in behind), row.expires_at)


def _of_person(person_id: str) -> sa.ColumnElement[bool]:
    """The links that a person may see and end: their own, and those made with the award mails of their badges."""
    held = select(Credential.id).where(Credential.person_id == person_id)
    return sa.or_(col(BadgeShare.person_id) == person_id, col(BadgeShare.claimed_credential_id).in_(held))


def _person(person_id: str) -> Actor:
    return Actor(kind="person", id=person_id)


def check_choice(credential_ids: Sequence[str], days: int) -> None:
    """Make sure that a link can be made of this.

    Raises:
        ShareLinkRefused: no badge, more than 30, one twice, or another number of days.
    """
    if not credential_ids:
        raise ShareLinkRefused("No badge was chosen.", kept="No link was made.", next_step="Choose at least one badge.")
    if len(credential_ids) > MOST_BADGES or len(set(credential_ids)) != len(credential_ids):
        raise ShareLinkRefused(
            f"A link shows up to {MOST_BADGES} badges, each once.", kept="No link was made.",
            next_step="Choose fewer badges, or make two links.",
        )  # fmt: skip
    if days not in LIFETIMES:
        raise ShareLinkRefused(
            "A link works for 7, 30, 90 or 365 days.", kept="No link was made.", next_step="Choose one of these."
        )


def _check_count(session: WriteSession, owner: LinkOwner) -> None:
    working = session.exec(
        select(sa.func.count())
        .select_from(BadgeShare)
        .where(owner.whose, col(BadgeShare.ended_at).is_(None), col(BadgeShare.expires_at) > now())
    ).one()
    if working >= owner.most:
        raise TooManyShareLinks(
            f"You have {owner.most} links that work. That is as many as we keep.", kept="No link was made.",
            next_step="End one that you no longer need, then make the new one.",
        )  # fmt: skip


def _sweep(session: WriteSession, owner: LinkOwner) -> None:
    """Delete links that are long over: nobody has a use for them any more."""
    limit = now() - KEPT_AFTER_THE_END
    over = sa.or_(col(BadgeShare.ended_at) < limit, col(BadgeShare.expires_at) < limit)
    old = session.exec(select(BadgeShare.id).where(owner.whose, over)).all()
    if old:
        session.exec(delete(BadgeShareItem).where(col(BadgeShareItem.share_id).in_(old)))
        session.exec(delete(BadgeShare).where(col(BadgeShare.id).in_(old)))


def _url(secret_box: SecretBox, base_url: str, row: BadgeShare) -> str | None:
    """The address of a link, under whichever master key it was made."""
    tokens = (base64url(value) for value in secret_box.derive_all(PURPOSE, row.id))
    return next((f"{base_url}/s/{token}" for token in tokens if digest(token) == row.token_hash), None)


def _note(session: WriteSession, actor: Actor, action: str, link_id: str, **numbers: int) -> None:
    audit.record(session, actor=actor, action=action, subject="badge_share", subject_id=link_id, **numbers)
