"""The public documents of the issuers: DID document, profile, keys, status lists, achievements, shared badges.

Everything a stranger needs to check a badge, and nothing that says whose it is.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import col, select

from app.core.db import Database, ReadSession
from app.core.errors import NotFound
from app.core.secrets import SecretBox
from app.issuer import pictures, status
from app.issuer.content import achievement_of
from app.issuer.errors import IssuerNotFound
from app.issuer.keys import issuer_by_key, method_id, published_keys, verification_methods
from app.issuer.models import Issuer, SigningKey
from app.issuer.reading import public_credential, public_version
from app.issuer.schemas import PublicCredential
from app.programme import service as programme
from app.vc import did, json_text
from app.vc.contexts import OB_V3, VC_V2
from app.vc.keys import PublicKey
from app.vc.open_badges import IssuerProfile

MULTIKEY_CONTEXT = "https://w3id.org/security/multikey/v1"
_DID = re.compile(r"/issuers/([^/]+)/did\.json")
_KEY = re.compile(r"/keys/([^/]+)")
_STATUS = re.compile(r"/status/([0-9]{1,9})")
_CREDENTIAL = re.compile(r"/credentials/([0-9a-f-]{36})(?:\.(json|jwt|png|svg))?")
_VERSION = re.compile(r"/credentials/([0-9a-f-]{36})/v([0-9]{1,6})\.json")


def did_document(session: ReadSession, base_url: str, key: str) -> dict[str, Any]:
    """An issuer's DID document (https://w3c-ccg.github.io/did-method-web/).

    Raises:
        IssuerNotFound: there is no such issuer.
    """
    issuer = issuer_by_key(session, key)
    return did.did_document(did.did_web_for(base_url, key), verification_methods(session, base_url, issuer))


def host_did_document(session: ReadSession, base_url: str) -> dict[str, Any]:
    """The DID document of the host itself: it signs nothing, and says where its issuers are."""
    issuers = session.exec(select(Issuer).order_by(col(Issuer.key))).all()
    host = did.did_web_for(base_url, "x").removesuffix(":issuers:x")
    services = [
        {
            "id": f"{host}#{issuer.key}",
            "type": "OpenBadgesIssuer",
            "serviceEndpoint": f"{base_url}/issuers/{issuer.key}",
        }
        for issuer in issuers
    ]
    return {"@context": [did.DID_CONTEXTS[0]], "id": host, **({"service": services} if services else {})}


def issuer_profile(session: ReadSession, base_url: str, key: str) -> dict[str, Any]:
    """An issuer's Open Badges profile, as it stands in its badges, with the contexts that make it a document.

    Raises:
        IssuerNotFound: there is no such issuer.
    """
    issuer = issuer_by_key(session, key)
    profile = IssuerProfile(
        id=did.did_web_for(base_url, key), name=issuer.name, url=issuer.url, description=issuer.description
    )
    return {"@context": [VC_V2, OB_V3], **profile.to_dict()}


def jwks(session: ReadSession, base_url: str) -> dict[str, Any]:
    """Every issuer's public keys as a JWK set; each key names its issuer in `iss`.

    https://www.rfc-editor.org/rfc/rfc7517#section-5
    """
    issuers = session.exec(select(Issuer).order_by(col(Issuer.key))).all()
    return {"keys": [_jwk(base_url, issuer, key) for issuer in issuers for key in published_keys(session, issuer)]}


def key_document(session: ReadSession, base_url: str, kid: str) -> dict[str, Any]:
    """One public key: a bare JWK for a token's key, a Multikey with its controller for a proof's key.

    Those are the two forms verifiers ask for at a key's address (https://www.imsglobal.org/spec/ob/v3p0/#keys).

    Raises:
        IssuerNotFound: there is no such key.
    """
    key = session.get(SigningKey, kid)
    if key is None:
        raise IssuerNotFound("There is no key of that name.")
    issuer = session.get_one(Issuer, key.issuer_id)
    if key.algorithm != "Ed25519":
        return _jwk(base_url, issuer, key)
    controller = did.did_web_for(base_url, issuer.key)
    return {
        "@context": MULTIKEY_CONTEXT,
        "id": method_id(controller, key.kid),
        "type": "Multikey",
        "controller": controller,
        "publicKeyMultibase": key.public_multikey,
    }


def _jwk(base_url: str, issuer: Issuer, key: SigningKey) -> dict[str, Any]:
    controller = did.did_web_for(base_url, issuer.key)
    return {
        **PublicKey.from_multikey(key.public_multikey).to_jwk(),
        "kid": method_id(controller, key.kid),
        "alg": "EdDSA" if key.algorithm == "Ed25519" else "ES256",
        "use": "sig",
        "iss": controller,
    }


def status_list(database: Database, secret_box: SecretBox, base_url: str, number: int) -> bytes:
    """A status list byte for byte as signed; signed again first if it is stale.

    Raises:
        IssuerNotFound: there is no list of that number.
        KeysUnreadable: it is stale and the master key does not open the issuer's key.
    """
    return status.refresh(database, secret_box, base_url, number)


def status_list_document(session: ReadSession, number: int) -> bytes:
    """A status list as it is stored, perhaps stale.

    Raises:
        IssuerNotFound: there is no list of that number, or it was never signed.
    """
    document = status.status_list_row(session, number).document
    if document is None:
        raise IssuerNotFound("There is no status list of that number.")
    return document


def achievement_json(session: ReadSession, base_url: str, key: str, version: int) -> dict[str, Any]:
    """An achievement exactly as it stands in the badges, with its creator and the contexts that make it a document.

    Raises:
        ModuleUnknown: there is no such achievement.
    """
    info = programme.achievement(session, key, version)
    document = achievement_of(base_url, info).to_dict()
    creator = {"id": did.did_web_for(base_url, info.issuer_key), "type": ["Profile"]}
    return {"@context": [VC_V2, OB_V3], **document, "creator": creator}


def own_document(database: Database, secret_box: SecretBox, base_url: str, url: str) -> bytes | None:
    """One of our own public documents by its address, without a request to ourselves.

    Args:
        database: where the documents are.
        secret_box: for a status list that has to be signed again.
        base_url: this server's address.
        url: absolute address; a query or a fragment changes nothing, as on the web.

    Returns:
        The bytes a stranger would get there, JSON where there is a choice; None when it is not ours, or a stranger
        would find nothing there.
    """
    parts, base = urlsplit(url), urlsplit(base_url)
    if (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
        return None
    path = parts.path.removeprefix(base.path)
    try:
        if found := _STATUS.fullmatch(path):
            return status_list(database, secret_box, base_url, int(found[1]))
        with database.read() as session:
            return _own_document(session, base_url, path)
    except NotFound:
        return None


def _own_document(session: ReadSession, base_url: str, path: str) -> bytes | None:
    if found := _DID.fullmatch(path):
        return json_text.dumps(did_document(session, base_url, found[1]))
    if found := _KEY.fullmatch(path):
        return json_text.dumps(key_document(session, base_url, found[1]))
    if found := _VERSION.fullmatch(path):
        return public_version(session, found[1], int(found[2]))
    if found := _CREDENTIAL.fullmatch(path):
        return badge_file(session, public_credential(session, found[1]), found[2] or "json")
    return None


def badge_file(session: ReadSession, credential: PublicCredential, form: str) -> bytes:
    """A badge as `json` (as signed), `jwt`, or the medallion as `png` or `svg` with the document baked in.

    Raises:
        ValueError: another form.
    """
    if form == "json":
        return credential.document
    if form == "jwt":
        return credential.jwt.encode("ascii")
    if form not in ("png", "svg"):
        raise ValueError(f"a badge has no form {form}")
    info = programme.achievement(session, credential.achievement_key, credential.achievement_version)
    bake = pictures.baked_png if form == "png" else pictures.baked_svg
    return bake(info, credential.document)
