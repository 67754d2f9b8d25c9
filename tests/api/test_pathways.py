"""Pathways and how far somebody has come on them, by API."""

from __future__ import annotations

from collections.abc import Callable

from app.programme import stacks
from app.wiring import Services
from tests.api.awarding import Api, slug
from tests.pathways.house import BASIC, badge, basic_badges, place


def test_every_pathway_is_told_with_its_rule_as_data(services: Services, api: Api) -> None:
    items = api.get("/pathways").json()["items"]
    with services.runtime.database.read() as session:
        pathways = stacks.pathways(session)
    assert [(each["key"], each["version"], each["digest"]) for each in items] == [
        (each.key, each.version, each.digest) for each in pathways
    ]
    basic = api.get(f"/pathways/{BASIC}").json()
    assert basic == items[0]
    leaves = {each["key"]: each["kind"] for each in basic["rule"]["of"]}
    assert leaves == dict.fromkeys(basic_badges(services), "held") | {"practice-conversation": "conversation"}
    assert basic["rule"]["needed"] == len(leaves)
    kinds = {each["kind"]: each for each in api.get("/pathways/mentor").json()["rule"]["of"]}
    assert kinds["time_in_role"]["months"] > 0
    assert kinds["confirmation"]["by"] == "manager"


def test_what_is_no_pathway_is_not_found(api: Api) -> None:
    for key in ("nothing", "M01", "a%20b", "x" * 200):
        assert slug(api.get(f"/pathways/{key}")) == "pathway-unknown", key
    assert api.get("/pathways?limit=3").status_code == 422


def test_a_limited_client_sees_the_pathways_to_what_it_may_issue(
    services: Services, entered: Callable[..., Api]
) -> None:
    limited = entered(achievements={"X1"})
    assert [each["ends_in"] for each in limited.get("/pathways").json()["items"]] == ["X1"]
    assert slug(limited.get(f"/pathways/{BASIC}")) == "pathway-unknown"
    person_id = place(services).tess
    badge(services, person_id, BASIC)
    told = limited.get(f"/people/{person_id}/pathways").json()["pathways"]
    assert [each["ends_in"] for each in told] == ["X1"]
    (step,) = (each for each in told[0]["step"]["parts"] if each["key"] == BASIC)
    assert (step["state"], step["rests_on"]) == ("met", []), "which badge it is, is not for this client"


def test_how_far_somebody_has_come_is_told_step_by_step_at_this_moment(services: Services, api: Api) -> None:
    tess = place(services).tess
    held = badge(services, tess, "M01")
    answer = api.get(f"/people/{tess}/pathways")
    assert answer.headers["cache-control"] == "no-store"
    basic = next(each for each in answer.json()["pathways"] if each["pathway"] == BASIC)
    assert basic["state"] == "on_the_way"
    assert (basic["step"]["met"], basic["step"]["reason"]) == (1, "too_few")
    steps = {each["key"]: each for each in basic["step"]["parts"]}
    assert steps["M01"]["state"] == "met"
    assert steps["M01"]["rests_on"] == [{"achievement": "M01", "credential_id": held, "version": 1}]
    assert (steps["M02"]["state"], steps["M02"]["reason"]) == ("open", "missing")
    mentor = next(each for each in answer.json()["pathways"] if each["pathway"] == "mentor")
    role = next(each for each in mentor["step"]["parts"] if each["kind"] == "time_in_role")
    assert role["meets_at"] is not None


def test_nobody_is_not_found(api: Api) -> None:
    for person_id in ("00000000-0000-4000-8000-000000000000", "nobody", "a%20b"):
        assert slug(api.get(f"/people/{person_id}/pathways")) == "person-not-found", person_id
