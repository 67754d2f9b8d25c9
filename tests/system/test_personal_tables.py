"""No table is forgotten when a person asks for their data, or wants them gone."""

from __future__ import annotations

from collections import Counter

from app.core.db import metadata
from app.wiring import Services, personal_data

# Tables that no room answers for, and why they need no answer.
EXCEPTIONS = {
    "alembic_version": "the form of the database",
    "audit_entry": "ids only; exported with the rest, and stays: entries are never changed",
    "audit_seal": "digests of entries of the audit",
    "outbox_event": "ids only",
    "outbox_delivery": "ids only, and the kind of an error",
    "server_fact": "of the server",
    "organisation": "agencies; a person's own are exported with the person",
    "centre": "places of agencies; a person's own are exported with the person",
    "lti_registration": "LMSs",
    "lti_deployment": "LMSs",
    "lti_tool_key": "our keys for LMSs",
    "lti_access_token": "our tokens for LMSs",
    "lti_token_request": "our tokens for LMSs",
    "api_client": "systems that use the API",
    "api_client_secret": "digests of secrets of systems",
    "api_token": "digests of tokens of systems",
    "api_assertion": "digests of what systems signed",
    "api_wrong_secret": "keyed digests of the places that wrong secrets for systems came from, for 15 minutes",
    "award_batch": "uploads of systems that use the API, without their rows",
    "award_batch_chunk": "numbers of rows",
    "lti_context": "courses; a person's own are exported with the person",
    "lti_resource_link": "activities in courses",
    "issuer": "issuers",
    "signing_key": "keys of issuers",
    "status_list": "bits, without a word whose",
    "status_list_version": "bits, without a word whose",
    "credential_tombstone": "digests of the ids of erased badges",
    "coverage_month": "bands of at least five people, as they are published; digests of the ids of centres",
    "programme_version": "what authors publish",
    "programme_module_version": "what authors publish",
    "programme_pathway_version": "what authors publish",
}  # fmt: skip
SAYS_WHO = (
    "person",
    "subject",
    "recipient",
    "learner",
    "email",
    "marked_by",
    "decided_by",
    "recorded_by",
    "granted_by",
)
MAY_SAY_WHO = {"audit_entry": {"subject", "subject_id"}}


def test_every_table_is_answered_for_by_exactly_one_room_or_excepted_for_a_reason(services: Services) -> None:
    named = Counter(table for room in personal_data(services.runtime) for table in room.tables)
    assert {table: number for table, number in named.items() if number > 1} == {}
    assert set(named) & set(EXCEPTIONS) == set()
    assert set(metadata.tables) - set(named) - set(EXCEPTIONS) == set(), "add it to its room's personal_data.py"
    assert set(named) - set(metadata.tables) == set()


def test_no_excepted_table_has_a_column_that_says_who_somebody_is() -> None:
    suspicious = {
        (name, column.name)
        for name in EXCEPTIONS
        if name in metadata.tables
        for column in metadata.tables[name].c
        if any(word in column.name for word in SAYS_WHO) and column.name not in MAY_SAY_WHO.get(name, ())
    }
    assert suspicious == set()


def test_a_room_answers_only_once_and_the_highest_first(services: Services) -> None:
    """A room finds by those below it whose its own records are: so it must go before them."""
    rooms = [room.room for room in personal_data(services.runtime)]
    assert rooms == ["web", "lti", "messages", "awards", "pathways", "learning", "issuer", "people"]
