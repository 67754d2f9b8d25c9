"""The list of revoked badges of Open Badges 3.0, before it gave it up for bitstring lists: `1EdTechRevocationList`.

Nobody signs it: a JSON object whose `revokedCredential` names the badges that were revoked. So all that says it is the
issuer's is where it comes from. It is relied on only from the issuer's own host, by https, where the host's certificate
stands for a signature; an issuer without a host (did:key, did:jwk) can have none. It has no date, and no order of its
own to be stale in: what is fetched is what is so. https://www.imsglobal.org/spec/ob/v3p0/#revocationlist
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from app.vc import json_text
from app.vc.errors import VcError
from app.verifier.errors import SourceUnavailable
from app.verifier.facts import domain_of
from app.verifier.form import identifier_of
from app.verifier.sources import MAX_DOCUMENT_BYTES
from app.verifier.status_lists import Lists
from app.verifier.wording import fail, unknown

TYPE: Final = "1EdTechRevocationList"
ACCEPT: Final = "application/json, application/ld+json;q=0.9, */*;q=0.1"
MAX_REVOKED: Final = 100_000


def look_up(entry: dict[str, Any], document: dict[str, Any], lists: Lists) -> None:
    """Return if the issuer's list does not name the credential; raises Stopped."""
    url = entry.get("id")
    if not isinstance(url, str):
        raise fail("status_malformed")
    if not _is_of(url, lists):
        raise unknown("status_issuer")
    try:
        data = lists.source.get_public(url, ACCEPT)
    except SourceUnavailable as error:
        raise unknown("status_unavailable") from error
    try:
        listing = json_text.loads(data, max_bytes=MAX_DOCUMENT_BYTES)
    except VcError as error:
        raise unknown("status_unavailable") from error
    if "issuer" in listing and identifier_of(listing["issuer"]) != lists.issuer_id:
        raise unknown("status_issuer")
    if listing.get("id", url) != url:
        raise fail("status_malformed")
    if _plain(str(document["id"])) in _revoked(listing.get("revokedCredential")):
        raise fail("revoked")


def _revoked(value: Any) -> set[str]:
    """The ids of the badges that the list revokes; an entry that does not say so revokes as well (`revoked` 0..1)."""
    if not isinstance(value, list) or len(value) > MAX_REVOKED or not all(isinstance(each, dict) for each in value):
        raise fail("status_malformed")
    found = set()
    for each in value:
        if not isinstance(each.get("id"), str) or not isinstance(each.get("revoked", True), bool):
            raise fail("status_malformed")
        if each.get("revoked", True) is True:
            found.add(_plain(each["id"]))
    return found


def _plain(identifier: str) -> str:
    """An id as the standard compares them: trimmed, percent-encoding undone."""
    return unquote(identifier).strip()


def _is_of(url: str, lists: Lists) -> bool:
    """Tell whether an address is on the issuer's own host, asked by https."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.lower()
    except ValueError:
        return False
    allowed = ("https", "http") if lists.allow_http_localhost else ("https",)
    return parts.scheme in allowed and host != "" and host == (domain_of(lists.issuer_id) or "").lower()
