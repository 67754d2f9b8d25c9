"""Signing people in for the tests of pages: by a launch session, as the launch endpoint leaves it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.core.db import WriteSession
from app.learning import service as learning
from app.lti.models import ACTIVE, LtiDeployment, LtiRegistration
from app.lti.schemas import AcceptedLaunch, Launch
from app.people import service as people
from app.programme import service as programme
from app.programme.schemas import ExerciseField
from app.web.models import LaunchSessionRow
from app.web.sessions import csrf_token, start_session
from app.wiring import Services

LAUNCH = Launch(
    registration_id="registration-1", deployment_id="deployment-1", organisation_id=None,
    issuer="http://lms.localhost:8100", client_id="waymark", platform_deployment_id="1",
    message_type="LtiResourceLinkRequest", subject="s", name=None, email=None, is_teacher=False,
    is_administrator=False, is_learner=True, context_id="c", context_title="A course", resource_link_id="r",
    resource_link_title=None, target_link_uri="http://tool.localhost:8000/lti/launch", custom={}, module_key="M01",
    activity_key=None, view=None, placement=None, deep_linking=None, for_user=None, context_history=(),
    resource_link_history=(),
    line_item_url=None, line_items_url=None, ags_scopes=(), memberships_url=None, locale=None, return_url=None,
    frame_ancestors=("http://lms.localhost:8100",),
)  # fmt: skip


@dataclass(frozen=True)
class SignedIn:
    """Somebody with a session: every request carries its cookie and, if it changes something, its token."""

    client: TestClient
    person_id: str
    root: str
    cookie: str
    token: str

    def get(self, path: str, **options: Any) -> Any:
        """GET a page of the session."""
        return self.client.get(self.root + path, headers=self._headers(options), **options)

    def post(self, path: str, data: dict[str, str] | None = None, **options: Any) -> Any:
        """POST a form of the session."""
        fields = {"csrf": self.token} | (data or {})
        return self.client.post(self.root + path, data=fields, headers=self._headers(options), **options)

    def put_json(self, path: str, body: Any) -> Any:
        """PUT JSON as the pages' scripts do."""
        headers = self._headers({}) | {"X-CSRF-Token": self.token}
        return self.client.put(self.root + path, json=body, headers=headers)

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        return {"Cookie": self.cookie, "Accept": "text/html"} | options.pop("headers", {})


def connect(session: WriteSession) -> None:
    """The platform that the launches come from, approved."""
    if session.get(LtiRegistration, LAUNCH.registration_id) is not None:
        return
    session.add(
        LtiRegistration(
            id=LAUNCH.registration_id, issuer=LAUNCH.issuer, client_id=LAUNCH.client_id,
            auth_login_url=f"{LAUNCH.issuer}/auth", auth_token_url=f"{LAUNCH.issuer}/token",
            jwks_url=f"{LAUNCH.issuer}/jwks", name="A course platform", state=ACTIVE,
        )
    )  # fmt: skip
    session.flush()
    session.add(
        LtiDeployment(
            id=LAUNCH.deployment_id, registration_id=LAUNCH.registration_id,
            platform_deployment_id=LAUNCH.platform_deployment_id, state=ACTIVE,
        )
    )  # fmt: skip
    session.flush()


def sign_in(
    services: Services,
    client: TestClient,
    name: str,
    *,
    roles: tuple[str, ...] = (),
    teacher: bool = False,
    **claims: Any,
) -> SignedIn:
    """A person of this name, launched into M01; a learner unless `teacher`. `claims` are more parts of a `Launch`."""
    runtime = services.runtime
    launch = replace(LAUNCH, subject=name, name=name, is_teacher=teacher, is_learner=not teacher, **claims)
    with runtime.database.write() as session:
        connect(session)
        person = people.person_for_lms_identity(
            session, registration_id=launch.registration_id, subject=name, name=name,
            email=f"{name.lower()}@example.org", organisation_id=None,
        )  # fmt: skip
        for role in roles:
            people.grant_role(session, person_id=person.id, role=role, actor=OPERATOR)  # type: ignore[arg-type]
        if not teacher:
            module = programme.current_module(session, "M01")
            learning.enrol(session, person_id=person.id, module=module, organisation_id=None)
        accepted = AcceptedLaunch(person.id, launch.module_key, launch.activity_key, launch.view)
        started = start_session(session, runtime.settings, launch, accepted)
        session.flush()
        row = session.get_one(LaunchSessionRow, started.handle)
        token = csrf_token(runtime, row.handle, row.secret_hash)
    return SignedIn(client, person.id, f"/at/{started.handle}", f"{started.cookie_name}={started.cookie_value}", token)


def hand_in(services: Services, person_id: str) -> str:
    """Do what is not yet done of M01 and hand it in, by the services that the pages use; the submission's id."""
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=person_id, module_key="M01")
        assert enrolment is not None
        own = {"enrolment_id": enrolment.id, "person_id": person_id}
        for activity in learning.module_of(session, enrolment).activities:
            if activity.kind == "lesson":
                learning.complete_lesson(session, activity_key=activity.key, **own)
            elif activity.kind == "knowledge_check":
                if learning.knowledge_check(session, activity_key=activity.key, **own).passed:
                    continue
                attempt = learning.start_attempt(session, activity_key=activity.key, **own)
                right = {question.key: question.correct_key for question in activity.questions}
                answers = {question.key: right[question.key] for question in attempt.questions}
                learning.answer_attempt(session, attempt_id=attempt.id, person_id=person_id, answers=answers)
            else:
                known = learning.draft(session, activity_key=activity.key, **own)
                content = {
                    field.key: known.content[field.key] or _text(field)
                    for field in learning.fields_of(activity)
                    if field.kind != "file"
                }
                learning.save_draft(
                    session, activity_key=activity.key, content=content, base_revision=known.revision, **own
                )
        return learning.submit(session, declared=True, **own).id


def _text(field: ExerciseField) -> str:
    if field.options:
        return field.options[0].value
    return "12" if field.kind == "count" else "Some words about it."
