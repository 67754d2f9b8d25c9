"""Does the signature hold, and is the key the issuer's?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.vc import data_integrity, json_text, vc_jwt
from app.vc.data_integrity import ResolveKey
from app.vc.errors import VcError
from app.vc.keys import PublicKey, base64url_decode
from app.verifier import wrapped
from app.verifier.key_documents import ForeignKey, KeyUnreachable
from app.verifier.moments import moment_or_none
from app.verifier.reading import Readable
from app.verifier.wording import Stopped, fail, from_code

# Sound signatures that this version does not compute. Any other name (`none`, HMAC) is an attack, not a limit of ours.
_SOUND_ALGORITHMS: Final = frozenset({"RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512", "ES256K"})


@dataclass(frozen=True)
class Signed:
    """A signature that held: the key's full id, the suite or algorithm, until when the proof itself is good, and when
    it says it was made.
    """

    verification_method: str
    suite: str
    expires: datetime | None
    created: datetime | None = None


class IssuerMismatch(Exception):
    """The signature names a key of somebody else than the issuer; whether it holds does not matter then."""


def check(readable: Readable, resolve_key: ResolveKey) -> Signed:
    """Return what signed, if it holds by a key `resolve_key` gives; raises Stopped or IssuerMismatch."""
    try:
        if readable.token is not None:
            return _token(readable.token, readable, resolve_key)
        proof = data_integrity.verify(readable.document, resolve_key=resolve_key)
        return Signed(
            proof.verification_method, proof.cryptosuite, moment_or_none(proof.expires), moment_or_none(proof.created)
        )
    except ForeignKey as error:
        raise IssuerMismatch from error
    except KeyUnreachable as error:
        raise unreachable() from error
    except VcError as error:
        if error.code == "unsupported_alg" and readable.token and _algorithm(readable.token) in _SOUND_ALGORITHMS:
            raise Stopped("unknown", "unsupported_alg", "It is signed with a method we do not check yet.") from error
        raise from_code(error.code) from error


def unreachable() -> Stopped:
    """The outcome where the issuer's keys could not be fetched."""
    return Stopped("unknown", "key_not_found", "We could not reach the place where the issuer publishes its keys.")


def _token(token: str, readable: Readable, resolve_key: ResolveKey) -> Signed:
    used: list[str] = []

    def remember(method_id: str, purpose: str) -> PublicKey:
        used.append(method_id)
        return resolve_key(method_id, purpose)

    verify = wrapped.verify if readable.is_wrapped else vc_jwt.verify
    document = verify(token, resolve_key=remember)
    if not used or document != readable.document:  # pragma: no cover - both read the same token by the same rules
        raise fail("bad_signature")
    return Signed(used[0], _algorithm(token), None)


def _algorithm(token: str) -> str:
    try:
        header = json_text.loads(base64url_decode(token.split(".")[0]))
    except (ValueError, VcError):
        return ""
    return str(header.get("alg", ""))
