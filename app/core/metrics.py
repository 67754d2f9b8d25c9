"""Counters and gauges for whatever can fail in the night, in one place, in Prometheus' words."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

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
VERIFICATIONS = Counter("waymark_verifications_total", "Verifications by verdict", ["verdict"])
ERRORS = Counter("waymark_errors_total", "Errors shown, by slug", ["slug"])
PLATFORM_CHECKS = Counter("waymark_lti_platform_checks_total", "Checks of LMS connections", ["check", "result"])
