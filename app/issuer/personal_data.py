"""What the issuer room keeps of a person, for the person; and how it goes: each badge as `erasing` does it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col, delete, select

from app.core.audit import OPERATOR
from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox
from app.issuer.content import recipient_hash
from app.issuer.erasing import ERASED, erase
from app.issuer.models import BadgeShare, BadgeShareItem, Credential, CredentialVersion
from app.people.exporting import in_chunks, section
from app.people.personal_data import addresses_of_nobody_else
from app.people.schemas import Count, Kept, Section

RESERVED = "reserved"
INNER = ("idempotency_key", "fingerprint", "person_id")


class IssuerPersonalData:
    """Badges with their documents, and links that show them.

    Args:
        secret_box: digests what a repeated request is known by.
    """

    room = "issuer"
    tables = frozenset({"credential", "credential_version", "badge_share", "badge_share_item"})
    kept = (
        Kept(
            "Of each badge: its place in the status list, and that a badge was there and was erased, by a digest",
            "The place must not be given to another badge, and whoever has the address is told that it was erased.",
        ),
        Kept(
            "Copies of badges that the person or others keep",
            "They are not on this server. They still verify, unless the badges are revoked as well.",
        ),
    )

    def __init__(self, secret_box: SecretBox) -> None:
        self._secret_box = secret_box

    def export(self, session: ReadSession, person_id: str) -> tuple[Section, ...]:
        """Badges, every version as it was signed, and links."""
        badges = credential_ids(session, person_id)
        mine = col(BadgeShare.person_id) == person_id
        parts = {
            "badges": Section("issuer.badges", "Your badges and where they stand.", ()),
            "versions": Section("issuer.badge_versions", "Each version of them, exactly as it was signed.", ()),
        }
        for some in in_chunks(badges):
            parts["badges"] = _joined(
                parts["badges"],
                section(session, "", "", Credential, col(Credential.id).in_(some), without=INNER),
            )
            of_them = col(CredentialVersion.credential_id).in_(some)
            parts["versions"] = _joined(parts["versions"], section(session, "", "", CredentialVersion, of_them))
        return (
            *parts.values(),
            section(
                session, "issuer.links", "Links you made to show badges. Their addresses are not kept.", BadgeShare,
                mine, without=("person_id", "token_hash"),
            ),
            section(
                session, "issuer.badges_behind_links", "Which badges those links show.", BadgeShareItem,
                col(BadgeShareItem.share_id).in_(select(BadgeShare.id).where(mine)),
            ),
            self._mailed(session, badges),
        )  # fmt: skip

    def hindrances(self, session: ReadSession, person_id: str) -> tuple[str, ...]:
        """A badge that is being signed would be theirs when all else is gone."""
        signing = select(Credential.id).where(Credential.person_id == person_id, Credential.state == RESERVED)
        if session.exec(signing).first() is None:
            return ()
        return ("A badge for this person is being signed just now; a worker finishes it within minutes.",)

    def erase(self, session: WriteSession, person_id: str) -> tuple[Count, ...]:
        """Erase every badge, and every link."""
        badges = credential_ids(session, person_id)
        for credential_id in badges:
            erase(session, self._secret_box, credential_id, actor=OPERATOR)
        mine = select(BadgeShare.id).where(BadgeShare.person_id == person_id)
        session.execute(delete(BadgeShareItem).where(col(BadgeShareItem.share_id).in_(mine)))
        ended = session.execute(delete(BadgeShare).where(col(BadgeShare.person_id) == person_id))
        return (
            Count("badges with all their versions", len(badges)),
            Count("links that show badges", ended.rowcount),  # type: ignore[attr-defined]
        )

    def _mailed(self, session: ReadSession, badges: tuple[str, ...]) -> Section:
        whole = Section("issuer.mailed_links", "Links made with an award mail, each to the one badge it is about.", ())
        for some in in_chunks(badges):
            of_them = col(BadgeShare.claimed_credential_id).in_(some)
            whole = _joined(whole, section(session, "", "", BadgeShare, of_them, without=("person_id", "token_hash")))
        return whole


def credential_ids(session: ReadSession, person_id: str) -> tuple[str, ...]:
    """Ids of a person's badges: those that are theirs here, and those bound to nothing but an address of theirs.

    The second kind an operator or a program issued to an address. It counts as theirs if they confirmed that address
    and nobody else ever did.
    """
    there = col(Credential.state).not_in((RESERVED, ERASED))
    known = session.exec(select(Credential.id).where(Credential.person_id == person_id, there)).all()
    addresses = addresses_of_nobody_else(session, person_id)
    if not addresses:
        return tuple(sorted(known))
    unowned = session.execute(
        sa.select(Credential.id, Credential.identity_salt, Credential.identity_hash)  # type: ignore[call-overload]
        .where(col(Credential.person_id).is_(None), col(Credential.identity_hash).is_not(None), there)
        .execution_options(yield_per=1000)
    )
    theirs = [
        row.id for row in unowned if any(recipient_hash(a, row.identity_salt) == row.identity_hash for a in addresses)
    ]
    return tuple(sorted({*known, *theirs}))


def _joined(first: Section, second: Section) -> Section:
    return Section(first.name, first.about, (*first.records, *second.records))
