"""From checked files to the catalogue's objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from app.programme import frameworks, lesson_pictures, pathway_assembly, rubric_assembly, schemas
from app.programme.documents import programme_with_digest, with_digest
from app.programme.files import (
    AnyActivityEntry,
    AttendanceEntry,
    CalibrationFile,
    ExerciseEntry,
    FieldEntry,
    KnowledgeCheckEntry,
    LessonEntry,
    ModuleFile,
    ObservationEntry,
    OptionWithFeedback,
    QuestionEntry,
    ReflectionEntry,
    SampleEntry,
    SourceEntry,
)
from app.programme.framework_files import FrameworkFile, PrinciplesFile, ProvisionalEntry, ScaleFile
from app.programme.loader import ModuleFolder, ProgrammeFolder, Sheet

GRACE = timedelta(days=60)


def modules(folder: ProgrammeFolder, bare: frameworks.Programme, *, drafts: bool) -> tuple[schemas.Module, ...]:
    """The modules of a folder, each with its digest: either those that are published or those that are drafts."""
    scale, critical = folder.programme.content.main_scale, folder.programme.content.time_critical
    chosen = [module for module in folder.modules if module.is_draft is drafts]
    return tuple(with_digest(_module(module, bare, scale, critical)) for module in chosen)


def issue_until(content: ModuleFile) -> date:
    """The last day on which a new badge of a time-critical module may be issued: 60 days after its earliest review."""
    return min(review_dates(content)) + GRACE


def review_dates(content: ModuleFile) -> list[date]:
    """When the module and each of its sources is to be looked at again."""
    lessons = (activity for activity in content.activities if isinstance(activity, LessonEntry))
    return [content.review_by, *(source.review_by for lesson in lessons for source in lesson.sources)]


def programme(folder: ProgrammeFolder) -> frameworks.Programme:
    """The programme a folder describes, with its published modules and pathways, each with its digest."""
    content = folder.programme.content
    bare = frameworks.Programme(
        key=content.key,
        version=content.version,
        title=content.title,
        summary=content.summary,
        language=content.language,
        last_changed=content.last_changed,
        issuer=frameworks.IssuerIdentity(**content.issuer.model_dump()),
        frameworks=tuple(_framework(sheet) for sheet in folder.frameworks),
        scales=tuple(_scale(sheet) for sheet in folder.scales),
        vocabularies=tuple(frameworks.Vocabulary(v.key, v.title) for v in folder.principles.content.vocabularies),
        principles=_principles(folder.principles),
        practice_elements=tuple(
            frameworks.PracticeElement(e.id, e.name, e.statement) for e in folder.youth_elements.content.elements
        ),
        provisional=_provisional(content.provisional),
    )
    published = modules(folder, bare, drafts=False)
    pathways = pathway_assembly.pathways(folder, bare, published)
    return replace(programme_with_digest(bare), modules=published, pathways=pathways)


def _provisional(entry: ProvisionalEntry | None) -> frameworks.ProvisionalRule | None:
    if entry is None:
        return None
    return frameworks.ProvisionalRule(tuple(entry.awarded), tuple(entry.knowledge_checks), entry.within_weeks)


def _framework(sheet: Sheet[FrameworkFile]) -> frameworks.Framework:
    content = sheet.content
    domains = tuple(
        frameworks.Domain(
            id=domain.id,
            name=domain.name,
            colour=domain.colour,
            competencies=tuple(
                frameworks.Competency(
                    id=entry.id,
                    name=entry.name,
                    statement=entry.statement,
                    level=entry.level,
                    domain=domain.id,
                    fidelity_items=tuple(entry.fidelity_items),
                    principles=tuple(entry.principles),
                    themes=tuple(entry.themes),
                    replaces=tuple(entry.replaces),
                )
                for entry in domain.competencies
            ),
        )
        for domain in content.domains
    )
    return frameworks.Framework(
        key=content.key,
        title=content.title,
        version=content.version,
        creator=content.creator,
        description=content.description,
        last_changed=content.last_changed,
        themes=tuple(frameworks.Theme(theme.id, theme.name) for theme in content.themes),
        domains=domains,
    )


def _scale(sheet: Sheet[ScaleFile]) -> frameworks.FidelityScale:
    content = sheet.content
    sections = tuple(
        frameworks.ScaleSection(
            key=section.key,
            name=section.name,
            items=tuple(
                frameworks.FidelityItem(item.id, item.name, section.key, content.key, item.who)
                for item in section.items
            ),
        )
        for section in content.sections
    )
    return frameworks.FidelityScale(
        key=content.key,
        title=content.title,
        version=content.version,
        locale=content.locale,
        creator=content.creator,
        licence=content.licence,
        last_changed=content.last_changed,
        item_minimum=content.item_score.minimum,
        item_maximum=content.item_score.maximum,
        sections=sections,
        bands=tuple(frameworks.Band(band.name, band.minimum, band.maximum) for band in content.bands),
    )


def _principles(sheet: Sheet[PrinciplesFile]) -> tuple[frameworks.Principle, ...]:
    return tuple(
        frameworks.Principle(
            id=entry.id,
            name=entry.name,
            statement=entry.statement,
            labels=tuple(
                frameworks.PrincipleLabel(vocabulary, label.order, label.label)
                for vocabulary, label in entry.labels.items()
            ),
            fidelity_items=tuple(entry.fidelity_items),
        )
        for entry in sheet.content.principles
    )


def _module(
    folder: ModuleFolder, programme: frameworks.Programme, main_scale: str | None, time_critical: Iterable[str]
) -> schemas.Module:
    content = folder.sheet.content
    return schemas.Module(
        key=content.key,
        version=content.version,
        title=content.title,
        summary=content.summary,
        level=content.level,
        domain=content.domain,
        achievement_type=content.achievement_type,
        hours=content.hours,
        validity_months=content.validity_months,
        language=programme.language,
        competencies=tuple(content.competencies),
        fidelity_items=tuple(content.fidelity_items),
        themes=tuple(content.themes),
        tags=tuple(content.tags),
        outcomes=tuple(content.outcomes),
        activities=tuple(_activity(entry, folder, programme, main_scale) for entry in content.activities),
        rubric=rubric_assembly.rubric(content.rubric),
        award_rule=schemas.AwardRule(
            knowledge_check_pass=float(content.award.knowledge_check_pass),
            minimum_level=content.award.minimum_level,
            supervisor_talk=content.award.supervisor_talk_minutes > 0,
            supervisor_talk_minutes=content.award.supervisor_talk_minutes,
            observations_meet=content.award.observations_meet,
            panel=content.award.panel,
            conflict_years=content.award.conflict_years,
        ),
        what_to_leave_out=tuple(content.what_to_leave_out),
        critical_information=schemas.CriticalInformation(**content.critical_information.model_dump()),
        review_by=content.review_by,
        prerequisites=tuple(each for each in content.prerequisites if isinstance(each, str)),
        prerequisites_any=tuple(tuple(each.any_of) for each in content.prerequisites if not isinstance(each, str)),
        youth_elements=tuple(content.youth_elements),
        qualifies_for=tuple(content.qualifies_for),
        renewal=content.renewal,
        renewal_activities=tuple(
            key for each in content.renewal_activities for key in ([each] if isinstance(each, str) else each.any_of)
        ),
        renewal_any=tuple(tuple(each.any_of) for each in content.renewal_activities if not isinstance(each, str)),
        renewal_criteria=tuple((key, tuple(criteria)) for key, criteria in content.renewal_criteria.items()),
        calibration=next((_calibration(sheet.content) for sheet in folder.calibrations), None),
        issue_until=issue_until(content) if content.key in time_critical else None,
        full_criteria=True,
        media=lesson_pictures.in_use(folder.media),
    )


def _activity(
    entry: AnyActivityEntry, folder: ModuleFolder, programme: frameworks.Programme, main_scale: str | None
) -> schemas.Activity:
    body = entry.introduction if isinstance(entry, KnowledgeCheckEntry) else _shown(folder.texts[entry.key][1], folder)
    if isinstance(entry, LessonEntry):
        body = _with_sources(body, entry.sources)
    bare = schemas.Activity(entry.key, entry.kind, entry.title, entry.minutes, body)
    if isinstance(entry, KnowledgeCheckEntry):
        return replace(
            bare,
            questions=tuple(_question(question) for question in folder.questions[entry.key].content.questions),
            draw=entry.draw,
            draw_from_each_group=entry.draw_from_each_group or 0,
            tries_before_wait=entry.tries_before_wait,
            wait_minutes=entry.wait_minutes,
        )
    if isinstance(entry, ExerciseEntry):
        form = folder.forms[entry.key].content
        return replace(
            bare,
            fields=tuple(_field(field, programme, main_scale) for field in form.fields),
            example_markdown=_shown(folder.examples[entry.key][1], folder) if entry.example is not None else None,
        )
    if isinstance(entry, ReflectionEntry):
        return replace(bare, min_words=entry.min_words, max_words=entry.max_words)
    if isinstance(entry, ObservationEntry):
        lines = folder.checklists[entry.key].content.lines
        return replace(
            bare,
            checklist=tuple(schemas.ChecklistLine(line.key, line.text) for line in lines),
            observers=tuple(entry.by),
            required=entry.required,
            of_review=entry.of_review,
        )
    if isinstance(entry, AttendanceEntry):
        return replace(bare, confirmed_by=tuple(entry.confirmed_by))
    return bare


def _shown(text: str, folder: ModuleFolder) -> str:
    """A text whose pictures are named by their addresses."""
    content = folder.sheet.content
    return lesson_pictures.with_addresses(text, content.key, content.version, folder.media)


def _with_sources(body: str, sources: list[SourceEntry]) -> str:
    """The lesson followed by where its claims come from, how old they are and when they are checked again."""
    if not sources:
        return body
    lines = [
        f"- {s.claim}. Source: {s.source}. As at {s.as_at.day} {s.as_at:%B %Y}; to be checked again by "
        f"{s.review_by.day} {s.review_by:%B %Y}."
        for s in sources
    ]
    return "\n".join((body.rstrip(), "", "## Where this comes from", "", *lines, ""))


def _question(entry: QuestionEntry) -> schemas.Question:
    return schemas.Question(
        key=entry.key,
        stem=entry.stem,
        options=tuple(
            schemas.Option(key, given.text, key == entry.answer, given.feedback)
            if isinstance(given, OptionWithFeedback)
            else schemas.Option(key, given, key == entry.answer)
            for key, given in entry.options.items()
        ),
        feedback=entry.feedback or "",
        group=entry.group,
    )


def _field(entry: FieldEntry, programme: frameworks.Programme, main_scale: str | None) -> schemas.ExerciseField:
    options: tuple[schemas.FieldOption, ...] = ()
    if entry.options_from == "fidelity-items":
        items = [item for item in programme.fidelity_items if main_scale in (None, item.scale)]
        options = tuple(schemas.FieldOption(item.id, f"{item.id} {item.name}") for item in items)
    elif entry.options_from == "principles":
        options = tuple(schemas.FieldOption(p.id, f"{p.id} {p.name}") for p in programme.principles)
    return schemas.ExerciseField(entry.key, entry.label, entry.hint, entry.kind, entry.required, options)


def _calibration(content: CalibrationFile) -> schemas.Calibration:
    return schemas.Calibration(
        version=content.version,
        marks=content.standard.marks,
        within_one_level=float(content.standard.within_one_level),
        decisions_as_agreed=content.standard.decisions_as_agreed,
        samples=tuple(_sample(entry) for entry in content.samples),
    )


def _sample(entry: SampleEntry) -> schemas.CalibrationSample:
    answers: list[schemas.SampleAnswer] = []
    for activity, given in entry.answers.items():
        if isinstance(given, str):
            answers.append(schemas.SampleAnswer(activity, None, given))
        else:
            answers.extend(schemas.SampleAnswer(activity, field, text) for field, text in given.items())
    return schemas.CalibrationSample(
        key=entry.key,
        module=entry.module,
        rubric_version=entry.rubric_version,
        title=entry.title,
        range=entry.range,
        answers=tuple(answers),
        observations=tuple(
            schemas.SampleLine(activity, line, answer)
            for activity, lines in entry.observations.items()
            for line, answer in lines.items()
        ),
        levels=tuple(schemas.SampleLevel(criterion, level) for criterion, level in entry.levels.items()),
        decision=entry.decision,
        quarantine=entry.quarantine,
        reason=entry.reason,
    )
