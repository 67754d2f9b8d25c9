"""Handing work in: a snapshot of the texts that never changes, and one open round at a time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import cast

import sqlalchemy as sa
from sqlmodel import col, select

from app.core import audit, metrics, outbox
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import ReadSession, WriteSession
from app.learning import prerequisites
from app.learning.enrolments import is_left_behind, lock, module_of, own_enrolment, refuse_if_locked
from app.learning.errors import FindingsUnanswered, NotReady, SubmissionNotFound
from app.learning.events import WorkSubmitted
from app.learning.evidence import Place
from app.learning.evidence.places import findings_in, kinds_of
from app.learning.files import store
from app.learning.models import SubmissionRecord
from app.learning.overtaking import overtake
from app.learning.readiness import missing_declaration, missing_for_submission
from app.learning.renewal_errors import RenewalOver
from app.learning.schemas import Enrolment, Submission, SubmissionState
from app.learning.standing import standing_of
from app.people import service as people
from app.programme.schemas import Module


def submit(
    session: WriteSession, *, enrolment_id: str, person_id: str, declared: bool, kept: Collection[str] = ()
) -> Submission:
    """Hand in everything that was written, as it is now.

    Args:
        session: the caller's transaction.
        enrolment_id: whose work it is, with `person_id`.
        person_id: who hands in.
        declared: whether they ticked that nobody can be recognised in the work.
        kept: ids of the places that the scan finds, of which they said that each is not about a real person.

    Raises:
        EnrolmentNotFound: it is not this person's.
        WorkLocked: it is handed in already, or awarded.
        NotReady: something is missing; names each thing.
        FindingsUnanswered: the scan finds places that `kept` does not name.
        RenewalOver: it renews a badge that ended too long ago.
    """
    own = lock(session, enrolment_id=enrolment_id, person_id=person_id)
    refuse_if_locked(session, enrolment_id)
    _refuse_late_renewal(session, own)
    module = module_of(session, own)
    standing = standing_of(session, enrolment_id, module)
    checks, drafts = standing.checks, standing.drafts
    missing = (*missing_for_submission(module, standing), *prerequisites.renewal_gone(session, own))
    if not declared:
        missing = (*missing, missing_declaration())
    if missing:
        raise NotReady("Your work cannot be handed in yet.", missing, kept="Everything you wrote is kept as a draft.")
    places = found_in(session, module, {key: draft.content for key, draft in drafts.items()}, person_id)
    unanswered = tuple(place for place in places if place.id not in kept)
    if unanswered:
        raise FindingsUnanswered(unanswered)
    # A renewal's steps can be exchanged for others: what was written or attached for those left out stays a draft.
    asked = {activity.key for activity in module.activities}
    kinds = dict(Counter(kinds_of(places)) + Counter(store.kept_in_files(session, enrolment_id, asked)))
    results = [check.last for check in checks if check.last is not None]
    texts = {key: dict(draft.content) for key, draft in drafts.items()}
    moment = now()
    row = SubmissionRecord(
        enrolment_id=enrolment_id,
        person_id=person_id,
        module_key=own.module_key,
        module_version=own.module_version,
        number=_last_number(session, enrolment_id) + 1,
        texts=texts,
        texts_digest=_digest(texts, store.digests_of(session, enrolment_id, asked)),
        knowledge_check_correct=sum(result.correct for result in results),
        knowledge_check_total=sum(result.total for result in results),
        declared_at=moment,
        kept_findings=kinds,
        submitted_at=moment,
        renewal_steps=None if own.renewal_steps is None else list(own.renewal_steps),
    )
    session.add(row)
    session.flush()
    store.attach_to_submission(session, enrolment_id=enrolment_id, submission_id=row.id, activities=asked)
    overtake(session, row)
    outbox.emit(session, WorkSubmitted(submission_id=row.id, person_id=person_id))
    audit.record(
        session,
        actor=Actor(kind="person", id=person_id),
        action="learning.submitted",
        subject="submission",
        subject_id=row.id,
        enrolment_id=enrolment_id,
        number=row.number,
        findings_kept=len(places) or None,
    )
    for kind, number in kinds.items():
        metrics.FINDINGS_KEPT.labels(kind).inc(number)
    return to_submission(row)


def found_in(
    session: ReadSession, module: Module, texts: Mapping[str, Mapping[str, str]], person_id: str
) -> tuple[Place, ...]:
    """What the scan finds in texts of this person, who may name themselves.

    Args:
        session: for the person's name.
        module: the module in the version the person works on.
        texts: by activity and field.
        person_id: who wrote them.
    """
    return findings_in(module, texts, own_name=people.display_name(session, person_id))


def submission(session: ReadSession, *, submission_id: str, person_id: str) -> Submission:
    """The learner's own submission.

    Raises:
        SubmissionNotFound: there is none, or it is somebody else's.
    """
    row = session.get(SubmissionRecord, submission_id)
    if row is None or row.person_id != person_id:
        raise SubmissionNotFound
    return to_submission(row)


def submissions_of(session: ReadSession, *, enrolment_id: str, person_id: str) -> tuple[Submission, ...]:
    """All rounds of the learner's own enrolment, newest first.

    Raises:
        EnrolmentNotFound: it is not this person's.
    """
    own_enrolment(session, enrolment_id=enrolment_id, person_id=person_id)
    return tuple(to_submission(row) for row in rounds_of(session, enrolment_id))


def rounds_of(session: ReadSession, enrolment_id: str) -> list[SubmissionRecord]:
    """All rounds of an enrolment, newest first."""
    return list(
        session.exec(
            select(SubmissionRecord)
            .where(SubmissionRecord.enrolment_id == enrolment_id)
            .order_by(col(SubmissionRecord.number).desc())
        ).all()
    )


def to_submission(row: SubmissionRecord) -> Submission:
    """The row as other rooms see it."""
    return Submission(
        id=row.id,
        enrolment_id=row.enrolment_id,
        person_id=row.person_id,
        number=row.number,
        state=cast(SubmissionState, row.state),
        module_key=row.module_key,
        module_version=row.module_version,
        texts=_open_texts(row),
        knowledge_check_correct=row.knowledge_check_correct,
        knowledge_check_total=row.knowledge_check_total,
        declared_at=row.declared_at,
        submitted_at=row.submitted_at,
        decided_at=row.decided_at,
        kept_findings=dict(row.kept_findings),
        quarantined_at=row.quarantined_at,
        purged_at=row.purged_at,
        is_renewal=row.renewal_steps is not None,
    )


def _open_texts(row: SubmissionRecord) -> dict[str, dict[str, str]]:
    """The texts, unless an assessor put them away: then nobody reads them."""
    if row.quarantined_at is not None:
        return {}
    return {activity: dict(fields) for activity, fields in row.texts.items()}


def _refuse_late_renewal(session: ReadSession, own: Enrolment) -> None:
    """A renewal is handed in in time; once that was done, rounds after a return take as long as they take.

    Whoever has begun the whole module again since has left such a renewal behind.
    """
    if own.renew_by is None or own.renew_by > now():
        return
    if _last_number(session, own.id) == 0 or is_left_behind(session, own):
        raise RenewalOver


def _last_number(session: ReadSession, enrolment_id: str) -> int:
    number = session.exec(
        select(sa.func.max(SubmissionRecord.number)).where(SubmissionRecord.enrolment_id == enrolment_id)
    ).one()
    return number or 0


def _digest(texts: Mapping[str, Mapping[str, str]], files: Sequence[Sequence[str]]) -> str:
    """SHA-256 of the texts, in hex: still says what was judged when the texts themselves have been deleted.

    With files it covers both: where each file stands, and the SHA-256 of its bytes.
    """
    covered = {"texts": texts, "files": files} if files else texts
    return hashlib.sha256(json.dumps(covered, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()
