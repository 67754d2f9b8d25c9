"""`waymark centre` and `waymark staff`: an agency's centres, who works there, and who is whose manager or mentor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail, open_database
from app.core.audit import OPERATOR
from app.core.db import ReadSession
from app.people import service as people
from app.people import staff_import
from app.people.errors import StaffFileNotUsable
from app.people.schemas import RELATIONS, STAFF_FUNCTIONS, Centre, Organisation, Relation, StaffFunction, StaffMember

centres = typer.Typer(help="Enter the centres of an agency, or list them.", no_args_is_help=True)
app = typer.Typer(
    help="Enter the staff of a centre, list or end them, and say who is whose manager or mentor.",
    no_args_is_help=True,
)

FUNCTIONS = ", ".join(STAFF_FUNCTIONS)

Org = Annotated[str, typer.Option("--org", help="Key of the agency, as given to `waymark platform approve --org`.")]
AnyOrg = Annotated[str | None, typer.Option("--org", help="Only of the agency with this key.")]
OrgName = Annotated[
    str | None, typer.Option("--org-name", help="The agency's name; with it, one that is new is entered.")
]
Key = Annotated[str, typer.Option("--key", help="What to call the centre in commands and files, like footscray.")]
Name = Annotated[str, typer.Option("--name", help="The centre's name, for people.")]
CentreKey = Annotated[str, typer.Option("--centre", help="Key of the centre.")]
AnyCentre = Annotated[str | None, typer.Option("--centre", help="Only of the centre with this key, with --org.")]
StaffName = Annotated[str | None, typer.Option("--name", help="What the centre calls them, with --email.")]
Email = Annotated[str | None, typer.Option("--email", help="Their work address.")]
Known = Annotated[
    str | None, typer.Option("--person", help="In place of name and address: the id of a person who has launched.")
]
Function = Annotated[str, typer.Option("--function", help=f"What they do there: {FUNCTIONS}.")]
Membership = Annotated[
    str, typer.Argument(metavar="MEMBERSHIP", help="The membership's id, from `waymark staff list`.")
]
Who = Annotated[str, typer.Option("--person", help="Whose: a person's id, or the work address.")]
Other = Annotated[str, typer.Option("--other", help="Who manages or mentors them: a person's id, or the work address.")]
RelationName = Annotated[str, typer.Option("--relation", help=f"{' or '.join(RELATIONS)}.")]
End = Annotated[bool, typer.Option("--end", help="They no longer are.")]
File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A CSV file (UTF-8) with a header: centre, name, email, function; line_manager, mentor if wanted.",
    ),
]
AsJson = Annotated[bool, JSON_OPTION]


@centres.command("add")
def add_centre(org: Org, key: Key, name: Name, org_name: OrgName = None, as_json: AsJson = False) -> None:
    """Enter a centre of an agency."""
    with open_database() as (_, database), database.write() as session:
        if org_name is not None and people.organisation_by_key(session, org) is None:
            people.ensure_organisation(session, key=org, name=org_name)
        organisation = _organisation(session, org)
        added = people.add_centre(session, organisation_id=organisation.id, key=key, name=name, actor=OPERATOR)
    emit(
        _centre(added, organisation), as_json, f"{added.name} is entered as centre {added.key} of {organisation.name}."
    )


@centres.command("list")
def list_centres(org: AnyOrg = None, as_json: AsJson = False) -> None:
    """Every centre, with how many work there."""
    with open_database() as (_, database), database.read() as session:
        own = _organisation(session, org).id if org is not None else None
        rows = [
            _centre(each, people.organisation(session, each.organisation_id))
            | {"staff": len({member.person_id for member in people.staff_of(session, each.id)})}
            for each in people.centres(session, own)
        ]
    text = "\n".join(f"{row['organisation']}  {row['key']}  {row['name']}  {row['staff']} staff" for row in rows)
    emit(rows, as_json, text or "No centre is entered.")


@app.command("add")
def add_staff(
    org: Org,
    centre: CentreKey,
    function: Function,
    name: StaffName = None,
    email: Email = None,
    person: Known = None,
    as_json: AsJson = False,
) -> None:
    """Enter somebody as staff of a centre: by name and work address, or somebody who has launched by their id."""
    known = _function(function)
    if (person is None) != (name is not None and email is not None) or (person and (name or email)):
        fail("Name them by --name and --email together, or by --person.", code=EXIT_MISUSE)
    with open_database() as (_, database), database.write() as session:
        place = _of_organisation(session, org, centre)
        if person is not None:
            member = people.join_centre(session, person_id=person, centre_id=place.id, function=known, actor=OPERATOR)
        else:
            member = people.add_staff(
                session, centre_id=place.id, name=name or "", email=email or "", function=known, actor=OPERATOR
            )
    emit(_member(member), as_json, f"{member.name} is {member.function} at {member.centre_name}.")


@app.command("list")
def list_staff(org: AnyOrg = None, centre: AnyCentre = None, as_json: AsJson = False) -> None:
    """Who works where, as what, with the ids that other commands take."""
    if centre is not None and org is None:
        fail("--centre needs --org: another agency may have a centre with this key.", code=EXIT_MISUSE)
    with open_database() as (_, database), database.read() as session:
        if centre is not None:
            places: tuple[Centre, ...] = (_of_organisation(session, org or "", centre),)
        else:
            places = people.centres(session, _organisation(session, org).id if org is not None else None)
        rows = [_with_lines(session, member) for place in places for member in people.staff_of(session, place.id)]
    text = "\n".join(
        f"{row['name']}, {row['function']} at {row['centre']}, {row['email'] or 'no address'}\n"
        f"  person {row['person_id']}  membership {row['membership_id']}"
        for row in rows
    )
    emit(rows, as_json, text or "Nobody is entered as staff.")


@app.command("end")
def end_staff(membership: Membership, as_json: AsJson = False) -> None:
    """End somebody's work in one function at one centre. What they did and earned stays."""
    with open_database() as (_, database), database.write() as session:
        member = people.staff_member(session, membership)
        people.end_membership(session, membership_id=membership, actor=OPERATOR)
    text = f"{member.name} is no longer {member.function} at {member.centre_name}."
    emit(_member(member) | {"state": "ended"}, as_json, text)


@app.command()
def line(
    person: Who, other: Other, relation: RelationName, org: AnyOrg = None, end: End = False, as_json: AsJson = False
) -> None:
    """Say who is somebody's line manager or mentor, or that they no longer are. There is one line manager at a time."""
    if relation not in RELATIONS:
        fail(f"There is no relation {relation!r}. The relations are {', '.join(RELATIONS)}.", code=EXIT_MISUSE)
    if org is None and "@" in person + other:
        fail("An address needs --org: another agency may have somebody under it too.", code=EXIT_MISUSE)
    kind: Relation = relation
    with open_database() as (_, database), database.write() as session:
        person_id, other_id = _person(session, org, person), _person(session, org, other)
        if end:
            people.end_line(session, person_id=person_id, other_id=other_id, relation=kind, actor=OPERATOR)
        else:
            people.set_line(session, person_id=person_id, other_id=other_id, relation=kind, actor=OPERATOR)
    data = {"person_id": person_id, "other_id": other_id, "relation": kind, "state": "ended" if end else "in force"}
    word = "no longer" if end else "now"
    emit(data, as_json, f"Person {other_id} is {word} {kind.replace('_', ' ')} of person {person_id}.")


@app.command("import")
def import_file(file: File, org: Org, as_json: AsJson = False) -> None:
    """Enter the staff of an agency from a CSV file. Every row is checked first; one that is wrong stops them all.

    A second time changes nothing. Nobody who is missing in the file is ended.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(staff_import.MOST_BYTES + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", code=EXIT_MISUSE)
    with open_database() as (_, database):
        try:
            with database.write() as session:
                organisation = _organisation(session, org)
                done = staff_import.import_staff(session, organisation_id=organisation.id, data=data, actor=OPERATOR)
        except StaffFileNotUsable as error:
            if not as_json:
                fail(f"{error.title}.\n{error.detail}\n{error.kept} {error.next_step}")
            rows = [{"row": each.row, "column": each.column, "what": each.what} for each in error.problems]
            emit({"rows": 0, "errors": rows}, True, "")
            raise typer.Exit(1) from None
    text = (
        f"Entered as the file says: {_counted(done.rows, 'row')}, {_counted(done.persons, 'person')}, "
        f"{_counted(done.lines, 'line')} to managers and mentors."
    )
    emit({"rows": done.rows, "persons": done.persons, "lines": done.lines, "errors": []}, as_json, text)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _function(text: str) -> StaffFunction:
    if text not in STAFF_FUNCTIONS:
        fail(f"There is no function {text!r}. The functions are {FUNCTIONS}.", code=EXIT_MISUSE)
    return text


def _organisation(session: ReadSession, key: str) -> Organisation:
    found = people.organisation_by_key(session, key)
    if found is None:
        fail(f"No agency has the key {key!r}. It is entered with its LMS, or by `centre add --org-name`.")
    return found


def _of_organisation(session: ReadSession, org: str, key: str) -> Centre:
    organisation = _organisation(session, org)
    found = next((each for each in people.centres(session, organisation.id) if each.key == key), None)
    if found is None:
        fail(f"{organisation.name} has no centre with the key {key!r}. `waymark centre list` names them.")
    return found


def _person(session: ReadSession, org: str | None, told: str) -> str:
    if "@" not in told:
        return told
    organisation = _organisation(session, org or "")
    found = people.person_by_work_address(session, organisation.id, told)
    if found is None:
        fail(
            f"Nobody was entered among the staff of {organisation.name} by this work address. Nothing was changed. "
            "An address that an LMS told does not count: take the person's id from `waymark staff list`."
        )
    return found


def _centre(each: Centre, organisation: Organisation) -> dict[str, Any]:
    return {"id": each.id, "organisation": organisation.key, "key": each.key, "name": each.name}


def _member(member: StaffMember) -> dict[str, Any]:
    return {
        "membership_id": member.membership_id,
        "person_id": member.person_id,
        "centre": member.centre_name,
        "function": member.function,
        "name": member.name,
        "email": member.email,
    }


def _with_lines(session: ReadSession, member: StaffMember) -> dict[str, Any]:
    found = people.lines_of(session, member.person_id)
    return _member(member) | {"lines": [{"other_id": each.other_id, "relation": each.relation} for each in found]}
