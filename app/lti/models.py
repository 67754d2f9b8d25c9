"""Tables of the LTI room: platforms we know, logins under way, our keys, what links open, and where grades go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id

PENDING = "pending"
ACTIVE = "active"
DISABLED = "disabled"

MANUAL = "manual"
DYNAMIC = "dynamic"


class LtiRegistration(Record, table=True):
    """One client id that a platform gave us; nothing of it works until an operator has approved it."""

    __tablename__ = "lti_registration"
    __table_args__ = (sa.UniqueConstraint("issuer", "client_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    issuer: str
    client_id: str
    auth_login_url: str
    auth_token_url: str
    jwks_url: str
    audience: str | None = None
    state: str = Field(default=PENDING)  # pending | active | disabled
    organisation_id: str | None = Field(default=None, index=True)
    name: str
    product_family: str | None = None
    extra_frame_origins: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    source: str = Field(default=MANUAL)  # manual | dynamic
    configuration_url: str | None = None
    account_name: str | None = None  # which tenant of a shared issuer, in the platform's own words
    granted_scopes: list[str] = Field(default_factory=list, sa_type=sa.JSON)  # as told at dynamic registration
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class LtiDeployment(Record, table=True):
    """One place in a platform where the tool is deployed.

    A launch from one we do not know leaves a pending row; only an operator lets it in.
    """

    __tablename__ = "lti_deployment"
    __table_args__ = (sa.UniqueConstraint("registration_id", "platform_deployment_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    registration_id: str = Field(foreign_key="lti_registration.id", index=True)
    platform_deployment_id: str
    state: str = Field(default=PENDING)  # pending | active | disabled
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # last launch of a deployment that waits


class LtiLogin(Record, table=True):
    """One login under way: ties state, nonce and browser together until one launch uses it up."""

    __tablename__ = "lti_login"

    id: str = Field(default_factory=new_id, primary_key=True)
    state_hash: str = Field(unique=True)
    nonce_hash: str
    browser_hash: str
    registration_id: str = Field(foreign_key="lti_registration.id", index=True)
    target_link_uri: str
    parameters: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)  # what a restart sends again
    restarted: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    held_launch: str | None = None  # sealed: judged, and waiting for the browser to show the login's secret
    handle_hash: str | None = None  # of the handle by which that launch is taken, once
    handle_expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime, index=True)


class LtiToolKey(Record, table=True):
    """A key pair with which this tool proves itself to platforms; the private half is sealed."""

    __tablename__ = "lti_tool_key"

    id: str = Field(default_factory=new_id, primary_key=True)
    kid: str = Field(unique=True)
    public_pem: str
    sealed_private_pem: str
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    active_from: datetime = Field(default_factory=now, sa_type=UTCDateTime)  # published before, used from then on
    retired_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # published until then; may lie ahead


class LtiAccessToken(Record, table=True):
    """A platform's access token, sealed, shared by all processes until shortly before it expires."""

    __tablename__ = "lti_access_token"

    tenant: str = Field(primary_key=True)  # digest of issuer, client id, token endpoint and audience
    scopes: str = Field(primary_key=True)  # sorted, with a blank between
    sealed_token: str
    got_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)


class LtiTokenRequest(Record, table=True):
    """The process that is asking a platform for an access token just now; the others wait for what it is given."""

    __tablename__ = "lti_token_request"

    tenant: str = Field(primary_key=True)  # as in LtiAccessToken
    until: datetime = Field(sa_type=UTCDateTime)  # by then it has asked, or died


class LtiContext(Record, table=True):
    """A course that was launched from, with the address of its roster where the platform has one."""

    __tablename__ = "lti_context"
    __table_args__ = (sa.UniqueConstraint("deployment_id", "context_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    registration_id: str = Field(foreign_key="lti_registration.id", index=True)
    deployment_id: str = Field(foreign_key="lti_deployment.id")
    context_id: str
    memberships_url: str | None = None
    title: str | None = None
    history: list[str] = Field(default_factory=list, sa_type=sa.JSON)  # courses it was copied from, newest first
    seen_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class LtiResourceLink(Record, table=True):
    """One placed activity: what it opens, and its column in the gradebook.

    `line_item_url` is the platform's own for this link, or the one we made or found. A copied activity has a row of
    its own, although it shares its original's resourceId and tag.
    """

    __tablename__ = "lti_resource_link"
    __table_args__ = (sa.UniqueConstraint("deployment_id", "resource_link_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    registration_id: str = Field(foreign_key="lti_registration.id", index=True)
    deployment_id: str = Field(foreign_key="lti_deployment.id")
    resource_link_id: str
    context_id: str | None = None
    module_key: str | None = None
    activity_key: str | None = None
    view: str | None = None
    history: list[str] = Field(default_factory=list, sa_type=sa.JSON)  # links it was copied from, newest first
    line_item_url: str | None = None
    line_items_url: str | None = None
    scopes: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    line_item_made: bool = False  # by us, because the platform gave none
    leased_until: datetime | None = Field(default=None, sa_type=UTCDateTime)  # who is making one just now
    updated_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class LtiGradeLink(Record, table=True):
    """Where the score of one person for one resource link goes."""

    __tablename__ = "lti_grade_link"
    __table_args__ = (
        sa.UniqueConstraint("deployment_id", "resource_link_id", "subject"),
        sa.Index("ix_lti_grade_link_person_module", "person_id", "module_key"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    registration_id: str = Field(foreign_key="lti_registration.id", index=True)
    deployment_id: str = Field(foreign_key="lti_deployment.id")
    context_id: str | None = None
    resource_link_id: str
    line_item_url: str | None = None
    line_items_url: str | None = None
    scopes: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    person_id: str
    subject: str
    module_key: str | None = None
    updated_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class LtiScore(Record, table=True):
    """One score for one grade link, and what became of it.

    `decision_id` is the decision that is told, or the id of an operator's request to send a score. The newest row of a
    link is what its gradebook should show; an older one that was not sent yet is replaced by it.
    """

    __tablename__ = "lti_score"
    __table_args__ = (sa.UniqueConstraint("decision_id", "grade_link_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    decision_id: str
    grade_link_id: str = Field(foreign_key="lti_grade_link.id", index=True)
    score_given: float
    score_maximum: float
    timestamp: datetime = Field(sa_type=UTCDateTime)
    state: str = Field(default="waiting")  # waiting | sent | already_there | failed | not_sent | replaced
    problem: str | None = None  # what stood in the way at the last try, as app/lti/score_problems.py names it
    line_item_url: str | None = None  # the column it was last sent to
    delivery_id: str | None = None  # of the outbox: who sends it
    attempts: int = 0
    created_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_error: str | None = None
