"""`waymark key`: the keys that badges are signed with, and the master key that seals them."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from app.awards.batches.inputs import SEALED as SEALED_IN_BATCHES
from app.awards.requests import SEALED as SEALED_IN_REQUESTS
from app.cli.support import EXIT_MISUSE, EXIT_NO, JSON_OPTION, emit, fail, open_database
from app.core import audit
from app.core.audit import OPERATOR
from app.core.audit_seal import SEALED as SEALED_IN_AUDIT
from app.core.clock import now, rfc3339
from app.core.db import Database
from app.core.resealing import SealCount, count_seals, reseal
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.issuer import key_claims
from app.issuer import service as issuer
from app.issuer.key_compromise import Revoked
from app.issuer.key_reseal import SEALED as SEALED_BY_ISSUERS
from app.issuer.key_resigning import Resigned
from app.issuer.key_rotation import PUBLISHED_BEFORE_USE, find_key
from app.issuer.schemas import KeyInfo
from app.lti.reseal import SEALED as SEALED_FOR_LMSS
from app.wiring import Services, bind, prepare

app = typer.Typer(help="The keys that badges are signed with.", no_args_is_help=True)

AsJson = Annotated[bool, JSON_OPTION]
Kid = Annotated[str, typer.Argument(metavar="KID", help="The key's name, as `waymark key list` prints it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]

SECONDS_BETWEEN_LINES = 2.0
SEALED = (*SEALED_BY_ISSUERS, *SEALED_FOR_LMSS, *SEALED_IN_AUDIT, *SEALED_IN_BATCHES, *SEALED_IN_REQUESTS)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the signing keys: names, dates and where each stands, nothing secret."""
    with house() as runtime, runtime.database.read() as session:
        found = issuer.list_keys(session)
    emit({"items": [_shown(key) for key in found]}, as_json, "\n".join(_line(key) for key in found))


@app.command("rotate")
def rotate(
    issuer_key: Annotated[str, typer.Option("--issuer", help="Whose key: the issuer's short name, e.g. orygen.")],
    algorithm: Annotated[
        str, typer.Option("--algorithm", help="Ed25519 (proofs in badges), ES256 or RS256 (badges as tokens).")
    ] = "Ed25519",
    use_after: Annotated[
        int, typer.Option("--use-after", min=0, max=43_200, help="Minutes from being published to being used.")
    ] = int(PUBLISHED_BEFORE_USE.total_seconds() // 60),
    at_once: Annotated[bool, typer.Option("--now", help="Use it at once, like --use-after 0.")] = False,
    remote: Annotated[
        str | None, typer.Option("--remote", help="Name of a key at the signing service; without it one is made here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish a new key now and sign with it after a while. What the old one signed stays valid."""
    with house() as runtime:
        rotated = issuer.rotate_key(
            runtime.database,
            runtime.secret_box,
            issuer_key=issuer_key,
            algorithm=algorithm,
            use_after=timedelta(0) if at_once else timedelta(minutes=use_after),
            remote_name=remote,
            actor=OPERATOR,
        )
    begins = "at once" if rotated.active_from <= now() else f"from {rfc3339(rotated.active_from)}"
    replaced = f", in place of {', '.join(rotated.replaces)}" if rotated.replaces else ""
    emit(
        {"kid": rotated.kid, "active_from": rotated.active_from, "replaces": list(rotated.replaces)},
        as_json,
        f"{rotated.kid} is published now and signs {begins}{replaced}.",
    )


@app.command("retire")
def retire(kid: Kid, as_json: AsJson = False) -> None:
    """Take a key out of use for good. What it signed stays valid."""
    with house() as runtime:
        issuer.retire_key(runtime.database, kid=kid, actor=OPERATOR)
    emit({"kid": kid, "state": "retired"}, as_json, f"Retired: {kid} signs nothing any more; what it signed is valid.")


@app.command("revoke")
def revoke(
    kid: Kid,
    reason: Annotated[str, typer.Option("--reason", help="Why, in a few words; kept with the key, not published.")],
    since: Annotated[
        str | None, typer.Option("--since", help="When strangers may have got it, e.g. 2026-11-20; published.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a key that strangers may have, and sign again everything in force that rests on it.

    The same command once more, or any worker, goes on where it was stopped.
    """
    moment = _moment(since)
    with house() as runtime:
        with runtime.database.read() as session:
            find_key(session, kid)
            signed = issuer.count_signed_with(session, kid)
            later = None if moment is None else issuer.count_signed_with(session, kid, moment)
        _confirm(kid, signed, yes, as_json)
        revoked = issuer.revoke_key(
            runtime.database, runtime.secret_box, kid=kid, reason=reason, since=moment, actor=OPERATOR
        )
        result = issuer.resign(
            runtime.database,
            runtime.secret_box,
            runtime.settings.base_url,
            progress=None if as_json else _Ticker().tell,
        )
    data = {
        "kid": kid,
        "state": "revoked",
        "untrusted_from": revoked.untrusted_from,
        "replaced_by": revoked.replaced_by,
        "versions_signed": signed,
        "versions_signed_since": later,
        "signed_again": result.done,
        "failed": result.failed,
        "left": result.left,
    }
    emit(data, as_json, _told(revoked, result, signed, later))
    if result.left:
        raise typer.Exit(EXIT_NO)


@app.command("reseal")
def reseal_everything(
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether anything needs an older master key.")
    ] = False,
    end_links: Annotated[
        bool,
        typer.Option("--end-old-links", help="Let holders' links sent under older master keys end: one was stolen."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Seal everything under the first key of WAYMARK_SECRET_KEY, so that the others can be dropped."""
    if check and end_links:
        fail("--check changes nothing, so it does not go with --end-old-links.", code=EXIT_MISUSE)
    with open_database() as (settings, database):
        box = SecretBox(settings.secret_keys)
        if check:
            counts = [count_seals(database, box, place) for place in SEALED]
        else:
            counts = [reseal(database, box, place) for place in SEALED]
            _see_to_links(database, box, counts, end=end_links)
        with database.read() as session:
            links_need_it = key_claims.needs_older_key(session, box)
    needed = any(count.older for count in counts) or (links_need_it and not end_links)
    emit(
        {"needs_older_key": needed, "links_kept": not links_need_it, "items": [asdict(count) for count in counts]},
        as_json,
        "\n".join([*map(_seal_line, counts), _conclusion(needed, len(settings.secret_keys))]),
    )
    if needed or any(count.unreadable for count in counts):
        raise typer.Exit(EXIT_NO)


def _see_to_links(database: Database, box: SecretBox, counts: list[SealCount], *, end: bool) -> None:
    with database.write() as session:
        if end:
            key_claims.end_links(session)
        else:
            key_claims.keep_links(session, box)
        resealed = sum(count.resealed for count in counts)
        audit.record(
            session,
            actor=OPERATOR,
            action="core.resealed",
            subject="server",
            subject_id="secret-key",
            resealed=resealed,
            links_ended=int(end),
        )


def _seal_line(count: SealCount) -> str:
    told = f"{count.what}: {count.newest} under the newest key, {count.older} under an older one"
    lost = f", {count.unreadable} that no key opens" if count.unreadable else ""
    return f"{told}{lost}" + (f"; {count.resealed} sealed anew" if count.resealed else "")


def _conclusion(needed: bool, keys: int) -> str:
    if needed:
        return "An older master key is still needed."
    return "No older master key is needed." if keys > 1 else "There is one master key, and no other is needed."


def _confirm(kid: str, signed: int, yes: bool, as_json: bool) -> None:
    if yes:
        return
    if as_json:
        fail("With --json nothing is asked, so revoking a key takes --yes.", code=EXIT_MISUSE)
    sys.stderr.write(
        f"Revoking {kid} cannot be undone. It signed {signed:,} versions of badges. Copies of them that people keep "
        "fail from now on; those in force are signed again under the same addresses.\n"
    )
    if typer.prompt(f"Type {kid} to revoke it", err=True).strip() != kid:
        fail("That is not the key's name. Nothing was changed.")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        fail("--since is a day, 2026-11-20, or a moment with its zone, 2026-11-20T08:30:00Z.", code=EXIT_MISUSE)
    return moment


def _told(revoked: Revoked, result: Resigned, signed: int, later: int | None) -> str:
    lines = [f"Revoked{' before' if revoked.before else ''}: {revoked.kid}, since {rfc3339(revoked.untrusted_from)}."]
    if revoked.replaced_by:
        lines.append(f"{revoked.replaced_by} signs in its place.")
    if later is not None:
        lines.append(f"Of the {signed:,} versions it signed, {later:,} were signed here since then: look them through.")
    lines.append(f"Signed again: {result.done:,} badges.")
    if result.cannot_sign:
        lines.append(f"It stopped there: {result.cannot_sign}")
    if result.left:
        lines.append(f"Left: {result.left:,}. The worker goes on with them; the log names what failed.")
    return "\n".join(lines)


class _Ticker:
    """A line on standard error every few seconds, so that nobody takes a long command for a dead one."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def tell(self, done: int, total: int) -> None:
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            sys.stderr.write(f"Signed again: {done:,} of {total:,}\n")
            sys.stderr.flush()


def _shown(key: KeyInfo) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "issuer": key.issuer_key,
        "algorithm": key.algorithm,
        "use": key.use,
        "state": key.state,
        "created_at": key.created_at,
        "active_from": key.active_from,
        "retired_at": key.retired_at,
        "revoked_at": key.revoked_at,
        "remote_name": key.remote_name,
    }


def _line(key: KeyInfo) -> str:
    where = f"  at the signing service as {key.remote_name}" if key.remote_name else ""
    return f"{key.kid}  {key.algorithm}  {key.use}  {key.state}  {_dates(key)}{where}"


def _dates(key: KeyInfo) -> str:
    if key.state == "revoked" and key.revoked_at:
        return f"{key.revoked_at:%Y-%m-%d}"
    if key.state == "retired" and key.retired_at:
        return f"{key.retired_at:%Y-%m-%d}"
    until = f", until {rfc3339(key.retired_at)}" if key.retired_at else ""
    return f"since {key.active_from:%Y-%m-%d}{until}" if key.state == "in use" else f"from {rfc3339(key.active_from)}"


@contextmanager
def house() -> Iterator[Runtime]:
    """A server's means, once it is certain that this is its database, its address and its key.

    A badge signed for another address could never be checked, so what `serve` refuses to start on is refused here too.
    """
    with bound_house() as services:
        yield services.runtime


@contextmanager
def bound_house() -> Iterator[Services]:
    """The same, with the services bound on them."""
    with open_database() as (settings, _):
        services = bind(settings)
        try:
            prepare(services)
            yield services
        finally:
            services.runtime.database.dispose()
