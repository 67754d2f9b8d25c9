"""Counters and gauges for whatever can fail in the night, in one place, in Prometheus' words."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.core.processes import COUNTERS

# What is true in the database: shown only when it was read just now, never as it was before the database went away.
FROM_DATABASE = CollectorRegistry()

REQUESTS = Counter("waymark_http_requests_total", "Requests answered", ["method", "status"])
LAUNCHES = Counter("waymark_lti_launches_total", "LTI launches by outcome", ["outcome"])
REGISTRATIONS = Counter("waymark_lti_registrations_total", "Registrations with an LMS by outcome", ["outcome"])
LTI_SCORES = Counter("waymark_lti_scores_total", "Tries to send a score to an LMS by outcome", ["outcome"])
LTI_SCORES_HELD = Gauge("waymark_lti_scores", "Scores for LMSs by state", ["state"], registry=FROM_DATABASE)
LTI_TOKENS = Counter("waymark_lti_token_requests_total", "Access tokens asked of LMSs by outcome", ["outcome"])
CHECK_OK = Gauge("waymark_check_ok", "1 if a check of /readyz is ok just now, 0 if not", ["check"])
OUTBOX_DELIVERIES = Gauge(
    "waymark_outbox_deliveries", "Deliveries by listener and state", ["handler", "state"], registry=FROM_DATABASE
)
OUTBOX_WAITING = Gauge("waymark_outbox_waiting", "Deliveries that wait to be made", registry=FROM_DATABASE)
OUTBOX_DEAD = Gauge("waymark_outbox_dead", "Deliveries that were given up", registry=FROM_DATABASE)
OUTBOX_AGE = Gauge("waymark_outbox_age_seconds", "Age of the oldest waiting delivery", registry=FROM_DATABASE)
OUTBOX_OVERDUE = Gauge(
    "waymark_outbox_overdue_seconds", "How long work has been due that no worker took", registry=FROM_DATABASE
)
OUTGOING_FETCHES = Counter("waymark_outgoing_fetches_total", "Requests to other servers by outcome", ["outcome"])
CREDENTIAL_VERSIONS = Gauge(
    "waymark_credential_versions", "Versions of badges signed so far, from the database", registry=FROM_DATABASE
)
BADGES_ON_REVOKED_KEYS = Gauge(
    "waymark_badges_on_revoked_keys",
    "Badges in force whose latest version was signed with a key revoked since",
    registry=FROM_DATABASE,
)
AUDIT_UNSEALED_AGE = Gauge(
    "waymark_audit_unsealed_age_seconds", "Age of the oldest audit entry without a seal", registry=FROM_DATABASE
)
REMOTE_SIGNATURES = Counter("waymark_remote_signatures_total", "Signatures asked of the signing service", ["outcome"])
STATUS_LISTS_SIGNED = Counter(
    "waymark_status_lists_signed_total", "Tries to sign a status list by outcome", ["outcome"]
)
STATUS_LIST_AGE = Gauge(
    "waymark_status_list_age_seconds", "Age of the oldest signature of a status list", registry=FROM_DATABASE
)
STATUS_LISTS_BEHIND = Gauge(
    "waymark_status_lists_behind", "Status lists that do not yet tell of a revocation", registry=FROM_DATABASE
)
KNOWN_ISSUERS_OK = Gauge(
    "waymark_known_issuers_ok", "1 if the register of known issuers is read as it is, 0 if it has a mistake"
)
PROCESS_ID = Gauge("waymark_process_id", "Number, in the operating system, of the process that answers")
VERIFICATIONS = Counter("waymark_verifications_total", "Verifications by verdict", ["verdict"])
HOLDER_PROOFS = Counter(
    "waymark_holder_proofs_total", "Proofs by which holders showed that a DID is theirs, by result", ["result"]
)
ATTENDANCE_CODES = Counter(
    "waymark_attendance_codes_total", "Codes that learners typed at a session, by result", ["result"]
)
QUARANTINES = Counter("waymark_quarantines_total", "Texts that assessors put away, by step", ["step"])
PANEL_MARKS = Counter("waymark_panel_marks_total", "Marks of members of a panel, by what became of them", ["step"])
FILES = Counter("waymark_evidence_files_total", "Files that learners sent, by what became of them", ["result"])
EVIDENCE_EXPIRED = Counter(
    "waymark_evidence_expired_total", "Handed-in work whose texts and files were deleted because their time was over"
)
FINDINGS_KEPT = Counter(
    "waymark_findings_kept_total",
    "Places in handed-in work that the scan found and the learner left as they are",
    ["kind"],
)
MAILS = Counter("waymark_mails_total", "Mails by kind and what became of them", ["kind", "outcome"])
REMINDERS_DUE = Gauge(
    "waymark_expiry_reminders_due", "Badges that end soon and whose reminder nobody has seen to", registry=FROM_DATABASE
)
PATHWAY_STANDINGS = Counter(
    "waymark_pathway_standings_total", "Persons whose standing on pathways was worked out anew, by outcome", ["outcome"]
)
PATHWAY_STANDINGS_DUE = Gauge(
    "waymark_pathway_standings_due",
    "Standings on pathways that became another by time and were not worked out anew",
    registry=FROM_DATABASE,
)
COVERAGE_DUE = Gauge(
    "waymark_coverage_tables_due",
    "Tables of all centres that are to be worked out for this month; 1 where none is known yet",
    registry=FROM_DATABASE,
)
EXTERNAL_BADGES = Counter("waymark_external_badges_total", "Checks of other issuers' badges by verdict", ["verdict"])
AWARDS_BY_CLIENTS = Counter(
    "waymark_awards_by_clients_total", "Awards that clients of the API asked for, by what became of them", ["outcome"]
)
PROPOSALS = Counter("waymark_award_proposals_total", "Badges that the machine proposed, by what became of it", ["step"])
CONFIRMATIONS = Counter(
    "waymark_confirmation_requests_total", "Words asked for a step of a pathway, by what became of it", ["step"]
)
OVERRIDES_TO_REVIEW = Gauge(
    "waymark_overrides_to_review",
    "Awards made although a prerequisite was missing that nobody has reviewed",
    registry=FROM_DATABASE,
)
CONSEQUENCES = Gauge(
    "waymark_consequences",
    "Badges of which one that they rest on has ended, by what they wait for",
    ["waits_for"],
    registry=FROM_DATABASE,
)
CONSEQUENCES_OVERDUE = Gauge(
    "waymark_consequences_overdue",
    "Badges whose time of grace is over and about which no worker has asked anybody",
    registry=FROM_DATABASE,
)
BADGES_RENEWED = Counter("waymark_badges_renewed_total", "Decisions that renew a badge by outcome", ["outcome"])
OBSERVATIONS_MADE = Counter("waymark_observations_made_total", "Observations of learners at work, by role", ["role"])
ERRORS = Counter("waymark_errors_total", "Errors shown, by slug", ["slug"])
PLATFORM_CHECKS = Counter("waymark_lti_platform_checks_total", "Checks of LMS connections", ["check", "result"])
BATCHES = Gauge("waymark_batches", "Batches of awards by state", ["state"], registry=FROM_DATABASE)
BATCH_ROWS = Counter("waymark_batch_rows_total", "Rows of batches by what became of them", ["result"])
BATCH_CHUNKS = Counter("waymark_batch_chunks_total", "Chunks of batches that were in hand, by outcome", ["outcome"])
API_TOKENS = Counter("waymark_api_token_requests_total", "Access tokens that clients asked us for", ["outcome"])
API_REFUSALS = Counter("waymark_api_calls_refused_total", "Calls of the API not let in, by reason", ["reason"])


def told() -> bytes:
    """All but what comes from the database, in Prometheus' form. Where several processes serve, counters are sums."""
    PROCESS_ID.set(os.getpid())
    folder = os.environ.get(COUNTERS)
    return generate_latest(_Together(Path(folder)) if folder else REGISTRY)


class _Together(CollectorRegistry):
    """This process's own gauges, and the counters of all that keep them in one folder.

    Args:
        folder: where they do; those of a process that has ended stay, or a sum would go backwards.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Each metric once."""
        files = [str(file) for file in self._folder.glob("counter_*.db")]
        counted = {each.name: each for each in MultiProcessCollector.merge(files)}  # type: ignore[no-untyped-call]
        yield from counted.values()
        for own in REGISTRY.collect():
            if own.name not in counted:
                yield own
