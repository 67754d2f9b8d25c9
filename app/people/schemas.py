"""What the people room hands to other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.core.clock import rfc3339

Role = Literal["assessor", "operator", "manager"]
ROLES: tuple[Role, ...] = ("assessor", "operator", "manager")
StaffFunction = Literal["specialist", "supervisor", "mentor", "clinician"]
STAFF_FUNCTIONS: tuple[StaffFunction, ...] = ("specialist", "supervisor", "mentor", "clinician")
Relation = Literal["line_manager", "mentor"]
RELATIONS: tuple[Relation, ...] = ("line_manager", "mentor")


@dataclass(frozen=True)
class Organisation:
    """A lead agency."""

    id: str
    key: str
    name: str


@dataclass(frozen=True)
class Person:
    """A human being. The name is the one they chose themselves, if any."""

    id: str
    display_name: str | None
    created_at: datetime


@dataclass(frozen=True)
class ToldName:
    """What an LMS calls a person: its word, not the person's own."""

    name: str = field(repr=False)
    registration_id: str


@dataclass(frozen=True)
class Waiver:
    """That a badge was not asked for at a grant, though the role asks for it: the badge's key, and why."""

    badge: str
    reason: str


@dataclass(frozen=True)
class RoleGrant:
    """A role in force, or one that was; `waiver` where a badge that it asks for was not asked for."""

    id: str
    person_id: str
    role: Role
    granted_at: datetime
    revoked_at: datetime | None
    waiver: Waiver | None = None


@dataclass(frozen=True)
class EmailConfirmation:
    """A code that was asked for, without the code."""

    id: str
    person_id: str
    email: str = field(repr=False)
    requested_at: datetime
    expires_at: datetime
    tries_left: int


@dataclass(frozen=True)
class ConfirmationMail:
    """What the mail with the code needs. For the messages room only: it carries the code."""

    confirmation_id: str
    person_id: str
    email: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class ConfirmedEmail:
    """An address its holder has shown to receive mail at."""

    id: str
    person_id: str
    email: str = field(repr=False)
    confirmed_at: datetime


Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Section:
    """Records of one kind that a room keeps of a person, as plain JSON values.

    Attributes:
        name: `room.kind`, the same in every export.
        about: what these records are, for the person who reads them.
        records: one mapping a record; part of a document that goes out, like a signed one.
    """

    name: str
    about: str
    records: tuple[Mapping[str, Json], ...] = field(repr=False)


@dataclass(frozen=True)
class PersonalExport:
    """Everything that is kept of a person."""

    person_id: str
    exported_at: datetime
    sections: tuple[Section, ...] = field(repr=False)

    def as_json(self) -> dict[str, Json]:
        """The document that the person is given."""
        return {
            "format": "waymark-personal-data/1",
            "person_id": self.person_id,
            "exported_at": rfc3339(self.exported_at),
            "sections": {
                each.name: {"about": each.about, "records": [dict(record) for record in each.records]}
                for each in self.sections
            },
        }


@dataclass(frozen=True)
class Count:
    """How many records of one kind were erased."""

    what: str
    number: int


@dataclass(frozen=True)
class Kept:
    """What stays of an erased person, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Erasure:
    """What erasing a person does, or did.

    Attributes:
        erased: what is gone, room by room.
        kept: what stays; the same for everybody.
        hindrances: why it cannot be done now; empty if it can.
        erased_before: when it was done already, if it was.
    """

    person_id: str
    erased: tuple[Count, ...]
    kept: tuple[Kept, ...]
    hindrances: tuple[str, ...] = ()
    erased_before: datetime | None = None


@dataclass(frozen=True)
class LmsIdentity:
    """What one LMS calls a person."""

    registration_id: str
    subject: str = field(repr=False)


@dataclass(frozen=True)
class Centre:
    """A place of an organisation where specialists work with young people."""

    id: str
    organisation_id: str
    key: str
    name: str


@dataclass(frozen=True)
class StaffMember:
    """A person in one function at one centre, as long as the membership is in force.

    Attributes:
        name: as it was entered for the work, else what the person is called here.
        email: the work address that was entered, else where mails to the person go; None if no address is known.
        is_entered: whether name and address were entered by the centre; if not, the person was known by a launch, and
            the address is theirs to show, not the centre's.
    """

    membership_id: str
    person_id: str
    centre_id: str
    centre_name: str
    organisation_id: str
    function: StaffFunction
    name: str = field(repr=False)
    email: str | None = field(repr=False)
    is_entered: bool = True


@dataclass(frozen=True)
class ReportingLine:
    """What `other` is to a person, in force."""

    person_id: str
    other_id: str
    relation: Relation


@dataclass(frozen=True)
class KnownPerson:
    """A person whom an LMS of an organisation has brought here, by the name and address that this LMS gave."""

    person_id: str
    name: str = field(repr=False)
    email: str | None = field(repr=False)
