"""Every page below a launch × everybody who might ask for it: who may see what is the table below.

Two agencies share one server. Tess learns at agency A, where Noor learns too, Tom teaches the course and Marc manages
the centre; Uma learns at agency B and Tilda teaches there. Priya assesses for both, Ali operates the server. In their
LMSs Marc, Priya and Ali are teachers too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.awards.consequences.models import AwardFlag
from app.awards.proposals.models import AwardProposal
from app.core.audit import OPERATOR
from app.core.db import WriteSession
from app.core.outbox import Worker
from app.issuer import service as issuer
from app.learning import appeals
from app.learning import service as learning
from app.learning.files.models import EvidenceContentRecord, EvidenceFileRecord
from app.learning.models import SecondMarkRecord
from app.lti.models import ACTIVE, LtiDeployment, LtiRegistration
from app.lti.schemas import AcceptedLaunch
from app.people import service as people
from app.people.schemas import Role, StaffFunction
from app.programme import service as programme
from app.programme import stacks
from app.web.models import LaunchSessionRow
from app.web.sessions import csrf_token, start_session
from app.wiring import Services
from tests.web.people import LAUNCH, SignedIn, hand_in

PEOPLE = ("Tess", "Noor", "Uma", "Tom", "Tilda", "Marc", "Priya", "Ali")
SEEN, ELSEWHERE, REFUSED, UNKNOWN = 200, 303, 403, 404
LETTERS = {"s": SEEN, "→": ELSEWHERE, "x": REFUSED, "-": UNKNOWN, "!": 409}
MARKED = "quokka-marker"
"""Stands in what Tess wrote."""
DRAFTED = "wombat-marker"
"""Stands in what Tess has begun to write and handed in to nobody."""
SURNAME = "of Somewhere"
TESS = f"Tess {SURNAME}"

# In the order of PEOPLE: s seen, → sent elsewhere, x refused, - not found, ! not now. What is in braces is Tess's.
TABLE: dict[str, str] = {
    "": "→→→→→→→→",
    "/": "→→→→→→→→",
    "/module": "sss-----",
    "/modules": "ssssssss",
    "/pathway": "ssssssss",
    "/pathway/practitioner": "ssssssss",
    "/teaching": "ssssssss",
    "/hand-in": "sss-----",
    "/activity/exercise": "sss-----",
    "/activity/exercise/files/{submission}": "--------",
    "/files/{file}": "sxxxxxsx",
    "/files/{submission}": "xxxxxx-x",
    "/appeal": "s!!-----",
    "/review": "--------",
    "/picker": "--------",
    "/cohort": "xxxsssss",
    "/grades": "xxxsssss",
    "/platforms": "xxxxxxxs",
    "/platforms/registration-a": "xxxxxxxs",
    "/assess": "xxxxxxsx",
    "/assess/observers": "xxxxxxsx",
    "/assess/observers/{other enrolment}/activity/employer-visit": "xxxxxxsx",
    "/assess/observers/comments/{submission}/remove": "xxxxxx-x",
    "/assess/{submission}": "xxxxxxsx",
    "/assess/{submission}/award": "xxxxxxsx",
    "/assess/agreement": "xxxxxxsx",
    "/assess/appeals": "xxxxxxsx",
    "/assess/appeals/{appeal}": "xxxxxxsx",
    "/assess/comments": "xxxxxxsx",
    "/assess/consequences": "xxxxxxsx",
    "/assess/consequences/{flag}": "xxxxxxsx",
    "/assess/pathways": "xxxxxxsx",
    "/assess/pathways/people/{tess}/practitioner": "xxxxxxsx",
    "/assess/pathways/people/{tess}/practitioner/conversation": "xxxxxxsx",
    "/assess/pathways/proposals/{proposal}": "xxxxxxsx",
    "/centre/requests": "xxxxxsxx",
    "/assess/second": "xxxxxxsx",
    "/assess/second/{second}": "xxxxxx-x",
    "/attendance": "xxxsssss",
    "/attendance/{submission}/exercise": "xxx-----",
    "/attendance/{submission}/exercise/code": "xxx-----",
    "/centre": "xxxxx→xx",
    "/centre/{centre}": "xxxxxsxx",
    "/centre/{centre}/staff/{tess}": "xxxxxsxx",
    "/centre/{centre}/coverage": "xxxxxsxx",
    "/centre/{centre}/coverage.csv": "xxxxxsxx",
    "/badges": "ssssssss",
    "/badges/{badge}": "s-------",
    "/badges/{badge}/certificate": "s-------",
    "/badges/{badge}/badge.json": "s-------",
    "/badges/{badge}/wallet": "s-------",
    "/badges/{badge}/renew": "s-------",
    "/badges/links": "ssssssss",
    "/badges/email": "ssssssss",
    "/badges/elsewhere": "ssssssss",
    "/badges/email/code": "→→→→→→→→",
    "/competencies": "ssssssss",
    "/your-data": "ssssssss",
    "/your-data/everything.json": "ssssssss",
    "/your-data/mail": "ssssssss",
    "/your-data/earlier": "ssssssss",
    "/your-data/earlier/code": "→→→→→→→→",
    "/your-data/earlier/join": "→→→→→→→→",
    "/your-data/earlier/joined": "→→→→→→→→",
}
EXAMPLES = {"practitioner", "exercise", "employer-visit", "registration-a", "badge.json"}
"""Steps of the paths above that stand for any other."""
MAY_READ_TESS = {"Tess", "Priya"}
"""Who may read what Tess wrote. Tom and Marc may see her name and how far she is, never her words."""
STRANGERS_TO_TESS = {"Noor", "Uma", "Tilda"}


TEACHERS = frozenset({"Tom", "Tilda", "Marc", "Priya", "Ali"})
# By how the path begins: who may change something there; anybody else is refused.
WHO_MAY_SEND: dict[str, frozenset[str]] = {
    "/assess": frozenset({"Priya"}),
    "/centre": frozenset({"Marc"}),
    "/platforms": frozenset({"Ali"}),
    "/attendance": TEACHERS,
    "/grades": TEACHERS,
    "/picker": frozenset(),
    "/badges/{credential_id:uuid}": frozenset({"Tess"}),
    "/badges/elsewhere/{badge_id}": frozenset(),
    "/badges/links/{link_id:uuid}": frozenset(),
    "/activity/{key}/files/{field}/{file_id}": frozenset({"Tess"}),
}
WORDS = {"outcome": "uphold", "answer": "Yes.", "decision": "suspend", "reason": "Because.", "sure": "yes"}
"""What the forms of those paths ask for, one or the other."""
ABOUT_ONESELF = {"{key}", "{field}", "{pathway_key}", "{confirmation_key}"}
"""Variable parts that say of what, not of whom: the path is one's own."""


@dataclass(frozen=True)
class World:
    """Everybody, signed in, and what is Tess's."""

    people: dict[str, SignedIn]
    things: dict[str, str]


@pytest.fixture
def world(services: Services, client: TestClient, worker: Worker) -> World:
    """Two agencies with their people; Tess has been awarded M01 and her work is there to be looked at."""
    with services.runtime.database.write() as session:
        organisations = {key: _agency(session, key) for key in ("a", "b")}

    def arrive(name: str, agency: str, *, teaches: bool = False, role: Role | None = None) -> SignedIn:
        return _arrive(services, client, name, (agency, organisations[agency]), teaches=teaches, role=role)

    found = {
        "Tess": arrive("Tess", "a"),
        "Noor": arrive("Noor", "a"),
        "Uma": arrive("Uma", "b"),
        "Tom": arrive("Tom", "a", teaches=True),
        "Tilda": arrive("Tilda", "b", teaches=True),
        "Marc": arrive("Marc", "a", teaches=True, role="manager"),
        "Priya": arrive("Priya", "b", teaches=True, role="assessor"),
        "Ali": arrive("Ali", "b", teaches=True, role="operator"),
    }
    assert tuple(found) == PEOPLE
    return World(found, _things(services, worker, found))


def test_who_may_see_which_page(world: World) -> None:
    wrong = []
    for path, expected in TABLE.items():
        for name, letter in zip(PEOPLE, expected, strict=True):
            answer = world.people[name].get(path.format(**world.things))
            if answer.status_code != LETTERS[letter]:
                wrong.append(f"{name} at {path}: {answer.status_code}, and the table says {LETTERS[letter]}")
            if name not in MAY_READ_TESS and MARKED in answer.text:
                wrong.append(f"{name} at {path} reads what Tess wrote")
            if name in STRANGERS_TO_TESS and TESS in answer.text:
                wrong.append(f"{name} at {path} learns of Tess")
    assert not wrong, "\n".join(wrong)


def test_what_is_not_handed_in_yet_is_read_by_nobody_else(world: World) -> None:
    assert DRAFTED in str(_kept_of_tess(world))
    others = [name for name in PEOPLE if name != "Tess"]
    readers = [
        f"{name} at {path}"
        for path in TABLE
        for name in others
        if DRAFTED in world.people[name].get(path.format(**world.things)).text
    ]
    assert readers == []


def test_nobody_sees_a_page_with_somebody_elses_session_or_with_none(world: World) -> None:
    tess, noor = world.people["Tess"], world.people["Noor"]
    for path in TABLE:
        address = tess.root + path.format(**world.things)
        for headers in ({"Accept": "text/html"}, {"Accept": "text/html", "Cookie": noor.cookie}):
            answer = tess.client.get(address, headers=headers)
            assert answer.status_code == 401, address
            assert TESS not in answer.text


def test_nobody_changes_what_is_not_theirs_to_change(client: TestClient, world: World) -> None:
    before = _kept_of_tess(world)
    wrong = []
    for path in _changing(client):
        allowed = next((who for begun, who in WHO_MAY_SEND.items() if path.startswith(begun)), None)
        if allowed is None:
            assert {step for step in path.split("/") if "{" in step} <= ABOUT_ONESELF, f"{path}: who may send this?"
            continue
        address = _filled(path, world.things)
        for name in set(PEOPLE) - allowed:
            answer = world.people[name].post(address, WORDS)
            if answer.status_code not in (REFUSED, UNKNOWN):
                wrong.append(f"{name} at {path}: {answer.status_code}")
            if name not in MAY_READ_TESS and MARKED in answer.text:
                wrong.append(f"{name} at {path} reads what Tess wrote")
    assert not wrong, "\n".join(wrong)
    assert _kept_of_tess(world) == before


def test_who_supervises_or_mentors_at_the_centre_sees_there_what_a_colleague_sees(
    services: Services, client: TestClient, world: World
) -> None:
    """They observe, by a link in a mail; the pages of the centre need the manager role too."""
    noor = PEOPLE.index("Noor")
    wrong = []
    near_tess: dict[str, StaffFunction] = {"Sue": "supervisor", "Mo": "mentor"}
    for name, function in near_tess.items():
        with services.runtime.database.read() as session:
            agency = people.organisation_by_key(session, "agency-a")
        assert agency is not None
        near = _arrive(services, client, name, ("a", agency.id), teaches=False, role=None)
        with services.runtime.database.write() as session:
            people.join_centre(
                session,
                person_id=near.person_id,
                centre_id=world.things["centre"],
                function=function,
                actor=OPERATOR,
            )
            if function == "mentor":
                people.set_line(
                    session, person_id=world.things["tess"], other_id=near.person_id, relation="mentor", actor=OPERATOR
                )
        for path, expected in TABLE.items():
            answer = near.get(path.format(**world.things))
            if answer.status_code != LETTERS[expected[noor]]:
                wrong.append(f"{function} at {path}: {answer.status_code}, and a colleague {expected[noor]}")
            if MARKED in answer.text or TESS in answer.text:
                wrong.append(f"{function} at {path} learns of Tess")
    assert not wrong, "\n".join(wrong)


def test_the_table_names_every_page_below_a_launch(client: TestClient) -> None:
    pages = {
        route.path.removeprefix("/at/{handle}")
        for route in client.app.router.routes  # type: ignore[attr-defined]
        if route.path.startswith("/at/{handle}") and "GET" in (route.methods or ())
    }
    assert {_shape(path) for path in TABLE} == {_shape(path) for path in pages}


def _changing(client: TestClient) -> set[str]:
    """The paths below a launch to which something is sent."""
    return {
        route.path.removeprefix("/at/{handle}")
        for route in client.app.router.routes  # type: ignore[attr-defined]
        if route.path.startswith("/at/{handle}") and "POST" in (route.methods or ())
    }


def _filled(path: str, things: dict[str, str]) -> str:
    """A path with Tess's things in its variable parts; an id that nobody has where she has none of the kind."""
    hers = {
        "submission_id": things["submission"], "second_mark_id": things["second"], "appeal_id": things["appeal"],
        "flag_id": things["flag"], "observation_id": things["submission"], "person_id": things["tess"],
        "enrolment_id": things["other enrolment"], "proposal_id": things["proposal"], "centre_id": things["centre"],
        "credential_id:uuid": things["badge"], "file_id": things["file"], "registration_id": "registration-a",
        "deployment_id": "deployment-a", "pathway_key": "practitioner", "module_key": "M01", "key": "exercise",
        "field": "map",
    }  # fmt: skip
    return re.sub(r"{([^}]+)}", lambda part: hers.get(part[1], things["submission"]), path)


def _kept_of_tess(world: World) -> dict[str, object]:
    """Everything that is kept of Tess, but for her visits."""
    kept = world.people["Tess"].get("/your-data/everything.json").json()["sections"]
    return {name: section for name, section in kept.items() if not name.startswith(("web.", "lti."))}


def _shape(path: str) -> str:
    """A path with its variable parts as `*`."""
    steps = ("*" if "{" in step or step in EXAMPLES else step for step in path.split("/"))
    return "/".join(steps)


def _agency(session: WriteSession, key: str) -> str:
    """A lead agency with its LMS, approved."""
    organisation = people.ensure_organisation(session, key=f"agency-{key}", name=f"Agency {key.upper()}")
    registration, deployment = f"registration-{key}", f"deployment-{key}"
    session.add(
        LtiRegistration(
            id=registration, issuer=f"https://lms-{key}.example", client_id="waymark",
            auth_login_url=f"https://lms-{key}.example/auth", auth_token_url=f"https://lms-{key}.example/token",
            jwks_url=f"https://lms-{key}.example/jwks", name=f"LMS of {key}", state=ACTIVE,
        )
    )  # fmt: skip
    session.flush()
    session.add(LtiDeployment(id=deployment, registration_id=registration, platform_deployment_id="1", state=ACTIVE))
    return organisation.id


def _arrive(
    services: Services, client: TestClient, name: str, agency: tuple[str, str], *, teaches: bool, role: Role | None
) -> SignedIn:
    """Somebody of an agency, launched into M01."""
    runtime, (key, organisation_id) = services.runtime, agency
    known = {"subject": name.lower(), "name": f"{name} {SURNAME}", "email": f"{name.lower()}@agency-{key}.example"}
    launch = replace(
        LAUNCH, registration_id=f"registration-{key}", deployment_id=f"deployment-{key}",
        organisation_id=organisation_id, issuer=f"https://lms-{key}.example", is_teacher=teaches,
        is_learner=not teaches, context_id=f"course-{key}", **known,
    )  # fmt: skip
    with runtime.database.write() as session:
        person = people.person_for_lms_identity(
            session, registration_id=launch.registration_id, organisation_id=organisation_id, **known
        )
        if role:
            people.grant_role(session, person_id=person.id, role=role, actor=OPERATOR)
        if not teaches:
            module = programme.current_module(session, "M01")
            learning.enrol(session, person_id=person.id, module=module, organisation_id=organisation_id)
        started = start_session(session, runtime.settings, launch, AcceptedLaunch(person.id, "M01", None, None))
        session.flush()
        row = session.get_one(LaunchSessionRow, started.handle)
        token = csrf_token(runtime, row.handle, row.secret_hash)
    return SignedIn(client, person.id, f"/at/{started.handle}", f"{started.cookie_name}={started.cookie_value}", token)


def _things(services: Services, worker: Worker, found: dict[str, SignedIn]) -> dict[str, str]:
    """What is Tess's: work returned, appealed and awarded, its file, second mark and badge, and the centre."""
    tess, priya = found["Tess"].person_id, found["Priya"].person_id
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=tess, module_key="M01")
        assert enrolment is not None
        learning.save_draft(
            session, enrolment_id=enrolment.id, person_id=tess, activity_key="reflection",
            content={"text": f"What I said: {MARKED}."}, base_revision=0,
        )  # fmt: skip
        file = EvidenceFileRecord(
            enrolment_id=enrolment.id, activity_key="exercise", field_key="map", name="map.txt",
            media_type="text/plain", size=len(MARKED), sha256="0" * 64,
        )  # fmt: skip
        session.add(file)
        session.flush()
        session.add(EvidenceContentRecord(file_id=file.id, content=MARKED.encode()))
        visits = programme.current_module(session, "M06")
        other = learning.enrol(session, person_id=tess, module=visits, organisation_id=None).id
        learning.save_draft(
            session, enrolment_id=other, person_id=tess, activity_key="the-door",
            content={"text": f"Not yet: {DRAFTED}."}, base_revision=0,
        )  # fmt: skip
        things = {"file": file.id, "other enrolment": other}
    returned = hand_in(services, tess)
    with services.runtime.database.write() as session:
        decision = learning.return_work(session, submission_id=returned, assessor_id=priya, comment="Which gate?")
        appeal = appeals.make(
            session, enrolment_id=enrolment.id, person_id=tess, decision_id=decision.id, reason=f"It says {MARKED}."
        )
        things["appeal"] = appeal.id
    submission = hand_in(services, tess)
    with services.runtime.database.write() as session:
        for criterion in learning.open_submission(
            session, submission_id=submission, assessor_person_id=priya
        ).rubric.criteria:
            learning.mark(session, submission_id=submission, assessor_id=priya, criterion_key=criterion.key, level=3)
        learning.record_supervisor_talk(
            session, submission_id=submission, recorded_by=priya, held_on=date(2026, 1, 2),
            supervisor_role="centre manager",
        )  # fmt: skip
        learning.award(session, submission_id=submission, assessor_id=priya)
    worker.run_until_idle()
    with services.runtime.database.write() as session:
        (badge,) = issuer.credentials_of(session, tess)
        rule = stacks.current_pathway(session, "practitioner")
        flag = AwardFlag(
            credential_id=badge.id, person_id=tess, because_credential_id=badge.id, reason="expired",
            since=badge.awarded_at, consequence="flag", pathway_key=rule.key, pathway_version=rule.version,
            state="open",
        )  # fmt: skip
        session.add(flag)
        things["flag"] = flag.id
        proposal = AwardProposal(
            person_id=tess, kind="award", pathway_key=rule.key, pathway_version=rule.version, rule_digest=rule.digest,
            facts="0", state="declined", reason=MARKED, decided_by=priya, decided_at=badge.awarded_at,
        )  # fmt: skip
        session.add(proposal)
        things |= {"proposal": proposal.id, "tess": tess}
        second = session.exec(select(SecondMarkRecord.id).where(SecondMarkRecord.submission_id == submission)).one()
        agency = people.organisation_by_key(session, "agency-a")
        assert agency is not None
        centre = people.add_centre(session, organisation_id=agency.id, key="one", name="Centre One", actor=OPERATOR)
        for name, function in (("Tess", "specialist"), ("Marc", "supervisor")):
            people.join_centre(
                session, person_id=found[name].person_id, centre_id=centre.id, actor=OPERATOR,
                function=function,  # type: ignore[arg-type]
            )  # fmt: skip
    seen = {"submission": submission, "badge": badge.id, "second": second, "centre": centre.id, "tess": tess}
    return things | seen
