"""A person about whom everything is kept that can be kept, every text of theirs one that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.awards import recipients
from app.awards.batches.models import AwardBatch, AwardBatchRow
from app.awards.consequences.models import AwardFlag
from app.awards.models import AwardChange, AwardOverride, AwardRenewal, AwardRequest
from app.awards.proposals.models import AwardProposal, ConfirmationRequest
from app.core.audit import OPERATOR, Actor
from app.core.clock import now
from app.core.db import WriteSession
from app.core.secrets import SecretBox
from app.issuer import mailed_links, share_links
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.reissuing import show_name
from app.learning import appeals, comment_bank, second_marking
from app.learning import service as learning
from app.learning.files.models import EvidenceContentRecord, EvidenceFileRecord
from app.learning.models import (
    AttendanceCodeRecord,
    AttendanceRecord,
    AttendanceTryRecord,
    DecisionRecord,
    PanelMarkRecord,
    RecognitionRecord,
    ReviewedServiceRecord,
    SecondMarkRecord,
)
from app.learning.observation.models import (
    ObservationCodeRecord,
    ObservationRecord,
    ObservationRequestRecord,
)
from app.lti.models import LtiContext, LtiGradeLink, LtiLogin, LtiScore
from app.messages.models import ExpiryReminder, SentMail, UnwantedMail
from app.messages.pathway_jobs import asked_subject
from app.pathways.models import (
    PathwayConfirmation,
    PathwayConversation,
    PathwayExternalBadge,
    PathwayRecognition,
)
from app.people import linking, notice
from app.people import service as people
from app.people.link_models import LinkedPersonRecord
from app.people.models import LmsIdentityRecord, MembershipRecord, OrganisationRecord, PersonRecord
from app.programme import stacks
from app.web.models import LaunchSessionRow
from app.wiring import Services, build_worker
from tests.web.people import LAUNCH, SignedIn, hand_in, sign_in
from tests.web.test_holder import award

FROM_ASSESSOR = ("comment on it all", "comment on one thing", "role of the supervisor")


@dataclass(frozen=True)
class Life:
    """What a person left, and the words in it by which it is recognised."""

    who: SignedIn
    word: str
    subject: str
    typed: tuple[str, ...]
    badges: tuple[str, ...]
    hashes: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that says who they are or what they wrote, with the hashes of their address."""
        return (self.word, self.subject, *self.hashes)


def live(services: Services, client: TestClient, word: str, assessor: SignedIn) -> Life:
    """Learn, be returned and awarded, confirm an address, show the badge; `word` is in everything that is typed."""
    runtime = services.runtime
    who = sign_in(services, client, f"Person {word}", context_title=f"Course of {word}")
    subject, email = f"subject-of-{word}", f"{word}.home@example.org"
    with runtime.database.write() as session:
        _known_elsewhere(session, who, word, subject)
        notice.close_notice(session, who.person_id, notice.NOTICE_VERSION)
        session.get_one(PersonRecord, who.person_id).display_name = f"{word} by choice"
    typed = _write(services, who, word)
    _return_and_award(services, who, assessor, word)
    build_worker(services).run_until_idle()
    _confirm(services, who, email)
    with runtime.database.read() as session:
        badge = issuer.credentials_of(session, who.person_id)[0].id
    show_name(
        runtime.database, runtime.secret_box, runtime.settings.base_url, badge,
        name=f"Person {word}", actor=issuer_actor(who),
    )  # fmt: skip
    by_address = award(services, None, f"operator:{word}", recipient_email=email)
    with runtime.database.write() as session:
        _asked_for(session, runtime.secret_box, by_address, email, word)
        share_links.make(session, runtime.secret_box, person_id=who.person_id, credential_ids=[badge], days=7)
        mailed_links.make(session, runtime.secret_box, badge, issuer.claim_token(runtime.secret_box, badge), days=7)
        _grades(session, who, subject, word)
        _at_work(session, who, word)
        _from_before(session, who, word)
        _observed(session, who, assessor, word)
        people.request_email_confirmation(
            session, runtime.secret_box, person_id=who.person_id, email=f"{word}.later@example.org"
        )
        for decision_id in session.exec(
            select(DecisionRecord.id).where(DecisionRecord.enrolment_id == _enrolment(session, who))
        ):
            session.add(SentMail(kind="work_returned", subject_id=decision_id))
        session.add(SentMail(kind="credential_awarded", subject_id=badge))
        session.add(SentMail(kind="wallet_bound", subject_id=f"{badge}.v2"))
        session.add(ExpiryReminder(credential_id=badge, days=90))
        session.add(UnwantedMail(person_id=who.person_id, kind="expiring"))
        _in_question(session, who, assessor, badge, by_address, word)
        _on_pathways(session, who, assessor, word)
        _proposed(session, who, assessor, word)
    with runtime.database.read() as session:
        rows = session.exec(select(Credential).where(col(Credential.id).in_((badge, by_address)))).all()
    hashes = tuple(str(row.identity_hash) for row in rows)
    assert len(hashes) == 2
    assert "None" not in hashes
    return Life(who, word, subject, typed, (badge, by_address), hashes)


def _asked_for(session: WriteSession, secret_box: SecretBox, credential_id: str, email: str, word: str) -> None:
    """The badge by address as if a client of the API had asked for it, without a prerequisite, and corrected it."""
    session.add(
        AwardRequest(
            client_id="a-client", request_key=f"key of {credential_id}", credential_id=credential_id, fingerprint="f",
            recipient_digest=recipients.digest_of(secret_box, email),
            sealed_recipient=recipients.seal(secret_box, recipients.Recipient(email, word)),
        )
    )  # fmt: skip
    session.add(
        AwardOverride(credential_id=credential_id, client_id="a-client", missing=["M01"], reason=f"{word} was here")
    )
    batch = AwardBatch(
        client_id="a-client", idempotency_key=f"batch:{credential_id}", fingerprint="0", all_or_nothing=False,
        checking=False, state="done", total=1,
    )  # fmt: skip
    session.add(batch)
    session.flush()
    session.add(AwardBatchRow(batch_id=batch.id, line=1, chunk=0, state="issued", credential_id=credential_id))
    session.add(
        AwardChange(
            credential_id=credential_id, client_id="a-client", action="correct", decided_by_name="A decider",
            decided_by_role="panel chair", reason=f"{word} had reached more",
        )
    )  # fmt: skip
    session.add(
        AwardRenewal(
            source=f"decision:{credential_id}", credential_id=credential_id, version=2,
            decided_by_person_id="an assessor", decided_by_role="assessor",
        )
    )  # fmt: skip


def _in_question(session: WriteSession, who: SignedIn, assessor: SignedIn, badge: str, ground: str, word: str) -> None:
    """The badge as if it rested on the other one, which has ended; an assessor waits, and the holder was told."""
    rule = stacks.current_pathway(session, "practitioner")
    flag = AwardFlag(
        credential_id=badge, person_id=who.person_id, because_credential_id=ground, reason="expired", since=now(),
        consequence="grace", pathway_key=rule.key, pathway_version=rule.version, due_at=now() + timedelta(days=90),
        state="grace", decided_by=assessor.person_id, decided_at=now(), note=f"{word} will renew it",
    )  # fmt: skip
    session.add(flag)
    session.add(SentMail(kind="ground_ended", subject_id=f"{badge}.{flag.id}.20260105000000"))


def _on_pathways(session: WriteSession, who: SignedIn, assessor: SignedIn, word: str) -> None:
    """Shown in other ways than by a badge: each a row as its page would store it."""
    rule, moment = stacks.current_pathway(session, "practitioner"), now()
    session.add(
        PathwayConfirmation(
            person_id=who.person_id, pathway_key="mentor", confirmation_key="managers-support", given_as="manager",
            given_by=assessor.person_id,
        )
    )  # fmt: skip
    session.add(
        PathwayConfirmation(
            person_id=who.person_id, pathway_key="mentor", confirmation_key="managers-support", given_as="manager",
            given_by=assessor.person_id, withdrawn_by=assessor.person_id, withdrawn_at=moment,
            withdrawn_reason=f"{word} was needed elsewhere",
        )
    )  # fmt: skip
    session.add(
        PathwayConversation(
            person_id=who.person_id, pathway_key=rule.key, pathway_version=rule.version,
            conversation_key="practice-conversation", rubric_version=1, held_on=date(2026, 1, 5),
            levels={"data-used": 2}, comment=f"{word} told of a gate", decided_by=assessor.person_id,
        )
    )  # fmt: skip
    session.add(
        PathwayRecognition(
            person_id=who.person_id, kind="time_in_role", key="", reason=f"{word} worked elsewhere",
            granted_by=assessor.person_id, withdrawn_by=assessor.person_id, withdrawn_at=moment,
            withdrawn_reason=f"{word} had not",
        )
    )  # fmt: skip
    session.add(
        PathwayExternalBadge(
            person_id=who.person_id, digest=f"digest of {who.person_id}", document=f'{{"of": "{word}"}}'.encode(),
            issuer="did:web:college.example", issuer_name="A college", achievement="https://college.example/a",
            name="First aid", awarded_at=moment, valid_from=moment, verdict="valid", checked_at=moment,
        )
    )  # fmt: skip


def _proposed(session: WriteSession, who: SignedIn, assessor: SignedIn, word: str) -> None:
    """A badge that was proposed and declined, and a word that was asked for and not given; the mails about both."""
    rule = stacks.current_pathway(session, "practitioner")
    proposal = AwardProposal(
        person_id=who.person_id, kind="award", pathway_key=rule.key, pathway_version=rule.version,
        rule_digest=rule.digest, facts="0", state="declined", reason=f"{word} was another person",
        decided_by=assessor.person_id, decided_at=now(),
    )  # fmt: skip
    request = ConfirmationRequest(
        person_id=who.person_id, pathway_key="mentor", confirmation_key="managers-support", asked_of="manager",
        state="declined", answered_by=assessor.person_id, answered_at=now(), reason=f"{word} is needed here",
    )  # fmt: skip
    session.add_all((proposal, request))
    session.add(SentMail(kind="proposal_declined", subject_id=proposal.id))
    session.add(SentMail(kind="confirmation_answered", subject_id=request.id))
    session.add(SentMail(kind="confirmation_asked", subject_id=asked_subject(request.id, assessor.person_id)))


def issuer_actor(who: SignedIn) -> Actor:
    """The holder, as the audit names them."""
    return Actor(kind="person", id=who.person_id)


def _at_work(session: WriteSession, who: SignedIn, word: str) -> None:
    """Staff of a centre, under a name and an address of their own there, with a colleague as line manager."""
    organisation = people.ensure_organisation(session, key=f"at-{who.person_id[:8]}", name="An agency with a centre")
    centre = people.add_centre(session, organisation_id=organisation.id, key="c", name="A centre", actor=OPERATOR)
    own = people.join_centre(
        session, person_id=who.person_id, centre_id=centre.id, function="specialist", actor=OPERATOR
    )
    row = session.get_one(MembershipRecord, own.membership_id)
    row.name, row.email = f"{word} at work", f"{word}.work@example.org"
    boss = people.add_staff(
        session, centre_id=centre.id, name="A colleague", email="b@example.org", function="supervisor", actor=OPERATOR
    )
    people.set_line(session, person_id=who.person_id, other_id=boss.person_id, relation="line_manager", actor=OPERATOR)


def _observed(session: WriteSession, who: SignedIn, assessor: SignedIn, word: str) -> None:
    """The module of the tests has no observation, so one is stored as its page would."""
    enrolment_id = _enrolment(session, who)
    asked = ObservationRequestRecord(
        enrolment_id=enrolment_id, activity_key="watched", number=1, state="made", role="assessor",
        observer_person_id=assessor.person_id, observer_name="Priya Raman", closed_at=now(),
    )  # fmt: skip
    session.add(asked)
    session.flush()
    session.add(ObservationCodeRecord(request_id=asked.id, expires_at=now()))
    session.add(
        ObservationRecord(
            request_id=asked.id, enrolment_id=enrolment_id, activity_key="watched", role="assessor",
            observed_on=date(2026, 1, 5), answers={"a": "not yet"}, comments={"a": f"seen of {word}"},
        )
    )  # fmt: skip
    session.add(SentMail(kind="observed", subject_id=asked.id))


def _from_before(session: WriteSession, who: SignedIn, word: str) -> None:
    """An earlier record that was joined into theirs, and a request for a code to join one more."""
    old = PersonRecord(display_name=f"{word} of earlier")
    session.add(old)
    session.flush()
    session.add(LinkedPersonRecord(person_id=old.id, now_with=who.person_id, joined_into=who.person_id))
    linking.request_link(
        session, person_id=who.person_id, email=f"{word}.before@example.org", asked_in="a-session", organisation_id=None
    )  # fmt: skip
    session.add(SentMail(kind="persons_linked", subject_id=old.id))


def _enrolment(session: WriteSession, who: SignedIn) -> str:
    enrolment = learning.enrolment_of(session, person_id=who.person_id, module_key="M01")
    assert enrolment is not None
    return enrolment.id


def _known_elsewhere(session: WriteSession, who: SignedIn, word: str, subject: str) -> None:
    """The same person in a second LMS, of an agency of its own; a login and a teacher's session that name them."""
    agency = OrganisationRecord(key=f"agency-{who.person_id[:8]}", name="An agency of many")
    session.add(agency)
    session.flush()
    session.add(
        LmsIdentityRecord(
            person_id=who.person_id, registration_id=LAUNCH.registration_id, subject=subject,
            name=f"{word} Elsewhere", email=f"{word}@agency.example", organisation_id=agency.id,
        )
    )  # fmt: skip
    moment = now() + timedelta(minutes=10)
    for name, parameters in (("open", {"login_hint": subject}), ("used", {"login_hint": f"opaque-{word}"})):
        session.add(
            LtiLogin(
                state_hash=f"{name}-{who.person_id}", nonce_hash="n", browser_hash="b",
                registration_id=LAUNCH.registration_id, target_link_uri=LAUNCH.target_link_uri, expires_at=moment,
                parameters=parameters, used_at=now() if name == "used" else None,
            )
        )  # fmt: skip
    teacher = (
        session.exec(select(LaunchSessionRow).where(LaunchSessionRow.person_id == who.person_id)).one().model_copy()
    )
    session.add(
        LaunchSessionRow(
            **teacher.model_dump(exclude={"handle", "person_id", "for_user", "context_title"}),
            handle=f"teacher-{who.person_id[:6]}", person_id="a-teacher", for_user=subject,
        )
    )  # fmt: skip


def _write(services: Services, who: SignedIn, word: str) -> tuple[str, ...]:
    """A text of its own in every field there is."""
    typed: list[str] = []
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=who.person_id, module_key="M01")
        assert enrolment is not None
        for activity in learning.module_of(session, enrolment).activities:
            fields = [field for field in learning.fields_of(activity) if not field.options and field.kind != "count"]
            content = {field.key: f"{word} wrote this in {activity.key} {field.key}" for field in fields}
            if content:
                learning.save_draft(
                    session, enrolment_id=enrolment.id, person_id=who.person_id, activity_key=activity.key,
                    content=content, base_revision=0,
                )  # fmt: skip
            typed.extend(content.values())
        # The module of the tests has no field for files, so it is stored as its page would.
        file = EvidenceFileRecord(
            enrolment_id=enrolment.id, activity_key="exercise", field_key="map", name=f"{word}.txt",
            media_type="text/plain", size=len(word), sha256="0" * 64,
        )  # fmt: skip
        session.add(file)
        session.flush()
        session.add(EvidenceContentRecord(file_id=file.id, content=word.encode()))
        session.add(RecognitionRecord(enrolment_id=enrolment.id))
        session.add(
            ReviewedServiceRecord(enrolment_id=enrolment.id, activity_key="watched", reviewed_on=date(2026, 1, 5))
        )
        _attend(session, who, enrolment.id)
    assert len(typed) > 2
    return tuple(typed)


def _attend(session: WriteSession, who: SignedIn, enrolment_id: str) -> None:
    """A session with its code: shown, typed and confirmed by the same person, so that all of it is of one person."""
    of = {"activity_key": "session", "deployment_id": LAUNCH.deployment_id, "context_id": "c"}
    session.add(
        AttendanceCodeRecord(
            **of, module_key="M01", code="ABC234", opened_by=who.person_id, expires_at=now(), closed_at=now()
        )
    )
    session.add(AttendanceTryRecord(enrolment_id=enrolment_id, activity_key="session"))
    session.add(
        AttendanceRecord(
            **of, enrolment_id=enrolment_id, how="code", held_on=date(2026, 1, 3), confirmed_by=who.person_id
        )
    )


def _return_and_award(services: Services, who: SignedIn, assessor: SignedIn, word: str) -> None:
    whole, part, role = (f"{what} {word}" for what in FROM_ASSESSOR)
    submission_id = hand_in(services, who.person_id)
    with services.runtime.database.write() as session:
        other = _another_assessor(session)
        decision = learning.return_work(
            session, submission_id=submission_id, assessor_id=other, comment=whole,
            criterion_comments={next(_criteria(session, who)): part},
        )  # fmt: skip
    _doubted(services, who, assessor, decision, word)
    submission_id = hand_in(services, who.person_id)
    with services.runtime.database.write() as session:
        for key in _criteria(session, who):
            learning.mark(
                session, submission_id=submission_id, assessor_id=assessor.person_id, criterion_key=key, level=3,
                comment=f"{part} again",
            )  # fmt: skip
        learning.record_supervisor_talk(
            session, submission_id=submission_id, recorded_by=assessor.person_id, held_on=date(2026, 1, 5),
            supervisor_role=role,
        )  # fmt: skip
        learning.award(session, submission_id=submission_id, assessor_id=assessor.person_id, comment=f"{whole} again")
        # The module of the tests is decided by one assessor, so a member's mark is stored as a panel would.
        session.add(
            PanelMarkRecord(
                submission_id=submission_id, marked_by=assessor.person_id, seat=1, outcome="awarded",
                levels={"gates": 3}, comments={"gates": f"{part} as one of two"}, comment=f"{whole} as one of two",
                draft={"gates": {"level": 3, "comment": f"{part} as one of two"}}, given_at=now(),
            )
        )  # fmt: skip


def _another_assessor(session: WriteSession) -> str:
    other = people.person_for_lms_identity(
        session, registration_id=LAUNCH.registration_id, subject="another-assessor", name="Another Assessor",
        email=None, organisation_id=None,
    ).id  # fmt: skip
    people.grant_role(session, person_id=other, role="assessor", actor=OPERATOR)
    return other


def _doubted(services: Services, who: SignedIn, assessor: SignedIn, decision: learning.Decision, word: str) -> None:
    """The decision is marked a second time and appealed against, in vain; the assessor keeps a comment."""
    with services.runtime.database.write() as session:
        second = session.exec(
            select(SecondMarkRecord.id).where(SecondMarkRecord.submission_id == decision.submission_id)
        ).one()
        second_marking.give(
            session, second_mark_id=second, assessor_id=assessor.person_id, outcome="awarded",
            levels=dict.fromkeys(_criteria(session, who), 4), reason=f"second mark {word}",
        )  # fmt: skip
        appeal = appeals.make(
            session, enrolment_id=decision.enrolment_id, person_id=who.person_id, decision_id=decision.id,
            reason=f"appeal of {word}",
        )  # fmt: skip
        appeals.decline(session, appeal_id=appeal.id, assessor_id=assessor.person_id, answer=f"answer to {word}")
        comment_bank.save(session, assessor_id=assessor.person_id, text="Name the gate.")


def _criteria(session: WriteSession, who: SignedIn) -> Iterator[str]:
    enrolment = learning.enrolment_of(session, person_id=who.person_id, module_key="M01")
    assert enrolment is not None
    return (criterion.key for criterion in learning.module_of(session, enrolment).rubric.criteria)


def _confirm(services: Services, who: SignedIn, email: str) -> None:
    runtime = services.runtime
    with runtime.database.write() as session:
        asked = people.request_email_confirmation(
            session, runtime.secret_box, person_id=who.person_id, email=email
        )  # fmt: skip
        code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
        session.add(SentMail(kind="email_code", subject_id=asked.id))
    people.confirm_email(runtime.database, runtime.secret_box, person_id=who.person_id, code=code)
    build_worker(services).run_until_idle()


def _grades(session: WriteSession, who: SignedIn, subject: str, word: str) -> None:
    if session.exec(select(LtiContext)).first() is None:
        session.add(
            LtiContext(
                registration_id=LAUNCH.registration_id, deployment_id=LAUNCH.deployment_id, context_id="c",
                title="A course of many",
            )
        )  # fmt: skip
    link = LtiGradeLink(
        registration_id=LAUNCH.registration_id, deployment_id=LAUNCH.deployment_id, context_id="c",
        resource_link_id="r", person_id=who.person_id, subject=subject, module_key="M01",
    )  # fmt: skip
    session.add(link)
    session.flush()
    session.add(
        LtiScore(
            decision_id=f"request-{who.person_id}", grade_link_id=link.id, score_given=1, score_maximum=1,
            timestamp=now(), state="failed", last_error=f"the LMS says {word}",
        )
    )  # fmt: skip


def rows_with(services: Services, *words: str) -> dict[str, list[str]]:
    """Every row of every table that holds one of these, whatever the table is."""
    metadata = sa.MetaData()
    metadata.reflect(services.runtime.database.engine)
    found: dict[str, list[str]] = {}
    with services.runtime.database.engine.connect() as connection:
        for name, table in metadata.tables.items():
            for row in connection.execute(sa.select(table)).all():
                text = str([bytes(each) if isinstance(each, memoryview) else each for each in row])
                if any(word.lower() in text.lower() for word in words):
                    found.setdefault(name, []).append(text)
    return found
