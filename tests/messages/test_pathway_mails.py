"""Mails about pathways: to who is asked for a word, and to the person about the answer; each once."""

from __future__ import annotations

from app.awards.proposals import asking, service
from app.awards.proposals.events import ConfirmationAnswered, ConfirmationAsked, ProposalDeclined
from app.core.audit import OPERATOR
from app.core.outbox import Handler, OutboxPayload
from app.messages import pathway_jobs
from app.messages.sending import MessageDeps
from app.people import service as people
from app.wiring import Services
from tests.awards.proposing import Way
from tests.messages.post import Post
from tests.messages.test_mails import TESS, delivery, deps_of, tess_of

MARC, LENA = "marc@example.org", "lena@example.org"
KEY, WORD = "mentor", "managers-support"


def person(services: Services, name: str, email: str) -> str:
    with services.runtime.database.write() as session:
        return people.person_for_lms_identity(
            session, registration_id="registration-1", subject=name, name=name, email=email, organisation_id=None
        ).id


def asked(services: Services) -> tuple[str, str, str]:
    """Tess, her manager, and the request."""
    tess, marc = tess_of(services), person(services, "Marc", MARC)
    with services.runtime.database.write() as session:
        people.set_line(session, person_id=tess, other_id=marc, relation="line_manager", actor=OPERATOR)
        return tess, marc, asking.ask(session, person_id=tess, pathway_key=KEY, confirmation_key=WORD)


def tell(handle: Handler, event: OutboxPayload) -> None:
    """The worker makes the delivery, and once more after a crash."""
    for _ in range(2):
        handle(delivery(event))


def deps(services: Services) -> MessageDeps:
    return deps_of(services)


def test_who_can_give_the_word_is_asked_once(services: Services, post: Post) -> None:
    _tess, _marc, request_id = asked(services)
    tell(pathway_jobs.send_confirmation_asked(deps(services)), ConfirmationAsked(request_id))
    (message,) = post.taken
    assert post.recipients == [[MARC]]
    assert "To be confirmed" in message.get_content()


def test_nobody_is_asked_for_what_was_taken_back(services: Services, post: Post) -> None:
    tess, _marc, request_id = asked(services)
    with services.runtime.database.write() as session:
        asking.take_back(session, person_id=tess, pathway_key=KEY, confirmation_key=WORD)
    tell(pathway_jobs.send_confirmation_asked(deps(services)), ConfirmationAsked(request_id))
    assert post.taken == []


def test_the_answer_is_told_without_its_reason(services: Services, post: Post) -> None:
    _tess, marc, request_id = asked(services)
    with services.runtime.database.write() as session:
        asking.decline(session, request_id=request_id, declined_by=marc, reason="A secret reason.")
    tell(pathway_jobs.send_confirmation_answered(deps(services)), ConfirmationAnswered(request_id))
    (message,) = post.taken
    assert post.recipients == [[TESS]]
    assert message["Subject"].startswith("Not confirmed for now")
    assert "secret" not in message.get_content()


def test_a_declined_proposal_is_told_without_its_reason(services: Services, post: Post) -> None:
    priya = person(services, "Priya", "priya@example.org")
    with services.runtime.database.write() as session:
        people.grant_role(session, person_id=priya, role="assessor", actor=OPERATOR)
    way = Way(services, tess_of(services), priya)
    way.earn(way.below())
    way.talk()
    with services.runtime.database.write() as session:
        service.propose(session, way.person_id, "practitioner")
    (proposal,) = way.open()
    with services.runtime.database.write() as session:
        service.decline(session, proposal_id=proposal.id, assessor_id=priya, reason="A secret reason.")
    tell(pathway_jobs.send_proposal_declined(deps(services)), ProposalDeclined(proposal.id, way.person_id))
    (message,) = post.taken
    assert post.recipients == [[TESS]]
    assert "Not awarded yet" in message["Subject"]
    assert "secret" not in message.get_content()


def test_an_award_tells_where_the_assessors_words_are_and_not_the_words(services: Services, post: Post) -> None:
    priya = person(services, "Priya", "priya@example.org")
    with services.runtime.database.write() as session:
        people.grant_role(session, person_id=priya, role="assessor", actor=OPERATOR)
    way = Way(services, tess_of(services), priya)
    way.earn(way.below())
    way.talk()
    proposal = way.propose()
    with services.runtime.database.write() as session:
        service.award(session, proposal_id=proposal.id, assessor_id=priya, comment="A secret word.")
    way.work()
    (message,) = [each for each in post.taken if "Practitioner" in str(each["Subject"])]
    text = " ".join(message.get_content().split())
    assert "on the page of the pathway “The basic pathway”" in text
    assert "secret" not in text
    (module_badge, *_) = [each for each in post.taken if "What Makes IPS" in str(each["Subject"])]
    assert "They wrote you" not in module_badge.get_content()
