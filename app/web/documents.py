"""The public documents over HTTP: issuers, keys, status lists, and shared badges in every form a machine asks for.

Nothing here asks who is calling, sets a cookie or tells whether a badge exists that is not shared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from app.core.clock import now
from app.core.runtime import Runtime
from app.issuer import documents, refreshing
from app.issuer import service as issuer
from app.issuer.errors import credential_not_found
from app.issuer.schemas import IssuerInfo, PublicCredential
from app.issuer.status import TTL
from app.vc import json_text
from app.web.dependencies import App, ReadDb
from app.web.direct import direct
from app.web.pages import render
from app.web.path_numbers import register_path_numbers

register_path_numbers()
router = APIRouter(include_in_schema=False)

Form = Literal["html", "json", "jwt", "png", "svg"]
READ = ["GET", "HEAD"]
MEDIA_TYPES: dict[str, Form] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/vc": "json",
    "application/vc+ld+json": "json",
    "application/ld+json": "json",
    "application/json": "json",
    "application/vc+jwt": "jwt",
    "application/jwt": "jwt",
    "text/plain": "jwt",
    "image/png": "png",
    "image/svg+xml": "svg",
    "text/*": "html",
    "application/*": "json",
    "image/*": "png",
    "*/*": "html",
}
CONTENT_TYPES: dict[Form, str] = {
    "json": "application/vc+ld+json",
    "jwt": "application/vc+jwt",
    "png": "image/png",
    "svg": "image/svg+xml",
}
SUFFIXES: dict[str, Form] = {"json": "json", "jwt": "jwt", "png": "png", "svg": "svg"}
OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
AN_HOUR = "public, max-age=3600"
# A badge may be hidden or re-issued at any moment: copies are asked about each time, cheaply by ETag.
ASK_EACH_TIME = "no-cache"
NOWHERE = "no-store"
FOR_A_TTL = f"public, max-age={int(TTL.total_seconds())}"
# What stood at a moment stays so; not for the last minutes, in which another process may still be storing its list.
FOR_GOOD = "public, max-age=86400, immutable"
SETTLED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class IssuerPage:
    """What an issuer's page shows."""

    issuer: IssuerInfo
    kids: tuple[str, ...]


def negotiate(accept: str | None) -> Form:
    """The form a client wants of a badge's address.

    `text/html` and `*/*` mean the page; no header at all means a machine, which gets JSON. The highest quality wins,
    then what is named over a wildcard, then the order of the header.
    https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1

    Args:
        accept: the Accept header's value, if there is one.
    """
    if accept is None:
        return "json"
    best: Form = "html"
    best_rank = (0.0, False)
    for item in accept.split(",")[:50]:
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        form = MEDIA_TYPES.get(name)
        rank = (_quality(parameters), "*" not in name)
        if form is not None and rank[0] > 0 and rank > best_rank:
            best, best_rank = form, rank
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0


def respond(
    request: Request, body: bytes, media_type: str, *, cache: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A public document with a strong ETag: 304 to who has it already, no body to HEAD.

    Args:
        request: the request it answers.
        body: the document's bytes.
        media_type: its content type.
        cache: the Cache-Control value.
        headers: further headers.
    """
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    sent = {**OPEN, "ETag": etag, "Cache-Control": cache, **(headers or {})}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=sent)
    sent["Content-Length"] = str(len(body))
    # The type is set as a header, so that no charset is added to types that have none.
    sent["Content-Type"] = media_type
    return Response(b"" if request.method == "HEAD" else body, headers=sent)


def machine_form(request: Request, runtime: Runtime, credential: PublicCredential, form: Form) -> Response:
    """A shared badge as JSON, VC-JWT or picture.

    Args:
        request: the request it answers.
        runtime: for the database and the base URL.
        credential: from `issuer.service.public_credential`, which refuses what is not shared.
        form: one of `json`, `jwt`, `png`, `svg`.

    Raises:
        ValueError: `html`, which is the page's business.
    """
    headers = {
        "Vary": "Accept",
        "X-Robots-Tag": "noindex",
        "Link": links(runtime.settings.base_url, credential.id),
    }
    body = badge_bytes(runtime, credential, form)
    media_type = _asked_for(request.headers.get("accept"), form)
    return respond(request, body, media_type, cache=ASK_EACH_TIME, headers=headers)


def links(base_url: str, credential_id: str) -> str:
    """The Link header of a badge in every form: its own address, and each form by a suffix.

    https://www.rfc-editor.org/rfc/rfc8288#section-3
    """
    url = f"{base_url}/credentials/{credential_id}"
    forms = (f'<{url}.{name}>; rel="alternate"; type="{CONTENT_TYPES[form]}"' for name, form in SUFFIXES.items())
    return ", ".join((f'<{url}>; rel="canonical"', *forms))


def version_form(request: Request, runtime: Runtime, credential_id: str, document: bytes) -> Response:
    """One version of a shared badge as signed, and where the newest one is.

    https://www.rfc-editor.org/rfc/rfc5829#section-3.2
    """
    url = f"{runtime.settings.base_url}/credentials/{credential_id}"
    headers = {"Vary": "Accept", "X-Robots-Tag": "noindex", "Link": f'<{url}>; rel="latest-version"'}
    # Not cached for ever: the holder may hide the badge again.
    return respond(request, document, CONTENT_TYPES["json"], cache=ASK_EACH_TIME, headers=headers)


def _asked_for(accept: str | None, form: Form) -> str:
    """The media type under which a client asked for this form, if it named one; otherwise the standard's."""
    names = (item.partition(";")[0].strip().lower() for item in (accept or "").split(",")[:50])
    named = (name for name in names if "*" not in name and MEDIA_TYPES.get(name) == form)
    return next(named, CONTENT_TYPES[form])


def badge_bytes(runtime: Runtime, credential: PublicCredential, form: Form) -> bytes:
    """A badge's file: the document as signed, the token, or the medallion with the document baked in.

    Raises:
        ValueError: `html` is not a file.
    """
    if form == "json":
        return credential.document
    with runtime.database.look() as look:
        return documents.badge_file(look, credential, form)


def _json(request: Request, document: Mapping[str, Any], media_type: str, cache: str = AN_HOUR) -> Response:
    return respond(request, json_text.dumps(dict(document)), media_type, cache=cache)


@direct(router, "/credentials/{credential_id}.{suffix}", READ)
def credential_file(request: Request) -> Response:
    """A shared badge by its suffix: `.json`, `.jwt`, `.png` or `.svg`."""
    runtime: Runtime = request.app.state.runtime
    form = SUFFIXES.get(request.path_params["suffix"])
    if form is None:
        raise credential_not_found()
    with runtime.database.look() as look:
        credential = issuer.public_credential(look, request.path_params["credential_id"])
    return machine_form(request, runtime, credential, form)


@router.api_route("/credentials/{credential_id}/v{version:number}.json", methods=READ)
def credential_version(request: Request, credential_id: str, version: int, db: ReadDb, runtime: App) -> Response:
    """One version of a shared badge; its bytes never change."""
    return version_form(request, runtime, credential_id, issuer.public_version(db, credential_id, version))


@router.api_route("/refresh/{credential_id}/v{version:number}/{token}", methods=READ)
def refreshed_copy(
    request: Request, credential_id: str, version: int, token: str, db: ReadDb, runtime: App
) -> Response:
    """The copy of a badge that stands now, for whoever has a copy of it: shared or not, the address is in each copy.

    https://www.imsglobal.org/spec/ob/v3p0/#refreshservice
    """
    newest = refreshing.newest_copy(db, runtime.secret_box, credential_id, version, token)
    as_token = negotiate(request.headers.get("accept")) == "jwt"
    body = newest.jwt.encode("ascii") if as_token else newest.document
    headers = {"Vary": "Accept", "X-Robots-Tag": "noindex"}
    return respond(request, body, CONTENT_TYPES["jwt" if as_token else "json"], cache=NOWHERE, headers=headers)


@router.api_route("/status/{number:number}", methods=READ)
def status_list(request: Request, number: int, runtime: App) -> Response:
    """A status list, of now or of the moment `timestamp`; nobody who asks for it says which badge they look at.

    https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm
    """
    asked = request.query_params.getlist("timestamp")
    if asked:
        at, signed = documents.status_list_then(runtime.database, number, asked)
        cache = FOR_GOOD if at < now() - SETTLED_AFTER else FOR_A_TTL
    else:
        signed = documents.status_list(runtime.database, runtime.secret_box, runtime.settings.base_url, number)
        cache = FOR_A_TTL
    # For people and archives to read. Only the ETag decides whether a copy is still good: of two lists signed within
    # one second the later one may tell of a revocation.
    dated = {"Last-Modified": format_datetime(signed.signed_at, usegmt=True)}
    # Not application/vc: libraries in the field parse what says "json", and all of them take this older name.
    return respond(request, signed.document, CONTENT_TYPES["json"], cache=cache, headers=dated)


@router.api_route("/issuers/{key}", methods=READ)
def issuer_page(request: Request, key: str, db: ReadDb, runtime: App) -> Response:
    """Who issues: a page for people, the Open Badges profile for machines."""
    info = issuer.issuer_info(db, runtime.settings.base_url, key)
    if negotiate(request.headers.get("accept")) == "html":
        kids = tuple(item.kid for item in issuer.list_keys(db) if item.issuer_key == key)
        return render(request, "badges/issuer.html", IssuerPage(info, kids), headers={"Vary": "Accept"})
    profile = documents.issuer_profile(db, runtime.settings.base_url, key)
    return respond(request, json_text.dumps(profile), "application/ld+json", cache=AN_HOUR, headers={"Vary": "Accept"})


@router.api_route("/issuers/{key}/did.json", methods=READ)
def issuer_did(request: Request, key: str, db: ReadDb, runtime: App) -> Response:
    """An issuer's DID document."""
    return _json(request, documents.did_document(db, runtime.settings.base_url, key), "application/did+json")


@router.api_route("/.well-known/did.json", methods=READ)
def host_did(request: Request, db: ReadDb, runtime: App) -> Response:
    """The host's own DID document, which points to its issuers."""
    return _json(request, documents.host_did_document(db, runtime.settings.base_url), "application/did+json")


@router.api_route("/.well-known/jwks.json", methods=READ)
def key_set(request: Request, db: ReadDb, runtime: App) -> Response:
    """All issuers' public keys."""
    return _json(request, documents.jwks(db, runtime.settings.base_url), "application/jwk-set+json")


@router.api_route("/keys/{kid}", methods=READ)
def key(request: Request, kid: str, db: ReadDb, runtime: App) -> Response:
    """One public key."""
    document = documents.key_document(db, runtime.settings.base_url, kid)
    return _json(request, document, "application/jwk+json" if "kty" in document else "application/json")
