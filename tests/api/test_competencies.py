"""What somebody has shown of the competencies, by API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.programme import service as programme
from app.wiring import Services, build_worker
from tests.api.awarding import EMAIL, Api, award, confirmed_person, slug


def cells(answer: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (line["worded"]["id"], level["level"]): level for line in answer["competencies"] for level in line["levels"]
    }


def test_each_competency_says_by_which_badge_it_is_shown(services: Services, api: Api) -> None:
    badge = api.issue().json()["id"]
    person_id = confirmed_person(services, EMAIL)
    build_worker(services).run_until_idle()
    answer = api.get(f"/people/{person_id}/competencies")
    assert answer.headers["cache-control"] == "no-store"
    found = cells(answer.json())
    with services.runtime.database.read() as session:
        framework = programme.current_programme(session).frameworks[0]
        asked = award()["achievement"]
        module = programme.current_module(session, asked)
    assert len(answer.json()["competencies"]) == sum(len(domain.competencies) for domain in framework.domains)
    assessed = {code for criterion in module.rubric.criteria for code in criterion.competencies}
    assert {code for (code, _level), cell in found.items() if cell["state"] == "shown"} == assessed
    [shown] = found[min(assessed), module.level]["shown_by"]
    assert (shown["credential_id"], shown["achievement"], shown["reworded_since"]) == (badge, asked, False)
    assert (shown["worded"]["framework"], shown["worded"]["framework_version"]) == (framework.key, framework.version)


def test_a_client_limited_to_achievements_sees_what_those_show(
    services: Services, api: Api, entered: Callable[..., Api]
) -> None:
    api.issue()
    person_id = confirmed_person(services, EMAIL)
    build_worker(services).run_until_idle()
    limited = entered(achievements={"M10"}).get(f"/people/{person_id}/competencies").json()
    assert not [cell for cell in cells(limited).values() if cell["shown_by"]]


def test_nobody_and_no_scope(services: Services, api: Api, entered: Callable[..., Api]) -> None:
    assert slug(api.get("/people/00000000-0000-4000-8000-000000000000/competencies")) == "person-not-found"
    person_id = confirmed_person(services, EMAIL)
    assert entered("credentials:read").get(f"/people/{person_id}/competencies").status_code == 403
