"""Two records of one person come together: every room's rows, and no column that holds a person's id is forgotten."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.core.audit import OPERATOR, AuditEntry
from app.core.clock import now
from app.core.db import WriteSession, metadata
from app.core.scrubbing import scrub
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.learning import service as learning
from app.learning.marking_errors import OwnWork
from app.learning.models import (
    ActivityDraftRecord,
    DecisionRecord,
    EnrolmentRecord,
    KnowledgeCheckAttemptRecord,
    SubmissionRecord,
)
from app.lti.models import LtiGradeLink, LtiScore
from app.messages.models import UnwantedMail
from app.people import erasing, exporting, linking
from app.people import service as people
from app.people.link_errors import LinkHindered, PersonLinked
from app.people.models import ConfirmedEmailRecord, LmsIdentityRecord, NoticeRecord, ReportingLineRecord
from app.programme import service as programme
from app.web.models import LaunchSessionRow
from app.wiring import Services, build_worker, person_merge, personal_data
from tests.web.people import LAUNCH, SignedIn, hand_in, sign_in
from tests.web.personal_story import Life, live, rows_with

# Columns that say who somebody is and that no room moves, and why.
EXCEPTIONS = {
    "audit_entry.actor_id": "what was done stays as it was noted; the linked record leads to the person",
    "audit_entry.subject_id": "the same",
    "person.id": "the record itself: the person's, or the old one",
    "credential.subject_id": "the holder's identifier in the badge, made for it alone",
    "award.decided_by_name": "a name that an operator typed",
    "launch_session.for_user": "the LMS's own id of a learner",
    "lti_grade_link.subject": "the LMS's own id of the person",
    "lms_identity.subject": "the LMS's own id of the person",
    "audit_entry.subject": "a kind of thing",
    "message_sent_mail.subject_id": "what a mail was about, which is never a person but one that was linked",
    "enrolment.renew_by": "a moment: until when",
}  # fmt: skip
TAB = "the-session"
STAYS_WHERE_DOUBLE = {
    "linked_person.person_id",
    "linked_person.joined_into",
    "person_notice.person_id",
    "message_unwanted_mail.person_id",
}
BY_KIND_AND_ID = "_by_id"  # with _by_kind: an operator, or the person who asked; kept as noted
SAYS_WHO = ("person_id", "subject", "for_user", "_by", "actor_id", "other_id", "now_with", "joined_into", "target_id")


@pytest.fixture
def assessor(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Priya Raman", roles=("assessor",), teacher=True)


@pytest.fixture
def before(services: Services, client: TestClient, assessor: SignedIn) -> Life:
    return live(services, client, "quillawort", assessor)


@pytest.fixture
def today(services: Services, client: TestClient) -> SignedIn:
    """The same person, launched from another LMS's id for them."""
    return sign_in(services, client, "Tess Elsewhere")


def join(services: Services, from_id: str, email: str) -> None:
    """Ask, read the code, enter it, confirm."""
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = linking.request_link(
            session, person_id=from_id, email=email, asked_in=TAB, organisation_id=None
        )  # fmt: skip
        mail = linking.link_code_mail(session, runtime.secret_box, asked.id)
    assert mail is not None
    linking.prove_link(runtime.database, runtime.secret_box, person_id=from_id, asked_in=TAB, code=mail.code)
    linking.link_persons(runtime.database, person_merge(), person_id=from_id, asked_in=TAB)


def confirm(services: Services, who: SignedIn, email: str) -> None:
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = people.request_email_confirmation(session, runtime.secret_box, person_id=who.person_id, email=email)
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
    people.confirm_email(runtime.database, runtime.secret_box, person_id=who.person_id, code=code)


def home(life: Life) -> str:
    return f"{life.word}.home@example.org"


def naming(services: Services, person_id: str) -> dict[str, int]:
    """How many rows name a person, by column, whatever the table is."""
    found: Counter[str] = Counter()
    with services.runtime.database.engine.connect() as connection:
        for table in metadata.tables.values():
            for column in table.c:
                if isinstance(getattr(column.type, "impl", column.type), sa.String):
                    counting = sa.select(sa.func.count()).select_from(table).where(column == person_id)
                    found[f"{table.name}.{column.name}"] += connection.execute(counting).scalar_one()
    return {name: number for name, number in found.items() if number}


def write_draft(services: Services, person_id: str, text: str) -> None:
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=person_id, module_key="M01")
        assert enrolment is not None
        activity = next(each for each in learning.module_of(session, enrolment).activities if each.kind == "reflection")
        field = learning.fields_of(activity)[0].key
        learning.save_draft(
            session, enrolment_id=enrolment.id, person_id=person_id, activity_key=activity.key,
            content={field: text}, base_revision=0,
        )  # fmt: skip


def test_every_column_that_names_a_person_is_moved_by_exactly_one_room_or_excepted_for_a_reason() -> None:
    named = Counter(column for room in person_merge() for column in room.columns)
    assert {column: number for column, number in named.items() if number > 1} == {}
    columns = {f"{table.name}.{column.name}": column for table in metadata.tables.values() for column in table.c}
    assert set(named) <= set(columns), "there is no such column any more"
    says_who = {
        name
        for name, column in columns.items()
        if any(key.column.table.name == "person" for key in column.foreign_keys)
        or any(column.name.endswith(word) or column.name == word for word in SAYS_WHO)
    } | {"person.id"}
    forgotten = {
        name
        for name in says_who - set(named) - set(EXCEPTIONS)
        if not (name.endswith(BY_KIND_AND_ID) and name.replace(BY_KIND_AND_ID, "_by_kind") in columns)
    }
    assert forgotten == set(), "add it to its room's person_merge.py"
    assert set(EXCEPTIONS) <= set(columns)


def test_all_that_a_new_workplace_brought_is_the_persons_and_the_old_record_keeps_what_is_double(
    services: Services, client: TestClient, before: Life, assessor: SignedIn
) -> None:
    now_ = live(services, client, "banksiaflower", assessor)  # the whole of it, a second time: M01 awarded twice
    join(services, now_.who.person_id, home(before))
    build_worker(services).run_until_idle()
    left = {
        name: number
        for name, number in naming(services, now_.who.person_id).items()
        if not name.startswith(("audit_entry.", "message_sent_mail."))
    }
    assert set(left) == {"person.id", "enrolment.person_id", *STAYS_WHERE_DOUBLE}, "what there can be one of only"
    assert left["enrolment.person_id"] == 1
    person_id = before.who.person_id
    with services.runtime.database.read() as session:
        badges = issuer.credentials_of(session, person_id)
        hashes = {
            row.identity_hash == issuer_hash(home(before), row.identity_salt)
            for row in session.exec(select(Credential).where(Credential.person_id == person_id)).all()
        }
        apart = linking.kept_apart(session, person_merge(), person_id)
        own = learning.enrolment_of(session, person_id=person_id, module_key="M01")
        assert own is not None
        assert learning.progress(session, own.id).state == "awarded"
    assert {badge.id for badge in badges} >= {before.badges[0], now_.badges[0]}
    assert hashes == {True}, "all badges are bound to the one address"
    assert len(apart) == 1
    assert now_.who.get("/your-data").status_code == 200
    assert home(before) in now_.who.get("/your-data").text, "the session goes on as the one person"


def issuer_hash(email: str, salt: str) -> str:
    from app.issuer.content import recipient_hash

    return recipient_hash(email, salt)


def test_the_enrolment_that_is_further_along_goes_on_whichever_record_it_was_in(
    services: Services, client: TestClient, today: SignedIn
) -> None:
    old = sign_in(services, client, "Tess Before")
    confirm(services, old, "tess.home@example.org")
    write_draft(services, old.person_id, "from before")
    submission_id = hand_in(services, today.person_id)
    with services.runtime.database.read() as session:
        further = learning.enrolment_of(session, person_id=today.person_id, module_key="M01")
        other = learning.enrolment_of(session, person_id=old.person_id, module_key="M01")
    assert further is not None
    assert other is not None
    join(services, today.person_id, "tess.home@example.org")
    with services.runtime.database.write() as session:
        linking.absorb_again(session, person_merge(), today.person_id)  # the worker's second look changes nothing
    with services.runtime.database.read() as session:
        owners = {row.id: row.person_id for row in session.exec(select(EnrolmentRecord)).all()}
        assert owners == {further.id: old.person_id, other.id: today.person_id}
        assert session.get_one(SubmissionRecord, submission_id).person_id == old.person_id
        drafts = session.exec(select(ActivityDraftRecord).where(ActivityDraftRecord.enrolment_id == other.id)).all()
        assert "from before" in str([row.content for row in drafts]), "nothing is deleted"
        apart = linking.kept_apart(session, person_merge(), old.person_id)
    assert "with an assessor" in apart[0]
    assert today.get("/module").status_code == 200


def test_the_export_of_the_person_has_what_stayed_apart_and_erasing_takes_it_too(
    services: Services, client: TestClient, before: Life, today: SignedIn, assessor: SignedIn
) -> None:
    confirm(services, today, "kurrajong@example.org")
    write_draft(services, today.person_id, "kurrajong wrote this at the new place")
    join(services, today.person_id, home(before))
    build_worker(services).run_until_idle()
    runtime, person_id = services.runtime, before.who.person_id
    with runtime.database.read() as session:
        exported = exporting.export_person(session, personal_data(runtime), person_id).as_json()
        with pytest.raises(PersonLinked):
            exporting.export_person(session, personal_data(runtime), today.person_id)
    text = json.dumps(exported, ensure_ascii=False)
    for word in ("kurrajong wrote this", "kurrajong@example.org", "Tess Elsewhere", *before.typed, before.word):
        assert word in text, word
    assert len(json.loads(text)["sections"]["people.linked"]["records"]) == 2, "an earlier one, and this"
    with pytest.raises(PersonLinked):
        erasing.erase_person(
            runtime.database, personal_data(runtime), today.person_id, reason="Asked", actor=OPERATOR
        )  # fmt: skip
    erasing.erase_person(runtime.database, personal_data(runtime), person_id, reason="Asked by mail", actor=OPERATOR)
    assert scrub(runtime.database)
    assert rows_with(services, "kurrajong", "Tess Elsewhere", *before.words) == {}
    with runtime.database.read() as session:
        assert people.is_erased(session, person_id)
        assert people.is_erased(session, today.person_id)
    assert today.get("/module").status_code == 401


def test_work_that_two_assessors_could_decide_about_hinders_and_nothing_is_done(
    services: Services, client: TestClient, today: SignedIn
) -> None:
    old = sign_in(services, client, "Tess Before")
    confirm(services, old, "tess.home@example.org")
    for who in (old, today):
        hand_in(services, who.person_id)
    at_first = naming(services, today.person_id)
    with pytest.raises(LinkHindered, match="waits for an assessor"):
        join(services, today.person_id, "tess.home@example.org")
    since = naming(services, today.person_id)
    assert {name: number for name, number in since.items() if name != "person_link_request.person_id"} == at_first


def test_an_award_whose_badge_is_not_made_yet_hinders_until_it_is(
    services: Services, client: TestClient, today: SignedIn, assessor: SignedIn
) -> None:
    old = sign_in(services, client, "Tess Before")
    confirm(services, old, "tess.home@example.org")
    build_worker(services).run_until_idle()
    award(services, today, assessor)
    with pytest.raises(LinkHindered, match="just being made"):
        join(services, today.person_id, "tess.home@example.org")
    build_worker(services).run_until_idle()
    join(services, today.person_id, "tess.home@example.org")
    with services.runtime.database.read() as session:
        assert len(issuer.credentials_of(session, old.person_id)) == 1


def award(services: Services, learner: SignedIn, assessor: SignedIn) -> str:
    from app.cli import demo_story

    submission_id = hand_in(services, learner.person_id)
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=learner.person_id, module_key="M01")
        assert enrolment is not None
        demo_story.mark_and_award(session, enrolment, assessor.person_id)
    return submission_id


def test_the_waiting_time_of_a_knowledge_check_cannot_be_got_round(
    services: Services, client: TestClient, today: SignedIn
) -> None:
    old = sign_in(services, client, "Tess Before")
    confirm(services, old, "tess.home@example.org")
    enrolment_id, wait = fail_twice(services, old)
    hand_in(services, today.person_id)  # passed under the second id, while the first has to wait
    with pytest.raises(LinkHindered, match="knowledge check"):
        join(services, today.person_id, "tess.home@example.org")
    with services.runtime.database.write() as session:  # as if it had been before the waiting time ran out
        for row in session.exec(select(KnowledgeCheckAttemptRecord)).all():
            earlier = wait + timedelta(minutes=1)
            row.started_at -= earlier
            row.answered_at = (row.answered_at or now()) - earlier
            session.add(row)
    join(services, today.person_id, "tess.home@example.org")
    with services.runtime.database.read() as session:
        noted = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.check_passed_while_waiting")).all()
    assert len(noted) == 1
    assert noted[0].subject_id != enrolment_id


def fail_twice(services: Services, who: SignedIn) -> tuple[str, timedelta]:
    """Both free tries of M01's knowledge check, all wrong; the enrolment, and how long the third has to wait."""
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=who.person_id, module_key="M01")
        assert enrolment is not None
        activities = learning.module_of(session, enrolment).activities
        check = next(each for each in activities if each.kind == "knowledge_check")
        right = {question.key: question.correct_key for question in check.questions}
        for _ in range(2):
            attempt = learning.start_attempt(
                session, enrolment_id=enrolment.id, person_id=who.person_id, activity_key=check.key
            )
            answers = {
                question.key: next(option.key for option in question.options if option.key != right[question.key])
                for question in attempt.questions
            }
            learning.answer_attempt(session, attempt_id=attempt.id, person_id=who.person_id, answers=answers)
    return enrolment.id, timedelta(minutes=check.wait_minutes)


def test_ones_own_work_stays_ones_own_and_what_was_decided_about_it_is_noted_once(
    services: Services, client: TestClient, today: SignedIn, assessor: SignedIn
) -> None:
    confirm(services, assessor, "priya.home@example.org")
    submission_id = award(services, today, assessor)  # by the same human, as it turns out
    build_worker(services).run_until_idle()
    join(services, today.person_id, "priya.home@example.org")
    build_worker(services).run_until_idle()
    with services.runtime.database.write() as session:
        noted = session.exec(select(AuditEntry).where(AuditEntry.action == "learning.own_work_decided")).all()
        assert [entry.subject_id for entry in noted] == [submission_id]
        decision = session.exec(select(DecisionRecord)).one()
        assert decision.decided_by == session.get_one(SubmissionRecord, submission_id).person_id == assessor.person_id
        assert people.roles_of(session, assessor.person_id) == frozenset(), "an operator gives it anew"
        people.grant_role(session, person_id=assessor.person_id, role="assessor", actor=OPERATOR)
        with pytest.raises(OwnWork):
            learning.mark(
                session, submission_id=submission_id, assessor_id=assessor.person_id, criterion_key="any", level=1
            )


def test_lines_notices_and_unwanted_mails_do_not_collide(
    services: Services, client: TestClient, today: SignedIn, assessor: SignedIn
) -> None:
    old = sign_in(services, client, "Tess Before")
    confirm(services, old, "tess.home@example.org")
    marc, rosa = (sign_in(services, client, name).person_id for name in ("Marc", "Rosa"))
    with services.runtime.database.write() as session:
        for person_id, manager in ((old.person_id, marc), (today.person_id, rosa)):
            people.set_line(session, person_id=person_id, other_id=manager, relation="line_manager", actor=OPERATOR)
            people.set_line(
                session, person_id=person_id, other_id=assessor.person_id, relation="mentor", actor=OPERATOR
            )
            session.add(UnwantedMail(person_id=person_id, kind="work_returned"))
            session.add(NoticeRecord(person_id=person_id, version="v"))
        people.set_line(
            session, person_id=old.person_id, other_id=today.person_id, relation="mentor", actor=OPERATOR
        )  # fmt: skip
        session.add(UnwantedMail(person_id=today.person_id, kind="expiring"))
    join(services, today.person_id, "tess.home@example.org")
    with services.runtime.database.read() as session:
        lines = session.exec(select(ReportingLineRecord).where(col(ReportingLineRecord.ended_at).is_(None))).all()
        assert sorted((row.person_id, row.other_id, row.relation) for row in lines) == sorted(
            [(old.person_id, rosa, "line_manager"), (old.person_id, assessor.person_id, "mentor")]
        ), "the manager who was entered later, and nobody is their own mentor"
        unwanted = session.exec(select(UnwantedMail.kind).where(UnwantedMail.person_id == old.person_id)).all()
    assert sorted(unwanted) == ["expiring", "work_returned"]


def test_a_module_awarded_before_is_told_to_the_new_workplaces_gradebook(
    services: Services, before: Life, today: SignedIn
) -> None:
    with services.runtime.database.write() as session:
        link = LtiGradeLink(
            registration_id=LAUNCH.registration_id, deployment_id=LAUNCH.deployment_id, context_id="c",
            resource_link_id="new", person_id=today.person_id, subject="tess-elsewhere", module_key="M01",
        )  # fmt: skip
        session.add(link)
        link_id = link.id
    join(services, today.person_id, home(before))
    for _ in range(2):
        build_worker(services).run_until_idle()
    with services.runtime.database.read() as session:
        scores = session.exec(select(LtiScore).where(LtiScore.grade_link_id == link_id)).all()
    assert [score.score_given for score in scores] == [100.0]


def test_joining_while_the_new_login_launches_and_writes_leaves_no_half_state(
    services: Services, client: TestClient, today: SignedIn
) -> None:
    old = sign_in(services, client, "Tess Before")
    confirm(services, old, "tess.home@example.org")
    runtime = services.runtime

    def launch_and_enrol(_: int) -> str:
        with runtime.database.write() as session:
            person_id = people.person_id_for_lms_identity(
                session, registration_id=LAUNCH.registration_id, subject="Tess Elsewhere", name=None, email=None,
                organisation_id=None,
            )  # fmt: skip
            module = programme.current_module(session, "M01")
            learning.enrol(session, person_id=person_id, module=module, organisation_id=None)
            _straggler(session, today.person_id)
            return person_id

    with ThreadPoolExecutor(5) as threads:
        joining = threads.submit(join, services, today.person_id, "tess.home@example.org")
        met = list(threads.map(launch_and_enrol, range(4)))
        joining.result()
    build_worker(services).run_until_idle()
    assert set(met) <= {old.person_id, today.person_id}
    with runtime.database.read() as session:
        sessions = session.exec(select(LaunchSessionRow.person_id)).all()
        identities = session.exec(select(LmsIdentityRecord.person_id)).all()
        in_force = session.exec(
            select(ConfirmedEmailRecord.person_id).where(col(ConfirmedEmailRecord.superseded_at).is_(None))
        ).all()
    assert set(sessions) == {old.person_id}, "what was written under the old id is taken along afterwards"
    assert set(identities) == {old.person_id}
    assert in_force == [old.person_id]


def _straggler(session: WriteSession, person_id: str) -> None:
    """What a request writes that has begun before."""
    row = session.exec(select(LaunchSessionRow)).first()
    assert row is not None
    fields = row.model_dump() | {"handle": f"late-{now().timestamp()}", "person_id": person_id}
    session.add(LaunchSessionRow(**fields))


def test_somebody_else_s_sessions_are_left_alone(services: Services, client: TestClient, today: SignedIn) -> None:
    old = sign_in(services, client, "Tess Before")
    robin = sign_in(services, client, "Robin Okafor")
    confirm(services, old, "tess.home@example.org")
    join(services, today.person_id, "tess.home@example.org")
    assert replace(robin, root=old.root).get("/your-data").status_code == 401
    assert "Robin Okafor" in robin.get("/your-data").text
