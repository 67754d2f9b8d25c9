"""The public documents of the issuers: DID document, profile, keys, status lists, achievements, shared badges.

Everything a stranger needs to check a badge, and nothing that says whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlmodel import col, select

from app.core.db import Database, Look, ReadSession
from app.core.errors import NotFound
from app.core.secrets import SecretBox
from app.issuer import pictures, status, status_archive
from app.issuer.content import achievement_of
from app.issuer.errors import CredentialSuspended, IssuerNotFound, StatusMomentUnreadable
from app.issuer.key_errors import KeyRevoked, key_revoked
from app.issuer.keys import (
    TOKEN_ALGS,
    PublishedKey,
    issuer_by_key,
    keys_by_issuer,
    method_id,
    public_key_of,
    published_keys,
    untrusted_from,
    verification_methods,
)
from app.issuer.models import Issuer, SigningKey
from app.issuer.reading import public_credential, public_version
from app.issuer.refreshing import newest_copy
from app.issuer.schemas import PublicCredential
from app.issuer.status_archive import SignedList
from app.programme import service as programme
from app.programme import stacks
from app.vc import did, json_text
from app.vc.contexts import OB_V3, VC_V2
from app.vc.open_badges import IssuerProfile

MULTIKEY_CONTEXT = "https://w3id.org/security/multikey/v1"
_DID = re.compile(r"/issuers/([^/]+)/did\.json")
_KEY = re.compile(r"/keys/([^/]+)")
_STATUS = re.compile(r"/status/([0-9]{1,9})")
_CREDENTIAL = re.compile(r"/credentials/([0-9a-f-]{36})(?:\.(json|jwt|png|svg))?")
_VERSION = re.compile(r"/credentials/([0-9a-f-]{36})/v([0-9]{1,6})\.json")
_REFRESH = re.compile(r"/refresh/([0-9a-f-]{36})/v([0-9]{1,6})/([A-Za-z0-9_-]{43})")
_PROGRAMME = re.compile(r"/programme/([A-Za-z0-9-]{1,60})/([0-9]{1,9})\.json")
_PATHWAY = re.compile(r"/programme/pathways/([a-z0-9-]{1,60})/([0-9]{1,9})\.json")


def did_document(session: ReadSession, base_url: str, key: str) -> dict[str, Any]:
    """An issuer's DID document (https://w3c-ccg.github.io/did-method-web/).

    A revoked key is listed last, marked, and without the key itself (https://www.w3.org/TR/cid-1.0/#Multikey lets it be
    left out): widely used verifiers look neither at the mark nor at the purpose, and would believe whoever stole it.

    Raises:
        IssuerNotFound: there is no such issuer.
    """
    return _did_document(did.did_web_for(base_url, key), keys_by_issuer(session, key))


def _did_document(own_did: str, keys: tuple[PublishedKey, ...]) -> dict[str, Any]:
    document = did.did_document(own_did, verification_methods(own_did, keys))
    methods = sorted(document["verificationMethod"], key=lambda method: "revoked" in method)
    return {**document, "verificationMethod": [_withheld(method) for method in methods]}


@lru_cache(maxsize=64)
def _did_document_bytes(own_did: str, keys: tuple[PublishedKey, ...]) -> bytes:
    """Made once for each set of keys: whoever looks at a badge asks for it."""
    return json_text.dumps(_did_document(own_did, keys))


def _withheld(method: dict[str, Any]) -> dict[str, Any]:
    if "revoked" not in method:
        return method
    return {name: value for name, value in method.items() if name not in ("publicKeyMultibase", "publicKeyJwk")}


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

    A JWK has no way to say that it is revoked, so a key that is, is not there. Retired keys are: badges rest on them.
    https://www.rfc-editor.org/rfc/rfc7517#section-5
    """
    issuers = session.exec(select(Issuer).order_by(col(Issuer.key))).all()
    return {
        "keys": [
            _jwk(base_url, issuer, key)
            for issuer in issuers
            for key in published_keys(session, issuer)
            if key.revoked_at is None
        ]
    }


def key_document(session: ReadSession, base_url: str, kid: str) -> dict[str, Any]:
    """One public key: a bare JWK for a token's key, a Multikey with its controller for a proof's key.

    Those are the two forms verifiers ask for at a key's address (https://www.imsglobal.org/spec/ob/v3p0/#keys).

    Raises:
        IssuerNotFound: there is no such key.
        KeyRevoked: there was one. A reader of a bare key looks for no mark in it, so the key is not given at all.
    """
    key = session.get(SigningKey, kid)
    if key is None:
        raise IssuerNotFound("There is no key of that name.")
    if moment := untrusted_from(key):
        raise key_revoked(moment)
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
        **public_key_of(key).to_jwk(),
        "kid": method_id(controller, key.kid),
        "alg": TOKEN_ALGS.get(key.algorithm, "EdDSA"),
        "use": "sig",
        "iss": controller,
    }


def status_list(database: Database, secret_box: SecretBox, base_url: str, number: int) -> SignedList:
    """A status list byte for byte as signed. See `status.told`.

    Raises:
        IssuerNotFound: there is no list of that number.
        KeysUnreadable, SigningServiceDown, SigningServiceWrong: it has to be signed again and cannot be.
    """
    return status.told(database, secret_box, base_url, number)


def status_list_then(database: Database, number: int, timestamps: Sequence[str]) -> tuple[datetime, SignedList]:
    """A status list as it stood at a moment, and that moment.

    Args:
        database: where the lists are kept.
        number: which list.
        timestamps: the values of the query parameter `timestamp`; one is expected.

    Raises:
        StatusMomentUnreadable: there are several, or it is no date and time with its zone.
        StatusNotKept: nothing is kept of that list and moment.
    """
    if len(timestamps) != 1:
        raise StatusMomentUnreadable("More than one timestamp is given.", next_step="Ask for one moment at a time.")
    at = status_archive.moment_asked(timestamps[0])
    with database.read() as session:
        return at, status_archive.as_of(session, number, at)


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
        secret_box: for a status list that has to be signed again, and for the tokens of refresh addresses.
        base_url: this server's address.
        url: absolute address. Of its query only the `timestamp` of a status list counts; a fragment changes nothing.

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
            number, asked = int(found[1]), parse_qs(parts.query, keep_blank_values=True).get("timestamp")
            if asked:
                return status_list_then(database, number, asked)[1].document
            return status_list(database, secret_box, base_url, number).document
        if found := _DID.fullmatch(path):
            with database.look() as look:
                keys = keys_by_issuer(look, found[1])
            return _did_document_bytes(did.did_web_for(base_url, found[1]), keys)
        with database.read() as session:
            if found := _REFRESH.fullmatch(path):
                return newest_copy(session, secret_box, found[1], int(found[2]), found[3]).document
            return _own_document(session, base_url, path)
    except (NotFound, KeyRevoked, StatusMomentUnreadable, CredentialSuspended):
        return None


def _own_document(session: ReadSession, base_url: str, path: str) -> bytes | None:
    if found := _KEY.fullmatch(path):
        return json_text.dumps(key_document(session, base_url, found[1]))
    if found := _VERSION.fullmatch(path):
        return public_version(session, found[1], int(found[2]))
    if found := _CREDENTIAL.fullmatch(path):
        return badge_file(session, public_credential(session, found[1]), found[2] or "json")
    if found := _PROGRAMME.fullmatch(path):
        return programme.programme_bytes(session, found[1], int(found[2]))
    if found := _PATHWAY.fullmatch(path):
        return stacks.pathway_bytes(session, found[1], int(found[2]))
    return None


def badge_file(session: ReadSession | Look, credential: PublicCredential, form: str) -> bytes:
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
