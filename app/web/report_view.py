"""A verifier's report in the words of the pages: what an employer reads first, and what stands behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.core.days import day
from app.verifier.schemas import (
    NOT_CHECKED,
    AlignmentFact,
    ChainLink,
    Check,
    CheckName,
    Container,
    EndorsedPart,
    EndorsementReport,
    Facts,
    IssuerFacts,
    KnownIssuer,
    Report,
    Technical,
    Verdict,
)
from app.verifier.verdicts import decisive

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
# Of what hangs on a badge: the advice belongs to the badge itself.
_SHORT: Final[dict[Verdict, str]] = {
    "valid": "Valid",
    "valid_unknown_issuer": "Valid, issuer not known to us",
    "not_yet_valid": "Not valid yet",
    "expired": "Expired",
    "suspended": "Suspended",
    "revoked": "Revoked",
    "invalid": "Not valid",
    "unknown": "Could not check",
}
_NAMES: Final[dict[CheckName, str]] = {
    "read": "The badge can be read",
    "form": "It is an Open Badges 3.0 credential",
    "signature": "The signature holds",
    "issuer_binding": "The key is the issuer’s own",
    "dates": "It is within its dates",
    "status": "It has not been revoked",
    "host_status": "It is not suspended here",
    "issuer_known": "We know the issuer",
    "refresh": "We judged its newest copy",
    "chain": "What it rests on still stands",
    "endorsements": "Its endorsements hold",
}
_SKIPPED: Final[dict[CheckName, str]] = {
    "read": "reading it",
    "form": "its form",
    "signature": "its signature",
    "issuer_binding": "whose key it is",
    "dates": "its dates",
    "status": "whether it was revoked",
    "host_status": "whether it is suspended",
    "issuer_known": "who the issuer is",
    "refresh": "whether there is a newer copy",
    "chain": "what it rests on",
    "endorsements": "its endorsements",
}
_ENDORSED: Final[dict[EndorsedPart, str]] = {
    "credential": "this badge",
    "achievement": "what was achieved",
    "issuer": "the issuer",
}
_CONTAINERS: Final[dict[Container, str]] = {
    "json": "JSON file",
    "jwt": "signed token (JWT)",
    "png": "PNG picture",
    "svg": "SVG picture",
}

_JUDGED_BY: Final = re.compile(r"/programme/(?P<pathway>pathways/)?(?P<key>[A-Za-z0-9-]+)/(?P<version>[0-9]+)\.json$")
_ASK: Final = "So we cannot see how it stands. Ask the holder to share it."
_ASK_MANY: Final = "So we cannot see how they stand. Ask the holder to share those that matter to you."
UNSHARED: Final = "chain_unshared"


@dataclass(frozen=True)
class CheckView:
    """One check: `name` in words, `result` pass, fail or unknown, `detail` one sentence."""

    name: str
    result: str
    detail: str


@dataclass(frozen=True)
class GroundView:
    """One document the badge rests on: `name`, `verdict` and `detail` in words.

    `look`: pass, doubt (nobody vouches for its issuer), fail or unknown.
    """

    name: str
    look: str
    verdict: str
    detail: str
    url: str | None


@dataclass(frozen=True)
class EndorsementView:
    """One endorsement: `of` what, by `who`; `comment` only where it holds. `look` as of a GroundView."""

    of: str
    who: str
    look: str
    verdict: str
    detail: str
    comment: str | None


@dataclass(frozen=True)
class ReportView:
    """What templates/verify/_report.html shows.

    `facts` is None unless the signature passed: the template shows nothing of a badge's content then. `skipped` names
    the steps that were not reached; `frameworks` are the competencies by the framework they come from. `replaced`: a
    newer version of our own badge stands in its place; `fallen` says that badges it rests on do not stand any more.
    """

    verdict: Verdict
    title: str
    detail: str
    report: Report
    checks: tuple[CheckView, ...]
    skipped: tuple[str, ...]
    technical: tuple[tuple[str, str], ...]
    facts: Facts | None
    issuer: KnownIssuer | None
    frameworks: tuple[tuple[str | None, tuple[AlignmentFact, ...]], ...]
    grounds: tuple[GroundView, ...]
    endorsements: tuple[EndorsementView, ...]
    image: str | None
    hours: str | None
    assessment: str | None
    replaced: bool = False
    fallen: str | None = None


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
        checks=tuple(
            CheckView(_NAMES[check.name], check.result, check.detail)
            for check in report.checks
            if check.code != NOT_CHECKED
        ),
        skipped=tuple(_SKIPPED[check.name] for check in report.checks if check.code == NOT_CHECKED),
        technical=tuple(_technical(report.technical, report.checks)),
        facts=report.facts,
        issuer=report.issuer,
        frameworks=_frameworks(report.facts),
        grounds=tuple(_grounds(report)),
        endorsements=tuple(_endorsement(each) for each in report.endorsements),
        image=image,
        hours=hours,
        assessment=assessment,
        replaced=is_replaced(report),
        fallen=_fallen(report),
    )


def _title(report: Report) -> str:
    reading = report.check("read")
    if reading is not None and reading.result == "fail":
        return "We found no badge to check"
    if is_replaced(report):
        return "Replaced by a newer version"
    return _TITLES[report.verdict]


def is_replaced(report: Report) -> bool:
    """Whether the first thing to say of a badge is that a newer version of it stands: nothing worse is to be said."""
    return report.is_valid and report.is_superseded


def _detail(report: Report) -> str:
    """The sentence under the verdict: who, for what, since when and until when; or what is wrong and what to do."""
    who, facts = _signer(report), report.facts
    if is_replaced(report):
        return _replaced(report)
    if facts is None or report.verdict in ("invalid", "unknown"):
        reason = _reason(report)
        if report.verdict == "unknown":
            return f"{reason} Do not take that as a yes: try again later, or ask its holder for another copy."
        return reason
    if report.verdict == "revoked":
        return f"{who} signed it and has since taken it back."
    if report.verdict == "suspended":
        return f"{who} signed it, and it is suspended for now. Ask its holder, or check again later."
    if report.verdict == "expired":
        ended = f" on {day(facts.valid_until)}" if facts.valid_until else ""
        return f"{who} signed it, and its time ran out{ended}."
    if report.verdict == "not_yet_valid":
        begins = f": it begins on {day(facts.valid_from)}" if facts.valid_from else ""
        return f"{who} signed it for a time that has not come{begins}."
    return f"{_award(report, facts)} {_standing(report, facts)}"


def _replaced(report: Report) -> str:
    """It holds as it is, and is not what its issuer says today."""
    held = f"{_signer(report)} signed this copy, and has signed the badge anew since."
    if report.newer_at is None:
        return f"{held} The newer version is not shared: ask its holder for it, and do not rely on this one alone."
    return f"{held} Rely on the newer version."


def _award(report: Report, facts: Facts) -> str:
    if report.issuer is None:
        return f"{_signer(report)} signed it, and is not in our register of known issuers."
    when = f" on {day(facts.awarded_at)}" if facts.awarded_at else ""
    return f"{report.issuer.name} awarded “{facts.achievement.name}”{when}."


def _standing(report: Report, facts: Facts) -> str:
    status = report.check("status")
    revocable = status is None or status.code != "no_status"
    since = "Not changed or revoked since" if revocable else "Not changed since; it cannot be revoked"
    return f"{since}; valid until {day(facts.valid_until)}." if facts.valid_until else f"{since}."


def _signer(report: Report) -> str:
    if report.issuer is not None:
        return report.issuer.name
    if report.facts is not None and report.facts.issuer.domain:
        return report.facts.issuer.domain
    return "An issuer without a web address"


def _reason(report: Report) -> str:
    return decisive(report.checks).detail


def _frameworks(facts: Facts | None) -> tuple[tuple[str | None, tuple[AlignmentFact, ...]], ...]:
    groups: dict[str | None, list[AlignmentFact]] = {}
    for alignment in facts.alignments if facts else ():
        groups.setdefault(alignment.framework, []).append(alignment)
    return tuple((framework, tuple(items)) for framework, items in groups.items())


def _grounds(report: Report) -> Iterator[GroundView]:
    """Each document by itself, but badges that nobody shared as one: of them there is nothing to tell but how many."""
    unshared = sum(link.code == UNSHARED for link in report.chain)
    told = False
    for link in report.chain:
        if link.code != UNSHARED:
            yield _ground(link, report)
        elif not told:
            told = True
            many = "A badge that its holder has" if unshared == 1 else f"{unshared} badges that their holder has"
            yield GroundView(
                f"{many} not shared", "unknown", "Could not check", _ASK_MANY if unshared > 1 else _ASK, None
            )


def _ground(link: ChainLink, report: Report) -> GroundView:
    url = link.url if link.url.startswith("https://") and link.result != "unknown" else None
    if link.kind == "document":
        found = {"pass": "Unchanged", "fail": "Changed", "unknown": "Could not check"}[link.result]
        return GroundView(_document_name(link.url, report.issuer), link.result, found, link.detail, url)
    verdict: Verdict = "unknown" if link.verdict is None else link.verdict
    if link.facts is None:
        return GroundView("A badge", _look(verdict), _SHORT[verdict], link.detail, url)
    if link.issuer is not None and link.issuer.ours:
        url = link.facts.credential_id  # its own page says how it stands at any time; what was signed is for programs
    return GroundView(link.facts.achievement.name, _look(verdict), _SHORT[verdict], _ground_detail(link), url)


def _document_name(url: str, issuer: KnownIssuer | None) -> str:
    """What the document is, where the badge is our own: what a stranger's address looks like says nothing."""
    found = _JUDGED_BY.search(url) if issuer is not None and issuer.ours else None
    if found is None:
        return "A document it was judged by"
    what = "pathway" if found["pathway"] else "framework"
    return f"The {what} it was judged by: {found['key']}, version {found['version']}"


def _ground_detail(link: ChainLink) -> str:
    """From whom and since when, then how it stands."""
    if link.facts is None:
        return link.detail
    since = f", awarded on {day(link.facts.awarded_at)}" if link.facts.awarded_at else ""
    return f"From {_who(link.issuer, link.facts.issuer)}{since}. {link.detail}"


def _fallen(report: Report) -> str | None:
    """Said right under a verdict that is good: what the badge was awarded for does not all stand any more."""
    badges = [link for link in report.chain if link.kind == "badge"]
    fallen = sum(link.result == "fail" for link in badges)
    if not report.is_valid or not fallen:
        return None
    if len(badges) == 1:
        return "The badge it rests on no longer stands."
    return f"{fallen} of the {len(badges)} badges it rests on no longer {'stands' if fallen == 1 else 'stand'}."


def _endorsement(report: EndorsementReport) -> EndorsementView:
    who = "Somebody" if report.facts is None else _who(report.issuer, report.facts.issuer)
    who = who[0].upper() + who[1:] if report.issuer is None and " " in who else who
    look = _look(report.verdict)
    comment = report.facts.comment if report.facts is not None and look in ("pass", "doubt") else None
    return EndorsementView(_ENDORSED[report.of], who, look, _SHORT[report.verdict], report.detail, comment)


def _look(verdict: Verdict) -> str:
    """What nobody vouches for is never green."""
    return {"valid": "pass", "valid_unknown_issuer": "doubt", "unknown": "unknown"}.get(verdict, "fail")


def _who(known: KnownIssuer | None, claimed: IssuerFacts) -> str:
    """A name that somebody vouches for, else the address that signed; never what a stranger calls itself."""
    return known.name if known is not None else claimed.domain or "an issuer without a web address"


def _technical(technical: Technical, checks: tuple[Check, ...]) -> list[tuple[str, str]]:
    rows = [
        ("Presented as", _CONTAINERS.get(technical.container) if technical.container else None),
        ("Signed with", technical.suite),
        ("Key", technical.verification_method),
        ("Status list", technical.status_list),
        ("Codes", ", ".join(f"{check.name}: {check.code}" for check in checks)),
    ]
    return [(name, value) for name, value in rows if value]
