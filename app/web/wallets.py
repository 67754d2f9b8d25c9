"""A badge and its holder's wallet: bind the badge to a DID by signing a challenge, or take it off again.

For the few who have a wallet; nobody else is asked. Signed in by a launch or by the link of the award mail, as for
everything else that a holder does. Looking writes nothing: the challenge is worked out, not stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.awards import service as awards
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import did_binding
from app.issuer import service as issuer
from app.issuer.content import did_in
from app.issuer.did_binding import ChallengeOver
from app.issuer.schemas import PublicCredential
from app.issuer.sharing import CLAIM_LINK
from app.programme import service as programme
from app.vc.contexts import VC_V2
from app.verifier.holder_proof import Asked, HolderProofRefused, proven_did
from app.verifier.service import Verifier
from app.web.dependencies import App, BadgeVerifier, ReadDb
from app.web.forms import PostedForm
from app.web.holder import PRIVATE, Standing, image_of, see_other, standing_of
from app.web.pages import render
from app.web.sessions import CurrentLaunch, check_same_origin

router = APIRouter(include_in_schema=False)

LAUNCHED: Final = "/at/{handle}/badges/{credential_id:uuid}/wallet"
CLAIMED: Final = "/claim/{credential_id}.{token}/wallet"
MOST_SHOWN: Final = 20_000
Done = Literal["bound", "unbound"]


@dataclass(frozen=True)
class WalletPage:
    """Context of badges/wallet.html.

    Attributes:
        did: the DID that the badge is bound to, if it is.
        challenge: what is to be signed.
        domain: for whom.
        presentation: the same as a presentation that wants its holder and its signature.
        claims: the same as the claims of a JWT.
        answer: what was typed, where it was refused.
        done: what was just done.
        root: where the badge's actions are.
        by_mail: whether the page was reached by the link of the award mail.
        standing: where the badge stands.
        may_be_renewed: whether a later version may say something else about its holder.
        told: whether whoever awarded the badge may have named the DID.
    """

    name: str
    image: str
    did: str | None
    challenge: str
    domain: str
    presentation: str
    claims: str
    answer: str
    done: Done | None
    root: str
    by_mail: bool
    standing: Standing
    may_be_renewed: bool
    told: bool
    errors: list[tuple[str, str]]


@dataclass(frozen=True)
class _Asker:
    """Somebody who holds a badge, and the way they came."""

    badge: PublicCredential
    root: str
    by_mail: bool

    @property
    def actor(self) -> Actor:
        """Who it is, as far as that is known: a mail may have been passed on."""
        if self.by_mail or self.badge.person_id is None:
            return CLAIM_LINK
        return Actor(kind="person", id=self.badge.person_id)


@router.get(LAUNCHED)
def my_wallet(
    request: Request, credential_id: UUID, session: CurrentLaunch, db: ReadDb, runtime: App, done: str = ""
) -> Response:
    """Bind one of my badges to my wallet."""
    badge = issuer.held_credential(db, str(credential_id), session.person_id)
    return _shown(request, db, runtime, _Asker(badge, f"{session.root}/badges/{badge.id}", by_mail=False), done)


@router.post(LAUNCHED)
def change_my_wallet(
    request: Request,
    credential_id: UUID,
    session: CurrentLaunch,
    form: PostedForm,
    runtime: App,
    verifier: BadgeVerifier,
) -> Response:
    """Bind it, or take the wallet off."""
    with runtime.database.read() as db:
        badge = issuer.held_credential(db, str(credential_id), session.person_id)
    asker = _Asker(badge, f"{session.root}/badges/{badge.id}", by_mail=False)
    return _changed(request, runtime, verifier, asker, form)


@router.get(CLAIMED)
def claimed_wallet(
    request: Request, credential_id: str, token: str, db: ReadDb, runtime: App, done: str = ""
) -> Response:
    """Bind the badge of an award mail to a wallet."""
    return _shown(request, db, runtime, _claimed(db, runtime, credential_id, token), done)


@router.post(CLAIMED)
def change_claimed_wallet(
    request: Request, credential_id: str, token: str, form: PostedForm, runtime: App, verifier: BadgeVerifier
) -> Response:
    """Bind it, or take the wallet off."""
    check_same_origin(request, runtime.settings.base_url)
    with runtime.database.read() as db:
        asker = _claimed(db, runtime, credential_id, token)
    return _changed(request, runtime, verifier, asker, form)


def _claimed(db: ReadSession, runtime: Runtime, credential_id: str, token: str) -> _Asker:
    issuer.check_claim(db, runtime.secret_box, credential_id, token)
    badge = issuer.stored_credential(db, credential_id)
    return _Asker(badge, f"/claim/{badge.id}.{token}", by_mail=True)


def _shown(request: Request, db: ReadSession, runtime: Runtime, asker: _Asker, done: str) -> Response:
    page = _page(db, runtime, asker, done=done)
    return render(request, "badges/wallet.html", page, headers=dict(PRIVATE))


def _changed(request: Request, runtime: Runtime, verifier: Verifier, asker: _Asker, form: PostedForm) -> Response:
    if form.get("unbind") == "yes":
        settings = runtime.settings
        did_binding.unbind(runtime.database, runtime.secret_box, settings.base_url, asker.badge.id, actor=asker.actor)
        return _done(asker, "unbound")
    verifier.limit.spend(request.client.host if request.client else "unknown")
    answer = form.get("answer", "")
    try:
        _bind(runtime, verifier, asker, answer, form.get("challenge", ""))
    except (HolderProofRefused, ChallengeOver) as error:
        message = " ".join(filter(None, (error.detail, error.next_step)))
        with runtime.database.read() as db:
            page = _page(db, runtime, asker, answer=answer, errors=[("answer", message)])
        return render(request, "badges/wallet.html", page, status=error.status, headers=dict(PRIVATE))
    return _done(asker, "bound")


def _bind(runtime: Runtime, verifier: Verifier, asker: _Asker, answer: str, challenge: str) -> None:
    """Check the challenge first, so that nothing is fetched for what cannot serve; then the proof; then sign anew."""
    base_url, badge = runtime.settings.base_url, asker.badge
    did_binding.check_challenge(runtime.secret_box, badge.id, badge.version, challenge)
    did = proven_did(
        answer,
        Asked(challenge, base_url),
        source=verifier.source,
        at=now(),
        allow_http_localhost=verifier.allow_http_localhost,
    )
    did_binding.bind(
        runtime.database, runtime.secret_box, base_url, badge.id, did=did, answered=challenge, actor=asker.actor
    )


def _done(asker: _Asker, done: Done) -> RedirectResponse:
    return see_other(f"{asker.root}/wallet?done={done}")


def _page(
    db: ReadSession,
    runtime: Runtime,
    asker: _Asker,
    *,
    done: str = "",
    answer: str = "",
    errors: list[tuple[str, str]] | None = None,
) -> WalletPage:
    badge, domain = asker.badge, runtime.settings.base_url
    did, standing = did_in(badge.document), standing_of(badge)
    challenge = did_binding.challenge(runtime.secret_box, badge.id, badge.version)
    happened: Done | None = "bound" if done == "bound" and did else "unbound" if done == "unbound" and not did else None
    return WalletPage(
        name=programme.achievement(db, badge.achievement_key, badge.achievement_version).name,
        image=image_of(badge),
        did=did,
        challenge=challenge,
        domain=domain,
        presentation=_presentation(challenge, domain),
        claims=json.dumps({"iss": "YOUR DID", "aud": domain, "nonce": challenge}, indent=2),
        answer=answer[:MOST_SHOWN],
        done=happened,
        root=asker.root,
        by_mail=asker.by_mail,
        standing=standing,
        may_be_renewed=standing in ("valid", "suspended"),
        told=awards.was_told(db, badge.id),
        errors=errors or [],
    )


def _presentation(challenge: str, domain: str) -> str:
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "proofPurpose": "authentication",
        "verificationMethod": "YOUR DID#KEY",
        "challenge": challenge,
        "domain": domain,
        "proofValue": "…",
    }
    return json.dumps(
        {"@context": [VC_V2], "type": ["VerifiablePresentation"], "holder": "YOUR DID", "proof": proof},
        indent=2,
        ensure_ascii=False,
    )
