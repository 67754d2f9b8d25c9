"""From a badge of any origin to a report: named checks in a fixed order, and one verdict.

The badge itself is judged first (`judging`), then what hangs on it: the documents it rests on and its endorsements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core import metrics
from app.core.clock import now
from app.vc import credential_schema
from app.verifier import chain, endorsements, facts, reading
from app.verifier.judging import Judged, Means, judge
from app.verifier.ports import DocumentSource, HostStatus, IssuerRegister
from app.verifier.rate import CheckLimit
from app.verifier.schemas import ChainLink, EndorsementReport, Presented, Report
from app.verifier.sources import Budgeted
from app.verifier.verdicts import verdict_of


def verify(
    presented: Presented,
    *,
    source: DocumentSource,
    known_issuers: IssuerRegister,
    at: datetime,
    host_status: HostStatus | None = None,
    allow_http_localhost: bool = False,
    renew: bool = False,
    as_it_is: bool = False,
) -> Report:
    """Judge a badge.

    Args:
        presented: the badge, or where it is.
        source: where the badge, the issuer's keys, status lists and what hangs on the badge are fetched; used within
            the budget of `sources.Budgeted`.
        known_issuers: the register, with our own issuers in it.
        at: the moment to judge for, aware.
        host_status: asked about credentials of our own issuers only.
        allow_http_localhost: may did:web names of this machine be asked by plain http?
        renew: fetch keys and lists anew, though copies of a moment ago are at hand.
        as_it_is: judge this very copy, though its issuer may offer a newer one.

    Raises nothing about the badge: whatever is wrong with it is in the report.
    """
    documents = Budgeted(source, renew=renew)
    means = Means(documents, known_issuers, at, host_status, allow_http_localhost, as_it_is)
    judged = judge(lambda: reading.read(presented, documents), means, may_refresh=True)
    documents.go_further()
    report = _report(judged, means)
    metrics.VERIFICATIONS.labels(report.verdict).inc()
    return report


@dataclass(frozen=True)
class Verifier:
    """`verify` with this process's means bound to it; wiring builds one."""

    source: DocumentSource
    known_issuers: IssuerRegister
    host_status: HostStatus | None = None
    allow_http_localhost: bool = False
    limit: CheckLimit = field(default_factory=CheckLimit)

    def __post_init__(self) -> None:
        """Read the schemas now: where they are missing, that must be seen at the start and not at the first badge."""
        credential_schema.load()

    def verify(
        self, presented: Presented, *, at: datetime | None = None, renew: bool = False, as_it_is: bool = False
    ) -> Report:
        """Judge a badge for the moment `at` (aware; now if not given). See `verify`."""
        return verify(
            presented,
            source=self.source,
            known_issuers=self.known_issuers,
            at=at or now(),
            host_status=self.host_status,
            allow_http_localhost=self.allow_http_localhost,
            renew=renew,
            as_it_is=as_it_is,
        )


def _report(judged: Judged, means: Means) -> Report:
    document = judged.document
    if document is None:
        checks = tuple(judged.checks)
        return Report(verdict_of(checks), means.at, checks, judged.technical, judged.issuer)
    found, given = _what_hangs_on_it(document, means)
    beside = [chain.check(found)] if found else []
    beside += [endorsements.check(given)] if given else []
    checks = (*judged.checks, *beside)
    return Report(
        verdict_of(checks),
        means.at,
        checks,
        judged.technical,
        judged.issuer,
        facts.extract(document, status_list_at=judged.status_list_at),
        found,
        given,
        judged.refreshed,
        judged.newer_at,
    )


def _what_hangs_on_it(
    document: dict[str, Any], means: Means
) -> tuple[tuple[ChainLink, ...], tuple[EndorsementReport, ...]]:
    return chain.links(document, means), endorsements.reports(document, means)
