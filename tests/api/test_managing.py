"""What becomes of badges by API: listed, read, revoked, suspended, corrected; and what a client may not know of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from app.awards.models import AwardChange
from app.core.audit import AuditEntry
from app.core.clock import now, rfc3339
from app.issuer import service as issuer
from app.issuer.models import Credential, CredentialVersion
from app.wiring import Services
from tests.api.awarding import DECIDER, EMAIL, Api, award, count, direct, slug

DECIDED = {"name": DECIDER, "role": "programme lead"}
SUSPEND = {"reason": "Under review.", "decided_by": DECIDED}


def issued(api: Api, key: str = "key-1", **changes: object) -> str:
    answer = api.issue(key, award(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_list_has_the_clients_own_the_newest_first_page_by_page(services: Services, api: Api) -> None:
    mine = [issued(api, f"key-{number}") for number in range(5)]
    direct(services, "other", "o@example.org")
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = api.get(f"/credentials?limit=2{cursor}").json()
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == mine[::-1]
    assert page["next_cursor"] is None


def test_a_badge_that_is_issued_meanwhile_shifts_no_page(api: Api) -> None:
    first, second = issued(api, "1"), issued(api, "2")
    page = api.get("/credentials?limit=1").json()
    issued(api, "3")
    following = api.get(f"/credentials?limit=1&cursor={page['next_cursor']}").json()
    assert [page["items"][0]["id"], following["items"][0]["id"]] == [second, first]


def test_a_list_is_filtered_by_where_badges_stand_and_by_when_they_were_issued(services: Services, api: Api) -> None:
    good, gone, resting = (issued(api, key) for key in ("1", "2", "3"))
    assert api.post(f"/credentials/{gone}/revoke", {"reason": "A slip."}).status_code == 200
    assert api.post(f"/credentials/{resting}/suspend", SUSPEND).status_code == 200

    def ids(query: str) -> set[str]:
        answer = api.get(f"/credentials?{query}")
        assert answer.status_code == 200, answer.text
        return {item["id"] for item in answer.json()["items"]}

    assert ids("state=issued") == {good}
    assert ids("state=revoked") == {gone}
    assert ids("state=suspended") == {resting}
    assert ids("state=expired") == set()
    with services.runtime.database.write() as session:
        session.get_one(Credential, good).valid_until = now() - timedelta(days=1)
    assert ids("state=expired") == {good}
    assert ids("achievement=M01") == {good, gone, resting}
    assert ids("achievement=M02") == set()
    hour = timedelta(hours=1)
    assert ids(f"issued_after={rfc3339(now() - hour)}") == {good, gone, resting}
    assert ids(f"issued_before={rfc3339(now() - hour)}") == set()
    strange = direct(services, "other", "o@example.org").credential_id
    assert ids("issued_by=anybody") == {good, gone, resting, strange}


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("cursor=nothing", 422, "cursor-refused"),
        ("cursor=W10", 422, "cursor-refused"),
        ("cursor=WyJvdmVycmlkZXMiLCAiMjAyNi0wMS0wMVQwMDowMDowMCswMDowMCIsICJhIl0", 422, "cursor-refused"),
        ("issued_after=2026-03-04", 422, "query-refused"),
        ("isued_after=2026-03-04T00:00:00Z", 422, "query-refused"),
        ("state=issued&state=revoked", 422, "query-refused"),
        ("state=gone", 422, "invalid-input"),
        ("limit=0", 422, "invalid-input"),
        ("limit=201", 422, "invalid-input"),
        ("achievement=M01%00", 422, "invalid-input"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused(api: Api, query: str, status: int, said: str) -> None:
    answer = api.get(f"/credentials?{query}")
    assert (answer.status_code, slug(answer)) == (status, said)


def test_a_badge_is_read_with_its_document_and_an_etag_that_saves_the_next_reading(api: Api) -> None:
    badge = issued(api)
    answer = api.get(f"/credentials/{badge}")
    assert answer.json()["credential"]["id"] == answer.json()["url"]
    assert (answer.headers["etag"], answer.json()["status"]) == ('"1-issued"', "issued")
    again = api.get(f"/credentials/{badge}", **{"If-None-Match": 'W/"x", "1-issued"'})
    assert (again.status_code, again.content) == (304, b"")


def test_revoking_is_final_and_may_be_repeated(services: Services, api: Api) -> None:
    badge = issued(api)
    change = {"reason": "Awarded by mistake.", "decided_by": DECIDED}
    answers = [api.post(f"/credentials/{badge}/revoke", change, If_Match='"1-issued"') for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["etag"] == '"1-revoked"'
    with services.runtime.database.read() as session:
        row = session.get_one(Credential, badge)
        (noted,) = session.exec(select(AwardChange)).all()
        revoked = session.exec(select(AuditEntry).where(AuditEntry.action == "issuer.credential_revoked")).one()
    assert (row.state, row.revocation_reason) == ("revoked", "Awarded by mistake.")
    assert (noted.action, noted.client_id, noted.decided_by_name) == ("revoke", api.client_id, DECIDER)
    assert (revoked.actor_kind, revoked.actor_id) == ("client", api.client_id)
    for path, body in (("suspend", SUSPEND), ("reinstate", {"decided_by": DECIDED})):
        assert slug(api.post(f"/credentials/{badge}/{path}", body)) == "already-revoked"


def test_a_suspension_begins_and_ends_and_both_may_be_repeated(services: Services, api: Api) -> None:
    badge = issued(api)
    for _ in range(2):
        assert api.post(f"/credentials/{badge}/suspend", SUSPEND).json()["status"] == "suspended"
    other = {**SUSPEND, "reason": "Another."}
    assert api.post(f"/credentials/{badge}/suspend", other).status_code == 200
    with services.runtime.database.read() as session:
        assert session.get_one(Credential, badge).suspension_reason == "Under review."
    for _ in range(2):
        assert api.post(f"/credentials/{badge}/reinstate", {"decided_by": DECIDED}).json()["status"] == "issued"
    assert count(services, AwardChange) == 2


def test_a_suspension_needs_a_named_person(api: Api) -> None:
    answer = api.post(f"/credentials/{issued(api)}/suspend", {"reason": "Why not."})
    assert (answer.status_code, slug(answer)) == (400, "members-refused")
    assert answer.json()["problems"] == [{"field": "decided_by", "code": "missing", "message": "is missing"}]


def test_a_change_decided_on_an_older_state_is_refused(api: Api) -> None:
    path = f"/credentials/{issued(api)}"
    assert api.post(f"{path}/suspend", SUSPEND).status_code == 200
    for change, body in (("revoke", {"reason": "x"}), ("reinstate", {"decided_by": DECIDED})):
        answer = api.post(f"{path}/{change}", body, If_Match='"1-issued"')
        assert (answer.status_code, slug(answer)) == (412, "version-old")
    tag = answer.headers["etag"]
    assert tag == api.get(path).headers["etag"]
    odd = api.post(f"{path}/revoke", {"reason": "x"}, If_Match=tag.strip('"'))
    assert (odd.status_code, slug(odd)) == (400, "version-unreadable")
    assert api.post(f"{path}/revoke", {"reason": "x"}, If_Match=f"W/{tag}").status_code == 412
    assert api.post(f"{path}/revoke", {"reason": "x"}, If_Match=f'"0", {tag}').status_code == 200


def test_a_second_suspension_is_another_state_than_the_first(api: Api) -> None:
    path = f"/credentials/{issued(api)}"
    api.post(f"{path}/suspend", SUSPEND)
    seen = api.get(path).headers["etag"]
    api.post(f"{path}/reinstate", {"decided_by": DECIDED})
    api.post(f"{path}/suspend", SUSPEND | {"reason": "For another reason."})
    assert api.get(path, **{"If-None-Match": seen}).status_code == 200
    assert api.post(f"{path}/reinstate", {"decided_by": DECIDED}, If_Match=seen).status_code == 412


def test_a_correction_is_the_next_version_of_the_same_badge(services: Services, api: Api) -> None:
    badge = issued(api, results=[{"criterion": "seeing-gates", "level": 3}])
    path = f"/credentials/{badge}"
    before = api.get(path).json()
    change = {"reason": "A slip.", "decided_by": DECIDED, "results": [{"criterion": "seeing-gates", "level": 4}]}
    assert slug(api.post(f"{path}/correct", change)) == "version-needed"
    assert api.post(f"{path}/correct", change, If_Match='"2-issued"').status_code == 412
    answers = [api.post(f"{path}/correct", change, If_Match='"1-issued"') for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert answers[0].content == answers[1].content
    after = answers[0].json()
    assert (after["version"], answers[0].headers["etag"]) == (2, '"2-issued"')
    (result,) = after["credential"]["credentialSubject"]["result"]
    assert result["achievedLevel"].endswith("#criterion-seeing-gates-level-4")
    same = ("id", "awardedDate", "issuer", "credentialStatus")
    assert {name: after["credential"][name] for name in same} == {name: before["credential"][name] for name in same}
    assert after["credential"]["validFrom"] > before["credential"]["validFrom"]
    assert (
        before["credential"]["credentialSubject"]["identifier"]
        == (after["credential"]["credentialSubject"]["identifier"])
    )
    assert count(services, CredentialVersion) == 2
    with services.runtime.database.read() as session:
        (noted,) = session.exec(select(AwardChange)).all()
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "issuer.credential_corrected")).one()
    assert (noted.action, noted.reason, noted.decided_by_name) == ("correct", "A slip.", DECIDER)
    assert entry.ids == {"version": 2, "decided_by_role": "programme lead"}


def test_the_end_of_a_badge_moves_with_its_date(api: Api) -> None:
    path = f"/credentials/{issued(api)}"
    day = (now() - timedelta(days=40)).replace(microsecond=0)
    change = {"reason": "A slip.", "decided_by": DECIDED, "awarded_at": rfc3339(day)}
    before, after = api.get(path).json(), api.post(f"{path}/correct", change, If_Match="*").json()
    assert after["awarded_at"] == rfc3339(day)
    assert after["valid_until"] < before["valid_until"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "nothing-to-correct"),
        ({"recipient": {"email": EMAIL}}, "recipient-stays"),
        ({"awarded_at": "2999-01-01T00:00:00Z"}, "in-the-future"),
        ({"awarded_at": "2001-01-01T00:00:00Z"}, "too-long-ago"),
        ({"results": [{"criterion": "nothing", "level": 3}]}, "result-refused"),
        ({"achievement": "M02"}, "members-refused"),
    ],
)
def test_a_correction_that_makes_no_sense_changes_nothing(
    services: Services, api: Api, change: dict[str, object], said: str
) -> None:
    path = f"/credentials/{issued(api)}"
    whole = {"reason": "x", "decided_by": DECIDED} | change
    answer = api.post(f"{path}/correct", whole, If_Match='"1-issued"')
    assert (answer.status_code, slug(answer)) == (400, said)
    assert count(services, CredentialVersion) == 1


def test_a_client_limited_to_achievements_does_not_learn_of_other_badges(
    services: Services, entered: Callable[..., Api]
) -> None:
    limited = entered(achievements={"M02"})
    badge = direct(services, "other", EMAIL).credential_id
    assert limited.get("/credentials?issued_by=anybody").json()["items"] == []
    assert limited.get("/credentials?issued_by=anybody&achievement=M01").json()["items"] == []
    unknown = "00000000-0000-4000-8000-000000000000"
    for path, body in (
        ("revoke", {"reason": "x"}), ("suspend", SUSPEND), ("reinstate", {"decided_by": DECIDED}),
        ("correct", {"reason": "x", "decided_by": DECIDED, "awarded_at": "2026-01-01T00:00:00Z"}),
    ):  # fmt: skip
        found, missing = (limited.post(f"/credentials/{each}/{path}", body) for each in (badge, unknown))
        assert (found.status_code, found.json()["detail"]) == (404, missing.json()["detail"])
    assert limited.get(f"/credentials/{badge}").status_code == 404
    with services.runtime.database.read() as session:
        assert issuer.credential_summary(session, badge).state == "issued"
    assert [item["key"] for item in limited.get("/achievements").json()["items"]] == ["M02"]
    assert limited.get("/achievements/M01").status_code == 404


@pytest.mark.parametrize("scope", ["credentials:read", "credentials:issue", "people:read", "audit:read"])
def test_each_change_takes_its_scope(services: Services, entered: Callable[..., Api], scope: str) -> None:
    other = entered(scope)
    badge = direct(services, "other", EMAIL).credential_id
    for path in ("revoke", "suspend", "reinstate"):
        assert slug(other.post(f"/credentials/{badge}/{path}", {})) == "scope-missing"
    if scope != "credentials:read":
        assert other.get("/credentials").status_code == other.get(f"/credentials/{badge}").status_code == 403
    if scope != "credentials:issue":
        assert other.issue().status_code == 403
        assert other.post(f"/credentials/{badge}/correct", {}).status_code == 403


@pytest.mark.parametrize("strange", ["x", "..", "a" * 300, "%C3%A9", "%2e%2e"])
def test_an_id_that_is_none_is_not_found(api: Api, strange: str) -> None:
    assert api.get(f"/credentials/{strange}").status_code in (404, 405)
    assert api.get(f"/achievements/{strange}").status_code in (404, 405)
    assert api.get(f"/people/{strange}/progress").status_code in (404, 405)


def test_achievements_say_what_they_take(api: Api) -> None:
    items = {item["key"]: item for item in api.get("/achievements").json()["items"]}
    assert items["M09"]["prerequisites"] == [["M01"], ["M05", "M06"]]
    assert (items["M01"]["scope"], items["X1"]["scope"]) == ("credentials:issue", "credentials:issue:advanced")
    assert api.get("/achievements/M01").json() == items["M01"]
    assert "seeing-gates" in {criterion["key"] for criterion in items["M01"]["criteria"]}
    assert slug(api.get("/achievements/M99")) == "module-unknown"
