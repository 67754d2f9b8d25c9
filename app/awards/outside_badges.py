"""Other issuers' badges, judged by our verifier for the pathways room, which may not know it."""

from __future__ import annotations

from collections.abc import Sequence

from app.pathways.ports import BadgeChecker, JudgedBadge
from app.vc import baking
from app.vc.errors import VcError
from app.verifier.errors import SourceUnavailable
from app.verifier.holder import email_matches
from app.verifier.reading import ACCEPT
from app.verifier.schemas import Facts, Presented, Report
from app.verifier.service import Verifier

_PNG = b"\x89PNG\r\n\x1a\n"


def checker(verifier: Verifier) -> BadgeChecker:
    """The pathways room's `BadgeChecker`, on this process's verifier."""

    def check(*, data: bytes | None, address: str | None, emails: Sequence[str], dids: Sequence[str]) -> JudgedBadge:
        if data is None:
            try:
                data = verifier.source.get(address or "", ACCEPT)
            except SourceUnavailable:
                return JudgedBadge("unknown", b"", why="Nothing could be fetched from that address.")
        report = verifier.verify(Presented.from_bytes(data))
        if report.facts is None:
            return JudgedBadge(report.verdict, b"", why=_why(report))
        return _judged(report, report.facts, _text(data), emails, dids)

    return check


def _judged(report: Report, facts: Facts, document: bytes, emails: Sequence[str], dids: Sequence[str]) -> JudgedBadge:
    return JudgedBadge(
        verdict=report.verdict,
        document=document,
        issuer=facts.issuer.id,
        issuer_name=(report.issuer.name if report.issuer else facts.issuer.claimed_name) or facts.issuer.id,
        achievement=facts.achievement.id,
        name=facts.achievement.name,
        awarded_at=facts.awarded_at,
        valid_from=facts.valid_from,
        valid_until=facts.valid_until,
        is_of=facts.holder.subject_id in dids or any(email_matches(facts.holder, email) for email in emails),
        ours=report.issuer is not None and report.issuer.ours,
        why=_why(report),
    )


def _why(report: Report) -> str:
    """The first thing that did not pass, unless it is that the issuer is not in our register."""
    return next((each.detail for each in report.checks if each.result != "pass" and each.name != "issuer_known"), "")


def _text(data: bytes) -> bytes:
    """What is kept of a badge: of a picture that is no text, the badge in it."""
    if not data.startswith(_PNG):
        return data.strip()
    try:
        return baking.unbake_png(data)
    except VcError:
        return data
