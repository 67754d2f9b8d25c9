"""The issuers' signing keys: sealed here, or kept by a signing service; opened for one signature at a time.

An issuer has two kinds in use at any moment: an `embedded` key for the proof inside the document, and a `token` key for
the VC-JWT. Of each kind the newest whose time has come signs. docs/issuer-keys.md tells how they live and die.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import rows as tables
from app.core.clock import now
from app.core.db import Look, ReadSession, WriteSession
from app.core.secrets import SecretBox, SecretUnreadable
from app.issuer.errors import IssuerNotFound, KeysUnreadable, keys_unreadable
from app.issuer.models import Issuer, SigningKey
from app.issuer.remote_signer import RemoteSigner, bound_service
from app.issuer.schemas import KeyInfo, KeyState
from app.vc.did import VerificationMethodSpec, did_web_for
from app.vc.keys import Algorithm, Ed25519Signer, P256Signer, PublicKey, RsaSigner, Signer
from app.vc.vc_jwt import Alg

Role = Literal["embedded", "token"]

PURPOSE = "issuer.signing-key"
ROLES: Final[dict[str, Role]] = {"Ed25519": "embedded", "P-256": "token", "RSA": "token"}
TOKEN_ALGS: Final[dict[str, Alg]] = {"P-256": "ES256", "RSA": "RS256"}
USES = {"Ed25519": "Data Integrity (eddsa-rdfc-2022)", "P-256": "VC-JWT (ES256)", "RSA": "VC-JWT (RS256)"}
_KINDS: Final[dict[str, type[Ed25519Signer] | type[P256Signer] | type[RsaSigner]]] = {
    "Ed25519": Ed25519Signer,
    "P-256": P256Signer,
    "RSA": RsaSigner,
}
FIRST_KEYS: Final[tuple[Algorithm, ...]] = ("Ed25519", "P-256")
# Built once: for every badge that is looked at they are asked.
_BY_KEY = select(Issuer).where(Issuer.key == sa.bindparam("wanted"))
_KEYS_OF = (
    select(SigningKey)
    .where(SigningKey.issuer_id == sa.bindparam("issuer"))
    .order_by(col(SigningKey.active_from), col(SigningKey.created_at), col(SigningKey.kid))
)


@dataclass(frozen=True)
class OpenedKeys:
    """What one issuer signs with, and under which names.

    Attributes:
        did: the issuer's DID.
        embedded: Ed25519, for the proof inside the document; `embedded_id` is its DID URL, `embedded_kid` its name.
        token: P-256 or RSA, for the VC-JWT; `token_id` is its DID URL, `token_kid` its name.
        token_alg: how the token is signed, ES256 or RS256.
    """

    did: str
    embedded: Signer
    embedded_id: str
    embedded_kid: str
    token: Signer
    token_id: str
    token_kid: str
    token_alg: Alg


def issuer_by_key(session: ReadSession, key: str) -> Issuer:
    """The issuer of that name.

    Raises:
        IssuerNotFound: there is none.
    """
    issuer = session.exec(_BY_KEY, params={"wanted": key}).first()
    if issuer is None:
        raise _no_issuer()
    return issuer


def _no_issuer() -> IssuerNotFound:
    return IssuerNotFound(
        "No issuer of that name is set up on this server.",
        next_step="Check the name, or run waymark migrate first.",
    )


def create_keys(session: WriteSession, secret_box: SecretBox, issuer: Issuer) -> None:
    """Make an issuer's first two keys, in use at once: one for each way of securing a badge."""
    moment = now()
    for algorithm in FIRST_KEYS:
        row = software_key(secret_box, algorithm)
        row.kid, row.issuer_id, row.active_from = kid_for(issuer, algorithm, ()), issuer.id, moment
        session.add(row)
    session.flush()


def software_key(secret_box: SecretBox, algorithm: str) -> SigningKey:
    """A fresh key, sealed; it has no name, issuer or time yet. RSA takes a moment: outside of transactions."""
    signer = _KINDS[algorithm].generate()
    sealed = secret_box.encrypt(PURPOSE, signer.private_bytes())
    row = SigningKey(kid="", issuer_id="", algorithm=algorithm, sealed_private=sealed)
    _write_public(row, signer.public_key)
    return row


def remote_key(name: str, public_key: PublicKey) -> SigningKey:
    """A key that the signing service keeps; it has no name here, issuer or time yet."""
    row = SigningKey(kid="", issuer_id="", algorithm=public_key.algorithm, remote_name=name)
    _write_public(row, public_key)
    return row


def _write_public(row: SigningKey, key: PublicKey) -> None:
    if key.algorithm == "RSA":
        row.public_jwk = json.dumps(key.to_jwk(), separators=(",", ":"))
    else:
        row.public_multikey = key.multikey


def public_key_of(row: SigningKey | PublishedKey) -> PublicKey:
    """The public half of a stored key."""
    if row.public_multikey is not None:
        return PublicKey.from_multikey(row.public_multikey)
    return PublicKey.from_jwk(json.loads(row.public_jwk or "{}"))


def kid_for(issuer: Issuer, algorithm: str, taken: Iterable[SigningKey]) -> str:
    """The next free name: issuer, kind and a number, e.g. `orygen-ed25519-2`."""
    names = {row.kid for row in taken}
    number = 1
    while (kid := f"{issuer.key}-{algorithm.lower()}-{number}") in names:
        number += 1
    return kid


def open_keys(session: ReadSession, secret_box: SecretBox, base_url: str, issuer: Issuer) -> OpenedKeys:
    """The keys an issuer signs with at this moment. Nothing is asked of other servers; a remote key's signing does.

    Raises:
        KeysUnreadable: the master key does not open them, or nobody said where the signing service is.
        IssuerNotFound: the issuer has no key of one kind.
    """
    did, moment = did_web_for(base_url, issuer.key), now()
    rows = published_keys(session, issuer)
    embedded, token = (_in_use(rows, role, moment) for role in ("embedded", "token"))
    return OpenedKeys(
        did=did,
        embedded=open_signer(secret_box, embedded),
        embedded_id=method_id(did, embedded.kid),
        embedded_kid=embedded.kid,
        token=open_signer(secret_box, token),
        token_id=method_id(did, token.kid),
        token_kid=token.kid,
        token_alg=TOKEN_ALGS[token.algorithm],
    )


def method_id(did: str, kid: str) -> str:
    """The DID URL of a key, which proofs and tokens name."""
    return f"{did}#{kid}"


def published_keys(session: ReadSession, issuer: Issuer) -> tuple[SigningKey, ...]:
    """All keys an issuer ever had, in the order of their use: their public parts stay published for ever."""
    return tuple(session.exec(_KEYS_OF, params={"issuer": issuer.id}).all())


@dataclass(frozen=True)
class PublishedKey:
    """The public half of a key as it is stored, and from when it may not be trusted, if it was revoked."""

    kid: str
    algorithm: str
    public_multikey: str | None
    public_jwk: str | None
    untrusted: datetime | None


def keys_by_issuer(session: ReadSession | Look, key: str) -> tuple[PublishedKey, ...]:
    """The public halves of all keys of the issuer of that name, in the order of their use.

    Raises:
        IssuerNotFound: there is no such issuer.
    """
    found = session.run(_PUBLIC_KEYS, {"wanted": key}).all()
    if not found:
        raise _no_issuer()
    return tuple(
        PublishedKey(row.kid, row.algorithm, row.public_multikey, row.public_jwk, untrusted_from(row)) for row in found
    )


_KEY, _ISSUER = tables.table(SigningKey).c, tables.table(Issuer).c
_PUBLIC_KEYS = (
    sa.select(_KEY.kid, _KEY.algorithm, _KEY.public_multikey, _KEY.public_jwk, _KEY.revoked_at, _KEY.compromised_from)
    .join(tables.table(Issuer), _ISSUER.id == _KEY.issuer_id)
    .where(_ISSUER.key == sa.bindparam("wanted"))
    .order_by(_KEY.active_from, _KEY.created_at, _KEY.kid)
)


def verification_methods(did: str, keys: Sequence[PublishedKey]) -> tuple[VerificationMethodSpec, ...]:
    """An issuer's keys as its DID document lists them.

    One that is not used yet is there, so that verifiers who keep the document know it in time. A retired key keeps its
    purpose for what it signed; a revoked one is marked and loses it.
    https://www.w3.org/TR/cid-1.0/#verification-methods
    """
    return tuple(
        VerificationMethodSpec(id=method_id(did, key.kid), public_key=public_key_of(key), revoked=key.untrusted)
        for key in keys
    )


def untrusted_from(key: SigningKey | sa.Row[Any]) -> datetime | None:
    """The moment from which nothing that a revoked key signed may be trusted; None for any other key."""
    return None if key.revoked_at is None else key.compromised_from or key.revoked_at


def state_of(key: SigningKey, moment: datetime, in_use: Iterable[str]) -> KeyState:
    """Where a key stands at a moment, given the names of those in use."""
    if key.revoked_at is not None:
        return "revoked"
    if key.kid in in_use:
        return "in use"
    return "next" if key.active_from > moment and not is_retired(key, moment) else "retired"


def is_retired(key: SigningKey, moment: datetime) -> bool:
    """Whether a key was taken out of use before or at a moment."""
    return key.retired_at is not None and key.retired_at <= moment


def can_sign(key: SigningKey, moment: datetime) -> bool:
    """Whether a key's time has come and is not over."""
    return key.revoked_at is None and not is_retired(key, moment) and key.active_from <= moment


def check_keys(session: ReadSession, secret_box: SecretBox) -> None:
    """Open every key that signs or will, to see that the master key is the right one.

    Raises:
        KeysUnreadable: it is not. The error is also a `SecretUnreadable`.
    """
    moment = now()
    for key in session.exec(select(SigningKey)).all():
        if key.revoked_at is None and not is_retired(key, moment):
            open_signer(secret_box, key)


def list_keys(session: ReadSession) -> tuple[KeyInfo, ...]:
    """All keys, for operators; nothing secret in them."""
    moment = now()
    found = []
    for issuer in session.exec(select(Issuer).order_by(col(Issuer.key))).all():
        rows = published_keys(session, issuer)
        in_use = {row.kid for role in ("embedded", "token") for row in newest(rows, role, moment)}
        found += [
            KeyInfo(
                kid=key.kid,
                issuer_key=issuer.key,
                algorithm=key.algorithm,
                use=USES[key.algorithm],
                created_at=key.created_at,
                retired_at=key.retired_at,
                state=state_of(key, moment, in_use),
                active_from=key.active_from,
                revoked_at=key.revoked_at,
                remote_name=key.remote_name,
            )
            for key in sorted(rows, key=lambda row: row.kid)
        ]
    return tuple(found)


def newest(rows: Sequence[SigningKey], role: str, moment: datetime) -> tuple[SigningKey, ...]:
    """The key of a role that signs at a moment, or none; `rows` as `published_keys` gives them."""
    usable = [row for row in rows if ROLES[row.algorithm] == role and can_sign(row, moment)]
    return tuple(usable[-1:])


def _in_use(rows: Sequence[SigningKey], role: Role, moment: datetime) -> SigningKey:
    for row in newest(rows, role, moment) or _first(rows, role, moment):
        return row
    kinds = " or ".join(kind for kind, its in ROLES.items() if its == role)
    raise IssuerNotFound(f"The issuer has no {kinds} key to sign with.", next_step="Look at waymark key list.")


def _first(rows: Sequence[SigningKey], role: Role, moment: datetime) -> tuple[SigningKey, ...]:
    """The first key of a role whose time is to come: a clock that is behind its making must not stop an issuer."""
    coming = [row for row in rows if ROLES[row.algorithm] == role and row.active_from > moment]
    return tuple([row for row in coming if row.revoked_at is None and not is_retired(row, moment)][:1])


def open_signer(secret_box: SecretBox, key: SigningKey) -> Signer:
    """What signs with this key.

    Raises:
        KeysUnreadable: the master key does not open it, its private half was destroyed, or it lies with a signing
            service and nobody said where that is.
    """
    if key.remote_name is not None:
        return RemoteSigner(bound_service(), key.remote_name, public_key_of(key))
    if key.sealed_private is None:
        raise KeysUnreadable(
            "The private half of a signing key was destroyed after its time, so it signs nothing any more.",
            next_step="Whoever runs this server should look at its clock and at waymark key list.",
        )
    try:
        private = secret_box.decrypt(PURPOSE, key.sealed_private)
    except SecretUnreadable as error:
        raise keys_unreadable() from error
    return _KINDS[key.algorithm].from_private_bytes(private)
