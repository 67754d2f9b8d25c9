"""From a badge of any origin to a report: named checks in a fixed order, and one verdict.

The order is that of Open Badges 3.0 §9 (https://www.imsglobal.org/spec/ob/v3p0#verification), with the signature before
anything the badge says is used. Every check is three-valued, and whatever is not known counts against the badge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.core import metrics
from app.core.clock import now
from app.verifier import dates, facts, form, reading, signature, status
from app.verifier.issuer_keys import IssuerKeys
from app.verifier.ports import DocumentSource, HostStatus, IssuerRegister
from app.verifier.rate import CheckLimit
from app.verifier.schemas import (
    NOT_CHECKED,
    Check,
    CheckName,
    Facts,
    KnownIssuer,
    Presented,
    Report,
    Technical,
    Verdict,
)
from app.verifier.sources import Budgeted
from app.verifier.wording import Stopped, fail, passed, stopped, unknown

_ORDER: Final[tuple[CheckName, ...]] = (
    "read", "form", "signature", "issuer_binding", "dates", "status", "host_status", "issuer_known",
)  # fmt: skip
# A definite bad answer outweighs an open question; of the bad ones, the one that says most comes first.
_LIFECYCLE: Final[tuple[Verdict, ...]] = ("revoked", "suspended", "expired", "not_yet_valid")


def verify(
    presented: Presented,
    *,
    source: DocumentSource,
    known_issuers: IssuerRegister,
    at: datetime,
    host_status: HostStatus | None = None,
    allow_http_localhost: bool = False,
) -> Report:
    """Judge a badge.

    Args:
        presented: the badge, or where it is.
        source: where the badge, the issuer's keys and status lists are fetched; used within a budget of 10 s and 8
            fetches.
        known_issuers: the register, with our own issuers in it.
        at: the moment to judge for, aware.
        host_status: asked about credentials of our own issuers only.
        allow_http_localhost: may did:web names of this machine be asked by plain http?

    Raises nothing about the badge: whatever is wrong with it is in the report.
    """
    return _Run(Budgeted(source), known_issuers, at, host_status, allow_http_localhost).report(presented)


def verdict_of(checks: tuple[Check, ...]) -> Verdict:
    """The one verdict that follows from the checks; fail-closed: an open question is never valid."""
    failed = {check.code for check in checks if check.result == "fail"}
    if failed - set(_LIFECYCLE):
        return "invalid"
    for verdict in _LIFECYCLE:
        if verdict in failed:
            return verdict
    open_questions = {check.name for check in checks if check.result == "unknown"}
    missing = set(_ORDER) - {"host_status"} - {check.name for check in checks}
    if open_questions - {"issuer_known"} or missing:
        return "unknown"
    return "valid_unknown_issuer" if open_questions else "valid"


@dataclass(frozen=True)
class Verifier:
    """`verify` with this process's means bound to it; wiring builds one."""

    source: DocumentSource
    known_issuers: IssuerRegister
    host_status: HostStatus | None = None
    allow_http_localhost: bool = False
    limit: CheckLimit = field(default_factory=CheckLimit)

    def verify(self, presented: Presented, *, at: datetime | None = None) -> Report:
        """Judge a badge for the moment `at` (aware; now if not given). See `verify`."""
        return verify(
            presented,
            source=self.source,
            known_issuers=self.known_issuers,
            at=at or now(),
            host_status=self.host_status,
            allow_http_localhost=self.allow_http_localhost,
        )


@dataclass
class _Run:
    """One verification under way."""

    source: DocumentSource
    known_issuers: IssuerRegister
    at: datetime
    host_status: HostStatus | None
    allow_http_localhost: bool
    checks: list[Check] = field(default_factory=list)
    technical: Technical = field(default_factory=Technical)
    issuer: KnownIssuer | None = None
    facts: Facts | None = None

    def report(self, presented: Presented) -> Report:
        try:
            self._judge(presented)
        except Stopped as stop:
            self.checks.append(stopped(_ORDER[len(self.checks)], stop))
        self._close()
        checks = tuple(self.checks)
        metrics.VERIFICATIONS.labels(verdict_of(checks)).inc()
        return Report(verdict_of(checks), self.at, checks, self.technical, self.issuer, self.facts)

    def _judge(self, presented: Presented) -> None:
        """Run the checks in order. Up to the issuer's hold on the key, one that does not pass ends the run."""
        readable = reading.read(presented, self.source)
        self.technical = Technical(container=readable.container, securing=readable.securing)
        self.checks.append(passed("read"))
        form.check(readable)
        self.checks.append(passed("form"))
        issuer_id = form.identifier_of(readable.document["issuer"]) or ""
        keys = IssuerKeys(issuer_id, self.source, at=self.at, allow_http_localhost=self.allow_http_localhost)
        try:
            signed = signature.check(readable, keys)
        except signature.IssuerMismatch as error:
            self.checks.append(stopped("signature", unknown(NOT_CHECKED)))
            raise fail("issuer_key_mismatch") from error
        # The key came out of the issuer's own document, or the signature could not have passed.
        self.checks += [passed("signature"), passed("issuer_binding")]
        self._judge_signed(readable, issuer_id, keys, signed)

    def _judge_signed(
        self, readable: reading.Readable, issuer_id: str, keys: IssuerKeys, signed: signature.Signed
    ) -> None:
        """The checks on what is now known to be the issuer's word; each is made whatever the others say."""
        document = readable.document
        self._dates(document, signed)
        found = self._status(document, status.Lists(self.source, issuer_id, keys, self.at))
        self.issuer = self.known_issuers.get(issuer_id)
        self._host(document)
        self.checks.append(
            passed("issuer_known") if self.issuer else stopped("issuer_known", unknown("issuer_unknown"))
        )
        self.technical = Technical(
            container=readable.container,
            securing=readable.securing,
            verification_method=signed.verification_method,
            suite=signed.suite,
            status_list=found.list_url,
        )
        self.facts = facts.extract(document, status_list_at=found.list_at)

    def _dates(self, document: dict[str, Any], signed: signature.Signed) -> None:
        try:
            dates.check(document, proof_expires=signed.expires, at=self.at)
            self.checks.append(passed("dates"))
        except Stopped as stop:
            self.checks.append(stopped("dates", stop))

    def _status(self, document: dict[str, Any], lists: status.Lists) -> status.Status:
        try:
            found = status.check(document, lists)
        except Stopped as stop:
            self.checks.append(stopped("status", stop))
            return status.Status(stop.code)
        self.checks.append(passed("status", found.code))
        return found

    def _host(self, document: dict[str, Any]) -> None:
        if self.issuer is None or not self.issuer.ours or self.host_status is None:
            return
        state = self.host_status(document["id"])
        self.checks.append(passed("host_status") if state == "active" else stopped("host_status", fail("suspended")))

    def _close(self) -> None:
        """Name the steps that were not reached, so that a report always lists them all."""
        done = {check.name for check in self.checks}
        skipped = [name for name in _ORDER if name not in done and name != "host_status"]
        self.checks += [stopped(name, unknown(NOT_CHECKED)) for name in skipped]
