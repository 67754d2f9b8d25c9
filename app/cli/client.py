"""`waymark client`: the systems that may use the API, and their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from app.api import client_keys, clients
from app.api.clients import ClientInfo, ClientKeys, ClientSecret
from app.api.errors import ClientUnusable, ScopeRefused
from app.api.limits import MOST_PER_MINUTE, USUAL_PER_MINUTE
from app.api.scopes import SCOPES, parse
from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail, open_database
from app.config import Settings
from app.core.audit import OPERATOR
from app.core.clock import now, rfc3339
from app.core.db import ReadSession
from app.programme import service as programme

app = typer.Typer(help="Systems that may use the API (OAuth 2 client credentials).", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="As `waymark client list` prints it.")]
Jwks = Annotated[
    Path | None, typer.Option("--jwks", metavar="FILE", help="The client signs: its public keys, a JSON Web Key Set.")
]
JwksUri = Annotated[
    str | None, typer.Option("--jwks-uri", metavar="URL", help="The client signs: where it publishes its public keys.")
]
AsJson = Annotated[bool, JSON_OPTION]

USUAL_OVERLAP_HOURS = 24


@app.command("add")
def add(
    name: Annotated[str, typer.Option("--name", help="What you call the system.")],
    scope: Annotated[
        list[str], typer.Option("--scope", help=f"What it may do, in quotation marks: {', '.join(SCOPES)}.")
    ],
    achievement: Annotated[
        list[str] | None,
        typer.Option("--achievement", metavar="KEY", help="Only for this achievement; may be given several times."),
    ] = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    rate: Annotated[
        int, typer.Option("--rate", min=1, max=MOST_PER_MINUTE, help="Calls it may make in a minute.")
    ] = USUAL_PER_MINUTE,
    as_json: AsJson = False,
) -> None:
    """Enter a system, and print its id and its secret. The secret is shown this once and kept nowhere."""
    scopes = _scopes(scope)
    with open_database() as (settings, database):
        keys = _keys(settings, jwks, jwks_uri)
        with database.write() as session:
            if achievement:
                _must_exist(session, achievement)
            added = clients.add(
                session,
                name=name,
                scopes_held=scopes,
                actor=OPERATOR,
                achievements=achievement or None,
                keys=keys,
                per_minute=rate,
            )
    _tell(added, as_json)


@app.command("list")
def list_clients(as_json: AsJson = False) -> None:
    """List the systems: what they may do, when they were last used; nothing secret."""
    with open_database() as (_settings, database), database.read() as session:
        found = clients.find_all(session)
    text = "\n".join(map(_line, found)) or "No system may use the API yet. Enter one with: waymark client add"
    emit({"items": [_shown(each) for each in found]}, as_json, text)


@app.command("rotate")
def rotate(
    client_id: ClientId,
    overlap: Annotated[
        int,
        typer.Option(
            "--overlap",
            metavar="HOURS",
            min=0,
            max=int(clients.LONGEST_OVERLAP.total_seconds()) // 3600,
            help="How long the old secret still counts. 0 ends it, and the tokens got by it, at once.",
        ),
    ] = USUAL_OVERLAP_HOURS,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    as_json: AsJson = False,
) -> None:
    """Give a system a new secret, or other keys if it signs."""
    with open_database() as (settings, database):
        keys = _keys(settings, jwks, jwks_uri)
        with database.write() as session:
            rotated = clients.rotate(session, client_id, actor=OPERATOR, overlap=timedelta(hours=overlap), keys=keys)
    end = now() + timedelta(hours=overlap)
    ending = f"The old one counts until {rfc3339(end)}." if overlap else "The old one and its tokens ended just now."
    _tell(rotated, as_json, ending if rotated.secret is not None else "")


@app.command("disable")
def disable(client_id: ClientId, as_json: AsJson = False) -> None:
    """Switch a system off: its tokens end at once. What it awarded stands."""
    with open_database() as (_settings, database), database.write() as session:
        info = clients.disable(session, client_id, OPERATOR)
    emit(_shown(info), as_json, _line(info))


@app.command("enable")
def enable(client_id: ClientId, as_json: AsJson = False) -> None:
    """Switch a system on again, and let it in after too many wrong secrets."""
    with open_database() as (_settings, database), database.write() as session:
        info = clients.enable(session, client_id, OPERATOR)
    emit(_shown(info), as_json, _line(info))


def _scopes(given: Sequence[str]) -> frozenset[str]:
    try:
        return parse(" ".join(" ".join(given).split()))
    except ScopeRefused as error:
        fail(f"{error.detail} The scopes are {', '.join(SCOPES)}.", code=EXIT_MISUSE)


def _keys(settings: Settings, jwks: Path | None, jwks_uri: str | None) -> ClientKeys | None:
    if jwks is not None and jwks_uri is not None:
        fail("Give the keys by --jwks or by --jwks-uri, not by both.", code=EXIT_MISUSE)
    if jwks_uri is not None:
        address = client_keys.checked_address(jwks_uri, allow_http=settings.allow_private_networks)
        return ClientKeys(address=address)
    return None if jwks is None else ClientKeys(key_set=client_keys.read_key_set(_read(jwks)))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(client_keys.MAX_BYTES + 1)
    except OSError as error:
        fail(f"The key set cannot be read: {error.strerror}: {path}", code=EXIT_MISUSE)


def _must_exist(session: ReadSession, achievements: Sequence[str]) -> None:
    existing = {each.key for each in programme.current_achievements(session)}
    unknown = sorted(set(achievements) - existing)
    if unknown:
        raise ClientUnusable(
            f"The programme has no achievement {', '.join(unknown)}.",
            kept="Nothing was changed.",
            next_step=f"It has {', '.join(sorted(existing)) or 'none yet: load it with waymark programme load'}.",
        )


def _tell(secret: ClientSecret, as_json: bool, ending: str = "") -> None:
    lines = [f"client_id:     {secret.client_id}"]
    if secret.secret is not None:
        lines += [f"client_secret: {secret.secret}", "Keep the secret now: it is not shown again."]
    emit(
        {"client_id": secret.client_id, "client_secret": secret.secret},
        as_json,
        "\n".join([*lines, ending] if ending else lines),
    )


def _shown(info: ClientInfo) -> dict[str, Any]:
    return {**asdict(info), "scopes": list(info.scopes)}


def _line(info: ClientInfo) -> str:
    used = f"last used {rfc3339(info.last_used_at)}" if info.last_used_at is not None else "never used"
    state = f"OFF since {rfc3339(info.disabled_at)}" if info.disabled_at is not None else "on"
    limited = f", only {' '.join(info.achievements)}" if info.achievements is not None else ""
    how = info.jwks_uri or info.shows_itself_by
    secrets = f" ({info.secrets} secrets)" if info.secrets > 1 else ""
    return (
        f"{info.id}  {info.name}: {state}, {used}, {how}{secrets}, {info.per_minute} calls a minute\n"
        f"    {' '.join(info.scopes)}{limited}"
    )
