"""What a badge rests on: the badges and other documents that it names by address and digest (`relatedResource`).

Each is fetched, compared with its digest and, if it is a badge, judged as any badge is, but its own chain is not
followed: one step says whether the grounds stand, and no stranger can make it a hundred.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.vc import contexts
from app.vc.errors import CanonicalizationRefused
from app.verifier import digests, facts, form, reading, refresh
from app.verifier.errors import SourceUnavailable
from app.verifier.form import as_list
from app.verifier.judging import Judged, Means, judge
from app.verifier.reading import Readable
from app.verifier.schemas import OK, ChainLink, Check, Presented, Result
from app.verifier.verdicts import ALTERED, decisive
from app.verifier.wording import Stopped, fail, passed, sentence, stopped, unknown

MAX_LINKS: Final = 16
_BADGE_MEDIA_TYPES: Final = frozenset(
    {"application/vc", "application/vc+ld+json", "application/vc+jwt", "application/jwt", "text/plain"}
)
_GRAVITY: Final = (ALTERED, "chain_broken", "chain_unknown", "chain_unshared", "related_unavailable", "too_many")


def links(document: dict[str, Any], means: Means) -> tuple[ChainLink, ...]:
    """Judge what a badge rests on; `document` has passed its own checks of form and signature."""
    resources = as_list(document.get("relatedResource"))
    return tuple(
        _link(resource, means) if number < MAX_LINKS else _open(resource, "too_many")
        for number, resource in enumerate(resources)
    )


def check(found: tuple[ChainLink, ...]) -> Check:
    """All links in one line: the gravest of them."""
    codes = {_code(link) for link in found} - {OK}
    if not codes:
        return passed("chain")
    code = min(codes, key=_GRAVITY.index)
    return stopped("chain", fail(code) if code in _GRAVITY[:2] else unknown(code))


def _code(link: ChainLink) -> str:
    if link.code in _GRAVITY or link.result == "pass":
        return link.code if link.code in _GRAVITY else OK
    return "chain_broken" if link.result == "fail" else "chain_unknown"


def _link(resource: dict[str, Any], means: Means) -> ChainLink:
    url = str(resource["id"])
    if means.documents.is_over:
        return _open(resource, "too_many")
    try:
        pinned = contexts.pinned_bytes(url)
    except CanonicalizationRefused:
        pinned = None
    if pinned is not None:
        # Of some contexts two contents are in use under one address, so another digest proves nothing wrong.
        return _same(url) if digests.fits(resource, pinned) else _open(resource, "related_unavailable")
    if not url.startswith(("https://", "http://")):
        return _open(resource, "related_unavailable")
    try:
        data = means.documents.get(url, _accept(resource))
    except SourceUnavailable as error:
        missing = error.reason == "missing" and _is_said_to_be_badge(resource)
        return _open(resource, "chain_unshared" if missing else "related_unavailable")
    if not digests.fits(resource, data):
        return ChainLink(url, "document", "fail", ALTERED, sentence(ALTERED))
    readable = _badge(data, means)
    return _same(url) if readable is None else _standing(url, readable, means)


def _standing(url: str, readable: Readable, means: Means) -> ChainLink:
    """The badge as it was named, or where its time is over and it was renewed since, as it stands now."""
    named = judge(lambda: readable, replace(means, as_it_is=True), may_refresh=True)
    if named.verdict != "expired":
        return _judged(url, named)
    newest_at = named.newer_at
    if newest_at is not None:
        newest = judge(lambda: reading.read(Presented.from_url(newest_at), means.documents), means)
    elif refresh.is_offered(readable.document) and not (named.issuer and named.issuer.ours):
        newest = judge(lambda: readable, means, may_refresh=True)
    else:
        return _judged(url, named)
    found = _judged(url, newest)
    return replace(found, detail=sentence("chain_renewed")) if found.result == "pass" else _judged(url, named)


def _badge(data: bytes, means: Means) -> Readable | None:
    """The badge in some bytes, or None where they are another document."""
    try:
        readable = reading.read(Presented.from_bytes(data), means.documents)
    except Stopped:
        return None
    return readable if form.is_of(readable.document, "badge") else None


def _judged(url: str, judged: Judged) -> ChainLink:
    verdict, settled = judged.verdict, decisive(tuple(judged.checks))
    said = None if judged.document is None else facts.extract(judged.document, status_list_at=judged.status_list_at)
    if verdict in ("valid", "valid_unknown_issuer"):
        return ChainLink(url, "badge", "pass", OK, sentence("chain_stands"), verdict, judged.issuer, said)
    result: Result = "unknown" if verdict == "unknown" else "fail"
    return ChainLink(url, "badge", result, settled.code, settled.detail, verdict, judged.issuer, said)


def _same(url: str) -> ChainLink:
    return ChainLink(url, "document", "pass", OK, sentence("related_same"))


def _open(resource: dict[str, Any], code: str) -> ChainLink:
    url = str(resource["id"])
    if not _is_said_to_be_badge(resource):
        return ChainLink(url, "document", "unknown", code, sentence(code))
    told = "chain_unknown" if code == "related_unavailable" else code
    return ChainLink(url, "badge", "unknown", told, sentence(told))


def _is_said_to_be_badge(resource: dict[str, Any]) -> bool:
    return resource.get("mediaType") in _BADGE_MEDIA_TYPES


def _accept(resource: dict[str, Any]) -> str:
    """The very form that was digested: an address may have several."""
    media_type = resource.get("mediaType")
    return f"{media_type}, */*;q=0.1" if media_type in _BADGE_MEDIA_TYPES else reading.ACCEPT
