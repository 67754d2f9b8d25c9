"""One credential judged: the checks that every badge and every endorsement goes through, in a fixed order.

The order is that of Open Badges 3.0 §9 (https://www.imsglobal.org/spec/ob/v3p0#verification), with the signature before
anything the credential says is used. Every check is three-valued, and whatever is not known counts against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from app.verifier import dates, form, look_alikes, own_copies, refresh, remembered, signature, status
from app.verifier.facts import claimed_name
from app.verifier.form import Kind
from app.verifier.issuer_keys import IssuerKeys
from app.verifier.ports import HostRecord, HostRecords, HostStatus, IssuerRegister
from app.verifier.reading import Readable
from app.verifier.schemas import NOT_CHECKED, Check, KnownIssuer, Technical, Verdict
from app.verifier.sources import Budgeted
from app.verifier.verdicts import CORE, WHERE_IT_APPLIES, verdict_of
from app.verifier.wording import Stopped, fail, passed, stopped, unknown


@dataclass(frozen=True)
class Means:
    """What one verification works with; see `service.verify`."""

    documents: Budgeted
    known_issuers: IssuerRegister
    at: datetime
    host_status: HostStatus | None
    allow_http_localhost: bool
    as_it_is: bool = False


@dataclass
class Judged:
    """What came out: `document` is None unless the signature held by the issuer's own key."""

    checks: list[Check] = field(default_factory=list)
    technical: Technical = field(default_factory=Technical)
    issuer: KnownIssuer | None = None
    document: dict[str, Any] | None = None
    status_list_at: datetime | None = None
    refreshed: bool = False
    newer_at: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict on the credential by itself."""
        return verdict_of(tuple(self.checks))


def judge(read: Callable[[], Readable], means: Means, *, kind: Kind = "badge", may_refresh: bool = False) -> Judged:
    """Judge one credential.

    Args:
        read: gives it; may raise Stopped.
        means: what to work with.
        kind: what it must be.
        may_refresh: may a newer copy take its place?
    """
    run = _Run(means, kind, may_refresh)
    try:
        run.judge(read)
    except Stopped as stop:
        run.stop(stop)
    run.close()
    return run.judged


class _Run:
    """One judgement under way."""

    def __init__(self, means: Means, kind: Kind, may_refresh: bool) -> None:
        self._means = means
        self._kind = kind
        self._may_refresh = may_refresh
        self._issuer: KnownIssuer | None = None
        self._record: HostRecord | None = None
        self.judged = Judged()

    def judge(self, read: Callable[[], Readable]) -> None:
        """Run the checks in order. Up to the issuer's hold on the key, one that does not pass ends the run."""
        means, judged = self._means, self.judged
        readable = read()
        judged.technical = Technical(container=readable.container, securing=readable.securing)
        judged.checks.append(passed("read"))
        if readable.securing == "data-integrity" and not form.as_list(readable.document.get("proof")):
            raise fail("no_proof")  # whatever its form is: nobody has said any of it
        remembered.check_form(readable, self._kind)
        judged.checks.append(passed("form"))
        issuer_id = form.identifier_of(readable.document["issuer"]) or ""
        keys = IssuerKeys(issuer_id, means.documents, at=means.at, allow_http_localhost=means.allow_http_localhost)
        try:
            signed = signature.check(readable, keys)
        except signature.IssuerMismatch as error:
            judged.checks.append(stopped("signature", unknown(NOT_CHECKED)))
            raise fail("issuer_key_mismatch") from error
        # The key came out of the issuer's own document, or the signature could not have passed.
        judged.checks += [passed("signature"), passed("issuer_binding")]
        self._issuer = means.known_issuers.get(issuer_id)
        self._record = self._asked_host(readable.document)
        if self._may_refresh and not means.as_it_is and refresh.is_offered(readable.document):
            readable, signed = self._refreshed(readable, signed, keys)
        self._judge_signed(readable, issuer_id, keys, signed)

    def stop(self, stop: Stopped) -> None:
        """A check that ends the run: it is the first that is not there yet."""
        done = {check.name for check in self.judged.checks}
        name = next(name for name in CORE if name not in done and name not in WHERE_IT_APPLIES)
        self.judged.checks.append(stopped(name, stop))

    def close(self) -> None:
        """Name the steps that were not reached, so that a report always lists them all."""
        done = {check.name for check in self.judged.checks}
        skipped = [name for name in CORE if name not in done and name not in WHERE_IT_APPLIES]
        self.judged.checks += [stopped(name, unknown(NOT_CHECKED)) for name in skipped]

    def _refreshed(
        self, readable: Readable, signed: signature.Signed, keys: IssuerKeys
    ) -> tuple[Readable, signature.Signed]:
        if self._record is not None and not self._is_over_and_replaced(readable.document, self._record):
            return readable, signed
        try:
            found = refresh.newer(readable, self._means.documents, keys)
        except Stopped as stop:
            if self._record is None:
                self.judged.checks.append(stopped("refresh", stop))
            return readable, signed
        self.judged.checks.append(passed("refresh"))
        self.judged.refreshed = True
        return found

    def _is_over_and_replaced(self, document: dict[str, Any], record: HostRecord) -> bool:
        """Of our own badges the host knows which copy is the newest; one that still holds is judged as it is.

        `own_copies` then says that a newer one stands in its place, which tells more than taking it unasked. Of a copy
        that has ended the newer one alone says how the badge stands: it may have been renewed.
        """
        ends = dates.period(document)[1]
        return own_copies.check(document, record) is not None and ends is not None and ends <= self._means.at

    def _judge_signed(self, readable: Readable, issuer_id: str, keys: IssuerKeys, signed: signature.Signed) -> None:
        """The checks on what is now known to be the issuer's word; each is made whatever the others say."""
        means, judged, document = self._means, self.judged, readable.document
        self._dates(document, signed)
        lists = status.Lists(means.documents, issuer_id, keys, means.at, means.allow_http_localhost)
        found = self._status(document, lists)
        judged.issuer = self._issuer
        self._host(document)
        judged.checks.append(passed("issuer_known") if judged.issuer else self._stranger(document, issuer_id))
        judged.technical = Technical(
            container=readable.container,
            securing=readable.securing,
            verification_method=signed.verification_method,
            suite=signed.suite,
            status_list=found.list_url,
        )
        judged.status_list_at = found.list_at
        judged.document = document

    def _stranger(self, document: dict[str, Any], issuer_id: str) -> Check:
        """Nobody vouches for this issuer; that it could be taken for somebody else is said before anything else."""
        resembled = self._means.known_issuers.resembled(issuer_id, claimed_name(document))
        if resembled is not None:
            return stopped("issuer_known", unknown("issuer_look_alike", resembled.detail))
        return stopped("issuer_known", unknown("issuer_unknown", look_alikes.letters_note(issuer_id)))

    def _dates(self, document: dict[str, Any], signed: signature.Signed) -> None:
        try:
            dates.check(document, proof_created=signed.created, proof_expires=signed.expires, at=self._means.at)
            self.judged.checks.append(passed("dates"))
        except Stopped as stop:
            self.judged.checks.append(stopped("dates", stop))

    def _status(self, document: dict[str, Any], lists: status.Lists) -> status.Status:
        try:
            found = status.check(document, lists)
        except Stopped as stop:
            self.judged.checks.append(stopped("status", stop))
            return status.Status(stop.code)
        self.judged.checks.append(passed("status", found.code))
        return found

    def _host(self, document: dict[str, Any]) -> None:
        record = self._record
        if record is None:
            return
        suspended = stopped("host_status", fail("suspended"))
        self.judged.checks.append(passed("host_status") if record.state == "active" else suspended)
        if self._may_refresh:
            self._newest(document, record)

    def _asked_host(self, document: dict[str, Any]) -> HostRecord | None:
        """What the host knows of the badge; None of a badge that is not one of its own."""
        known, ask = self._issuer, self._means.host_status
        if known is None or not known.ours or ask is None or self._kind != "badge":
            return None
        return _record(ask, document["id"])

    def _newest(self, document: dict[str, Any], record: HostRecord) -> None:
        """Whether the host has a later version, told among the checks where a newer copy has its place."""
        replaced = own_copies.check(document, record)
        names = [check.name for check in self.judged.checks]
        if replaced is None or "refresh" in names:
            return
        self.judged.checks.insert(names.index("dates"), replaced)
        self.judged.newer_at = document["id"] if record.shared else None


def _record(ask: HostStatus, credential_id: str) -> HostRecord:
    if _keeps_records(type(ask)):
        return cast(HostRecords, ask).record(credential_id)
    return HostRecord(ask(credential_id))


@lru_cache
def _keeps_records(kind: type[HostStatus]) -> bool:
    """Whether hosts of a class also know versions; asking Python takes longer than asking the host."""
    return issubclass(kind, HostRecords)
