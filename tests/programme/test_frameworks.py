"""Frameworks, scale, principles and practice elements say what the programme's reference says, by id and link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.programme import service
from app.programme.case import case_items, cf_item_uuid, cf_package
from app.programme.errors import ProgrammeInvalid
from app.programme.frameworks import Programme
from tests.programme.conftest import Edit
from tests.programme.folders import with_one_published

# Competency, level, fidelity items, principles, themes: numbers only.
COMPETENCIES = """
A1 B 10       12345678 4 | A2 B 09       2  4 | A3 B 01,02,03 38 4 | A4 B 08,11    12345678 4
B1 B 05,14    3        1 | B2 B 24,25    24 1 | B3 B 09,16    24 1 | B4 B 05       3        1 | B5 B 22 4 1
C1 B 14       4        3 | C2 B 14,16,19 4  3 | C3 B 15,16    46 23 | C4 B 16      4        3
D1 B 17,24    7        2 | D2 B 18       7  2 | D3 B 19,20,21 17 2 | D4 A 18,22    47       2
E1 B 12,06    5        4 | E2 B 13       4  4 | E3 B 13,22    48 4
F1 B 22,23    8        2 | F2 B 18,22    78 2 | F3 B 22,23    8  2 | F4 B 09,14,23 68       2
G1 B 04,05,10 3        4 | G2 B 06       35 4 | G3 B 05,13    3  4 | G4 B 07,08    3        4
H1 A 07,08    12345678 - | H2 A 07,08    12345678 - | H3 A 08,11 12345678 - | H4 A 08      12345678 -
H5 A *        12345678 - | H6 A 11       12345678 - | H7 A 10,11 12345678 -
"""
WHO = {"organisation": "01 04 07 08 10 11", "both": "02 05 06 09 25"}
# Principle, place in Orygen's list, place in the one-page summary, fidelity items.
PRINCIPLES = """
P1 1 4 10,19,20,21 | P2 2 1 09,25 | P3 3 8 02,04,05,25 | P4 4 2 13,14,16,22
P5 5 5 12,06 | P6 6 3 15 | P7 7 6 17,18,19,20,24 | P8 8 7 22,23,03
"""
LABELS = {
    "P1": ("Focus on Competitive Employment", "Focus on competitive employment"),
    "P2": ("Eligibility Based on Participants Choice", "Zero exclusion"),
    "P3": (
        "Integration of Rehabilitation and Mental Health Services",
        "Employment and clinical support are integrated",
    ),
    "P4": ("Attention to Participant Preferences", "Individually tailored"),
    "P5": ("Personalised Benefits Counselling", "Financial guidance"),
    "P6": ("Rapid Job Search", "Rapid job search"),
    "P7": ("Systematic Job Development", "Job development"),
    "P8": ("Time-Unlimited and Individualised Support", "Ongoing support to the employee and employer"),
}
SECTIONS = {"staffing": range(1, 4), "organisation": range(4, 12), "services": range(12, 26)}
SECOND_SCALE = """\
key: small-youth
title: A small scale for young adults
version: "0.1"
locale: en-AU
creator: A test
licence: Names only.
lastChanged: 2026-11-22
itemScore: {minimum: 0, maximum: 2}
bands:
  - {name: Seen, minimum: 2, maximum: 4}
  - {name: Not seen, minimum: 0, maximum: 1}
sections:
  - key: staffing
    name: Staffing
    items:
      - {id: SY-01, name: Texts are answered, who: specialist}
      - {id: SY-02, name: Families are asked, who: both}
"""
SECOND_FRAMEWORK = """\
key: small-framework
title: A small framework
version: "3"
creator: A test
description: One competency.
lastChanged: 2026-11-22
themes: []
domains:
  - id: SF-A
    name: Listening
    colour: "#123456"
    competencies:
      - id: SF-A1
        name: Listen
        statement: listen before speaking
        level: basic
        fidelityItems: [SY-01, FI-14]
        principles: [P4]
        themes: []
"""


def _cells(table: str) -> list[list[str]]:
    return [cell.split() for cell in re.split(r"[|\n]", table) if cell.strip()]


def _items(numbers: str) -> tuple[str, ...]:
    if numbers == "*":
        return tuple(f"FI-{n:02d}" for n in range(1, 26))
    return tuple(f"FI-{number}" for number in numbers.split(","))


def test_each_competency_has_its_level_and_its_links(ips: Programme) -> None:
    expected = {
        f"IPSV-{key}": (
            {"B": "basic", "A": "advanced"}[level],
            _items(items),
            tuple(f"P{n}" for n in principles),
            tuple(f"T{n}" for n in themes if n != "-"),
        )
        for key, level, items, principles, themes in _cells(COMPETENCIES)
    }
    assert len(expected) == 35
    assert {c.id: (c.level, c.fidelity_items, c.principles, c.themes) for c in ips.competencies} == expected
    assert all(competency.domain == competency.id[:6] for competency in ips.competencies)
    assert [domain.id for domain in ips.domains] == [f"IPSV-{letter}" for letter in "ABCDEFGH"]


def test_each_item_stands_in_its_section_and_says_whose_practice_shows_it(ips: Programme) -> None:
    who = {f"FI-{number}": key for key, numbers in WHO.items() for number in numbers.split()}
    assert {item.id: item.who for item in ips.fidelity_items} == {
        f"FI-{n:02d}": who.get(f"FI-{n:02d}", "specialist") for n in range(1, 26)
    }
    for key, numbers in SECTIONS.items():
        assert [item.id for item in ips.fidelity_items if item.section == key] == [f"FI-{n:02d}" for n in numbers]


def test_each_principle_has_both_its_places_both_its_names_and_its_items(ips: Programme) -> None:
    expected = {
        key: ((int(first), LABELS[key][0]), (int(second), LABELS[key][1]), _items(items))
        for key, first, second, items in _cells(PRINCIPLES)
    }
    found = {}
    for principle in ips.principles:
        labels = {label.vocabulary: (label.order, label.label) for label in principle.labels}
        found[principle.id] = (labels["orygen"], labels["what-is-ips"], principle.fidelity_items)
    assert found == expected


def test_there_are_seven_practice_elements_for_work_with_young_people(ips: Programme) -> None:
    assert [(element.id, element.name) for element in ips.practice_elements] == [
        ("Y1", "Career exploration"),
        ("Y2", "Family and natural supports"),
        ("Y3", "Youth channels"),
        ("Y4", "Education search and enrolment"),
        ("Y5", "Education supports and adjustments"),
        ("Y6", "Education follow-along"),
        ("Y7", "Peer support"),
    ]


@pytest.fixture
def joined(folder: Path, edit: Edit) -> Path:
    """The programme with a second scale and a second framework beside its own."""
    (folder / "scales/small.yaml").write_text(SECOND_SCALE, encoding="utf-8")
    (folder / "frameworks/small.yaml").write_text(SECOND_FRAMEWORK, encoding="utf-8")
    edit("programme.yaml", "version: 2", "version: 3\nmainScale: ips-25")
    return folder


def test_a_second_scale_and_framework_stand_beside_the_first_with_versions_of_their_own(
    joined: Path, tmp_path: Path
) -> None:
    programme = service.load_programme(joined)
    assert [(scale.key, scale.version) for scale in programme.scales] == [("ips-25", "2008"), ("small-youth", "0.1")]
    assert [(f.key, f.version) for f in programme.frameworks] == [("ipsv-0.1", "0.1"), ("small-framework", "3")]
    small = next(item for item in programme.competencies if item.id == "SF-A1")
    scales = {item.id: item.scale for item in programme.fidelity_items}
    assert [scales[item] for item in small.fidelity_items] == ["small-youth", "ips-25"]
    bands = {scale.key: [band.name for band in scale.bands] for scale in programme.scales}
    assert bands["small-youth"] == ["Seen", "Not seen"]
    alone = service.load_programme(with_one_published(tmp_path / "alone"))
    assert programme.modules == alone.modules, "a module that is in use keeps its digest, and its form its items"


def test_in_case_every_item_of_both_has_an_identifier_of_its_own(joined: Path, ips: Programme) -> None:
    programme = service.load_programme(joined)
    identifiers = [item.uuid for item in case_items(programme)]
    assert len(identifiers) == len(set(identifiers)) == len(list(case_items(ips))) + 4
    links = [
        (each["originNodeURI"]["identifier"], each["destinationNodeURI"]["identifier"])
        for each in cf_package(programme, "https://example.org")["CFAssociations"]
    ]
    origin = str(cf_item_uuid("competency", "SF-A1"))
    assert (origin, str(cf_item_uuid("fidelity_item", "SY-01"))) in links
    assert (origin, str(cf_item_uuid("fidelity_item", "FI-14"))) in links


def test_an_id_that_both_scales_use_is_told_where_it_stands_twice(joined: Path, edit: Edit) -> None:
    line = edit("scales/small.yaml", "id: SY-01", "id: FI-14")
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(joined)
    problem = next(each for each in caught.value.problems if "used twice" in each.message)
    assert (problem.file, problem.line) == ("scales/small.yaml", line)
    assert "scales/ips-25.yaml:" in problem.message


@pytest.mark.parametrize("file", ["scales/small.yaml", "frameworks/small.yaml"])
def test_a_key_that_is_another_ones_already_is_told(joined: Path, edit: Edit, file: str) -> None:
    old, taken = ("small-youth", "ips-25") if file.startswith("scales") else ("small-framework", "ipsv-0.1")
    line = edit(file, f"key: {old}", f"key: {taken}")
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(joined)
    assert (file, line) in {(each.file, each.line) for each in caught.value.problems if "already" in each.message}


def test_with_two_scales_the_programme_must_say_whose_items_forms_offer(joined: Path, edit: Edit) -> None:
    edit("programme.yaml", "mainScale: ips-25\n", "")
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(joined)
    assert [(each.file, "mainScale" in each.message) for each in caught.value.problems] == [("programme.yaml", True)]
