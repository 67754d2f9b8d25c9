"""A calibration set as its learner meets it: the module's own files, without the other steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.testclient import TestClient

from app.learning import service as learning
from app.learning.schemas import Submission
from app.programme import documents, readings
from app.programme import service as programme
from app.programme.models import ProgrammeModuleVersion
from app.programme.schemas import Calibration, Module
from app.wiring import Services
from tests.programme.conftest import IPS
from tests.web.people import SignedIn, sign_in

KEY = "X2a"
AT = "/activity/calibration"
COMMENTS = {"comment-return": "Please rewrite the four lines.", "comment-hard": "Take the clock further."}


def publish_set(services: Services) -> Module:
    """X2a with its calibration set as the only step, at a version nobody else uses."""
    reading = readings.read(IPS)
    written = next(one for one in (*reading.programme.modules, *reading.drafts) if one.key == KEY)
    made = replace(
        written, version=written.version + 100, activities=(written.activity("calibration"),), prerequisites=(),
        prerequisites_any=(), award_rule=replace(written.award_rule, observations_meet=False),
    )  # fmt: skip
    with services.runtime.database.write() as session:
        session.add(
            ProgrammeModuleVersion(
                key=KEY, version=made.version, programme_key="ips", digest=documents.with_digest(made).digest,
                document=documents.module_document(made),
            )
        )  # fmt: skip
    return made


def begin_set(services: Services, client: TestClient, name: str = "Solveig") -> SignedIn:
    """Somebody who has just begun it."""
    who = sign_in(services, client, name, module_key=KEY)
    with services.runtime.database.write() as session:
        module = programme.current_module(session, KEY)
        learning.enrol(session, person_id=who.person_id, module=module, organisation_id=None)
    return who


def set_of(module: Module) -> Calibration:
    """The samples with what was agreed."""
    assert module.calibration is not None
    return module.calibration


def as_agreed(module: Module, *, off: int = 0, decisions_off: int = 0) -> dict[str, str]:
    """What the page sends of somebody who marks as agreed, but for some marks three levels or so away."""
    sent = dict(COMMENTS)
    for number, sample in enumerate(set_of(module).samples):
        other = "return" if sample.decision == "award" else "award"
        sent[f"{sample.key}-decision"] = other if number < decisions_off else sample.decision
        sent[f"{sample.key}-quarantine"] = "yes" if sample.quarantine else "no"
        sent[f"{sample.key}-reason"] = f"My reason for {sample.key}."
        for one in sample.levels:
            far = 4 if one.level <= 2 else 1
            sent[f"level-{sample.key}-{one.criterion}"] = str(far if off > 0 else one.level)
            off -= 1
    return sent


def hand_in_set(services: Services, who: SignedIn, sent: Mapping[str, str], *, revision: int = 0) -> Submission:
    """Save the page as its button does, and hand in by the service."""
    saved = who.post(f"{AT}/draft", {**sent, "revision": str(revision), "intent": "stay"})
    assert saved.status_code == 303, saved.text
    with services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=who.person_id, module_key=KEY)
        assert enrolment is not None
        own = {"enrolment_id": enrolment.id, "person_id": who.person_id}
        found = learning.found_in(
            session, learning.module_of(session, enrolment),
            {"calibration": learning.draft(session, activity_key="calibration", **own).content}, who.person_id,
        )  # fmt: skip
        return learning.submit(session, declared=True, kept=[place.id for place in found], **own)
