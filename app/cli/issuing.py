"""`waymark issue`, `revoke`, `suspend`, `reinstate` and `erase`: what an operator does with badges."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from app.awards import service as awards
from app.awards.by_operator import issue_by_operator
from app.awards.schemas import OperatorAward
from app.cli import issuing_many, keys
from app.cli.keys import house
from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail
from app.core.audit import OPERATOR
from app.core.scrubbing import empty_log
from app.issuer import service as issuer
from app.issuer.errors import AlreadyRevoked
from app.programme import service as programme

AsJson = Annotated[bool, JSON_OPTION]
Achievement = Annotated[str | None, typer.Option("--achievement", help="Key of the achievement, e.g. M01.")]
Email = Annotated[str | None, typer.Option("--email", help="The recipient's address; you vouch that it is theirs.")]
IdempotencyKey = Annotated[
    str | None, typer.Option("--idempotency-key", help="Any text; the same one issues the same badge, never a second.")
]
DecidedBy = Annotated[
    str | None, typer.Option("--decided-by", help="Name of the person who decided. Never in the badge.")
]
Role = Annotated[
    str | None, typer.Option("--role", help="That person's role, e.g. 'programme lead'. Goes into the audit.")
]
File = Annotated[
    Path | None,
    typer.Option(
        "--file", metavar="FILE", help="Many badges in place of one: a .csv or .jsonl as the API's batches take."
    ),
]
AllOrNothing = Annotated[
    bool, typer.Option("--all-or-nothing", help="With --file: issue none if one row cannot be issued.")
]
OverrideReason = Annotated[
    str | None,
    typer.Option(
        "--override-reason",
        metavar="TEXT",
        help="Why it is issued although a badge that it rests on is missing. Kept, and listed for review.",
    ),
]
Share = Annotated[bool, typer.Option("--share", help="Let everybody see the badge from the start.")]
CredentialId = Annotated[str, typer.Argument(metavar="ID", help="The badge's id or its whole address.")]
Revoke = Annotated[bool, typer.Option("--revoke", help="Revoke it as well, so that no copy of it verifies any more.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words; kept with the badge, not published.")]

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def register(app: typer.Typer) -> None:
    """Add this module's commands to the `waymark` command."""
    app.command()(issue)
    app.command()(revoke)
    app.command()(suspend)
    app.command()(reinstate)
    app.command()(erase)
    app.add_typer(keys.app, name="key")


def issue(
    achievement: Achievement = None,
    email: Email = None,
    idempotency_key: IdempotencyKey = None,
    decided_by: DecidedBy = None,
    role: Role = None,
    override_reason: OverrideReason = None,
    share: Share = False,
    file: File = None,
    all_or_nothing: AllOrNothing = False,
    as_json: AsJson = False,
) -> None:
    """Issue a badge, or a file of them, on a named person's decision. Repeating the command issues nothing twice."""
    if file is not None:
        if share or any((achievement, email, decided_by, role, override_reason)):
            fail("With --file each row says what is issued, to whom and who decided.", code=EXIT_MISUSE)
        issuing_many.issue_file(file, key=idempotency_key, all_or_nothing=all_or_nothing, as_json=as_json)
        return
    if not (achievement and email and idempotency_key and decided_by and role):
        fail(
            "One badge takes --achievement, --email, --idempotency-key, --decided-by and --role; many take --file.",
            code=EXIT_MISUSE,
        )
    if all_or_nothing:
        fail("--all-or-nothing goes with --file.", code=EXIT_MISUSE)
    _issue_one(achievement, email, idempotency_key, decided_by, role, override_reason, share=share, as_json=as_json)


def _issue_one(
    achievement: str,
    email: str,
    idempotency_key: str,
    decided_by: str,
    role: str,
    override_reason: str | None,
    *,
    share: bool,
    as_json: bool,
) -> None:
    with house() as runtime:
        with runtime.database.read() as session:
            issuer_key = programme.current_programme(session).issuer.key
        issued = issue_by_operator(
            runtime.database,
            runtime.secret_box,
            runtime.settings.base_url,
            OperatorAward(
                achievement_key=achievement,
                email=email,
                idempotency_key=idempotency_key,
                decided_by_name=decided_by,
                decided_by_role=role,
                issuer_key=issuer_key,
                shared=share,
                override_reason=override_reason,
            ),
        )
        claim = issuer.claim_url(runtime.secret_box, runtime.settings.base_url, issued.credential_id)
    data = {
        "id": issued.credential_id,
        "url": issued.url,
        "version": issued.version,
        "digest": issued.digest,
        "claim_url": claim,
    }
    emit(
        data,
        as_json,
        f"Issued: {issued.url}\nThe holder's own link, to share or hide it (send it to nobody else): {claim}",
    )


def revoke(credential_id: CredentialId, reason: Reason, as_json: AsJson = False) -> None:
    """Revoke a badge for good. From then on every check of it says so."""
    found = _id_in(credential_id)
    with house() as runtime:
        issuer.revoke(
            runtime.database,
            runtime.secret_box,
            runtime.settings.base_url,
            credential_id=found,
            reason=reason,
            actor=OPERATOR,
        )
    emit({"id": found, "state": "revoked"}, as_json, f"Revoked: {found}")


def suspend(credential_id: CredentialId, reason: Reason, as_json: AsJson = False) -> None:
    """Suspend a badge until it is reinstated. Its page and every check on this server say so."""
    found = _id_in(credential_id)
    with house() as runtime, runtime.database.write() as session:
        issuer.suspend(session, found, reason=reason, actor=OPERATOR)
    emit({"id": found, "state": "suspended"}, as_json, f"Suspended: {found}")


def reinstate(credential_id: CredentialId, as_json: AsJson = False) -> None:
    """End a suspension. The badge stands again as it did."""
    found = _id_in(credential_id)
    with house() as runtime, runtime.database.write() as session:
        issuer.reinstate(session, found, actor=OPERATOR)
    emit({"id": found, "state": "issued"}, as_json, f"Reinstated: {found}")


def erase(credential_id: CredentialId, revoke: Revoke = False, yes: Yes = False, as_json: AsJson = False) -> None:
    """Erase a badge for good: its documents, whose it was, its links, and who decided it.

    The address says from then on that a badge was erased there. Copies that people keep still verify, unless --revoke.
    """
    found = _id_in(credential_id)
    if not yes:
        _ask(found, revoke=revoke, as_json=as_json)
    with house() as runtime:
        if revoke:
            with suppress(AlreadyRevoked):
                issuer.revoke(
                    runtime.database,
                    runtime.secret_box,
                    runtime.settings.base_url,
                    credential_id=found,
                    reason="To be erased",
                    actor=OPERATOR,
                )
        with runtime.database.write() as session:
            awards.forget_award(session, found)
            issuer.erase(session, runtime.secret_box, found, actor=OPERATOR)
        empty_log(runtime.database)
    also = " Copies that people keep fail from now on." if revoke else " Copies that people keep still verify."
    emit({"id": found, "state": "erased", "revoked": revoke}, as_json, f"Erased: {found}.{also}")


def _id_in(text: str) -> str:
    """The id in what was typed, or exit 2."""
    found = _ID.search(text.lower())
    if found is None:
        fail("That is neither a badge's id nor its address.", code=EXIT_MISUSE)
    return found[0]


def _ask(credential_id: str, *, revoke: bool, as_json: bool) -> None:
    if as_json:
        fail("With --json nothing is asked, so erasing a badge takes --yes.", code=EXIT_MISUSE)
    copies = "Copies that people keep fail from then on." if revoke else "Copies that people keep go on to verify."
    question = f"Erase the badge {credential_id}? That cannot be undone. {copies}"
    if not typer.confirm(question, err=True):
        fail("Nothing was changed.")
