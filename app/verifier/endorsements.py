"""Endorsements: what others sign about a badge, its achievement or its issuer. Each is a credential of its own.

Judged by the rules of badges, with its own verdict. Whatever becomes of it, the badge stands by itself; and of an
endorsement whose signature fails, or that endorses something else, nothing is shown.
https://www.imsglobal.org/spec/ob/v3p0/#verification (step 6)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.verifier import facts
from app.verifier.form import as_list, identifier_of
from app.verifier.judging import Means, judge
from app.verifier.reading import Readable, read_token
from app.verifier.schemas import Check, EndorsedPart, EndorsementReport
from app.verifier.verdicts import decisive
from app.verifier.wording import fail, passed, sentence, stopped, unknown

MAX_ENDORSEMENTS: Final = 8


@dataclass(frozen=True)
class _Found:
    part: EndorsedPart
    target: str | None
    read: Callable[[], Readable]


def reports(document: dict[str, Any], means: Means) -> tuple[EndorsementReport, ...]:
    """Judge each endorsement that a badge carries; `document` has passed its own checks of form and signature."""
    return tuple(
        _report(found, means)
        if number < MAX_ENDORSEMENTS and not means.documents.is_over
        else EndorsementReport(found.part, "unknown", "too_many", sentence("too_many"))
        for number, found in enumerate(_all(document))
    )


def check(found: tuple[EndorsementReport, ...]) -> Check:
    """All endorsements in one line: the gravest of them."""
    verdicts = {report.verdict for report in found}
    if verdicts - {"valid", "valid_unknown_issuer", "unknown"}:
        return stopped("endorsements", fail("endorsement_invalid"))
    if "unknown" in verdicts:
        return stopped("endorsements", unknown("endorsement_unknown"))
    return passed("endorsements")


def _all(document: dict[str, Any]) -> Iterator[_Found]:
    subject = as_list(document["credentialSubject"])[0]
    parts: tuple[tuple[EndorsedPart, Any], ...] = (
        ("credential", document),
        ("achievement", subject["achievement"]),
        ("issuer", document["issuer"]),
    )
    for part, node in parts:
        if isinstance(node, dict):
            for item in as_list(node.get("endorsement")):
                yield _Found(part, identifier_of(node), _embedded(item))
            for token in as_list(node.get("endorsementJwt")):
                yield _Found(part, identifier_of(node), _token(token))


def _embedded(item: Any) -> Callable[[], Readable]:
    def read() -> Readable:
        if not isinstance(item, dict):
            raise fail("parse_error")
        return Readable("json", "data-integrity", item, None)

    return read


def _token(token: Any) -> Callable[[], Readable]:
    def read() -> Readable:
        if not isinstance(token, str):
            raise fail("parse_error")
        return read_token(token)

    return read


def _report(found: _Found, means: Means) -> EndorsementReport:
    judged = judge(found.read, means, kind="endorsement")
    settled = decisive(tuple(judged.checks))
    if judged.document is None:
        return EndorsementReport(found.part, judged.verdict, settled.code, settled.detail)
    if as_list(judged.document["credentialSubject"])[0]["id"] != found.target:
        return EndorsementReport(found.part, "invalid", "endorsement_target", sentence("endorsement_target"))
    said = facts.extract_endorsement(judged.document)
    return EndorsementReport(found.part, judged.verdict, settled.code, settled.detail, judged.issuer, said)
