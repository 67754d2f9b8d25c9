"""`waymark platform`: the LMSs that may launch into this server."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from app.cli.support import EXIT_NO, emit, fail, open_database
from app.config import Settings
from app.core import outbox
from app.core.clock import rfc3339
from app.core.db import Database, ReadSession, WriteSession
from app.core.http import HttpClient
from app.core.ids import new_id
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.lti import grades, health, registrations, toolkeys
from app.lti.connector import Connectors
from app.lti.events import ScoreRequested
from app.lti.health import HealthCheck
from app.lti.models import ACTIVE, DISABLED, PENDING, LtiRegistration, LtiToolKey
from app.lti.registrations import PlatformDetails
from app.lti.roster import course_members
from app.people import service as people

MARKS = {"pass": "green", "fail": "RED  ", "unknown": "?    "}

app = typer.Typer(help="LMSs that may launch into this server.", no_args_is_help=True)

Issuer = Annotated[str, typer.Option("--issuer", help="The LMS's issuer, exactly as it sends it.")]
ClientId = Annotated[str, typer.Option("--client-id", help="The client id that the LMS gave this tool.")]
Organisation = Annotated[
    str | None, typer.Option("--org", help="Key of the organisation whose LMS it is; entered if it is new.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("add")
def add(
    issuer: Issuer,
    client_id: ClientId,
    auth_login_url: Annotated[str, typer.Option(help="OIDC authorization endpoint.")],
    auth_token_url: Annotated[str, typer.Option(help="OAuth 2 token endpoint.")],
    jwks_url: Annotated[str, typer.Option(help="Address of the LMS's public keys.")],
    audience: Annotated[str | None, typer.Option(help="Audience of token requests, if not the endpoint.")] = None,
    deployment: Annotated[str | None, typer.Option(help="Deployment id, if it is known.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call this LMS.")] = None,
    frame_origin: Annotated[list[str] | None, typer.Option(help="A further origin that frames the tool.")] = None,
    org: Organisation = None,
    as_json: AsJson = False,
) -> None:
    """Enter an LMS; it waits for `approve`."""
    details = PlatformDetails(
        issuer=issuer,
        client_id=client_id,
        auth_login_url=auth_login_url,
        auth_token_url=auth_token_url,
        jwks_url=jwks_url,
        audience=audience,
        name=name,
        extra_frame_origins=tuple(frame_origin or ()),
    )
    with open_database() as (settings, database):
        with database.write() as session:
            row = registrations.add_registration(
                session,
                details,
                deployment=deployment,
                organisation_id=_organisation_id(session, org),
                allow_http=settings.allow_private_networks,
            )
            shown = _shown(session, row)
        login_url = f"{settings.base_url}/lti/login/{shown['id']}"
        emit(shown | {"login_url": login_url}, as_json, f"{_line(shown)}\nIts own login address: {login_url}")


@app.command("list")
def list_platforms(as_json: AsJson = False) -> None:
    """Show every LMS with its deployments."""
    with open_database() as (_settings, database), database.read() as session:
        shown = [_shown(session, row) for row in registrations.list_registrations(session)]
    emit(
        shown, as_json, "\n".join(map(_line, shown)) or "No LMS is connected yet. Enter one with: waymark platform add"
    )


@app.command("approve")
def approve(
    issuer: Issuer,
    client_id: ClientId,
    deployment: Annotated[
        str | None, typer.Option(help="Let in this deployment; all that are entered if left out.")
    ] = None,
    org: Organisation = None,
    as_json: AsJson = False,
) -> None:
    """Let an LMS in."""
    with open_database() as (_settings, database), database.write() as session:
        row = registrations.approve(
            session,
            issuer=issuer,
            client_id=client_id,
            deployment=deployment,
            organisation_id=_organisation_id(session, org),
        )
        shown = _shown(session, row)
    text = _line(shown)
    if not shown["deployments"]:
        text += "\nNo deployment is known yet: the first launch names it; then approve once more, or use --deployment."
    emit(shown, as_json, text)


@app.command("remove")
def remove(
    issuer: Issuer,
    client_id: ClientId,
    deployment: Annotated[
        str | None, typer.Option(help="Switch off this deployment only; the whole LMS if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Switch an LMS off. What its people earned stays theirs."""
    with open_database() as (_settings, database), database.write() as session:
        if deployment is None:
            row = registrations.remove(session, issuer=issuer, client_id=client_id)
        else:
            row = registrations.find_registration(session, issuer=issuer, client_id=client_id)
            found = registrations.find_deployment(session, row.id, deployment)
            registrations.disable_deployment(session, found.id)
        shown = _shown(session, row)
    emit(shown, as_json, _line(shown))


@app.command("check")
def check(
    issuer: Annotated[str | None, typer.Option("--issuer", help="The LMS's issuer; every LMS if left out.")] = None,
    client_id: Annotated[str | None, typer.Option("--client-id", help="The client id there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask an LMS for everything this server needs of it: exit 0 if nothing is red, 1 if something is."""
    with open_database() as (settings, database):
        runtime = _runtime(settings, database)
        with database.read() as session:
            known = registrations.list_registrations(session)
            wanted = [
                (row.id, row.name, row.issuer, row.client_id)
                for row in known
                if row.state != DISABLED and issuer in (None, row.issuer) and client_id in (None, row.client_id)
            ]
        if not wanted and any(issuer in (None, row.issuer) and client_id in (None, row.client_id) for row in known):
            fail("That LMS is switched off. Let it in first: waymark platform approve")
        if not wanted:
            fail("No such LMS is connected. See them with: waymark platform list")
        checked = [(each, health.check_platform(runtime, each[0])) for each in wanted]
    shown = [
        {"id": each[0], "name": each[1], "issuer": each[2], "client_id": each[3], "checks": [asdict(c) for c in checks]}
        for each, checks in checked
    ]
    emit(shown, as_json, "\n\n".join(f"{each[1]}\n{_check_lines(checks)}" for each, checks in checked))
    if any(found.result == "fail" for _, checks in checked for found in checks):
        raise typer.Exit(EXIT_NO)


@app.command("keys")
def keys(as_json: AsJson = False) -> None:
    """Show the keys with which this server proves itself to LMSs."""
    with open_database() as (_settings, database), database.read() as session:
        shown = [_shown_key(row) for row in toolkeys.tool_keys(session)]
    text = "\n".join(f"{key['kid']}  used from {key['active_from']}, {key['until']}" for key in shown)
    emit(shown, as_json, text or "There is no key yet; one is made when it is first needed.")


@app.command("rotate-key")
def rotate_key(
    use_after: Annotated[
        int, typer.Option(min=0, help="Minutes until the new key is used; 0 if the old one was stolen.")
    ] = 60,
    keep_old: Annotated[int, typer.Option(min=0, help="Days the old keys stay published after that.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Make a new key for proving this server to LMSs; the old ones stay published for a while."""
    with open_database() as (settings, database):
        made = toolkeys.rotate_tool_key(
            database,
            SecretBox(settings.secret_keys),
            use_after=timedelta(minutes=use_after),
            keep_old_for=timedelta(days=keep_old),
        )
        shown = _shown_key(made)
    emit(shown, as_json, f"Made {shown['kid']}: published now, used from {shown['active_from']}.")


@app.command("score")
def score(
    issuer: Issuer,
    client_id: ClientId,
    resource_link: Annotated[str, typer.Option(help="The LMS's resource link id.")],
    user: Annotated[str, typer.Option(help="The LMS's id of the user (`sub`).")],
    given: Annotated[float, typer.Option(min=0, help="Points given.")],
    maximum: Annotated[float, typer.Option(min=0, help="Points that can be had.")],
    as_json: AsJson = False,
) -> None:
    """Queue one score for the gradebook; the worker sends it."""
    if not (math.isfinite(maximum) and maximum > 0 and 0 <= given <= maximum):
        fail("--maximum must be more than 0, and --given at most as much.", code=2)
    with open_database() as (_settings, database), database.write() as session:
        link = grades.find_grade_link(
            session, issuer=issuer, client_id=client_id, resource_link_id=resource_link, subject=user
        )
        if not grades.takes_scores(link):
            fail("The LMS has not given this activity a gradebook column that this tool may write to.")
        event = ScoreRequested(new_id(), link.id, str(given), str(maximum))
        outbox.emit(session, event)
    emit(asdict(event), as_json, f"Queued {given:g} of {maximum:g}; the worker sends it ({event.request_id}).")


@app.command("roster")
def roster(
    issuer: Issuer,
    client_id: ClientId,
    context: Annotated[str, typer.Option("--context", help="The LMS's id of the course.")],
    as_json: AsJson = False,
) -> None:
    """Ask the LMS who is in a course, and print it."""
    with open_database() as (settings, database):
        runtime = _runtime(settings, database)
        with database.read() as session:
            platform = registrations.platform_of(
                registrations.find_registration(session, issuer=issuer, client_id=client_id)
            )
            memberships_url = grades.roster_url(session, issuer=issuer, client_id=client_id, context_id=context)
        members = course_members(Connectors(runtime).to(platform), memberships_url)
        lines = [f"{each.user_id}  {each.status}  {each.name or '–'}  {', '.join(each.roles)}" for each in members]
        emit([asdict(each) for each in members], as_json, "\n".join(lines) or "Nobody is in this course.")


def _runtime(settings: Settings, database: Database) -> Runtime:
    http = HttpClient(allow_private_networks=settings.allow_private_networks)
    return Runtime(settings, database, http, JwksCache(http), SecretBox(settings.secret_keys))


def _check_lines(checks: Sequence[HealthCheck]) -> str:
    lines = []
    for each in checks:
        lines.append(f"  {MARKS[each.result]}  {each.name}: {each.detail}")
        if each.mend:
            lines.append(f"         {each.mend}")
    return "\n".join(lines)


def _shown_key(row: LtiToolKey) -> dict[str, Any]:
    until = f"published until {rfc3339(row.retired_at)}" if row.retired_at else "published until further notice"
    return {
        "kid": row.kid,
        "active_from": rfc3339(row.active_from),
        "retired_at": rfc3339(row.retired_at) if row.retired_at else None,
        "until": until,
    }


def _organisation_id(session: WriteSession, key: str | None) -> str | None:
    """The organisation of this key, entered now if it is new; its name can be anything later."""
    if key is None:
        return None
    found = people.organisation_by_key(session, key)
    return (found or people.ensure_organisation(session, key=key, name=key)).id


def _shown(session: ReadSession, row: LtiRegistration) -> dict[str, Any]:
    return {
        "id": row.id,
        "issuer": row.issuer,
        "client_id": row.client_id,
        "name": row.name,
        "state": row.state,
        "source": row.source,
        "account_name": row.account_name,
        "organisation_id": row.organisation_id,
        "product_family": row.product_family,
        "auth_login_url": row.auth_login_url,
        "auth_token_url": row.auth_token_url,
        "jwks_url": row.jwks_url,
        "audience": row.audience,
        "deployments": [
            {
                "deployment_id": each.platform_deployment_id,
                "state": each.state,
                "seen_at": rfc3339(each.seen_at) if each.seen_at else None,
            }
            for each in registrations.deployments(session, row.id)
        ],
    }


def _line(shown: dict[str, Any]) -> str:
    places = ", ".join(f"{each['deployment_id']} ({each['state']})" for each in shown["deployments"]) or "none"
    whose = f"issuer {shown['issuer']}  client {shown['client_id']}  deployments {places}"
    account = f" ({shown['account_name']})" if shown["account_name"] else ""
    return "\n".join(
        (
            f"{shown['name']}{account}: {shown['state']}",
            f"  {whose}",
            *map("  to let it in: {}".format, _lets_in(shown)),
        )
    )


def _lets_in(shown: dict[str, Any]) -> list[str]:
    """The commands that let in what waits; none for what somebody switched off."""
    command = ["waymark", "platform", "approve", "--issuer", shown["issuer"], "--client-id", shown["client_id"]]
    if shown["state"] == PENDING:
        return [shlex.join(command)]
    if shown["state"] != ACTIVE:
        return []
    waiting = [each["deployment_id"] for each in shown["deployments"] if each["state"] == PENDING]
    return [shlex.join([*command, "--deployment", each]) for each in waiting]
