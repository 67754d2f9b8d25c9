"""No log, audit entry or event of a whole story holds a name, an address, a text or a secret of anybody in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import sqlalchemy as sa

from app.cli import demo_story
from app.learning import service as learning
from practice_lms.catalogue import PRIYA, TESS, USERS
from tests.system.house import House, eventually, everything_in
from tests.system.walker import Walker

DRAFT = "Something nobody else should read about the bakery on the corner"
COMMENT = "Please say which gate you mean, in a sentence of your own"
WRONG_CODE = "000000"
ADDRESS = "tess.at.home@example.net"
DECIDER = "Helen Chapman"


def words_of_the_story(house: House) -> set[str]:
    """Everything that says who somebody is, what they wrote, or lets somebody act in their place."""
    words = {DRAFT, COMMENT, ADDRESS, DECIDER, "lerato@example.net"}
    for user in USERS.values():
        words |= {user.name, user.given_name, user.family_name, user.email}
    texts = [*demo_story.EXERCISE.values(), *re.split(r"[.\n]+", demo_story.REFLECTION)]
    words |= {text.strip() for text in texts if len(text.strip()) > 12}
    mailed = " ".join(mail["text"] for mail in house.mails())
    words |= set(re.findall(r"/claim/(\S+)", mailed)) | set(re.findall(r"\b\d{6}\b", mailed))
    return {word for word in words if word}


def tell_it_all(house: House) -> list[Walker]:
    """Launch, write, hand in, return, hand in again, award, confirm an address; with mistakes and an outage."""
    walkers = [Walker(house), Walker(house), Walker(house)]
    tess, priya, ali = walkers
    at, desk = tess.launch("tess"), priya.launch("priya")
    ali.launch("ali")
    draft = {"text": DRAFT, "revision": "0", "intent": "stay"}
    page = f"{at}/activity/reflection"
    assert tess.send_form(page, f"{page}/draft", draft).status_code == 303
    assert tess.send_form(page, f"{page}/draft", draft | {"text": f"{DRAFT}, later"}).status_code == 409
    assert tess.post(f"{page}/draft", draft, origin="http://elsewhere.example").status_code == 403
    assert tess.get(f"{at}/assess").status_code == 403
    person_id = house.hand_in()
    submission_id = house.mark(person_id)
    with house.services() as services, services.runtime.database.write() as session:
        assessor_id = session.execute(sa.text("SELECT marked_by FROM criterion_mark")).scalars().first()
        assert assessor_id is not None
        learning.return_work(session, submission_id=submission_id, assessor_id=assessor_id, comment=COMMENT)
    with house.services() as services, services.runtime.database.write() as session:
        enrolment = learning.enrolment_of(session, person_id=person_id, module_key="M01")
        assert enrolment is not None
        learning.submit(session, enrolment_id=enrolment.id, person_id=person_id, declared=True)
    ali.post(f"{house.lms}/admin/outage", {"seconds": "3600"}, origin=house.lms)
    submission_id = house.mark(person_id)
    award = f"{desk}/assess/{submission_id}/award"
    assert priya.send_form(award, award, {}).status_code == 303
    eventually(lambda: house.count("lti_score", "last_error IS NOT NULL"), "the score meets the outage")
    ali.post(f"{house.lms}/admin/outage", {"seconds": "0"}, origin=house.lms)
    form = f"{at}/badges/email"
    tess.send_form(form, form, {"email": "not an address"})
    assert tess.send_form(form, form, {"email": ADDRESS}).status_code == 303
    assert tess.send_form(f"{form}/code", f"{form}/code", {"code": WRONG_CODE}).status_code == 400
    eventually(lambda: any(mail["to"] == [ADDRESS] for mail in house.mails()), "the code is sent")
    code = re.findall(r"\b\d{6}\b", next(mail["text"] for mail in house.mails() if mail["to"] == [ADDRESS]))[0]
    assert tess.send_form(f"{form}/code", f"{form}/code", {"code": code}).status_code == 303
    house.let_time_pass()
    eventually(house.settled, "everything is delivered")
    claim = next(found[0] for mail in house.mails() if (found := re.findall(r"http://\S+/claim/\S+", mail["text"])))
    assert Walker(house).get(claim).status_code == 200
    assert Walker(house).get(claim[:-1] + "x").status_code == 404
    return walkers


def test_a_whole_story_leaves_no_personal_data_in_logs_audit_and_events(house: House) -> None:
    house.connect()
    house.start_lms()
    house.start_app()
    house.start_worker()
    walkers = tell_it_all(house)
    issued = house.waymark("issue", "--achievement", "M01", "--email", "lerato@example.net", "--idempotency-key", "k",
                           "--decided-by", DECIDER, "--role", "programme lead", "--json")  # fmt: skip
    assert issued.returncode == 0, issued.stderr
    eventually(house.settled, "everything is delivered")
    words = words_of_the_story(house)
    assert {TESS.name, PRIYA.email, ADDRESS, DRAFT, COMMENT} < words
    assert len([word for word in words if re.fullmatch(r"\d{6}", word)]) == 1
    stored = "\n".join(everything_in(house.folder / "waymark.sqlite3"))
    assert all(word in stored for word in (TESS.name, ADDRESS, COMMENT)), "the search would find what is there"
    words |= {
        value for walker in walkers for jar in walker.cookies.values() for value in jar.values() if len(value) > 9
    }
    words |= {json.loads(issued.stdout)["claim_url"].rpartition("/")[2]}
    logs = {path.name: path.read_text() for path in sorted(Path(house.folder).glob("*.log"))}
    assert set(logs) == {"app.log", "lms.log", "worker.log"}
    assert "http.answered" in logs["app.log"]
    assert re.search(r"\blti\.score\s", logs["worker.log"])
    for name in ("audit_entry", "outbox_event", "outbox_delivery"):
        logs[name] = json.dumps([list(map(str, row)) for row in house.rows(f"SELECT * FROM {name}")])  # noqa: S608
        assert len(logs[name]) > 500
    found = [(name, word) for name, text in logs.items() for word in words if word.lower() in text.lower()]
    assert found == []
