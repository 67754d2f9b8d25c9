"""The few facts a server remembers about itself, such as the address its badges were made for."""

from __future__ import annotations

from sqlmodel import Field

from app.core.db import ReadSession, Record, WriteSession


class ServerFact(Record, table=True):
    """One fact by its name."""

    __tablename__ = "server_fact"

    name: str = Field(primary_key=True)
    value: str


def recall(session: ReadSession, name: str) -> str | None:
    """The fact of this name, if it was ever noted."""
    row = session.get(ServerFact, name)
    return row.value if row else None


def note(session: WriteSession, name: str, value: str) -> None:
    """Note a fact; an earlier one of the same name gives way."""
    row = session.get(ServerFact, name) or ServerFact(name=name, value=value)
    row.value = value
    session.add(row)
