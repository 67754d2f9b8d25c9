"""The issuers' signing keys: made here, sealed at rest, opened for one signature at a time."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col, select

from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox, SecretUnreadable
from app.issuer.errors import IssuerNotFound, keys_unreadable
from app.issuer.models import Issuer, SigningKey
from app.issuer.schemas import KeyInfo
from app.vc.did import VerificationMethodSpec, did_web_for
from app.vc.keys import Ed25519Signer, P256Signer, PublicKey, Signer

PURPOSE = "issuer.signing-key"
# Built once: for every badge that is looked at they are asked.
_BY_KEY = select(Issuer).where(Issuer.key == sa.bindparam("wanted"))
_KEYS_OF = (
    select(SigningKey)
    .where(SigningKey.issuer_id == sa.bindparam("issuer"))
    .order_by(col(SigningKey.created_at), col(SigningKey.kid))
)
USES = {"Ed25519": "Data Integrity (eddsa-rdfc-2022)", "P-256": "VC-JWT (ES256)"}


@dataclass(frozen=True)
class OpenedKeys:
    """What one issuer signs with, and under which names.

    Attributes:
        did: the issuer's DID.
        embedded: Ed25519, for the proof inside the document; `embedded_id` is its DID URL.
        token: P-256, for the VC-JWT; `token_id` is its DID URL.
    """

    did: str
    embedded: Signer
    embedded_id: str
    token: Signer
    token_id: str


def issuer_by_key(session: ReadSession, key: str) -> Issuer:
    """The issuer of that name.

    Raises:
        IssuerNotFound: there is none.
    """
    issuer = session.exec(_BY_KEY, params={"wanted": key}).first()
    if issuer is None:
        raise IssuerNotFound(
            "No issuer of that name is set up on this server.",
            next_step="Check the name, or run waymark migrate first.",
        )
    return issuer


def create_keys(session: WriteSession, secret_box: SecretBox, issuer: Issuer) -> None:
    """Make an issuer's first two keys: one for each way of securing a badge."""
    for algorithm, signer in (("Ed25519", Ed25519Signer.generate()), ("P-256", P256Signer.generate())):
        session.add(
            SigningKey(
                kid=f"{issuer.key}-{algorithm.lower()}-1",
                issuer_id=issuer.id,
                algorithm=algorithm,
                sealed_private=secret_box.encrypt(PURPOSE, signer.private_bytes()),
                public_multikey=signer.public_key.multikey,
            )
        )
    session.flush()


def open_keys(session: ReadSession, secret_box: SecretBox, base_url: str, issuer: Issuer) -> OpenedKeys:
    """The keys an issuer signs with today: the newest of each kind that is not retired.

    Raises:
        KeysUnreadable: the master key does not open them.
        IssuerNotFound: the issuer has no key of one kind.
    """
    did = did_web_for(base_url, issuer.key)
    embedded = _newest(session, issuer, "Ed25519")
    token = _newest(session, issuer, "P-256")
    return OpenedKeys(
        did=did,
        embedded=_open(secret_box, embedded),
        embedded_id=method_id(did, embedded.kid),
        token=_open(secret_box, token),
        token_id=method_id(did, token.kid),
    )


def method_id(did: str, kid: str) -> str:
    """The DID URL of a key, which proofs and tokens name."""
    return f"{did}#{kid}"


def published_keys(session: ReadSession, issuer: Issuer) -> tuple[SigningKey, ...]:
    """All keys an issuer ever had, oldest first: their public parts stay published while badges rest on them."""
    return tuple(session.exec(_KEYS_OF, params={"issuer": issuer.id}).all())


def verification_methods(session: ReadSession, base_url: str, issuer: Issuer) -> tuple[VerificationMethodSpec, ...]:
    """An issuer's keys as its DID document lists them; a retired key keeps its purpose for what it signed."""
    did = did_web_for(base_url, issuer.key)
    return tuple(
        VerificationMethodSpec(id=method_id(did, key.kid), public_key=PublicKey.from_multikey(key.public_multikey))
        for key in published_keys(session, issuer)
    )


def check_keys(session: ReadSession, secret_box: SecretBox) -> None:
    """Open every key once, to see that the master key is the right one.

    Raises:
        KeysUnreadable: it is not. The error is also a `SecretUnreadable`.
    """
    for key in session.exec(select(SigningKey)).all():
        _open(secret_box, key)


def list_keys(session: ReadSession) -> tuple[KeyInfo, ...]:
    """All keys, for operators; nothing secret in them."""
    rows = session.exec(
        select(SigningKey, Issuer.key)
        .join(Issuer, col(Issuer.id) == SigningKey.issuer_id)
        .order_by(col(Issuer.key), col(SigningKey.kid))
    ).all()
    return tuple(
        KeyInfo(
            kid=key.kid,
            issuer_key=issuer_key,
            algorithm=key.algorithm,
            use=USES[key.algorithm],
            created_at=key.created_at,
            retired_at=key.retired_at,
        )
        for key, issuer_key in rows
    )


def _newest(session: ReadSession, issuer: Issuer, algorithm: str) -> SigningKey:
    key = session.exec(
        select(SigningKey)
        .where(
            SigningKey.issuer_id == issuer.id,
            SigningKey.algorithm == algorithm,
            col(SigningKey.retired_at).is_(None),
        )
        .order_by(col(SigningKey.created_at).desc(), col(SigningKey.kid).desc())
    ).first()
    if key is None:
        raise IssuerNotFound(f"The issuer has no {algorithm} key to sign with.", next_step="Look at waymark key list.")
    return key


def _open(secret_box: SecretBox, key: SigningKey) -> Signer:
    try:
        private = secret_box.decrypt(PURPOSE, key.sealed_private)
    except SecretUnreadable as error:
        raise keys_unreadable() from error
    signer: Signer
    if key.algorithm == "Ed25519":
        signer = Ed25519Signer.from_private_bytes(private)
    else:
        signer = P256Signer.from_private_bytes(private)
    return signer
