"""Access tokens that all processes of a house share: one asks, the others find the answer in the database."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.logging import get_logger
from app.core.secrets import SecretBox, SecretUnreadable
from app.lti.access_tokens import LONGEST_LIFETIME, OLD_ENOUGH
from app.lti.models import LtiAccessToken, LtiTokenRequest

log = get_logger()

PURPOSE = "lti.access-token"
LONGEST_REQUEST = 25.0  # seconds; core/http gives up on two requests sooner
BETWEEN_LOOKS = 0.1


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

    @contextmanager
    def turn(self, tenant: str) -> Iterator[None]:
        """Held while a token is asked for: a process that comes meanwhile waits, and finds the answer afterwards.

        No lock is held in the database during the request: a row says until when the others wait at most.
        """
        begun = time.monotonic()
        while (until := self._take_turn(tenant)) is None and time.monotonic() - begun < LONGEST_REQUEST:
            time.sleep(BETWEEN_LOOKS)
        try:
            yield
        finally:
            if until is not None:
                self._end_turn(tenant, until)

    def _take_turn(self, tenant: str) -> datetime | None:
        """Until when it is ours; None while it is another's. Where the database does not answer nobody waits."""
        moment = now()
        until = moment + timedelta(seconds=LONGEST_REQUEST)
        try:
            with self._database.write() as session:
                over = (col(LtiTokenRequest.tenant) == tenant) & (col(LtiTokenRequest.until) <= moment)
                session.exec(sa.delete(LtiTokenRequest).where(over))
                session.add(LtiTokenRequest(tenant=tenant, until=until))
        except IntegrityError:
            return None
        except SQLAlchemyError as error:
            _not_at_hand(error)
        return until

    def _end_turn(self, tenant: str, until: datetime) -> None:
        try:
            with self._database.write() as session:
                ours = (col(LtiTokenRequest.tenant) == tenant) & (col(LtiTokenRequest.until) == until)
                session.exec(sa.delete(LtiTokenRequest).where(ours))
        except SQLAlchemyError as error:
            _not_at_hand(error)

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
