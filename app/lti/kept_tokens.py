"""Access tokens that all processes of a house share: one asks, the others find the answer in the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.logging import get_logger
from app.core.secrets import SecretBox, SecretUnreadable
from app.lti.access_tokens import LONGEST_LIFETIME, OLD_ENOUGH
from app.lti.models import LtiAccessToken

log = get_logger()

PURPOSE = "lti.access-token"


@dataclass(frozen=True)
class KeptToken:
    """A token that another process was given, perhaps for more scopes than were asked for."""

    scopes: frozenset[str]
    value: str = field(repr=False)
    expires_in: float


class KeptTokens:
    """The tokens in the database, sealed.

    They only spare requests: where they cannot be read or written, each process asks for itself.

    Args:
        database: shared by the processes.
        secret_box: seals the tokens.
    """

    def __init__(self, database: Database, secret_box: SecretBox) -> None:
        self._database = database
        self._secret_box = secret_box

    def find(self, tenant: str, scopes: Collection[str]) -> KeptToken | None:
        """The token of this tenant that is good for these scopes for longest, if there is one."""
        moment, wanted = now(), frozenset(scopes)
        try:
            with self._database.read() as session:
                rows = session.exec(
                    select(LtiAccessToken)
                    .where(LtiAccessToken.tenant == tenant, col(LtiAccessToken.expires_at) > moment)
                    .order_by(col(LtiAccessToken.expires_at).desc())
                ).all()
        except SQLAlchemyError as error:
            _not_at_hand(error)
            return None
        for row in rows:
            asked, value = frozenset(row.scopes.split(" ")), self._open(row.sealed_token)
            if wanted <= asked and value is not None:
                return KeptToken(asked, value, (row.expires_at - moment).total_seconds())
        return None

    def keep(self, tenant: str, scopes: Collection[str], value: str, expires_in: float) -> None:
        """Share a token that was just given; what is over goes."""
        moment = now()
        row = LtiAccessToken(
            tenant=tenant,
            scopes=_joined(scopes),
            sealed_token=self._secret_box.encrypt(PURPOSE, value.encode("ascii")),
            got_at=moment,
            expires_at=moment + timedelta(seconds=min(expires_in, LONGEST_LIFETIME)),
        )
        try:
            with self._database.write() as session:
                _delete(session, col(LtiAccessToken.expires_at) < moment)
                session.merge(row)
        except SQLAlchemyError as error:
            _not_at_hand(error)

    def forget(self, tenant: str, value: str, *, only_old: bool = False) -> None:
        """Let go of a token that a platform does not take any more.

        Args:
            tenant: whose.
            value: the token; one that another process was given since stays.
            only_old: only if it was given a while ago.
        """
        before = now() - timedelta(seconds=OLD_ENOUGH if only_old else 0)
        try:
            with self._database.write() as session:
                for row in session.exec(select(LtiAccessToken).where(LtiAccessToken.tenant == tenant)).all():
                    if row.got_at <= before and self._open(row.sealed_token) == value:
                        session.delete(row)
        except SQLAlchemyError as error:
            _not_at_hand(error)

    def _open(self, sealed: str) -> str | None:
        try:
            return self._secret_box.decrypt(PURPOSE, sealed).decode("ascii")
        except SecretUnreadable:
            return None


def _joined(scopes: Collection[str]) -> str:
    return " ".join(sorted(scopes))


def _delete(session: WriteSession, those: sa.ColumnElement[bool]) -> None:
    session.exec(sa.delete(LtiAccessToken).where(those).execution_options(synchronize_session=False))


def _not_at_hand(error: SQLAlchemyError) -> None:
    log.warning("lti.kept_tokens_not_at_hand", error=type(error).__name__)
