"""A verifier's report in the words of the pages: what an employer reads first, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.verifier.schemas import Check, CheckName, Container, Facts, KnownIssuer, Report, Technical, Verdict

_TITLES: Final[dict[Verdict, str]] = {
    "valid": "Valid",
    "valid_unknown_issuer": "Valid, but we do not know the issuer",
    "not_yet_valid": "Not valid yet",
    "expired": "Expired",
    "suspended": "Suspended",
    "revoked": "Revoked: do not rely on it",
    "invalid": "Not valid: do not rely on it",
    "unknown": "Could not check",
}
_NAMES: Final[dict[CheckName, str]] = {
    "read": "The badge can be read",
    "form": "It is an Open Badges 3.0 credential",
    "signature": "The signature holds",
    "issuer_binding": "The key is the issuer's own",
    "dates": "It is within its dates",
    "status": "It has not been revoked",
    "host_status": "It is not suspended here",
    "issuer_known": "We know the issuer",
}
_CONTAINERS: Final[dict[Container, str]] = {
    "json": "JSON file",
    "jwt": "signed token (JWT)",
    "png": "PNG picture",
    "svg": "SVG picture",
}


@dataclass(frozen=True)
class CheckView:
    """One check: `name` in words, `result` pass, fail or unknown, `detail` one sentence."""

    name: str
    result: str
    detail: str


@dataclass(frozen=True)
class ReportView:
    """What templates/verify/_report.html shows.

    `facts` is None unless the signature passed: the template shows nothing of a badge's content then.
    """

    verdict: Verdict
    title: str
    detail: str
    report: Report
    checks: tuple[CheckView, ...]
    technical: tuple[tuple[str, str], ...]
    facts: Facts | None
    issuer: KnownIssuer | None
    image: str | None
    hours: str | None
    assessment: str | None


def view_of(
    report: Report, *, image: str | None = None, hours: str | None = None, assessment: str | None = None
) -> ReportView:
    """Put a report into words.

    Args:
        report: the verifier's.
        image: path of the badge's picture on this server; pictures from elsewhere are not loaded.
        hours: how long the learning takes, of our own badges.
        assessment: how it was assessed and by whose role, in one line, of our own badges.
    """
    return ReportView(
        verdict=report.verdict,
        title=_title(report),
        detail=_detail(report),
        report=report,
        checks=tuple(CheckView(_NAMES[check.name], check.result, check.detail) for check in report.checks),
        technical=tuple(_technical(report.technical, report.checks)),
        facts=report.facts,
        issuer=report.issuer,
        image=image,
        hours=hours,
        assessment=assessment,
    )


def _title(report: Report) -> str:
    reading = report.check("read")
    if reading is not None and reading.result == "fail":
        return "We found no badge to check"
    return _TITLES[report.verdict]


def _detail(report: Report) -> str:
    who = _signer(report)
    if report.verdict in ("valid", "valid_unknown_issuer"):
        status = report.check("status")
        revocable = status is None or status.code != "no_status"
        tail = "Not changed since, and not revoked." if revocable else "Not changed since. It cannot be revoked."
        return f"Signed by {who}. {tail}"
    if report.verdict == "revoked":
        return f"It was signed by {who}, who has since taken it back."
    if report.verdict == "suspended":
        return f"It was signed by {who} and is suspended for now. Ask its holder, or check again later."
    if report.verdict == "expired":
        return f"It was signed by {who}, and its time has run out."
    if report.verdict == "not_yet_valid":
        return f"It was signed by {who}, for a time that has not begun."
    reason = _reason(report)
    if report.verdict == "unknown":
        return f"{reason} Do not take that as a yes: try again later, or ask its holder for another copy."
    return reason


def _signer(report: Report) -> str:
    if report.issuer is not None:
        return report.issuer.name
    if report.facts is not None and report.facts.issuer.domain:
        return report.facts.issuer.domain
    return "an issuer without a domain"


def _reason(report: Report) -> str:
    failed = [check for check in report.checks if check.result == "fail"]
    open_questions = [check for check in report.checks if check.result == "unknown" and check.code != "not_checked"]
    first = (failed or open_questions or list(report.checks))[0]
    return first.detail


def _technical(technical: Technical, checks: tuple[Check, ...]) -> list[tuple[str, str]]:
    rows = [
        ("Presented as", _CONTAINERS.get(technical.container) if technical.container else None),
        ("Signed with", technical.suite),
        ("Key", technical.verification_method),
        ("Status list", technical.status_list),
        ("Codes", ", ".join(f"{check.name}: {check.code}" for check in checks)),
    ]
    return [(name, value) for name, value in rows if value]
