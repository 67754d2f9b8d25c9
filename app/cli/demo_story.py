"""The demo's story: a platform that is connected, an assessor who was named, and one learner who has finished.

Everything is done by the same services that a real launch, a real learner and a real assessor use; nothing is put into
the database behind their backs. Told a second time it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.awards import service as awards
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import WriteSession
from app.core.errors import Unavailable
from app.core.outbox_models import OutboxDelivery
from app.issuer import service as issuer
from app.learning import service as learning
from app.learning.schemas import Enrolment
from app.lti import registrations
from app.lti.errors import RegistrationNotFound
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import Module
from app.wiring import Services, build_worker

MODULE_KEY = "M01"
FINISHER = ("demo-finisher", "Robin Okafor", "robin.okafor@example.org")
ASSESSOR_NAME = "Priya Raman"
CENTRE = ("footscray", "Footscray centre")
SPECIALIST_NAME = "Tess Nguyen"
MANAGER: tuple[str, str, people.StaffFunction] = ("Marc Delaney", "marc.delaney@example.org", "supervisor")
CLINICIAN: tuple[str, str, people.StaffFunction] = ("Cleo Marsh", "cleo.marsh@example.org", "clinician")

EXERCISE = {
    "mentioned": "20",
    "offered": "14",
    "referred": "9",
    "met": "6",
    "drop": "Between offered and referred: five young people who were offered a meeting were never referred.",
    "colleague-view": (
        "A colleague told me she waits with the referral until the first review, so that nobody is overwhelmed. "
        "She had not noticed that most people stop mentioning work by then."
    ),
    "test-change": "We refer on the day work is mentioned, and say in one sentence what happens next.",
    "test-duration": "Six weeks, from the first Monday of next month.",
    "test-measure": "Days from mention to first meeting, and how many of those who mentioned work were met.",
    "test-decider": "The centre manager and I, together, in the supervision after the six weeks.",
}
REFLECTION = """\
In my second month a young man told me he wanted to work nights in a bakery. I liked him, and I worried about him. He \
had told the team how badly he slept, so I said that it was a great idea for later, and that we should get his sleep \
right first. I meant it kindly.

He nodded, and he did not bring it up again. For six weeks we talked about sleep, and about forms, and about the \
weather. He came late, then he came less. I wrote in my notes that his motivation was low. It is hard to read that \
now. His motivation had been sitting in front of me, and I had asked it to wait.

The principle under strain was his choice. I had put my idea of a good job in front of his. The second one was zero \
exclusion: without any rule on paper I had made better sleep the entry ticket. And because I waited, I also broke the \
promise to look for work early. One kind sentence, and three principles had gone quiet.

What was good in it? I did not want him to fail. But a young person who is told "not yet" does not \
hear care. He hears that we do not believe in him. And I had no evidence at all that nights would harm him. When I \
finally asked, he said that nights were the only hours when his head was calm, and that a shift would give him a \
reason to sleep by day.

I asked him later what it was like. He said: "You were nice about it. I just thought you were like the others." I have \
kept that sentence. I also asked my supervisor to listen for the words "first" and "once" in what I say, because that \
is how my gate sounds. She has caught me twice.

What I would say now: "Nights in a bakery. Tell me what you like about that. Shall we ring two bakeries this week, and \
work out the sleep while you are at it?" Then I would pick up the phone with him in the room. If the nights turn out \
too hard, we will know more about him, about work and about sleep than six weeks of waiting ever taught us.

(I have changed the details, so that nobody can be known by them.)
"""
LEVELS = {"principles-in-use": 3, "seeing-gates": 4, "fidelity-thinking": 3, "reflection-and-safety": 3}


class BadgeNotMade(Unavailable):
    """The worker has not turned the decision into a badge."""

    slug = "demo-badge-not-made"
    title = "The demo's badge could not be made"


@dataclass(frozen=True)
class DemoBadge:
    """The finished badge: its decision first, its address when the worker has done its work."""

    decision_id: str
    person_id: str
    credential_id: str = ""

    def finish(self, services: Services) -> DemoBadge:
        """Confirm the holder's address by its code and share the badge, as the holder would."""
        runtime = services.runtime
        with runtime.database.read() as session:
            award = awards.award_for_decision(session, self.decision_id)
            confirmed = people.confirmed_email(session, self.person_id)
        if award is None:
            raise BadgeNotMade(
                "The demo's badge could not be signed.", kept="Everything up to the decision is kept.",
                next_step="Start the demo again; if that does not help, name another folder with WAYMARK_DATA_DIR.",
            )  # fmt: skip
        if confirmed is None:
            with runtime.database.write() as session:
                asked = people.request_email_confirmation(
                    session, runtime.secret_box, person_id=self.person_id, email=FINISHER[2]
                )
                code = people.confirmation_mail(session, runtime.secret_box, asked.id).code
            people.confirm_email(runtime.database, runtime.secret_box, person_id=self.person_id, code=code)
        with runtime.database.write() as session:
            issuer.share(session, award.credential_id, self.person_id, True)
        build_worker(services).run_until_idle()
        return DemoBadge(self.decision_id, self.person_id, award.credential_id)


def tell(services: Services, platform: dict[str, Any]) -> DemoBadge:
    """Connect the practice LMS, name the assessor, let one learner finish.

    Args:
        services: of the demo's database, prepared.
        platform: what the practice LMS says of itself: the values an administrator copies across, and its people.
    """
    runtime = services.runtime
    with runtime.database.write() as session:
        # A demo has its folder to itself: what one that was killed had in hand is nobody's now.
        session.execute(sa.update(OutboxDelivery).values(leased_until=None))
        registration_id = connect(session, platform)
        assessor = people.person_for_lms_identity(
            session,
            registration_id=registration_id,
            subject=platform["people"]["priya"],
            name=ASSESSOR_NAME,
            email=None,
            organisation_id=None,
        )
        people.grant_role(session, person_id=assessor.id, role="assessor", actor=OPERATOR)
        enter_staff(session, registration_id, platform)
        subject, name, email = FINISHER
        person = people.person_for_lms_identity(
            session, registration_id=registration_id, subject=subject, name=name, email=email, organisation_id=None
        )
        module = programme.current_module(session, MODULE_KEY)
        enrolment = learning.enrolment_of(session, person_id=person.id, module_key=MODULE_KEY) or learning.enrol(
            session, person_id=person.id, module=module, organisation_id=None
        )
        module = learning.module_of(session, enrolment)
        progress = learning.progress(session, enrolment.id)
        decision_id = progress.decision_id
        if decision_id is None:
            work_through(session, enrolment, module)
            decision_id = mark_and_award(session, enrolment, assessor.id)
    return DemoBadge(decision_id=decision_id, person_id=person.id)


def connect(session: WriteSession, platform: dict[str, Any]) -> str:
    """Enter the practice LMS and let it in, unless that was done before; its registration's id."""
    issuer_url, client_id = platform["issuer"], platform["client_id"]
    try:
        row = registrations.find_registration(session, issuer=issuer_url, client_id=client_id)
    except RegistrationNotFound:
        organisation = people.ensure_organisation(session, key="practice", name="Practice agency")
        details = registrations.PlatformDetails(
            issuer=issuer_url,
            client_id=client_id,
            auth_login_url=platform["auth_login_url"],
            auth_token_url=platform["auth_token_url"],
            jwks_url=platform["jwks_url"],
            audience=platform["audience"],
            name="Practice LMS",
        )
        registrations.add_registration(
            session,
            details,
            deployment=platform["deployment_id"],
            organisation_id=organisation.id,
            allow_http=True,
        )
        row = registrations.approve(session, issuer=issuer_url, client_id=client_id)
    return row.id


def enter_staff(session: WriteSession, registration_id: str, platform: dict[str, Any]) -> None:
    """Give the practice agency a centre with a specialist, her manager and a clinician, unless it has one."""
    organisation = people.ensure_organisation(session, key="practice", name="Practice agency")
    if people.centres(session, organisation.id):
        return
    key, name = CENTRE
    centre = people.add_centre(session, organisation_id=organisation.id, key=key, name=name, actor=OPERATOR)
    tess = people.person_for_lms_identity(
        session,
        registration_id=registration_id,
        subject=platform["people"]["tess"],
        name=SPECIALIST_NAME,
        email=None,
        organisation_id=organisation.id,
    )
    people.join_centre(session, person_id=tess.id, centre_id=centre.id, function="specialist", actor=OPERATOR)
    marc, _cleo = (
        people.add_staff(session, centre_id=centre.id, name=who, email=email, function=function, actor=OPERATOR)
        for who, email, function in (MANAGER, CLINICIAN)
    )
    people.set_line(session, person_id=tess.id, other_id=marc.person_id, relation="line_manager", actor=OPERATOR)


def work_through(session: WriteSession, enrolment: Enrolment, module: Module) -> None:
    """Do every activity as a learner would, and hand the work in."""
    for activity in module.activities:
        at = {"enrolment_id": enrolment.id, "person_id": enrolment.person_id, "activity_key": activity.key}
        if activity.kind == "lesson":
            learning.complete_lesson(session, **at)
        elif activity.kind == "knowledge_check":
            right = {question.key: question.correct_key for question in activity.questions}
            attempt = learning.start_attempt(session, **at)
            answers = {asked.key: right[asked.key] for asked in attempt.questions}
            learning.answer_attempt(session, attempt_id=attempt.id, person_id=enrolment.person_id, answers=answers)
        elif activity.kind == "exercise":
            content = {item.key: EXERCISE.get(item.key) or _first_option(item.options) for item in activity.fields}
            learning.save_draft(session, **at, content=content, base_revision=learning.draft(session, **at).revision)
        else:
            content = {"text": REFLECTION}
            learning.save_draft(session, **at, content=content, base_revision=learning.draft(session, **at).revision)
    learning.submit(session, enrolment_id=enrolment.id, person_id=enrolment.person_id, declared=True)


def _first_option(options: tuple[Any, ...]) -> str:
    return options[0].value if options else "See above."


def mark_and_award(session: WriteSession, enrolment: Enrolment, assessor_id: str) -> str:
    """Mark what was handed in, record the supervisor's talk and award; the decision's id."""
    submission_id = mark(session, enrolment, assessor_id)
    return learning.award(session, submission_id=submission_id, assessor_id=assessor_id).id


def mark(session: WriteSession, enrolment: Enrolment, assessor_id: str) -> str:
    """Do what must come before an award; the id of the work that is ready for it."""
    submission = learning.progress(session, enrolment.id).submission
    if submission is None:
        raise RuntimeError("there is nothing handed in to mark")
    for criterion in learning.module_of(session, enrolment).rubric.criteria:
        learning.mark(
            session,
            submission_id=submission.id,
            assessor_id=assessor_id,
            criterion_key=criterion.key,
            level=LEVELS.get(criterion.key, 3),
        )
    learning.record_supervisor_talk(
        session,
        submission_id=submission.id,
        recorded_by=assessor_id,
        held_on=(now() - timedelta(days=1)).date(),
        supervisor_role="Centre manager",
    )
    return submission.id
