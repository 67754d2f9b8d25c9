"""Stacks and advanced badges name what they rest on, and a verifier sees when one byte of it is another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
import time_machine
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.awards import jobs
from app.awards.by_operator import issue_by_operator
from app.awards.schemas import OperatorAward
from app.core.clock import now
from app.core.ids import new_id
from app.core.outbox import Delivery
from app.issuer.models import Credential, CredentialVersion
from app.issuer.reissuing import reissue
from app.issuer.schemas import IssuedCredential
from app.learning.events import AwardDecided
from app.learning.schemas import DecisionOutcome
from app.programme import service as programme
from app.programme import stacks
from app.programme.models import ProgrammePathwayVersion
from app.vc import json_text
from app.vc.open_badges import digest_multibase
from app.verifier.moments import moment
from app.verifier.schemas import Presented, Report
from app.wiring import ISSUER_KEY, Services, build_batch_worker
from tests.api.awarding import EMAIL, Api, award, confirmed_person, direct
from tests.api.clients import add_client, bearer, token_for

STACK, ADVANCED = "practitioner", "X1"


@dataclass(frozen=True)
class Ladder:
    """Somebody's ten basic badges, and the stack that rests on them."""

    services: Services
    api: Api
    basics: dict[str, IssuedCredential]
    stack: IssuedCredential

    def path(self, url: str) -> str:
        return url.removeprefix(self.services.runtime.settings.base_url)

    def share_all(self) -> None:
        with self.services.runtime.database.write() as session:
            session.execute(sa.update(Credential).values(shared=True))

    def verify(self, badge: IssuedCredential) -> Report:
        return self.services.verifier.verify(Presented.from_bytes(badge.document))

    def page(self, badge: IssuedCredential) -> str:
        return str(self.api.client.get(f"/credentials/{badge.credential_id}", headers={"Accept": "text/html"}).text)

    def store(self, badge: IssuedCredential, document: bytes) -> None:
        """Somebody changes what is stored of a badge, and knows of no digest."""
        with self.services.runtime.database.write() as session:
            session.execute(
                sa.update(CredentialVersion)
                .where(col(CredentialVersion.credential_id) == badge.credential_id)
                .values(document=document)
            )


@pytest.fixture
def api(services: Services, client: TestClient) -> Api:
    client_id, secret = add_client(services)
    return Api(client, client_id, bearer(token_for(client, client_id, secret)))


@pytest.fixture
def ladder(services: Services, api: Api) -> Ladder:
    with services.runtime.database.read() as session:
        achievement = stacks.current_pathway(session, STACK).achievement
    assert achievement is not None
    basics = {each.key: direct(services, each.key, EMAIL, each.key) for each in achievement.components}
    return Ladder(services, api, basics, direct(services, STACK, EMAIL, STACK))


def named(document: bytes) -> list[dict[str, Any]]:
    return list(json_text.loads(document)["relatedResource"])


def checks(report: Report) -> dict[str, tuple[str, str]]:
    return {check.name: (check.result, check.code) for check in report.checks}


def rule_path(services: Services, key: str) -> str:
    with services.runtime.database.read() as session:
        return stacks.path_of(stacks.current_pathway(session, key))


def test_a_stack_names_exactly_the_badges_it_rests_on_and_what_they_were_judged_by(ladder: Ladder) -> None:
    ladder.share_all()
    found = named(ladder.stack.document)
    paths = [ladder.path(each["id"]) for each in found]
    with ladder.services.runtime.database.read() as session:
        framework = programme.current_programme(session)
    badges = sorted(f"/credentials/{each.credential_id}/v1.json" for each in ladder.basics.values())
    judged_by = [f"/programme/{framework.key}/{framework.version}.json", rule_path(ladder.services, STACK)]
    assert paths == [*badges, *judged_by]
    for each, path in zip(found, paths, strict=True):
        answer = ladder.api.client.get(path, headers={"Accept": each["mediaType"]})
        assert answer.headers["content-type"] == each["mediaType"], path
        assert digest_multibase(answer.content) == each["digestMultibase"], path
    report = ladder.verify(ladder.stack)
    assert (report.verdict, checks(report)["chain"]) == ("valid", ("pass", "ok"))
    assert [link.kind for link in report.chain] == ["badge"] * 10 + ["document"] * 2


def test_an_advanced_badge_names_the_stack_and_the_pathway_that_leads_to_it(ladder: Ladder) -> None:
    ladder.share_all()
    advanced = direct(ladder.services, ADVANCED, EMAIL, ADVANCED)
    with ladder.services.runtime.database.read() as session:
        rule = next(each for each in stacks.pathways(session) if each.leads_to == ADVANCED)
    stack, _, judged_by = named(advanced.document)
    assert ladder.path(stack["id"]) == f"/credentials/{ladder.stack.credential_id}/v1.json"
    assert ladder.path(judged_by["id"]) == f"/programme/pathways/{rule.key}/{rule.version}.json"
    assert ladder.verify(advanced).verdict == "valid"
    assert "relatedResource" not in json_text.loads(ladder.basics["M01"].document), "it rests on nothing"


def test_the_rule_is_public_data_that_never_changes(ladder: Ladder) -> None:
    path = rule_path(ladder.services, STACK)
    answer = ladder.api.client.get(path)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "immutable" in answer.headers["cache-control"]
    rule = answer.json()["rule"]
    assert {each["achievement"] for each in rule["of"] if each["kind"] == "held"} == set(ladder.basics)
    with ladder.services.runtime.database.read() as session:
        assert hashlib.sha256(answer.content).hexdigest() == stacks.current_pathway(session, STACK).digest
    head, _, _ = path.rpartition("/")
    for nothing in (
        f"{head}/999999.json",
        f"{head}/0.json",
        "/programme/pathways/none/1.json",
        f"{head.upper()}/1.json",
    ):
        assert ladder.api.client.get(nothing).status_code == 404, nothing


def by_api(ladder: Ladder, _: pytest.MonkeyPatch) -> None:
    assert ladder.api.issue("by-api", award(achievement=ADVANCED)).status_code == 201


def by_batch(ladder: Ladder, _: pytest.MonkeyPatch) -> None:
    headers = ladder.api.headers | {"Content-Type": "application/jsonl", "Idempotency-Key": "batch"}
    sent = ladder.api.client.post("/api/v1/batches", content=json.dumps(award(achievement=ADVANCED)), headers=headers)
    assert sent.status_code == 202, sent.text
    build_batch_worker(ladder.services).run_until_idle()


def by_operator(ladder: Ladder, _: pytest.MonkeyPatch) -> None:
    runtime = ladder.services.runtime
    given = OperatorAward(ADVANCED, EMAIL, "by-operator", "Helen Chapman", "programme lead", ISSUER_KEY, False)
    issue_by_operator(runtime.database, runtime.secret_box, runtime.settings.base_url, given)


def by_assessor(ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assessor's decision; the four months of work that lead to it are told, not done."""
    runtime = ladder.services.runtime
    person_id = confirmed_person(ladder.services, EMAIL)
    with runtime.database.write() as session:
        session.execute(sa.update(Credential).values(person_id=person_id))
        version = programme.current_module(session, ADVANCED).version
    outcome = DecisionOutcome("decision", person_id, ADVANCED, version, "awarded", now(), now(), "priya", ())
    monkeypatch.setattr(jobs.learning, "decision_outcome", lambda _session, _id: outcome)
    deps = jobs.AwardDeps(runtime.database, runtime.secret_box, runtime.settings.base_url, ISSUER_KEY)
    event = AwardDecided("decision", "submission", "enrolment", person_id, ADVANCED, version)
    jobs.award_from_decision(deps)(Delivery(new_id(), AwardDecided.KIND, vars(event), 1, now(), True))


@pytest.mark.parametrize("issue", [by_api, by_batch, by_operator, by_assessor])
def test_every_way_to_an_award_binds_the_same(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch, issue: Callable[[Ladder, pytest.MonkeyPatch], None]
) -> None:
    issue(ladder, monkeypatch)
    with ladder.services.runtime.database.read() as session:
        row = session.exec(select(Credential).where(Credential.achievement_key == ADVANCED)).one()
        document = session.get_one(CredentialVersion, (row.id, 1)).document
    stack, framework, rule = (urlsplit(each["id"]).path for each in named(document))
    assert stack == f"/credentials/{ladder.stack.credential_id}/v1.json"
    assert framework.startswith("/programme/")
    assert rule == rule_path(ladder.services, "mentor")


def test_one_changed_byte_breaks_the_chain_and_nothing_else(ladder: Ladder) -> None:
    ladder.share_all()
    advanced = direct(ladder.services, ADVANCED, EMAIL, ADVANCED)
    ladder.share_all()
    before = {badge.credential_id: checks(ladder.verify(badge)) for badge in (ladder.stack, advanced)}
    victim = ladder.basics["M03"]
    place = victim.document.index(b'"name":"') + 10
    ladder.store(victim, victim.document[:place] + bytes([victim.document[place] ^ 1]) + victim.document[place + 1 :])
    report = ladder.verify(ladder.stack)
    after = checks(report)
    assert {name for name in after if after[name] != before[ladder.stack.credential_id][name]} == {"chain"}
    assert after["chain"] == ("fail", "related_digest")
    broken = [link for link in report.chain if link.result != "pass"]
    assert [ladder.path(link.url) for link in broken] == [f"/credentials/{victim.credential_id}/v1.json"]
    assert (broken[0].code, broken[0].facts) == ("related_digest", None), "nothing is shown of what was changed"
    assert report.verdict == "invalid", "what the issuer signed as its grounds is not what is there"
    assert checks(ladder.verify(advanced)) == before[advanced.credential_id], "it rests on the stack, whose bytes stand"
    for key, badge in ladder.basics.items():
        assert ladder.verify(badge).verdict == "valid", key
    ladder.store(victim, victim.document)
    assert checks(ladder.verify(ladder.stack)) == before[ladder.stack.credential_id]


def test_so_does_another_rule_under_the_same_number(ladder: Ladder) -> None:
    ladder.share_all()
    with ladder.services.runtime.database.write() as session:
        row = session.exec(select(ProgrammePathwayVersion).where(ProgrammePathwayVersion.key == STACK)).one()
        row.document = {**row.document, "title": row.document["title"] + "."}
        session.add(row)
    report = ladder.verify(ladder.stack)
    assert checks(report)["chain"] == ("fail", "related_digest")
    assert [urlsplit(link.url).path for link in report.chain if link.result == "fail"] == [
        rule_path(ladder.services, STACK)
    ]


def test_a_badge_below_that_was_renewed_still_stands(ladder: Ladder) -> None:
    """The stack names the version that was in force at its award; that one's end is not the badge's end."""
    ladder.share_all()
    kept, runtime = ladder.basics["M07"], ladder.services.runtime
    ends = json_text.loads(kept.document)["validUntil"]
    with time_machine.travel(moment(ends) - timedelta(days=2)):
        with runtime.database.write() as session:
            session.get_one(Credential, kept.credential_id).valid_until = moment(ends) + timedelta(days=365)
        means = (runtime.database, runtime.secret_box, runtime.settings.base_url)
        reissue(*means, kept.credential_id, recipient_email="tess.at.home@example.org")
    with time_machine.travel(moment(ends) + timedelta(days=2)):
        links = {ladder.path(link.url): link for link in ladder.verify(ladder.stack).chain}
        page = ladder.page(ladder.stack)
    link = links[f"/credentials/{kept.credential_id}/v1.json"]
    assert (link.result, link.verdict) == ("pass", "valid")
    assert "It has been renewed since" in link.detail
    assert "It has been renewed since" in page


def test_the_page_shows_the_chain_and_says_what_to_do_about_badges_that_are_not_shared(ladder: Ladder) -> None:
    with ladder.services.runtime.database.write() as session:
        for badge in (ladder.stack, ladder.basics["M01"]):
            session.get_one(Credential, badge.credential_id).shared = True
        title = programme.current_module(session, "M01").title
    report = ladder.verify(ladder.stack)
    assert (report.verdict, checks(report)["chain"]) == ("valid", ("unknown", "chain_unshared"))
    page = ladder.page(ladder.stack)
    assert page.count("9 badges that their holder has not shared") == 1
    assert "Ask the holder to share those that matter to you" in page
    assert title in page
    assert "The pathway it was judged by: practitioner, version" in page
    assert "The framework it was judged by: ips, version" in page
    ladder.share_all()
    page = ladder.page(ladder.stack)
    assert "has not shared" not in page
    with ladder.services.runtime.database.read() as session:
        assert all(programme.current_module(session, key).title in page for key in ladder.basics)
