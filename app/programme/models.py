"""Every version that was ever loaded, kept for good: what began under a version is judged under it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from app.core.clock import now
from app.core.db import Record, UTCDateTime
from app.core.ids import new_id


class ProgrammeVersion(Record, table=True):
    """Frameworks, scales and principles of a programme at one version."""

    __tablename__ = "programme_version"
    __table_args__ = (sa.UniqueConstraint("key", "version"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    key: str
    version: int
    digest: str
    document: dict[str, Any] = Field(sa_type=sa.JSON)
    loaded_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class ProgrammePathwayVersion(Record, table=True):
    """A pathway at one version, with what its badge says. It is current as long as its files name no higher one."""

    __tablename__ = "programme_pathway_version"
    __table_args__ = (sa.UniqueConstraint("key", "version"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    key: str
    version: int
    programme_key: str = Field(index=True)
    digest: str
    document: dict[str, Any] = Field(sa_type=sa.JSON)
    loaded_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)


class ProgrammeModuleVersion(Record, table=True):
    """A module at one version. It is current as long as its programme's files name no higher one."""

    __tablename__ = "programme_module_version"
    __table_args__ = (sa.UniqueConstraint("key", "version"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    key: str
    version: int
    programme_key: str = Field(index=True)
    digest: str
    document: dict[str, Any] = Field(sa_type=sa.JSON)
    loaded_at: datetime = Field(default_factory=now, sa_type=UTCDateTime)
