"""The keys with which this tool proves itself to platforms (1EdTech Security Framework 1.0 §4.1, §6)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from sqlmodel import col, select

from app.core.db import Database, ReadSession, WriteSession
from app.core.ids import new_id
from app.core.secrets import SecretBox
from app.lti.models import LtiToolKey

PURPOSE = "lti.tool-key"
BITS = 2048


@dataclass(frozen=True)
class ToolKey:
    """The key in use: its id and its private half as PEM."""

    kid: str
    private_pem: str = field(repr=False)


def ensure_tool_key(database: Database, secret_box: SecretBox) -> ToolKey:
    """The newest key that is not retired; made on first need, outside any transaction.

    Two processes that make one at the same moment leave one behind on SQLite and at most two on PostgreSQL, both
    published and so both good.
    """
    with database.read() as session:
        row = _newest(session)
    if row is None:
        made = _generate(secret_box)
        with database.write() as session:
            row = _newest(session) or _store(session, made)
    return ToolKey(kid=row.kid, private_pem=secret_box.decrypt(PURPOSE, row.sealed_private_pem).decode("ascii"))


def tool_jwks(session: ReadSession) -> dict[str, Any]:
    """The public halves of every key that is not retired, as a JSON Web Key Set (RFC 7517 §5)."""
    rows = session.exec(
        select(LtiToolKey).where(col(LtiToolKey.retired_at).is_(None)).order_by(col(LtiToolKey.created_at))
    ).all()
    return {"keys": [_jwk(row) for row in rows]}


def _newest(session: ReadSession) -> LtiToolKey | None:
    return session.exec(
        select(LtiToolKey)
        .where(col(LtiToolKey.retired_at).is_(None))
        .order_by(sa.desc(col(LtiToolKey.created_at)), col(LtiToolKey.id))
        .limit(1)
    ).first()


def _store(session: WriteSession, row: LtiToolKey) -> LtiToolKey:
    session.add(row)
    session.flush()
    return row


def _generate(secret_box: SecretBox) -> LtiToolKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    private_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return LtiToolKey(
        kid=new_id(),
        public_pem=public_pem.decode("ascii"),
        sealed_private_pem=secret_box.encrypt(PURPOSE, private_pem),
    )


def _jwk(row: LtiToolKey) -> dict[str, Any]:
    public_key = serialization.load_pem_public_key(row.public_pem.encode("ascii"))
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise TypeError("a tool key is not an RSA key")
    numbers = json.loads(RSAAlgorithm.to_jwk(public_key))
    return {"kty": "RSA", "kid": row.kid, "alg": "RS256", "use": "sig", "n": numbers["n"], "e": numbers["e"]}
