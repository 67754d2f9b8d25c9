"""What a placed link opens, also where it does not say: because it, or what it was copied from, opened it before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from app.core import rows
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.lti.models import LtiResourceLink
from app.lti.schemas import Launch

LINE_ITEM_TAG = "waymark-award"
"""Marks the gradebook columns that are ours; copies share it, so it never tells one from another."""


def line_item_resource(module_key: str) -> str:
    """The resourceId of a module's gradebook column (Assignment and Grade Services 2.0 §3.2.5)."""
    return f"waymark:{module_key}"


@dataclass(frozen=True)
class Opened:
    """What a launch opens: a module, one activity of it, the pathway, or nothing in particular."""

    module_key: str | None
    activity_key: str | None = None
    view: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the launch names nothing at all."""
        return self.module_key is None and self.view is None


def opened_by(session: ReadSession, launch: Launch) -> Opened:
    """What a launch opens: what it names, else what its link opened before, else what the link it was copied from did.

    Args:
        session: reads.
        launch: a verified launch.
    """
    named = Opened(launch.module_key, launch.activity_key, launch.view)
    if not named.is_nothing:
        return named
    for link_id in filter(None, (launch.resource_link_id, *launch.resource_link_history)):
        row = find_link(session, launch.deployment_id, link_id)
        if row is not None and (row.module_key or row.view):
            return Opened(row.module_key, row.activity_key, row.view)
    return named


def remember_link(session: WriteSession, launch: Launch, opened: Opened) -> None:
    """Keep what a link opens, and where its grades go. Two first launches at the same moment make one row.

    A line item that we made stays where the platform gives none.
    """
    if not launch.resource_link_id:
        return
    key = {"deployment_id": launch.deployment_id, "resource_link_id": launch.resource_link_id}
    row: LtiResourceLink | sa.Row[Any] | None = rows.find(session, LtiResourceLink, **key)
    if row is None:
        row = LtiResourceLink(
            registration_id=launch.registration_id,
            deployment_id=launch.deployment_id,
            resource_link_id=launch.resource_link_id,
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            row = rows.find(session, LtiResourceLink, **key) or row
    wanted: dict[str, Any] = {
        "context_id": launch.context_id,
        "module_key": opened.module_key,
        "activity_key": opened.activity_key,
        "view": opened.view,
        "history": list(launch.resource_link_history),
        "line_items_url": launch.line_items_url,
        "scopes": list(launch.ags_scopes),
    }
    if launch.line_item_url is not None or not row.line_item_made:
        wanted |= {"line_item_url": launch.line_item_url, "line_item_made": False}
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if changed:
        rows.change(session, LtiResourceLink, row.id, changed | {"updated_at": now()})


def find_link(session: ReadSession, deployment_id: str, resource_link_id: str) -> LtiResourceLink | None:
    """What is kept of a link of a deployment (our id)."""
    return session.exec(
        select(LtiResourceLink).where(
            LtiResourceLink.deployment_id == deployment_id, LtiResourceLink.resource_link_id == resource_link_id
        )
    ).first()
