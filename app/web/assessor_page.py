"""What the assessor's page of one piece of work shows: the texts, the rubric with what was chosen, saved comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.core.clock import now
from app.core.db import ReadSession
from app.learning import appeals, calibration, comment_bank
from app.learning import service as learning
from app.learning.calibration import Comparison
from app.learning.evidence import Place
from app.learning.files import EvidenceFile, files_of_submission
from app.learning.schemas import Submission, SubmissionForMarking
from app.learning.workbench_schemas import Appeal, SavedComment
from app.programme.schemas import Criterion, Module
from app.web.forms import whole_number
from app.web.found import counted, in_field, marked
from app.web.observers import ShownObservation, observations_shown
from app.web.pages import render
from app.web.sessions import LaunchSession

Errors = list[tuple[str, str]]
Labels = Mapping[tuple[str, str], str]
Texts = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
WHOLE = "comment"  # the field of the comment on the whole work
OF_CRITERION = "comment-"  # before a criterion's key: the field of the comment on it
CHOICE_LENGTH = 90  # characters of a saved comment in the list to choose from


@dataclass(frozen=True)
class LevelChoice:
    """One level of one criterion."""

    number: int
    name: str
    text: str


@dataclass(frozen=True)
class BankChoice:
    """A saved comment that can be inserted; `label` is its beginning."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class MarkedCriterion:
    """A criterion with what was chosen so far, and the saved comments that fit it."""

    key: str
    title: str
    maps_to: str
    levels: tuple[LevelChoice, ...]
    selected: int | None
    comment: str
    error: str | None
    comment_error: str | None
    bank: tuple[BankChoice, ...] = ()


@dataclass(frozen=True)
class Said:
    """What is told above the work, once: `kind` is that of a notice, `decided` that other work was decided before."""

    kind: str
    title: str
    text: str
    decided: bool = False


@dataclass(frozen=True)
class SubmissionPage:
    """The work beside the rubric.

    Attributes:
        query: the queue's filter, to go on with; empty, or from the question mark on.
        said: what became of what was done last.
        focus: id of the field to go on in.
        appeal: the upheld appeal that brought this round about.
        calibration: marks of a calibration set beside the agreed ones.
    """

    work: SubmissionForMarking
    texts: Texts
    labels: Labels
    criteria: tuple[MarkedCriterion, ...]
    talk_date: str
    talk_role: str
    today: str
    comment: str
    bank: tuple[BankChoice, ...]
    query: str
    appeal: Appeal | None
    errors: Errors = field(default_factory=list)
    talk_errors: Mapping[str, str] = field(default_factory=dict)
    comment_error: str | None = None
    said: Said | None = None
    focus: str | None = None
    kept: str = ""
    found: int = 0
    files: tuple[EvidenceFile, ...] = ()
    observations: tuple[ShownObservation, ...] = ()
    calibration: Comparison | None = None


@dataclass(frozen=True)
class QuarantinePage:
    """Work whose texts were put away: which kind of work, when, and what can be done."""

    work: SubmissionForMarking
    kept: str
    errors: Errors


def show(
    request: Request,
    db: ReadSession,
    session: LaunchSession,
    submission_id: str,
    *,
    query: str = "",
    posted: Mapping[str, str] | None = None,
    errors: Errors | None = None,
    said: Said | None = None,
    focus: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The page of one piece of work.

    Args:
        request, db, session: of this request.
        submission_id: which work.
        query: the queue's filter, as in an address.
        posted: what was typed and is not stored, to be shown again.
        errors: what stands in the way, by field.
        said: what to tell first.
        focus: id of the field to go on in.
        status: HTTP status.
    """
    work = learning.open_submission(db, submission_id=submission_id, assessor_person_id=session.person_id)
    if work.submission.quarantined_at is not None:
        away = QuarantinePage(work=work, kept=counted(work.submission.kept_findings), errors=errors or [])
        return render(request, "assessor/quarantined.html", away, status=status)
    form, named = posted or {}, dict(errors or [])
    labels = labels_of(work.module)
    saved = comment_bank.saved_comments(db, assessor_id=session.person_id, module_key=work.module.key)
    page = SubmissionPage(
        work=work,
        texts=texts_of(work.module, work.submission, work.places, labels),
        labels=labels,
        criteria=tuple(_criterion(criterion, work, form, named, saved) for criterion in work.rubric.criteria),
        talk_date=form.get("talk-date", work.talk.held_on.isoformat() if work.talk else ""),
        talk_role=form.get("talk-role", work.talk.supervisor_role if work.talk else ""),
        today=now().date().isoformat(),
        comment=form.get(WHOLE, ""),
        bank=bank_choices(saved, None),
        query=query,
        appeal=appeals.appeal_behind(db, work.submission.id),
        errors=errors or [],
        talk_errors={key: value for key, value in named.items() if key.startswith("talk-")},
        comment_error=named.get(WHOLE),
        said=said,
        focus=focus,
        kept=counted(work.submission.kept_findings),
        found=len(work.places),
        files=files_of_submission(db, work.submission.id),
        observations=observations_shown(
            db,
            session,
            work.submission.enrolment_id,
            work.module,
            submission_id=work.submission.id if work.decision is None else "",
        ),
        calibration=calibration.compare(work.module, work.submission.texts),
    )
    return render(request, "assessor/submission.html", page, status=status)


def labels_of(module: Module) -> dict[tuple[str, str], str]:
    """The question of every field, by activity and field."""
    labels = {(activity.key, item.key): item.label for activity in module.activities for item in activity.fields}
    labels.update({(activity.key, "text"): activity.title for activity in module.activities_of("reflection")})
    return labels


def texts_of(module: Module, submission: Submission, places: Sequence[Place], labels: Labels) -> Texts:
    """What was handed in, activity by activity, as (question, answer), with what the scan finds marked.

    The marks of a calibration set are left out: they are shown beside the agreed ones.
    """
    shown = []
    for activity in module.activities:
        handed_in = submission.texts.get(activity.key)
        if handed_in:
            asked = calibration.set_of(module, activity.key)
            of_set = calibration.fields_of_set(asked) if asked is not None else frozenset()
            chosen = {(item.key, option.value): option.label for item in activity.fields for option in item.options}
            rows = tuple(
                (
                    labels.get((activity.key, key), key),
                    chosen.get((key, value)) or marked(value, in_field(places, activity.key, key)),
                )
                for key, value in handed_in.items()
                if key not in of_set
            )
            shown.append((activity.title, rows))
    return tuple(shown)


def level_choices(criterion: Criterion) -> tuple[LevelChoice, ...]:
    """The levels of a criterion to choose from."""
    return tuple(LevelChoice(level.level, level.name, level.description) for level in criterion.levels)


def level_words(criterion: Criterion, level: int | None) -> str:
    """A level with its name, e.g. `3 Proficient`."""
    if level is None:
        return "no level"
    return f"{level} {next((one.name for one in criterion.levels if one.level == level), '')}".strip()


def maps_to(criterion: Criterion) -> str:
    """What a criterion is about, in the keys of the framework and the scale."""
    return " · ".join(
        (*criterion.competencies, *criterion.conditions, *criterion.fidelity_items, *criterion.principles)
    )


def bank_choices(saved: Sequence[SavedComment], criterion_key: str | None) -> tuple[BankChoice, ...]:
    """The saved comments that fit a criterion, or the whole work: those of the place, then the general ones."""
    fitting = [one for one in saved if one.criterion_key in (criterion_key, None)]
    return tuple(BankChoice(one.id, _beginning(one.text), one.text) for one in fitting)


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CHOICE_LENGTH else line[: CHOICE_LENGTH - 1].rstrip() + "…"


def _criterion(
    criterion: Criterion,
    work: SubmissionForMarking,
    form: Mapping[str, str],
    errors: Mapping[str, str],
    saved: Sequence[SavedComment],
) -> MarkedCriterion:
    mark = work.marks.get(criterion.key)
    chosen = form.get(f"level-{criterion.key}", "")
    comment = f"{OF_CRITERION}{criterion.key}"
    return MarkedCriterion(
        key=criterion.key,
        title=criterion.title,
        maps_to=maps_to(criterion),
        levels=level_choices(criterion),
        selected=whole_number(chosen) if chosen else (mark.level if mark else None),
        comment=form.get(comment, mark.comment if mark else ""),
        error=errors.get(f"level-{criterion.key}"),
        comment_error=errors.get(comment),
        bank=bank_choices(saved, criterion.key),
    )
