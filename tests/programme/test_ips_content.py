"""The IPS programme says what it has to say."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from app.core.markdown import render
from app.learning.shuffling import drawn_questions
from app.programme.achievements import achievement_of, criteria_narrative
from app.programme.case import CaseItem, case_items
from app.programme.frameworks import Programme
from app.programme.schemas import AchievementInfo, CaseKind, Module


def test_the_framework_has_eight_domains_and_35_competencies(ips: Programme) -> None:
    counts = [len(domain.competencies) for domain in ips.domains]
    assert counts == [4, 5, 4, 4, 3, 4, 4, 7]
    advanced = [competency.id for competency in ips.competencies if competency.level == "advanced"]
    assert advanced == ["IPSV-D4", *(f"IPSV-H{n}" for n in range(1, 8))]
    assert len({domain.colour for domain in ips.domains}) == 8


def test_the_scale_has_25_items_of_which_19_can_be_shown_by_a_specialist(ips: Programme) -> None:
    (scale,) = ips.scales
    assert [len(section.items) for section in scale.sections] == [3, 8, 14]
    assert Counter(item.who for item in ips.fidelity_items)["organisation"] == 6
    assert [(band.name, band.minimum, band.maximum) for band in scale.bands] == [
        ("Exemplary", 115, 125),
        ("Good", 100, 114),
        ("Fair", 74, 99),
        ("Not IPS", 25, 73),
    ]


def test_both_lists_of_principles_count_from_one_to_eight(ips: Programme) -> None:
    for vocabulary in ips.vocabularies:
        orders = [x.order for principle in ips.principles for x in principle.labels if x.vocabulary == vocabulary.key]
        assert sorted(orders) == list(range(1, 9))


def test_the_lesson_is_there_from_its_first_to_its_last_sentence(ips: Programme) -> None:
    (lesson,) = _m01(ips).activities_of("lesson")
    for passage in (
        "Mia is nineteen and comes to her headspace centre for anxiety.",
        "*You are in if you want in.*",
        "*We stay*, with you and, if you agree, with your employer.",
        "From 115 a service is called exemplary, from 100 good, from 74 fair",
        "*Advert drift*: search becomes scrolling.",
        "What stood in the way, and whose sentence was it?",
    ):
        assert passage in lesson.body_markdown
    words = re.findall(r"[A-Za-z’'-]+", lesson.body_markdown.split("## Where this comes from")[0])
    assert len(words) > 600
    assert "<em>Readiness drift</em>" in render(lesson.body_markdown)


def test_every_claim_carries_its_source_its_date_and_its_review_date(ips: Programme) -> None:
    (lesson,) = _m01(ips).activities_of("lesson")
    claims = lesson.body_markdown.split("## Where this comes from")[1].strip().splitlines()
    assert len(claims) == 4
    for claim in claims:
        assert re.search(r"Source: .+\. As at \d+ \w+ \d{4}; to be checked again by \d+ \w+ \d{4}\.$", claim)


def test_the_knowledge_check_draws_eight_of_fourteen_questions_with_one_right_answer_each(ips: Programme) -> None:
    (check,) = _m01(ips).activities_of("knowledge_check")
    assert "".join(question.correct_key for question in check.questions) == "cbbbcbcbadadda"
    assert (check.draw, check.tries_before_wait, check.wait_minutes) == (8, 2, 60)
    assert all(len(question.options) == 4 for question in check.questions)
    assert all(option.feedback for question in check.questions for option in question.options)


def test_the_exercise_asks_for_four_counts_and_a_test_of_four_lines(ips: Programme) -> None:
    (exercise,) = _m01(ips).activities_of("exercise")
    kinds = {field.key: field.kind for field in exercise.fields}
    assert [key for key, kind in kinds.items() if kind == "count"] == ["mentioned", "offered", "referred", "met"]
    assert [key for key in kinds if key.startswith("test-")] == [
        "test-change",
        "test-duration",
        "test-measure",
        "test-decider",
    ]
    chosen = next(field for field in exercise.fields if field.key == "fidelity-item")
    assert [option.value for option in chosen.options] == [f"FI-{n:02d}" for n in range(1, 26)]
    assert chosen.options[8].label == "FI-09 Zero exclusion criteria"


def test_the_rubric_has_four_criteria_of_four_levels_and_blocks_on_privacy_without_crediting_it(
    ips: Programme,
) -> None:
    module = _m01(ips)
    assert [len(criterion.levels) for criterion in module.rubric.criteria] == [4, 4, 4, 4]
    assert [level.name for level in module.rubric.criteria[0].levels] == [
        "Not yet",
        "Developing",
        "Proficient",
        "Strong",
    ]
    assert module.rubric.criteria[3].conditions == ("IPSV-G3",)
    assert "IPSV-G3" not in module.competencies
    assert module.award_rule.minimum_level == 3
    assert module.award_rule.knowledge_check_pass == 0.8


def test_the_achievement_says_how_it_was_assessed_and_by_whom(ips: Programme) -> None:
    narrative = _achievement(ips).criteria_narrative
    for passage in (
        "passes a knowledge check of 8 questions with at least 80 per cent right",
        "workplace exercise “Find the gate”",
        "supervisor for about 30 minutes",
        "An assessor appointed by Orygen",
        "level 3 of 4 (Proficient)",
        "A person decides, not a computer",
        "about 6 hours",
        "valid for 3 years",
        "due for review by 30 November 2027",
    ):
        assert passage in narrative


def test_the_criteria_of_every_badge_tell_its_outcomes_and_what_one_must_know_before(ips: Programme) -> None:
    for module in ips.modules:
        narrative, about = criteria_narrative(module, "Orygen"), module.critical_information
        assert module.renewal is not None
        for told in (
            *(f"- {outcome}\n" for outcome in module.outcomes),
            f"- Needed before: {about.prerequisites}\n",
            f"- Delivery: {about.delivery.rstrip('.')}.\n",
            f"- Identity check: {about.identity_check}\n",
            "- Recognition of prior learning: Who can do this already may leave out the lessons",
            f"- Recognition and credit: {about.recognition}\n",
            f"- Quality assurance: {about.quality_assurance}\n",
            f"- Renewal: {module.renewal}",
        ):
            assert narrative.count(told) == 1, (module.key, told)
        assert narrative == criteria_narrative(module, "Orygen")


def test_a_version_that_was_loaded_before_criteria_told_all_of_this_keeps_its_shorter_text(ips: Programme) -> None:
    earlier = replace(_m01(ips), full_criteria=False)
    narrative = criteria_narrative(earlier, "Orygen")
    assert narrative.startswith("To earn this badge the learner:\n\n- passes a knowledge check of 8 questions")
    assert narrative.endswith("due for review by 30 November 2027.")
    assert narrative in criteria_narrative(_m01(ips), "Orygen")


def test_every_draw_asks_about_every_item_of_the_scale_and_often_enough_when_to_check_before_answering(
    ips: Programme,
) -> None:
    by_key = {module.key: module for module in ips.modules}
    (review,), (rules,) = (by_key[key].activities_of("knowledge_check") for key in ("X5", "M07"))
    for number in range(50):
        asked = drawn_questions(review, f"attempt {number}")
        assert sorted(one.group or "" for one in asked) == [f"item-{item:02}" for item in range(1, 26)]
        asked = drawn_questions(rules, f"attempt {number}")
        assert len(asked) == 12
        assert sum(one.group == "check-before-you-answer" for one in asked) >= 4


def test_the_achievement_is_aligned_to_its_competencies_and_items(ips: Programme) -> None:
    info = _achievement(ips)
    assert [alignment.target_code for alignment in info.alignments] == [
        "IPSV-A1",
        "IPSV-A2",
        "IPSV-A4",
        "FI-09",
        "FI-10",
    ]
    assert {alignment.target_type for alignment in info.alignments} == {"CFItem"}
    assert all(alignment.target_path.startswith("/ims/case/v1p1/CFItems/") for alignment in info.alignments)
    assert (info.path, info.image_path) == (
        f"/achievements/M01/v{info.version}",
        f"/achievements/M01/v{info.version}.png",
    )
    assert info.achievement_type == "MicroCredential"


def _achievement(ips: Programme) -> AchievementInfo:
    items: dict[tuple[CaseKind, str], CaseItem] = {(item.kind, item.id): item for item in case_items(ips)}
    return achievement_of(_m01(ips), ips, lambda kind, item_id: items[kind, item_id])


def _m01(ips: Programme) -> Module:
    return next(module for module in ips.modules if module.key == "M01")
