"""A newer copy of the badge, where its issuer offers one.

Asked for once, after the signature of the copy at hand held, so that no stranger can send us anywhere. The newer copy
takes its place only if it is a copy of the same badge: same id, same issuer, same holder, signed by the issuer's own
key, and not older. https://www.imsglobal.org/spec/ob/v3p0/#verification (step 3)
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from app.vc.data_integrity import ResolveKey
from app.verifier import dates, form, reading, signature
from app.verifier.form import as_list, identifier_of
from app.verifier.reading import Readable
from app.verifier.schemas import Presented
from app.verifier.sources import Budgeted
from app.verifier.wording import Stopped, unknown

TYPE: Final = "1EdTechCredentialRefresh"
FAILED: Final = "refresh_failed"


def is_offered(document: dict[str, Any]) -> bool:
    """Tell whether the badge says where a newer copy of it is."""
    return any(TYPE in as_list(service.get("type")) for service in _services(document))


def newer(readable: Readable, documents: Budgeted, resolve_key: ResolveKey) -> tuple[Readable, signature.Signed]:
    """Return the newer copy and what signed it; raises Stopped (unknown, refresh_failed) where there is no such copy.

    `resolve_key` gives keys of the issuer of the copy at hand and of nobody else.
    """
    services = [service for service in _services(readable.document) if TYPE in as_list(service.get("type"))]
    if len(services) != 1 or not isinstance(services[0].get("id"), str):
        raise unknown(FAILED)
    try:
        found = reading.read(Presented.from_url(services[0]["id"]), documents)
        form.check(found)
        if not _is_a_copy(found.document, readable.document):
            raise unknown(FAILED)
        return found, signature.check(found, resolve_key)
    except (Stopped, signature.IssuerMismatch) as error:
        raise unknown(FAILED) from error


def _services(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [service for service in as_list(document.get("refreshService")) if isinstance(service, dict)]


def _is_a_copy(found: dict[str, Any], original: dict[str, Any]) -> bool:
    """https://www.imsglobal.org/spec/ob/v3p0/#equality-and-comparison-algorithm, and the same holder beyond it."""
    same_badge = _plain(found["id"]) == _plain(original["id"])
    same_issuer = identifier_of(found["issuer"]) == identifier_of(original["issuer"])
    begins, began = dates.period(found)[0], dates.period(original)[0]
    is_newer = begins is not None and began is not None and begins >= began
    return same_badge and same_issuer and is_newer and _holder(found) == _holder(original)


def _holder(document: dict[str, Any]) -> Any:
    """Who holds the badge: an id, or where it has none the identifiers as they are written."""
    subject = as_list(document["credentialSubject"])[0]
    return subject["id"] if "id" in subject else as_list(subject.get("identifier"))


def _plain(identifier: str) -> str:
    return unquote(identifier).strip()
