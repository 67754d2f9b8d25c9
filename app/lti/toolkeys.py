"""The keys with which this tool proves itself to platforms (1EdTech Security Framework 1.0 §4.1, §6).

A new key is published before it is used, and the old one stays published after it is not: platforms keep our key set
for a while, and none of them must meet a signature whose key it cannot find.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from sqlmodel import col, select

from app.core import audit
from app.core.audit import OPERATOR, Actor
from app.core.clock import now
from app.core.db import Database, ReadSession, WriteSession
from app.core.ids import new_id
from app.core.secrets import SecretBox
from app.lti.models import LtiToolKey

PURPOSE = "lti.tool-key"
BITS = 2048
PUBLISHED_BEFORE_USE = timedelta(hours=1)
KEPT_AFTER_USE = timedelta(days=30)


@dataclass(frozen=True)
class ToolKey:
    """The key in use: its id and its private half as PEM."""

    kid: str
    private_pem: str = field(repr=False)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token that platforms check by `/lti/jwks`: a JWT signed RS256 (1EdTech Security Framework 1.0 §5.1.1).

        Args:
            claims: as they are; none is added.
        """
        # We made the key, and it was sealed since: to prove its numbers again would take forty times the signing.
        key = serialization.load_pem_private_key(
            self.private_pem.encode("ascii"), None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("a tool key is not an RSA key")
        return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": self.kid})


def ensure_tool_key(database: Database, secret_box: SecretBox) -> ToolKey:
    """The newest key whose time has come and that is not retired; made on first need, outside any transaction.

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
    """The public halves of every key that is not retired, as a JSON Web Key Set (RFC 7517 §5).

    One that is not used yet is among them.
    """
    return {"keys": [_jwk(row) for row in tool_keys(session) if not _is_retired(row)]}


def tool_keys(session: ReadSession) -> Sequence[LtiToolKey]:
    """Every key there ever was, oldest first."""
    return session.exec(select(LtiToolKey).order_by(col(LtiToolKey.created_at), col(LtiToolKey.id))).all()


def rotate_tool_key(
    database: Database,
    secret_box: SecretBox,
    *,
    use_after: timedelta = PUBLISHED_BEFORE_USE,
    keep_old_for: timedelta = KEPT_AFTER_USE,
    actor: Actor = OPERATOR,
) -> LtiToolKey:
    """Make a new key, published at once and used after a while; the others are retired a while later.

    Args:
        database: opened for the change here, as the key is made before.
        secret_box: seals the private half.
        use_after: how long platforms may take to fetch the new key; zero after a key was stolen.
        keep_old_for: how long the others stay published once the new one is used.
        actor: who does it.
    """
    made = _generate(secret_box)
    made.active_from = now() + use_after
    with database.write() as session:
        for row in tool_keys(session):
            if row.retired_at is None or row.retired_at > made.active_from + keep_old_for:
                row.retired_at = made.active_from + keep_old_for
                session.add(row)
        _store(session, made)
        audit.record(session, actor=actor, action="lti.tool_key_rotated", subject="lti_tool_key", subject_id=made.id)
    return made


def _is_retired(row: LtiToolKey) -> bool:
    return row.retired_at is not None and row.retired_at <= now()


def _newest(session: ReadSession) -> LtiToolKey | None:
    moment = now()
    return session.exec(
        select(LtiToolKey)
        .where(
            col(LtiToolKey.active_from) <= moment,
            sa.or_(col(LtiToolKey.retired_at).is_(None), col(LtiToolKey.retired_at) > moment),
        )
        .order_by(sa.desc(col(LtiToolKey.active_from)), col(LtiToolKey.id))
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
