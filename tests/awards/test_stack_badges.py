"""The badge at the end of a pathway is issued like any other, and counts as what an advanced module stands on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.awards import prerequisites as prerequisites_below
from app.awards.by_operator import issue_by_operator
from app.awards.schemas import OperatorAward
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import ReadSession
from app.issuer import service as issuer
from app.issuer.errors import IssueRefused
from app.issuer.schemas import IssuedCredential, IssueRequest
from app.learning import prerequisites
from app.messages.expiring import _renewal
from app.programme import service as programme
from app.programme.errors import ModuleUnknown
from app.programme.pathways import conversation
from app.programme.schemas import Module
from app.programme.stacks import current_pathway
from app.vc import json_text
from app.wiring import Services

AWARD = OperatorAward(
    achievement_key="practitioner",
    email="tess@example.org",
    idempotency_key="k1",
    decided_by_name="Priya Assessor",
    decided_by_role="programme lead",
    issuer_key="orygen",
    shared=True,
    override_reason="Certified before there were badges.",
)


def practitioner_for(services: Services, person_id: str, results: tuple[tuple[str, int], ...] = ()) -> IssuedCredential:
    runtime = services.runtime
    with runtime.database.read() as session:
        version = current_pathway(session, "practitioner").version
    return issuer.issue(
        runtime.database,
        runtime.secret_box,
        runtime.settings.base_url,
        IssueRequest(
            idempotency_key=f"test:{person_id}",
            issuer_key="orygen",
            achievement_key="practitioner",
            achievement_version=version,
            person_id=person_id,
            recipient_email=None,
            awarded_at=now() - timedelta(minutes=1),
            valid_until=now() + timedelta(days=900),
            results=results,
        ),
    )


def test_an_operator_issues_the_practitioners_badge_like_any_other(services: Services) -> None:
    runtime = services.runtime
    issued = issue_by_operator(runtime.database, runtime.secret_box, runtime.settings.base_url, AWARD)
    document = json_text.loads(issued.document)
    achievement = document["credentialSubject"]["achievement"]
    with runtime.database.read() as session:
        version = current_pathway(session, "practitioner").version
    assert achievement["id"].endswith(f"/achievements/practitioner/v{version}")
    assert achievement["achievementType"] == "Certification"
    assert len(achievement["resultDescription"]) == 4
    assert document["validUntil"][:4] == str(int(document["validFrom"][:4]) + 3)
    again = issue_by_operator(runtime.database, runtime.secret_box, runtime.settings.base_url, AWARD)
    assert again.credential_id == issued.credential_id


def test_a_pathway_that_ends_in_a_modules_badge_cannot_be_issued_by_its_own_name(services: Services) -> None:
    runtime = services.runtime
    mentor = OperatorAward(**{**vars(AWARD), "achievement_key": "mentor"})
    with pytest.raises(ModuleUnknown):
        issue_by_operator(runtime.database, runtime.secret_box, runtime.settings.base_url, mentor)


def test_a_result_of_the_conversation_is_judged_by_its_own_rubric(services: Services) -> None:
    with services.runtime.database.read() as session:
        talk = conversation(current_pathway(session, "practitioner"))
    assert talk is not None
    with pytest.raises(IssueRefused):
        practitioner_for(services, "somebody", (("seeing-gates", 3),))
    issued = practitioner_for(services, "somebody", tuple((each.key, 3) for each in talk.rubric.criteria))
    assert len(json_text.loads(issued.document)["credentialSubject"]["result"]) == 4


def test_an_advanced_module_waits_for_the_practitioners_badge_and_only_while_it_is_in_force(
    services: Services,
) -> None:
    runtime = services.runtime
    with runtime.database.read() as session:
        module = programme.current_module(session, "X1")
        missing, *steps = prerequisites.missing(session, "tess", module)
    assert missing.code == "prerequisite_missing"
    assert {each.code for each in steps} <= {"pathway_step_open"}  # time in role and the like: test_award_check
    assert "badge for practitioner is needed first" in missing.detail
    assert "under Programme, Pathways" in missing.detail
    issued = practitioner_for(services, "tess")
    with runtime.database.read() as session:
        assert badges_missing(session, "tess", module) == 0
        assert badges_missing(session, "somebody else", module) == 1
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url, credential_id=issued.credential_id,
        reason="a test", actor=OPERATOR,
    )  # fmt: skip
    with runtime.database.read() as session:
        assert badges_missing(session, "tess", module) == 1


def badges_missing(session: ReadSession, person_id: str, module: Module) -> int:
    return sum(each.code == "prerequisite_missing" for each in prerequisites.missing(session, person_id, module))


def test_the_mail_before_its_end_says_how_it_is_renewed(services: Services) -> None:
    with services.runtime.database.read() as session:
        renewal, is_module = _renewal(session, "practitioner")
        assert renewal is not None
        assert "one fresh practice conversation" in renewal
        assert not is_module
        assert _renewal(session, "mentor") == (None, False)
        assert _renewal(session, "nobody") == (None, False)


def test_a_stack_all_of_whose_badges_were_recognised_still_names_the_framework_and_its_rule(services: Services) -> None:
    with services.runtime.database.read() as session:
        info = programme.current_achievement(session, "practitioner")
        paths = [path for path, _ in prerequisites_below.related(session, (), achievement=info)]
        rule = current_pathway(session, "practitioner")
    assert paths[1:] == [f"/programme/pathways/practitioner/{rule.version}.json"]
    assert paths[0].startswith("/programme/ips/")


def test_a_badge_that_rests_on_nothing_names_nothing(services: Services) -> None:
    with services.runtime.database.read() as session:
        info = programme.current_achievement(session, "M01")
        assert prerequisites_below.related(session, (), achievement=info) == ()
