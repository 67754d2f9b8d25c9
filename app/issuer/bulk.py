"""Issuing many badges at once, in the same three steps as one: `issuing` says why there are three.

The rows that are written and the bytes that are signed are those of the single path. What a whole chunk has in common
is done once: the keys, the achievement with its statements, the places in the status list, the statements to the
database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, rows
from app.core.audit import SYSTEM, Actor
from app.core.bulk_rows import insert_rows
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.outbox import emit_many
from app.core.secrets import SecretBox
from app.issuer import issuing, status
from app.issuer.content import (
    CredentialFacts,
    build_document,
    identified,
    new_salt,
    recipient_hash,
    refresh_of,
    related_of,
)
from app.issuer.events import CredentialIssued
from app.issuer.keys import OpenedKeys, issuer_by_key, open_keys
from app.issuer.models import Credential, CredentialVersion, Issuer
from app.issuer.refreshing import RefreshAddresses
from app.issuer.schemas import IssueRequest
from app.issuer.signing import Signed, facts_of, secured
from app.issuer.status import Place
from app.programme import pins
from app.programme import service as programme
from app.programme.schemas import AchievementInfo
from app.vc import credential_schema
from app.vc.errors import ModelError
from app.vc.open_badges import StatusEntry
from app.vc.timestamps import rfc3339

_CREDENTIALS: Final = rows.table(Credential)
_VERSIONS: Final = rows.table(CredentialVersion)


def states_of(session: ReadSession, credential_ids: Sequence[str]) -> dict[str, str]:
    """Where some badges stand: reserved, issued, revoked or erased."""
    table = _CREDENTIALS.c
    found = session.execute(sa.select(table.id, table.state).where(table.id.in_(credential_ids))).all()
    return {row.id: row.state for row in found}


def reserve_many(
    session: WriteSession, secret_box: SecretBox, base_url: str, requests: Sequence[IssueRequest]
) -> list[str | AppError]:
    """Write 1 for many new requests: in order, the id of what was reserved, or why nothing was.

    Args:
        session: the caller's transaction.
        secret_box: opens the keys.
        base_url: this server's address.
        requests: what to issue; of their idempotency keys none was used before.

    Raises:
        KeysUnreadable, IssuerNotFound: nothing can be issued; nothing was reserved.
        sqlalchemy.exc.IntegrityError: a key was used before, or somebody else took one or opened a list at the same
            moment: to be tried again.
    """
    common = _Common(session, secret_box, base_url)
    answers: list[str | AppError] = []
    good: list[tuple[str, IssueRequest]] = []
    for request in requests:
        try:
            issuing.check_request(request)
            common.issuer(request.issuer_key)
            issuing.check_results(request, common.achievement(request))
        except issuing.STOPS_EVERYTHING:
            raise
        except AppError as error:
            answers.append(error)
        else:
            good.append((new_id(), request))
            answers.append(good[-1][0])
    places = _places(session, secret_box, common, [request for _, request in good])
    made = [
        {**_row(new, request, common.issuer(request.issuer_key), places), **common.judged_by(request)}
        for new, request in good
    ]
    insert_rows(session, _CREDENTIALS, made)
    _audit_reserved(session, good)
    return answers


class _Common:
    """What the requests of one call have in common, each asked for once."""

    def __init__(self, session: ReadSession, secret_box: SecretBox, base_url: str) -> None:
        self._session = session
        self._secret_box = secret_box
        self._base_url = base_url
        self._issuers: dict[str, Issuer] = {}
        self._achievements: dict[tuple[str, int], AchievementInfo] = {}
        self._judged_by: dict[tuple[str, int], dict[str, str | None]] = {}

    def issuer(self, key: str) -> Issuer:
        """The issuer of that name; its keys open."""
        found = self._issuers.get(key)
        if found is None:
            found = issuer_by_key(self._session, key)
            open_keys(self._session, self._secret_box, self._base_url, found)
            self._issuers[key] = found
        return found

    def achievement(self, of: IssueRequest | Credential) -> AchievementInfo:
        """The achievement of a request, or of a badge."""
        key = (of.achievement_key, of.achievement_version)
        found = self._achievements.get(key)
        if found is None:
            found = self._achievements[key] = programme.achievement(self._session, *key)
        return found

    def judged_by(self, request: IssueRequest) -> dict[str, str | None]:
        """The columns that say by which framework the badge is judged."""
        key = (request.achievement_key, request.achievement_version)
        found = self._judged_by.get(key)
        if found is None:
            pin = pins.pin_of(self._session, self.achievement(request))
            found = self._judged_by[key] = issuing.judged_by(pin)
        return found


def _places(
    session: WriteSession, secret_box: SecretBox, common: _Common, requests: Sequence[IssueRequest]
) -> dict[str, Place]:
    """A place in the status list for each request, by its key."""
    by_issuer: dict[str, list[str]] = {}
    for request in requests:
        by_issuer.setdefault(request.issuer_key, []).append(request.idempotency_key)
    return {
        key: place
        for name, keys in by_issuer.items()
        for key, place in zip(
            keys, status.allocate_many(session, secret_box, common.issuer(name), len(keys)), strict=True
        )
    }


def _row(credential_id: str, request: IssueRequest, issuer: Issuer, places: Mapping[str, Place]) -> dict[str, Any]:
    place, salt, email = places[request.idempotency_key], new_salt(), request.recipient_email
    return {
        "id": credential_id,
        "idempotency_key": request.idempotency_key,
        "fingerprint": request.fingerprint,
        "issuer_id": issuer.id,
        "achievement_key": request.achievement_key,
        "achievement_version": request.achievement_version,
        "person_id": request.person_id,
        "subject_id": request.subject_id or f"urn:uuid:{new_id()}",
        "identity_salt": salt,
        "identity_hash": recipient_hash(email, salt) if email else None,
        "results": [list(result) for result in request.results],
        "related": [list(each) for each in request.related],
        "awarded_at": request.awarded_at,
        "valid_until": request.valid_until,
        "status_list_number": place.number,
        "status_index": place.index,
        "state": "reserved",
        "current_version": 0,
        "shared": request.shared,
        "reserved_at": now(),
        "holder_named": False,
    }


def _audit_reserved(session: WriteSession, made: Sequence[tuple[str, IssueRequest]]) -> None:
    by_actor: dict[Actor, list[tuple[str, IssueRequest]]] = {}
    for each in made:
        by_actor.setdefault(each[1].actor, []).append(each)
    for actor, theirs in by_actor.items():
        audit.record_many(
            session,
            actor=actor,
            action="issuer.credential_reserved",
            subject="credential",
            entries=[(credential_id, issuing.reserved_ids(request)) for credential_id, request in theirs],
        )


@dataclass(frozen=True)
class SignedBadge:
    """A badge that is signed and not yet stored."""

    credential_id: str
    person_id: str | None
    signed: Signed


def sign_many(
    database: Database, secret_box: SecretBox, base_url: str, credential_ids: Sequence[str]
) -> list[SignedBadge]:
    """Sign what was reserved, outside of any transaction; what is signed already is left out.

    Args:
        database: for the reservations, the keys and the catalogue.
        secret_box: opens the keys.
        base_url: this server's address.
        credential_ids: of reservations.

    Raises:
        IssueRefused, KeysUnreadable, SigningServiceDown, SigningServiceWrong: as in `signing.sign`; everything stays
            reserved.
    """
    with database.read() as session:
        waiting = session.exec(
            select(Credential).where(col(Credential.id).in_(credential_ids), Credential.state == "reserved")
        ).all()
        common = _Common(session, secret_box, base_url)
        issuers = {row.issuer_id: session.get_one(Issuer, row.issuer_id) for row in waiting}
        keys = {each.id: open_keys(session, secret_box, base_url, each) for each in issuers.values()}
        achievements = [common.achievement(row) for row in waiting]
    for number in sorted({row.status_list_number for row in waiting}):
        status.refresh(database, secret_box, base_url, number)  # a badge must not point at nothing
    forms, signed_at, made = _Forms(), now(), []
    addresses = RefreshAddresses(secret_box, base_url)
    for row, achievement in zip(waiting, achievements, strict=True):
        issuer, opened, refresh_url = issuers[row.issuer_id], keys[row.issuer_id], addresses.of(row.id, 1)
        facts = _first_version(facts_of(base_url, row, issuer, opened, achievement, refresh_url), row)
        signed = _signed(opened, forms, facts, signed_at)
        made.append(SignedBadge(row.id, row.person_id, signed))
    return made


def _first_version(facts: CredentialFacts, row: Credential) -> CredentialFacts:
    # dataclasses.replace costs more than all the rest of making the facts
    return CredentialFacts(**{**facts.__dict__, "valid_from": issuing.first_moment(row)})


def _signed(keys: OpenedKeys, forms: _Forms, facts: CredentialFacts, signed_at: datetime) -> Signed:
    build: Callable[[], dict[str, Any]] = lambda: forms.document(facts)  # noqa: E731 - one name for its type
    return secured(keys, build, facts.valid_from, signed_at)


class _Forms:
    """Documents that differ only in whose they are: the first of each form is built and checked, others follow it.

    The parts that are taken over were checked against the schema with the first; the parts that are new are checked
    with each, beside an achievement that is as short as the schema lets it be.
    """

    def __init__(self) -> None:
        self._built: dict[tuple[Any, ...], dict[str, Any]] = {}

    def document(self, facts: CredentialFacts) -> dict[str, Any]:
        """The unsigned document, the same as `build_document` makes.

        Raises:
            ModelError: the facts do not make a badge.
        """
        form = (
            facts.issuer_did, facts.achievement.path, facts.achievement.version, facts.results,
            facts.identity_hash is None, facts.valid_until is None, not facts.related, facts.refresh_url is None,
        )  # fmt: skip
        built = self._built.get(form)
        if built is None:
            built = build_document(facts)
            credential_schema.check(built)
            self._built[form] = built
            return built
        document = _following(built, facts)
        subject = {**document["credentialSubject"], "achievement": _SHORTEST_ACHIEVEMENT}
        credential_schema.check({**document, "credentialSubject": subject})
        return document


_SHORTEST_ACHIEVEMENT: Final[dict[str, Any]] = {
    "id": "urn:x:y",
    "type": ["Achievement"],
    "name": "x",
    "description": "x",
    "criteria": {"narrative": "x"},
}


def _following(built: Mapping[str, Any], facts: CredentialFacts) -> dict[str, Any]:
    if facts.valid_until is not None and facts.valid_until <= facts.valid_from:
        raise ModelError("malformed_value", "A badge cannot end before it begins.")
    subject = {**built["credentialSubject"], "id": facts.subject_id}
    if facts.identity_hash is not None:
        subject["identifier"] = identified(facts)
    refresh = refresh_of(facts)
    changes = {
        "id": f"{facts.base_url}/credentials/{facts.credential_id}",
        "validFrom": rfc3339(facts.valid_from),
        "awardedDate": rfc3339(facts.awarded_at),
        "credentialSubject": subject,
        "credentialStatus": StatusEntry(list_url=facts.status_list_url, index=facts.status_index).to_dict(),
    }
    if refresh is not None:
        changes["refreshService"] = refresh.to_dict()
    if facts.related:
        changes["relatedResource"] = [each.to_dict() for each in related_of(facts)]
    if facts.valid_until is not None:
        changes["validUntil"] = rfc3339(facts.valid_until)
    return {**built, **changes}


def store_many(session: WriteSession, badges: Sequence[SignedBadge]) -> frozenset[str]:
    """Write 2 for many badges: bytes, states, audit entries and events, all or none.

    The events are told in the background: thousands of them must delay nobody else's.

    Args:
        session: the caller's transaction.
        badges: signed; one that somebody else has stored by now is left as it is.

    Returns:
        The ids of those that were stored just now.
    """
    mine = [badge.credential_id for badge in badges]
    open_still = frozenset(
        session.exec(
            select(Credential.id)
            .where(col(Credential.id).in_(mine), Credential.state == "reserved")
            .order_by(col(Credential.id))  # two that store the same ones wait for each other, in one order
            .with_for_update()
        ).all()
    )
    stored = [badge for badge in badges if badge.credential_id in open_still]
    if not stored:
        return open_still
    session.execute(
        sa.update(_CREDENTIALS)
        .where(_CREDENTIALS.c.id.in_(open_still))
        .values(state="issued", current_version=1, issued_at=stored[0].signed.signed_at)
    )
    digests = {badge.credential_id: badge.signed.digest for badge in stored}
    insert_rows(session, _VERSIONS, [_version(badge, digests[badge.credential_id]) for badge in stored])
    audit.record_many(
        session,
        actor=SYSTEM,
        action="issuer.credential_issued",
        subject="credential",
        entries=[(credential_id, {"version": 1, "digest": digest}) for credential_id, digest in digests.items()],
    )
    emit_many(
        session,
        [CredentialIssued(credential_id=badge.credential_id, version=1, person_id=badge.person_id) for badge in stored],
        background=True,
    )
    return open_still


def _version(badge: SignedBadge, digest: str) -> dict[str, Any]:
    signed = badge.signed
    return {
        "credential_id": badge.credential_id,
        "version": 1,
        "document": signed.document,
        "jwt": signed.jwt,
        "digest": digest,
        "valid_from": signed.valid_from,
        "signed_at": signed.signed_at,
        "embedded_kid": signed.embedded_kid,
        "token_kid": signed.token_kid,
    }
