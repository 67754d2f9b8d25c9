"""`waymark role`: giving a person a role, and taking it again. An LMS's word never does either."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail, open_database
from app.core.audit import OPERATOR
from app.core.db import ReadSession, WriteSession
from app.core.text import is_plain_text
from app.lti import registrations
from app.people import service as people
from app.people.schemas import Role, RoleGrant, Waiver
from app.programme import service as programme
from app.wiring import current_badges

app = typer.Typer(help="Give a person a role, or take it again: assessor, operator or manager.", no_args_is_help=True)

RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="assessor, operator or manager.")]
PersonId = Annotated[str | None, typer.Option("--person", help="The person's id here.")]
Issuer = Annotated[str | None, typer.Option("--issuer", help="The LMS's issuer URL, with --client-id and --subject.")]
ClientId = Annotated[str | None, typer.Option("--client-id", help="The client id the LMS gave to Waymark.")]
Subject = Annotated[str | None, typer.Option("--subject", help="The person's user id in that LMS (the claim `sub`).")]
WaiveReason = Annotated[
    str | None, typer.Option("--waive-reason", help="Why a badge that the role asks for is waived, if it is missing.")
]
AsJson = Annotated[bool, JSON_OPTION]

LONGEST_REASON = 500
NO_REASON = "No reason was given."


@app.command()
def grant(
    role: RoleName,
    person: PersonId = None,
    issuer: Issuer = None,
    client_id: ClientId = None,
    subject: Subject = None,
    waive_reason: WaiveReason = None,
    as_json: AsJson = False,
) -> None:
    """Give a role to a person, also before their first launch.

    A role can ask for a badge, as that of an assessor does. A person without the badge gets the role too, and it goes
    on record that you waived the badge, and why.
    """
    known_role = _role(role)
    identity = _named(person, issuer, client_id, subject)
    reason = _reason(waive_reason)
    with open_database() as (_, database), database.write() as session:
        person_id = person or _person_of_identity(session, *identity)
        badge = _badge_missing(session, person_id, known_role)
        waiver = Waiver(badge, reason or NO_REASON) if badge else None
        outcome = people.grant_role(session, person_id=person_id, role=known_role, actor=OPERATOR, waiver=waiver)
    _tell(outcome, as_json, f"Person {outcome.person_id} is now {known_role}.{_waived(outcome)}")


@app.command()
def revoke(
    role: RoleName,
    person: PersonId = None,
    issuer: Issuer = None,
    client_id: ClientId = None,
    subject: Subject = None,
    as_json: AsJson = False,
) -> None:
    """Take a role from a person. What they decided while they held it stands."""
    known_role = _role(role)
    identity = _named(person, issuer, client_id, subject)
    with open_database() as (_, database), database.write() as session:
        person_id = person or _known_person(session, *identity)
        outcome = people.revoke_role(session, person_id=person_id, role=known_role, actor=OPERATOR)
    _tell(outcome, as_json, f"Person {outcome.person_id} is no longer {known_role}.")


def _role(text: str) -> Role:
    if text not in get_args(Role):
        fail(f"There is no role {text!r}. The roles are {', '.join(get_args(Role))}.", code=EXIT_MISUSE)
    return cast(Role, text)


def _reason(text: str | None) -> str | None:
    """Why a badge is waived, as one line; it may be left out, and the waiver is on record all the same."""
    if text is None:
        return None
    said = " ".join(text.split())
    if not said or len(said) > LONGEST_REASON or not is_plain_text(said):
        fail(f"Say why in one line of at most {LONGEST_REASON} characters. Nothing was changed.", code=EXIT_MISUSE)
    return said


def _badge_missing(session: ReadSession, person_id: str, role: Role) -> str | None:
    """The badge that a role asks for and that the person does not hold now."""
    asked = [module.key for module in programme.modules(session) if role in module.qualifies_for]
    held = current_badges(session, person_id, asked) if asked else frozenset()
    return next((key for key in asked if key not in held), None)


def _waived(outcome: RoleGrant) -> str:
    """What to say of a badge that was waived."""
    if outcome.waiver is None:
        return ""
    more = " Say why with --waive-reason when you grant it." if outcome.waiver.reason == NO_REASON else ""
    return f" It asks for {outcome.waiver.badge}, which was waived; that is on record.{more}"


def _named(person: str | None, issuer: str | None, client_id: str | None, subject: str | None) -> tuple[str, str, str]:
    """The LMS identity given, once it is clear that exactly one way of naming the person was used."""
    parts = (issuer, client_id, subject)
    if (person is None) != all(parts) or (person is not None and any(parts)):
        fail("Name the person by --person, or by --issuer, --client-id and --subject together.", code=EXIT_MISUSE)
    return issuer or "", client_id or "", subject or ""


def _person_of_identity(session: WriteSession, issuer: str, client_id: str, subject: str) -> str:
    """The person whom the LMS calls by this subject; one is made if they have not come yet."""
    registration = registrations.find_registration(session, issuer=issuer, client_id=client_id)
    return people.person_for_lms_identity(
        session,
        registration_id=registration.id,
        subject=subject,
        name=None,
        email=None,
        organisation_id=registration.organisation_id,
    ).id


def _known_person(session: ReadSession, issuer: str, client_id: str, subject: str) -> str:
    registration = registrations.find_registration(session, issuer=issuer, client_id=client_id)
    found = people.person_by_lms_identity(session, registration_id=registration.id, subject=subject)
    if found is None:
        fail("Nobody with this subject in that LMS is known here. Nothing was changed.")
    return found.id


def _tell(outcome: RoleGrant, as_json: bool, text: str) -> None:
    emit(
        {
            "id": outcome.id,
            "person_id": outcome.person_id,
            "role": outcome.role,
            "granted_at": outcome.granted_at,
            "revoked_at": outcome.revoked_at,
            "waived": outcome.waiver.badge if outcome.waiver is not None else None,
            "waiver_reason": outcome.waiver.reason if outcome.waiver is not None else None,
        },
        as_json,
        text,
    )
