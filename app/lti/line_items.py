"""A column of our own where the platform gave an activity none: found, or else made, once.

Assignment and Grade Services 2.0 §3.2 (https://www.imsglobal.org/spec/lti-ags/v2p0). A worker may die after the column
was made and before it was noted, and activities are copied together with the resourceId and tag of their columns. So
we look first, and never take a column that belongs to another link.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from pylti1p3.lineitem import LineItem
from sqlmodel import col, select

from app.core.clock import now
from app.core.db import Database, WriteSession
from app.core.logging import get_logger
from app.lti.connector import PlatformConnector
from app.lti.errors import ServiceFailed
from app.lti.grades import LINE_ITEM_READ_SCOPE, LINE_ITEM_SCOPE, Gradebook
from app.lti.models import LtiGradeLink, LtiResourceLink, LtiScore
from app.lti.placements import LINE_ITEM_TAG, line_item_resource
from app.lti.scores import THERE, send_again
from app.lti.urls import same_origin, split_http_url
from app.programme import service as programme
from app.programme.errors import ModuleUnknown

log = get_logger()

SCORE_MAXIMUM = 100
LEASE = timedelta(minutes=2)
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"


class ColumnBusy(Exception):
    """Another worker is finding or making the column just now."""


class NoColumn(Exception):
    """There is none, and we may not make one."""


class ColumnStillThere(Exception):
    """The column that is said to be gone is listed all the same."""


def line_item(
    database: Database, connector: PlatformConnector, gradebook: Gradebook, *, gone: str | None = None
) -> str:
    """The column of a gradebook that has none: one that is there and ours, else one that is made now.

    Of several workers that ask at once one does it.

    Args:
        database: where the address is kept.
        connector: to the platform.
        gradebook: one that may be looked for (`Gradebook.may_look`), with its link.
        gone: the address of the column it had, which the platform does not know any more. Every score that was in it
            is sent again to the new one.

    Raises:
        ColumnBusy: another worker is at it.
        NoColumn: there is none, and none may be made.
        ColumnStillThere: `gone` is listed.
        ServiceFailed: the platform did not answer as it should.
    """
    if gradebook.link_id is None or gradebook.line_items_url is None:
        raise NoColumn
    work = _Work(database, connector, gradebook, gradebook.link_id, gradebook.line_items_url, gone, now() + LEASE)
    known = work.take()
    if known is not None:
        return known
    url: str | None = None
    try:
        url = work.look() or work.make()
    finally:
        work.end(url)
    return url


def below(url: str, name: str, **query: str) -> str:
    """An address below that of a line item: the path grows, and the query it had stays (§3.3.1, §3.4.1)."""
    parts = urlsplit(url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return parts._replace(path=parts.path.rstrip("/") + f"/{name}" if name else parts.path, query=joined).geturl()


@dataclass
class _Work:
    """Finding or making the column of one link, by one worker at a time."""

    database: Database
    connector: PlatformConnector
    gradebook: Gradebook
    link_id: str
    listed: str
    gone: str | None
    leased_until: datetime

    def take(self) -> str | None:
        """Take the work on, unless somebody has done it meanwhile: then the address.

        Raises:
            ColumnBusy: somebody is at it.
        """
        until = col(LtiResourceLink.leased_until)
        url = col(LtiResourceLink.line_item_url)
        mine = (
            sa.update(LtiResourceLink)
            .where(
                col(LtiResourceLink.id) == self.link_id,
                sa.or_(until.is_(None), until < now()),
                sa.or_(url.is_(None), url == self.gone),
            )
            .values(leased_until=self.leased_until)
        )
        with self.database.write() as session:
            if session.exec(mine).rowcount:
                return None
            known = session.exec(select(url).where(LtiResourceLink.id == self.link_id)).one()
        if known is None or known == self.gone:
            raise ColumnBusy
        return known

    def look(self) -> str | None:
        """A column that is bound to our link; else one bound to none, that bears our mark and is no other link's."""
        wanted = self.gradebook.resource_link_id
        found = [url for url, item in self._items(resource_link_id=wanted) if item.get("resourceLinkId") == wanted]
        if not found and self.gradebook.module_key is not None:
            resource_id = line_item_resource(self.gradebook.module_key)
            unbound = [
                url
                for url, item in self._items(resource_id=resource_id)
                if not item.get("resourceLinkId")
                and item.get("resourceId") == resource_id
                and item.get("tag") in (None, "", LINE_ITEM_TAG)
            ]
            found = self._not_of_others(unbound)
        if self.gone is not None and self.gone in found:
            raise ColumnStillThere
        return found[0] if found else None

    def make(self) -> str:
        """A new column.

        Raises:
            NoColumn: we may not make one.
            ColumnBusy: looking took so long that another worker has begun.
        """
        module_key = self.gradebook.module_key
        if not self.gradebook.may_make or module_key is None:
            raise NoColumn
        item = (
            LineItem()
            .set_label(self._label(module_key))
            .set_score_maximum(SCORE_MAXIMUM)
            .set_resource_id(line_item_resource(module_key))
            .set_tag(LINE_ITEM_TAG)
            .set_resource_link_id(self.gradebook.resource_link_id)
        )
        self._renew()
        answer = self.connector.make_service_request(
            [LINE_ITEM_SCOPE], self.listed, is_post=True, data=item.get_value(), content_type=LINE_ITEM,
            accept=LINE_ITEM,
        )  # fmt: skip
        made = answer["body"].get("id") if isinstance(answer["body"], dict) else None
        if not self._is_usable(made):
            raise ServiceFailed("the service did not say where it made the line item")  # the next try looks for it
        log.info("lti.line_item_made", link_id=self.link_id, registration_id=self.gradebook.platform.registration_id)
        return str(made)

    def end(self, url: str | None) -> None:
        """Note the address, if there is one now, and let the next worker at it."""
        with self.database.write() as session:
            row = session.exec(
                select(LtiResourceLink)
                .where(LtiResourceLink.id == self.link_id, LtiResourceLink.leased_until == self.leased_until)
                .with_for_update()
            ).first()
            if row is None:
                return  # too slow: another worker has it, and finds the column by looking
            row.leased_until = None
            if url is not None:
                row.line_item_url, row.line_item_made, row.updated_at = url, True, now()
            session.add(row)
            if url is not None and self.gone is not None:
                session.flush()
                self._send_lost_scores_again(session, self.gone)

    def _send_lost_scores_again(self, session: WriteSession, gone: str) -> None:
        links = session.exec(
            select(LtiGradeLink).where(
                LtiGradeLink.deployment_id == self.gradebook.deployment_id,
                LtiGradeLink.resource_link_id == self.gradebook.resource_link_id,
            )
        ).all()
        for link in links:
            if link.line_item_url == gone:
                link.line_item_url = None
                session.add(link)
        lost = session.exec(
            select(LtiScore).where(
                col(LtiScore.grade_link_id).in_([link.id for link in links]),
                LtiScore.line_item_url == gone,
                col(LtiScore.state).in_(THERE),
            )
        ).all()
        for score in lost:
            send_again(session, score)
        log.info("lti.line_item_replaced", link_id=self.link_id, scores=len(lost))

    def _items(self, **query: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The course's columns by address; platforms may pass over the filter, so nothing is taken on its word."""
        scope = LINE_ITEM_SCOPE if LINE_ITEM_SCOPE in self.gradebook.scopes else LINE_ITEM_READ_SCOPE
        for page in self.connector.pages([scope], below(self.listed, "", **query), accept=LINE_ITEMS):
            for item in page:
                url = item.get("id") if isinstance(item, dict) else None
                if self._is_usable(url):
                    yield str(url), item

    def _is_usable(self, url: object) -> bool:
        """Whether an address may get our token: only one on the host that the launch named."""
        return split_http_url(url) is not None and same_origin(url, self.listed)

    def _not_of_others(self, urls: list[str]) -> list[str]:
        with self.database.read() as session:
            taken = session.exec(
                select(LtiResourceLink.line_item_url).where(
                    LtiResourceLink.registration_id == self.gradebook.platform.registration_id,
                    LtiResourceLink.id != self.link_id,
                    col(LtiResourceLink.line_item_url).in_(urls),
                )
            ).all()
        return [url for url in urls if url not in taken]

    def _renew(self) -> None:
        """Looking may have taken long; what follows is short, so that no other worker begins meanwhile."""
        longer = now() + LEASE
        with self.database.write() as session:
            held = session.exec(
                sa.update(LtiResourceLink)
                .where(col(LtiResourceLink.id) == self.link_id, col(LtiResourceLink.leased_until) == self.leased_until)
                .values(leased_until=longer)
            ).rowcount
        if not held:
            raise ColumnBusy
        self.leased_until = longer

    def _label(self, module_key: str) -> str:
        with self.database.read() as session:
            try:
                return f"{module_key} · {programme.current_module(session, module_key).title}"
            except ModuleUnknown:
                return module_key
