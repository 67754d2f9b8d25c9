"""`waymark issue` and `waymark revoke`: what an operator does with badges."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from app.awards import service as awards
from app.awards.schemas import OperatorAward
from app.cli import keys
from app.cli.keys import house
from app.cli.support import EXIT_MISUSE, JSON_OPTION, emit, fail
from app.core.audit import OPERATOR
from app.issuer import service as issuer
from app.programme import service as programme

AsJson = Annotated[bool, JSON_OPTION]
Achievement = Annotated[str, typer.Option("--achievement", help="Key of the achievement, e.g. M01.")]
Email = Annotated[str, typer.Option("--email", help="The recipient's address; you vouch that it is theirs.")]
IdempotencyKey = Annotated[
    str, typer.Option("--idempotency-key", help="Any text; the same one issues the same badge, never a second.")
]
DecidedBy = Annotated[str, typer.Option("--decided-by", help="Name of the person who decided. Never in the badge.")]
Role = Annotated[str, typer.Option("--role", help="That person's role, e.g. 'programme lead'. Goes into the audit.")]
Share = Annotated[bool, typer.Option("--share", help="Let everybody see the badge from the start.")]
CredentialId = Annotated[str, typer.Argument(metavar="ID", help="The badge's id or its whole address.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words; kept with the badge, not published.")]

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def register(app: typer.Typer) -> None:
    """Add this module's commands to the `waymark` command."""
    app.command()(issue)
    app.command()(revoke)
    app.add_typer(keys.app, name="key")


def issue(
    achievement: Achievement,
    email: Email,
    idempotency_key: IdempotencyKey,
    decided_by: DecidedBy,
    role: Role,
    share: Share = False,
    as_json: AsJson = False,
) -> None:
    """Issue a badge on a named person's decision. Repeating the same command issues nothing twice."""
    with house() as runtime:
        with runtime.database.read() as session:
            issuer_key = programme.current_programme(session).issuer.key
        issued = awards.issue_by_operator(
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
    found = _ID.search(credential_id.lower())
    if found is None:
        fail("That is neither a badge's id nor its address.", code=EXIT_MISUSE)
    with house() as runtime:
        issuer.revoke(
            runtime.database,
            runtime.secret_box,
            runtime.settings.base_url,
            credential_id=found[0],
            reason=reason,
            actor=OPERATOR,
        )
    emit({"id": found[0], "state": "revoked"}, as_json, f"Revoked: {found[0]}")
