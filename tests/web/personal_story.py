"""A person about whom everything is kept that can be kept, every text of theirs one that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.core.audit import Actor
from app.core.clock import now
from app.core.db import WriteSession
from app.issuer import mailed_links, share_links
from app.issuer import service as issuer
from app.issuer.models import Credential
from app.issuer.reissuing import show_name
from app.learning import service as learning
from app.learning.models import DecisionRecord
from app.lti.models import LtiContext, LtiGradeLink, LtiLogin, LtiScore
from app.messages.models import SentMail
from app.people import notice
from app.people import service as people
from app.people.models import LmsIdentityRecord, OrganisationRecord, PersonRecord
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
        share_links.make(session, runtime.secret_box, person_id=who.person_id, credential_ids=[badge], days=7)
        mailed_links.make(session, runtime.secret_box, badge, issuer.claim_token(runtime.secret_box, badge), days=7)
        _grades(session, who, subject, word)
        people.request_email_confirmation(
            session, runtime.secret_box, person_id=who.person_id, email=f"{word}.later@example.org"
        )
        for decision_id in session.exec(
            select(DecisionRecord.id).where(DecisionRecord.enrolment_id == _enrolment(session, who))
        ):
            session.add(SentMail(kind="work_returned", subject_id=decision_id))
        session.add(SentMail(kind="credential_awarded", subject_id=badge))
        session.add(SentMail(kind="wallet_bound", subject_id=f"{badge}.v2"))
    with runtime.database.read() as session:
        rows = session.exec(select(Credential).where(col(Credential.id).in_((badge, by_address)))).all()
    hashes = tuple(str(row.identity_hash) for row in rows)
    assert len(hashes) == 2
    assert "None" not in hashes
    return Life(who, word, subject, typed, (badge, by_address), hashes)


def issuer_actor(who: SignedIn) -> Actor:
    """The holder, as the audit names them."""
    return Actor(kind="person", id=who.person_id)


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
    assert len(typed) > 2
    return tuple(typed)


def _return_and_award(services: Services, who: SignedIn, assessor: SignedIn, word: str) -> None:
    whole, part, role = (f"{what} {word}" for what in FROM_ASSESSOR)
    submission_id = hand_in(services, who.person_id)
    with services.runtime.database.write() as session:
        learning.return_work(
            session, submission_id=submission_id, assessor_id=assessor.person_id, comment=whole,
            criterion_comments={next(_criteria(session, who)): part},
        )  # fmt: skip
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
