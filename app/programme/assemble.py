"""From checked files to the catalogue's objects."""

from __future__ import annotations

from dataclasses import replace

from app.programme import frameworks, schemas
from app.programme.documents import programme_with_digest, with_digest
from app.programme.files import (
    CriterionEntry,
    ExerciseEntry,
    FieldEntry,
    FrameworkFile,
    KnowledgeCheckEntry,
    LessonEntry,
    PrinciplesFile,
    QuestionEntry,
    ReflectionEntry,
    ScaleFile,
    SourceEntry,
)
from app.programme.loader import ModuleFolder, ProgrammeFolder, Sheet


def programme(folder: ProgrammeFolder) -> frameworks.Programme:
    """The programme a folder describes, with its modules, each with its digest."""
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
    )
    modules = tuple(with_digest(_module(module, bare)) for module in folder.modules)
    return replace(programme_with_digest(bare), modules=modules)


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


def _module(folder: ModuleFolder, programme: frameworks.Programme) -> schemas.Module:
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
        activities=tuple(_activity(entry, folder, programme) for entry in content.activities),
        rubric=schemas.Rubric(
            version=content.rubric.version,
            criteria=tuple(_criterion(entry, content.rubric.levels) for entry in content.rubric.criteria),
        ),
        award_rule=schemas.AwardRule(
            knowledge_check_pass=float(content.award.knowledge_check_pass),
            minimum_level=content.award.minimum_level,
            supervisor_talk=content.award.supervisor_talk_minutes > 0,
            supervisor_talk_minutes=content.award.supervisor_talk_minutes,
        ),
        what_to_leave_out=tuple(content.what_to_leave_out),
        critical_information=schemas.CriticalInformation(**content.critical_information.model_dump()),
        review_by=content.review_by,
    )


def _activity(
    entry: LessonEntry | KnowledgeCheckEntry | ExerciseEntry | ReflectionEntry,
    folder: ModuleFolder,
    programme: frameworks.Programme,
) -> schemas.Activity:
    body = entry.introduction if isinstance(entry, KnowledgeCheckEntry) else folder.texts[entry.key][1]
    if isinstance(entry, LessonEntry):
        body = _with_sources(body, entry.sources)
    bare = schemas.Activity(entry.key, entry.kind, entry.title, entry.minutes, body)
    if isinstance(entry, KnowledgeCheckEntry):
        return replace(
            bare,
            questions=tuple(_question(question) for question in folder.questions[entry.key].content.questions),
            draw=entry.draw,
            tries_before_wait=entry.tries_before_wait,
            wait_minutes=entry.wait_minutes,
        )
    if isinstance(entry, ExerciseEntry):
        form = folder.forms[entry.key].content
        return replace(bare, fields=tuple(_field(field, programme) for field in form.fields))
    if isinstance(entry, ReflectionEntry):
        return replace(bare, min_words=entry.min_words, max_words=entry.max_words)
    return bare


def _with_sources(body: str, sources: list[SourceEntry]) -> str:
    """The lesson followed by where its claims come from, how old they are and when they are checked again."""
    if not sources:
        return body
    lines = [
        f"- {s.claim}. Source: {s.source}. As at {s.as_at.day} {s.as_at:%B %Y}; to be checked again by "
        f"{s.review_by.day} {s.review_by:%B %Y}."
        for s in sources
    ]
    return "\n".join((body.rstrip(), "", "## Where the numbers come from", "", *lines, ""))


def _question(entry: QuestionEntry) -> schemas.Question:
    return schemas.Question(
        key=entry.key,
        stem=entry.stem,
        options=tuple(schemas.Option(key, text, key == entry.answer) for key, text in entry.options.items()),
        feedback=entry.feedback,
    )


def _field(entry: FieldEntry, programme: frameworks.Programme) -> schemas.ExerciseField:
    options: tuple[schemas.FieldOption, ...] = ()
    if entry.options_from == "fidelity-items":
        options = tuple(schemas.FieldOption(i.id, f"{i.id} {i.name}") for i in programme.fidelity_items)
    elif entry.options_from == "principles":
        options = tuple(schemas.FieldOption(p.id, f"{p.id} {p.name}") for p in programme.principles)
    return schemas.ExerciseField(entry.key, entry.label, entry.hint, entry.kind, entry.required, options)


def _criterion(entry: CriterionEntry, level_names: list[str]) -> schemas.Criterion:
    pairs = zip(level_names, entry.levels, strict=True)
    return schemas.Criterion(
        key=entry.key,
        title=entry.title,
        competencies=tuple(entry.competencies),
        fidelity_items=tuple(entry.fidelity_items),
        principles=tuple(entry.principles),
        levels=tuple(schemas.RubricLevel(n, name, text) for n, (name, text) in enumerate(pairs, start=1)),
        conditions=tuple(entry.conditions),
        maps_note=entry.maps_note,
    )
