"""Counters and gauges for whatever can fail in the night, in one place, in Prometheus' words."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

REQUESTS = Counter("waymark_http_requests_total", "Requests answered", ["method", "status"])
LAUNCHES = Counter("waymark_lti_launches_total", "LTI launches by outcome", ["outcome"])
OUTBOX_DELIVERIES = Gauge("waymark_outbox_deliveries", "Deliveries by listener and state", ["handler", "state"])
OUTBOX_WAITING = Gauge("waymark_outbox_waiting", "Deliveries that wait to be made")
OUTBOX_DEAD = Gauge("waymark_outbox_dead", "Deliveries that were given up")
OUTBOX_AGE = Gauge("waymark_outbox_age_seconds", "Age of the oldest waiting delivery")
OUTGOING_FETCHES = Counter("waymark_outgoing_fetches_total", "Requests to other servers by outcome", ["outcome"])
CREDENTIAL_VERSIONS = Gauge("waymark_credential_versions", "Versions of badges signed so far, from the database")
VERIFICATIONS = Counter("waymark_verifications_total", "Verifications by verdict", ["verdict"])
ERRORS = Counter("waymark_errors_total", "Errors shown, by slug", ["slug"])
