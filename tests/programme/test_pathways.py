"""Pathways: what a badge stands on, as files. Mistakes are named by file and line; nothing goes round in a circle."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from app.core.audit import AuditEntry
from app.core.db import Database
from app.programme import pathway_checks, service, stacks
from app.programme.documents import pathway_document
from app.programme.errors import ModuleUnknown, PathwayUnknown, Problem, ProgrammeInvalid, VersionInUse
from app.programme.frameworks import Programme
from app.programme.known_ids import known_ids
from app.programme.loader import ProgrammeFolder, read_folder, read_sheet
from app.programme.pathway_files import PathwayFile
from app.programme.pathway_rules import certain, least_minutes, needed_badges
from app.programme.pathway_words import sentence, steps
from app.programme.pathways import (
    ConfirmationRule,
    ExternalBadgeRule,
    GroupRule,
    HeldRule,
    Pathway,
    Rule,
    TimeInRoleRule,
    conversation,
    leaves,
)
from tests.programme.conftest import IPS

PRACTITIONER = "pathways/practitioner.yaml"
MENTOR = "pathways/mentor.yaml"
BASIC = tuple(f"M{number:02}" for number in range(1, 11))
A, B, C = HeldRule("M01"), HeldRule("M02"), HeldRule("M03")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """The programme's files, pathways and all, in a folder of the test's own."""
    return Path(shutil.copytree(IPS, tmp_path / "ips"))


@pytest.fixture(scope="module")
def practitioner(ips: Programme) -> Pathway:
    """The basic pathway."""
    return next(pathway for pathway in ips.pathways if pathway.key == "practitioner")


def change(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the first piece of text like this in a file; gives the line where the replacement stands."""
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    before, after = text.split(old, 1)
    (folder / file).write_text(before + new + after, encoding="utf-8")
    return before.count("\n") + 1


def raise_module(folder: Path, key: str) -> None:
    """Its next version, so that no change of the module itself is refused."""
    file = folder / "modules" / key / "module.yaml"
    text = file.read_text(encoding="utf-8")
    raised = re.sub(
        r"^version: (\d+)$", lambda found: f"version: {int(found[1]) + 1}", text, count=1, flags=re.MULTILINE
    )
    file.write_text(raised, encoding="utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(folder)
    return [str(problem) for problem in caught.value.problems]


def test_the_practitioners_badge_stands_on_the_ten_modules_and_a_conversation(practitioner: Pathway) -> None:
    held = tuple(leaf.achievement for leaf in leaves(practitioner.rule) if isinstance(leaf, HeldRule))
    talk = conversation(practitioner)
    assert held == BASIC
    assert talk is not None
    assert (talk.minutes, talk.minimum_level, len(talk.rubric.criteria)) == (45, 3, 4)
    assert {len(criterion.levels) for criterion in talk.rubric.criteria} == {4}


def test_what_it_credits_is_the_union_of_its_modules_and_its_hours_are_their_sum(
    ips: Programme, practitioner: Pathway
) -> None:
    stack, modules = practitioner.achievement, [module for module in ips.modules if module.key in BASIC]
    assert stack is not None
    assert set(stack.competencies) == {item for module in modules for item in module.competencies}
    assert set(stack.fidelity_items) == {item for module in modules for item in module.fidelity_items}
    assert len(stack.competencies) == len(set(stack.competencies))
    assert stack.hours == sum(module.hours for module in modules) + 1 == 75
    basic = {competency.id for competency in ips.competencies if competency.level == "basic"}
    assert set(stack.competencies) == basic


def test_every_advanced_pathway_stands_on_the_practitioner_and_asks_for_time_and_support(ips: Programme) -> None:
    advanced = [pathway for pathway in ips.pathways if pathway.level == "advanced"]
    assert [pathway.leads_to for pathway in sorted(advanced, key=lambda each: each.ends_in)] == [
        "X1", "X2", "X3", "X4", "X5"
    ]  # fmt: skip
    for pathway in advanced:
        found = list(leaves(pathway.rule))
        module = next(module for module in ips.modules if module.key == pathway.leads_to)
        assert HeldRule("practitioner") in found
        assert [leaf.months for leaf in found if isinstance(leaf, TimeInRoleRule)] == [18 if module.key == "X5" else 12]
        assert any(isinstance(leaf, ConfirmationRule) and leaf.by == "manager" for leaf in found)
        assert "practitioner" in module.prerequisites
        assert (HeldRule("X2a") in found) is (module.key == "X2") is ("X2a" in module.prerequisites)
        assert module.award_rule.panel == (2 if module.key == "X5" else 1)


@dataclass(frozen=True)
class Mistake:
    """What an author does, what they are told, and in which file; `below` lines after the edit the problem stands."""

    file: str
    old: str
    new: str
    told: str
    below: int = 0


MISTAKES = {
    "a name nobody knows": Mistake(MENTOR, "leadsTo: X1", "leadsTo: X1\nleedsTo: X1",
                                   "`leedsTo` is not a name we know here; did you mean `leadsTo`?", 1),
    "a rule nobody knows": Mistake(MENTOR, "- timeInRole:", "- timeInRoll:", "`timeInRoll` is not a name we know"),
    "a name nobody knows within a rule": Mistake(MENTOR, "months: 12", "months: 12\n        years: 1",
                                                 "`years` is not a name we know here", 1),
    "a module nobody knows": Mistake(PRACTITIONER, "- M07", "- M77", "there is no module `M77`"),
    "a pathway nobody knows": Mistake(MENTOR, "- practitioner", "- practitoner", "called `practitoner`"),
    "a pathway that ends in a module's badge": Mistake(MENTOR, "- practitioner", "- mentor", "no pathway with an"),
    "an end nobody knows": Mistake(MENTOR, "leadsTo: X1", "leadsTo: X9", "there is no module `X9`"),
    "no end": Mistake(MENTOR, "leadsTo: X1\n", "", "say where it ends", -20),
    "an end that another leads to": Mistake("pathways/research-evaluation.yaml", "leadsTo: X3", "leadsTo: X1",
                                            "pathways/mentor.yaml leads to `X1` already"),
    "a key that is not the file's name": Mistake(MENTOR, "key: mentor", "key: mentoring", "is called `mentor.yaml`"),
    "a domain nobody knows": Mistake(PRACTITIONER, "domain: IPSV-A", "domain: IPSV-Z", "no domain `IPSV-Z`"),
    "the same badge twice": Mistake(PRACTITIONER, "- M02", "- M01", "`M01` is named twice here"),
    "its own end first": Mistake(MENTOR, "- practitioner", "- X1", "`X1` cannot be needed before itself"),
    "more than there is": Mistake(MENTOR, "- practitioner", "- {atLeast: 3, of: [practitioner, M01]}",
                                  "nobody can meet this: 3 of 2"),
    "a choice of one": Mistake(MENTOR, "- practitioner", "- {oneOf: [practitioner]}", "needs at least 2 entries"),
    "an empty rule": Mistake(MENTOR, "- practitioner", "- {all: []}", "needs at least 1 entries"),
    "none of several": Mistake(MENTOR, "- practitioner", "- {atLeast: 0, of: [M01, M02]}", "or equal to 1"),
    "time in a role twice": Mistake(MENTOR, "- practitioner",
                                    "- practitioner\n    - timeInRole: {months: 6, role: an IPS role}",
                                    "asked for twice", 2),
    "another issuer's badge twice": Mistake(
        MENTOR, "- practitioner", "- practitioner\n"
        "    - externalBadge: {issuer: 'did:web:college.example', issuerName: The college, name: First aid}\n"
        "    - externalBadge: {issuer: 'did:web:college.example', issuerName: A college, name: First aid}",
        "`First aid` is named twice here", 2),
    "another issuer's badge without its issuer": Mistake(
        MENTOR, "- practitioner", "- practitioner\n    - externalBadge: {issuerName: The college, name: First aid}",
        "`issuer` is missing", 1),
    "an issuer that is neither a DID nor an address": Mistake(
        MENTOR, "- practitioner", "- practitioner\n"
        "    - externalBadge: {issuer: The college, issuerName: The college, name: First aid}", "issuer", 1),
    "a gap of less than nothing": Mistake(MENTOR, "months: 12", "months: 12\n        longestGapDays: -1",
                                          "equal to 0", 1),
    "an age without its badge": Mistake(PRACTITIONER, "- M07", "- {awardedWithinMonths: 6}", "`badge` is missing"),
    "a way round what the module asks for": Mistake(MENTOR, "- practitioner", "- {oneOf: [practitioner, M01]}",
                                                    "`X1` asks for practitioner first", -2),
    "a competency nobody knows": Mistake(PRACTITIONER, "competencies: [IPSV-A1]", "competencies: [IPSV-Z1]",
                                         "there is no competency `IPSV-Z1`"),
    "a level too few": Mistake(PRACTITIONER, "                - The story is told without principles, or they are "
                               "recited beside it\n", "", "needs 4 level descriptions", -1),
    "a conversation before a module": Mistake(
        MENTOR, "- practitioner", "- practitioner\n    - conversation: {key: t, title: T, text: T, minutes: 5, "
        "minimumLevel: 3, rubric: {version: 1, levels: [a, b, c, d], criteria: [{key: c, title: C, "
        "competencies: [IPSV-H1], levels: [a, b, c, d]}]}}", "a module has a rubric of its own", 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def read() -> ProgrammeFolder:
    """The repository's files; reading all of them takes a while, and most mistakes are in one."""
    return read_folder(IPS)


def told_of_pathways(folder: Path, read: ProgrammeFolder) -> list[str]:
    """What the check says of the pathway files in a folder beside the modules of the repository."""
    found: list[Problem] = []
    sheets = []
    for path in sorted((folder / "pathways").iterdir()):
        try:
            sheets.append(read_sheet(path, f"pathways/{path.name}", PathwayFile))
        except ProgrammeInvalid as error:
            found.extend(error.problems)
    if not found:
        changed = replace(read, pathways=tuple(sheets))
        found.extend(pathway_checks.problems(changed, known_ids(changed)))
    return [str(problem) for problem in found]


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_an_authors_mistake_is_named_by_file_and_line(tmp_path: Path, read: ProgrammeFolder, mistake: Mistake) -> None:
    shutil.copytree(IPS / "pathways", tmp_path / "pathways")
    assert told_of_pathways(tmp_path, read) == []
    line = change(tmp_path, mistake.file, mistake.old, mistake.new) + mistake.below
    told = told_of_pathways(tmp_path, read)
    assert any(each.startswith(f"{mistake.file}:{line}: ") and mistake.told in each for each in told), told


@pytest.mark.parametrize("months", [1, 12, 600])
def test_a_badge_may_be_asked_for_by_any_age(tmp_path: Path, read: ProgrammeFolder, months: int) -> None:
    """Renewed early it outlasts its validity, an earlier version may have had another, and recognition has none."""
    shutil.copytree(IPS / "pathways", tmp_path / "pathways")
    change(tmp_path, PRACTITIONER, "- M07", f"- {{badge: M07, awardedWithinMonths: {months}}}")
    change(tmp_path, MENTOR, "- practitioner", f"- {{badge: practitioner, awardedWithinMonths: {months}}}")
    assert told_of_pathways(tmp_path, read) == []


def test_badges_that_wait_for_each_other_are_told_once_with_the_way_round(whole: Path) -> None:
    change(whole, "modules/M02/module.yaml", "prerequisites: [M01]", "prerequisites: [practitioner]")
    told = [each for each in problems(whole) if "wait for each other" in each]
    assert len(told) == 1
    assert "`M02` → `practitioner` → `M02`" in told[0]


def test_two_modules_that_wait_for_each_other_are_told_too(whole: Path) -> None:
    change(whole, "modules/M01/module.yaml", "validityMonths: 36\n", "validityMonths: 36\nprerequisites: [M02]\n")
    (told,) = [each for each in problems(whole) if "wait for each other" in each]
    assert "`M01` → `M02` → `M01`" in told
    assert told.startswith("modules/M01/module.yaml:14:")


def test_a_published_pathway_may_not_rest_on_a_draft_and_a_draft_may(whole: Path) -> None:
    change(whole, "modules/M10/module.yaml", "\ntitle: ", "\nstatus: draft\ntitle: ")
    told = problems(whole)
    assert any("`M10` is a draft, so nobody can hold it" in each for each in told)
    change(whole, PRACTITIONER, "\ntitle: ", "\nstatus: draft\ntitle: ")
    assert not any(each.startswith(PRACTITIONER) for each in problems(whole))


def test_an_overdue_review_is_a_notice(read: ProgrammeFolder) -> None:
    on_time, late = (list(pathway_checks.overdue(read, date(2027, 11, day))) for day in (30, 29))
    assert on_time == late == []
    told = list(pathway_checks.overdue(read, date(2027, 12, 1)))
    assert {problem.file for problem in told} == {f"pathways/{sheet.content.key}.yaml" for sheet in read.pathways}
    assert not any(problem.is_error for problem in told)
    assert "due by 30 November 2027" in told[0].message


def test_a_programme_may_have_no_pathways(whole: Path) -> None:
    shutil.rmtree(whole / "pathways")
    for module in whole.glob("modules/X*/module.yaml"):
        module.write_text(module.read_text(encoding="utf-8").replace("[practitioner", "[M01"), encoding="utf-8")
    assert service.load_programme(whole).pathways == ()


def test_a_loaded_pathway_is_kept_by_version_and_its_load_is_audited(database: Database, ips: Programme) -> None:
    with database.write() as session:
        service.store(session, ips)
    with database.read() as session:
        found = stacks.pathways(session)
        assert set(found) == set(ips.pathways)
        assert [pathway.level for pathway in found] == sorted((p.level for p in found), reverse=True)
        newest = stacks.current_pathway(session, "practitioner").version
        assert stacks.pathway_version(session, "practitioner", newest) in ips.pathways
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject == "pathway")).all()
        assert {entry.subject_id for entry in entries} == {pathway.key for pathway in ips.pathways}
        for key, version in (("practitioner", newest + 1), ("nobody", 1), ("PRACTITIONER", 1), ("practitioner" * 9, 1)):
            with pytest.raises(PathwayUnknown):
                stacks.pathway_version(session, key, version)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (PRACTITIONER, "minutes: 45", "minutes: 50"),
        ("modules/M02/module.yaml", "\ntitle: Young", "\ntitle: More on young"),
    ],
)
def test_a_pathway_changed_under_a_used_version_is_refused(
    whole: Path, database: Database, file: str, old: str, new: str
) -> None:
    """Also when what changed is a module's: what the badge says of its modules is the badge's content."""
    with database.write() as session:
        service.store(session, service.load_programme(whole))
    change(whole, file, old, new)
    raise_module(whole, "M02")
    with pytest.raises(VersionInUse) as caught, database.write() as session:
        service.store(session, service.load_programme(whole))
    assert "pathways/practitioner.yaml: the content has changed" in caught.value.detail
    assert "What it takes from its modules" in caught.value.detail


def test_a_stacks_achievement_is_looked_up_like_a_modules(database: Database, ips: Programme) -> None:
    with database.write() as session:
        service.store(session, ips)
    with database.read() as session:
        info = service.current_achievement(session, "practitioner")
        assert info == service.achievement(session, "practitioner", info.version)
        assert (info.level, info.achievement_type, info.code) == ("stack", "Certification", "Practitioner")
        assert len(info.marks) == 10
        assert info.needed_before == tuple((key,) for key in BASIC)
        assert "- the ten badges:\n  - “What Makes IPS, IPS” (M01)\n  - “Young People" in info.criteria_narrative
        assert "a practice conversation: 45 minutes with an assessor" in info.criteria_narrative
        assert "rubric of four criteria" in info.criteria_narrative
        assert info.criteria_narrative.startswith("The award asks for:\n\n- the ten badges:")
        for told in ("was in force", "judged the", "had to", "made the decision"):
            assert told not in info.criteria_narrative, "it may be awarded by recognition, or on a reason"
        known = [each.key for each in service.current_achievements(session)]
        assert known == [*(module.key for module in ips.modules), "practitioner"]
        assert service.current_achievement(session, "X1").needed_before == (("practitioner",),)
        for key in ("mentor", "nobody", "M99", ""):
            with pytest.raises(ModuleUnknown):
                service.current_achievement(session, key)


@pytest.mark.parametrize(
    ("rule", "groups"),
    [
        (A, (("M01",),)),
        (GroupRule(2, (A, B)), (("M01",), ("M02",))),
        (GroupRule(1, (A, B)), (("M01", "M02"),)),
        (GroupRule(2, (A, B, C)), (("M01", "M02"), ("M01", "M03"), ("M02", "M03"))),
        (GroupRule(1, (A, TimeInRoleRule(12, "an IPS role"))), ()),
        (GroupRule(2, (A, GroupRule(1, (A, B)))), (("M01",),)),
        (TimeInRoleRule(12, "an IPS role"), ()),
    ],
)
def test_the_badges_that_cannot_be_missing_come_in_groups_of_which_one_is_needed(
    rule: Rule, groups: tuple[tuple[str, ...], ...]
) -> None:
    assert needed_badges(rule) == groups


RULES: st.SearchStrategy[Rule] = st.recursive(
    st.sampled_from([HeldRule(f"M{number:02}") for number in range(1, 6)]),
    lambda inner: st.lists(inner, min_size=1, max_size=4).flatmap(
        lambda of: st.integers(1, len(of)).map(lambda needed: GroupRule(needed, tuple(of)))
    ),
    max_leaves=7,
)


def met(rule: Rule, held: frozenset[str]) -> bool:
    """Independently: whether these badges meet a rule made of badges."""
    if isinstance(rule, GroupRule):
        return sum(met(each, held) for each in rule.of) >= rule.needed
    return isinstance(rule, HeldRule) and rule.achievement in held


@given(rule=RULES, held=st.frozensets(st.sampled_from([f"M{number:02}" for number in range(1, 6)])))
def test_the_groups_of_a_rule_say_the_same_as_the_rule(rule: Rule, held: frozenset[str]) -> None:
    assert all(held & set(group) for group in needed_badges(rule)) == met(rule, held)
    if met(rule, held):
        assert certain(rule, lambda key: frozenset({key})) <= held
        assert least_minutes(rule, lambda key: 60) <= 60 * sum(1 for _ in leaves(rule))


def test_a_choice_counts_its_shortest_way_and_credits_what_cannot_be_avoided() -> None:
    rule = GroupRule(2, (A, B, C))
    hours = {"M01": 60, "M02": 300, "M03": 120}
    assert least_minutes(rule, lambda key: hours[key]) == 180
    credits = {"M01": frozenset("xy"), "M02": frozenset("xz"), "M03": frozenset("z")}
    assert certain(rule, lambda key: credits[key]) == frozenset("xz")


def test_a_rule_is_told_in_words() -> None:
    aged = HeldRule("M07", awarded_within_months=6)
    choice = GroupRule(1, (GroupRule(2, (A, B)), TimeInRoleRule(1, "an IPS role")))
    told = [sentence(step, str) for step in steps(GroupRule(4, (A, aged, choice, GroupRule(2, (A, B, C)))))]
    assert told == [
        "the badge M01",
        "a badge awarded or renewed in the last six months for M07",
        "one of these: all of these: the two badges M01 and M02; or one month in an IPS role",
        "two of these three badges M01, M02 and M03",
    ]


def test_another_issuers_badge_and_a_longest_gap_are_told_in_words() -> None:
    theirs = ExternalBadgeRule("did:web:college.example", "the college", "First aid")
    times = [TimeInRoleRule(12, "an IPS role", days) for days in (90, 1, 0, None)]
    assert [sentence(step, str) for step in steps(GroupRule(5, (theirs, *times)))] == [
        "the badge “First aid” of the college",
        "twelve months in an IPS role without a gap of more than 90 days",
        "twelve months in an IPS role without a gap of more than one day",
        "twelve months in an IPS role without a gap",
        "twelve months in an IPS role",
    ]


@pytest.mark.parametrize("achievement", [None, "https://college.example/achievements/7", "urn:uuid:7"])
def test_another_issuers_badge_and_a_longest_gap_are_read_kept_and_read_back(
    whole: Path, database: Database, achievement: str | None
) -> None:
    exact = f"\n        achievement: {achievement}" if achievement else ""
    change(
        whole, MENTOR, "- practitioner", "- practitioner\n    - externalBadge:\n        issuer: did:web:college.example"
        f"\n        issuerName: the college\n        name: First aid{exact}",
    )  # fmt: skip
    change(whole, MENTOR, "months: 12", "months: 12\n        longestGapDays: 90")
    loaded = service.load_programme(whole)
    with database.write() as session:
        service.store(session, loaded)
    with database.read() as session:
        kept = stacks.current_pathway(session, "mentor")
    assert kept in loaded.pathways
    found = list(leaves(kept.rule))
    assert ExternalBadgeRule("did:web:college.example", "the college", "First aid", achievement) in found
    assert TimeInRoleRule(12, "an IPS role", 90) in found


def test_a_rule_that_says_nothing_of_gaps_is_written_as_before_there_were_any(ips: Programme) -> None:
    """So that what was loaded before keeps its digest."""
    mentor = next(pathway for pathway in ips.pathways if pathway.key == "mentor")
    assert "longest_gap_days" not in str(pathway_document(mentor))
    gaps = replace(mentor, rule=TimeInRoleRule(12, "an IPS role", 0))
    assert pathway_document(gaps)["rule"]["longest_gap_days"] == 0
