"""The rules of the Verifiable Credentials Data Model 2.0, and what of them 1.1 had, over a document's own JSON.

Proofs are not looked at here, and neither is whether the contexts give each word a meaning: `data_integrity` does both.
The clauses are those of https://www.w3.org/TR/vc-data-model-2.0/; for 1.1 https://www.w3.org/TR/vc-data-model-1.1/.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from app.vc import data_model_resources, status_list
from app.vc.contexts import VC_V1, VC_V2
from app.vc.data_model_values import (
    language_values,
    malformed,
    moment,
    objects,
    optional_url,
    typed_objects,
    types,
    url_or_object,
)
from app.vc.errors import CanonicalizationRefused
from app.vc.iri import is_absolute_iri

Version = Literal["1.1", "2.0"]

CREDENTIAL: Final = "VerifiableCredential"
PRESENTATION: Final = "VerifiablePresentation"
_VERSIONS: Final[dict[str, Version]] = {VC_V2: "2.0", VC_V1: "1.1"}
_NAMED: Final = ("name", "description")
_STATUS_ENTRY: Final = "BitstringStatusListEntry"
# §5.10: whatever is put there says its type. credentialSchema and the last three are told apart below.
_RESERVED: Final = ("confidenceMethod", "evidence", "refreshService", "renderMethod", "termsOfUse")


@dataclass(frozen=True)
class Credential:
    """What every verifier needs to know of a credential.

    `issuer` is the issuer's id; the dates are aware, those of version 1.1 issuanceDate and expirationDate.
    """

    version: Version
    types: tuple[str, ...]
    id: str | None
    issuer: str
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True)
class Presentation:
    """What every verifier needs to know of a presentation; `credentials` are as written, enveloped ones among them."""

    version: Version
    types: tuple[str, ...]
    id: str | None
    holder: str | None
    credentials: tuple[dict[str, Any], ...]


def read_credential(document: dict[str, Any], *, to_issue: bool = False) -> Credential:
    """Return what a credential says of itself, if it follows the data model.

    `to_issue`: be as exact as an issuer must be; a verifier reads times without an offset as UTC (§4.9.1). Raises
    CanonicalizationRefused (context_missing, context_order), ModelError (malformed_value), or what
    `status_list.read_entry` raises for an entry of a bitstring status list.
    """
    version = _version(document.get("@context"))
    found = types(document.get("type"), "credential")
    if CREDENTIAL not in found:
        raise malformed(f"A credential has the type {CREDENTIAL}.")
    identifier = optional_url(document, "credential")
    issuer = _issuer(document)
    _subjects(document.get("credentialSubject"))
    _status(document, version)
    _extensions(document, version)
    begins, ends = _period(document, version, needs_zone=to_issue)
    if version == "2.0":
        language_values(document, _NAMED, "credential")
        if "relatedResource" in document:
            data_model_resources.check(document["relatedResource"])
    return Credential(version, found, identifier, issuer, begins, ends)


def read_presentation(document: dict[str, Any]) -> Presentation:
    """Return what a presentation says of itself, if it follows the data model; its credentials are not judged.

    Raises CanonicalizationRefused (context_missing, context_order) or ModelError (malformed_value). §4.13
    """
    version = _version(document.get("@context"))
    found = types(document.get("type"), "presentation")
    if PRESENTATION not in found:
        raise malformed(f"A presentation has the type {PRESENTATION}.")
    holder = url_or_object(document["holder"], "holder") if "holder" in document else None
    if "termsOfUse" in document:
        typed_objects(document["termsOfUse"], "terms of use")
    credentials = document.get("verifiableCredential", [])
    inside = objects(credentials, "verifiableCredential") if credentials != [] else ()
    return Presentation(version, found, optional_url(document, "presentation"), holder, inside)


def _version(context: Any) -> Version:
    """§4.3: an ordered set that begins with the base context; the others are URLs or objects."""
    if context is None or context == []:
        raise CanonicalizationRefused("context_missing", "The document names no context.")
    if not isinstance(context, list):
        raise malformed("The contexts must be an ordered set, a list.")
    first = context[0]
    if not isinstance(first, str) or first not in _VERSIONS:
        raise CanonicalizationRefused("context_order", f"The first context must be {VC_V2} (or {VC_V1}).")
    for entry in context[1:]:
        if not isinstance(entry, dict) and not (isinstance(entry, str) and is_absolute_iri(entry)):
            raise malformed("A context must be a URL or an object.")
    return _VERSIONS[first]


def _issuer(document: dict[str, Any]) -> str:
    """§4.7: a URL, or an object with one as id, whose name and description may have a language (§4.6)."""
    issuer = document.get("issuer")
    found = url_or_object(issuer, "issuer")
    if isinstance(issuer, dict):
        language_values(issuer, _NAMED, "issuer")
    return found


def _subjects(value: Any) -> None:
    """§4.8: one or more objects, each with a claim."""
    for subject in objects(value, "credentialSubject"):
        optional_url(subject, "credentialSubject")


def _status(document: dict[str, Any], version: Version) -> None:
    """§4.10: a type each; 1.1 §5.4 also wants an id. Entries of bitstring lists follow their own specification."""
    if "credentialStatus" not in document:
        return
    for entry in typed_objects(document["credentialStatus"], "credentialStatus", needs_id=version == "1.1"):
        if _STATUS_ENTRY in types(entry["type"], "credentialStatus"):
            status_list.read_entry(entry)


def _extensions(document: dict[str, Any], version: Version) -> None:
    """§4.11, §5.4 to §5.6 and §5.10; 1.1 §5.4 wants an id of schemas and of refresh services."""
    if "credentialSchema" in document:
        typed_objects(document["credentialSchema"], "credentialSchema", needs_id=True)
    for member in _RESERVED:
        if member in document:
            typed_objects(document[member], member, needs_id=version == "1.1" and member == "refreshService")


def _period(document: dict[str, Any], version: Version, *, needs_zone: bool) -> tuple[datetime | None, datetime | None]:
    """§4.9: both dates are optional, and the second is not the earlier one; in 1.1 the first is required (§4.6)."""
    first, last = ("validFrom", "validUntil") if version == "2.0" else ("issuanceDate", "expirationDate")
    if version == "1.1" and first not in document:
        raise malformed(f"A credential of version 1.1 needs an {first}.")
    begins, ends = (
        moment(document[member], member, needs_zone=needs_zone) if member in document else None
        for member in (first, last)
    )
    if begins is not None and ends is not None and ends < begins:
        raise malformed(f"The {last} lies before the {first}.")
    return begins, ends
