"""A signature covers statements, not the order or nesting they are written in: what a holder may move changes nothing.

Every document here keeps its signature: only its JSON was rearranged, which anybody who has a badge can do.
"""

from __future__ import annotations

from typing import Any

import pytest

from app.vc import json_text
from tests.verifier.field import Stranger, outcome


def _signed(issuer: Stranger, **level_changes: Any) -> dict[str, Any]:
    subject = issuer.credential()["credentialSubject"]
    for level in _levels(subject):
        level.update(level_changes)
    return issuer.sign(issuer.credential(credentialSubject=subject))


def _levels(subject: dict[str, Any]) -> list[dict[str, Any]]:
    levels: list[dict[str, Any]] = subject["achievement"]["resultDescription"][0]["rubricCriterionLevel"]
    return levels


def test_a_level_cannot_be_raised_by_writing_the_levels_in_another_order(issuer: Stranger) -> None:
    badge = _signed(issuer)
    levels = _levels(badge["credentialSubject"])
    levels.append(levels.pop(2))
    report = issuer.judge(json_text.dumps(badge))
    assert report.verdict == "valid"
    assert report.facts is not None
    assert report.facts.levels[0].scale == ("Not yet", "Partly", "Sound", "Strong")


@pytest.mark.parametrize("change", [{"level": "2"}, {"level": "high"}, {"name": "The same"}])
def test_without_distinct_numbers_and_names_no_place_in_the_scale_is_claimed(
    issuer: Stranger, change: dict[str, str]
) -> None:
    report = issuer.judge(json_text.dumps(_signed(issuer, **change)))
    assert report.facts is not None
    assert report.facts.levels[0].scale == ()


def test_a_level_cannot_be_hidden_by_describing_its_criterion_twice(issuer: Stranger) -> None:
    badge = _signed(issuer)
    descriptions = badge["credentialSubject"]["achievement"]["resultDescription"]
    head = {name: descriptions[0][name] for name in ("id", "type", "name", "resultType")}
    descriptions.insert(0, head)
    assert outcome(issuer.judge(json_text.dumps(badge))) == ("invalid", "schema_invalid")


def test_a_level_cannot_be_hidden_by_describing_it_twice(issuer: Stranger) -> None:
    badge = _signed(issuer)
    levels = _levels(badge["credentialSubject"])
    levels.insert(0, {name: levels[2][name] for name in ("id", "type", "name")})
    assert outcome(issuer.judge(json_text.dumps(badge))) == ("invalid", "schema_invalid")


@pytest.mark.parametrize("member", ["resultDescription", "achievedLevel", "value", "status"])
def test_a_result_cannot_be_hidden_by_writing_it_as_a_list(issuer: Stranger, member: str) -> None:
    subject = issuer.credential()["credentialSubject"]
    subject["result"][0] |= {"value": "Sound", "status": "Completed"}
    badge = issuer.sign(issuer.credential(credentialSubject=subject))
    result = badge["credentialSubject"]["result"][0]
    result[member] = [result[member]]
    assert outcome(issuer.judge(json_text.dumps(badge))) == ("invalid", "schema_invalid")


@pytest.mark.parametrize("member", ["id", "name"])
def test_a_described_level_has_an_id_and_a_name(issuer: Stranger, member: str) -> None:
    subject = issuer.credential()["credentialSubject"]
    del _levels(subject)[0][member]
    badge = issuer.sign(issuer.credential(credentialSubject=subject))
    assert outcome(issuer.judge(json_text.dumps(badge))) == ("invalid", "schema_invalid")
