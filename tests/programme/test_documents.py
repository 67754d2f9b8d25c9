"""What is stored comes back as the same objects, and the digest tells every change."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.programme import documents
from app.programme.frameworks import Programme
from app.programme.schemas import AwardRule, Module

# The first module as a database has it that loaded it first: one feedback for all options of a question.
FIRST = Path(__file__).parent / "plain" / "module-as-first-published.json"
_RULES = st.builds(AwardRule, knowledge_check_pass=st.floats(0, 1))
_MODULES = st.builds(Module, award_rule=_RULES, review_by=st.dates(date(1, 1, 1)))


def test_the_whole_programme_survives_the_way_through_json(ips: Programme) -> None:
    document = json.loads(json.dumps(documents.programme_document(ips)))
    assert documents.programme_from(document, ips.digest) == dataclasses.replace(ips, modules=(), pathways=())
    for pathway in ips.pathways:
        stored = json.loads(json.dumps(documents.pathway_document(pathway)))
        assert documents.pathway_from(stored, pathway.digest) == pathway
    for module in ips.modules:
        stored = json.loads(json.dumps(documents.module_document(module)))
        assert documents.module_from(stored, module.digest) == module


@settings(max_examples=40, deadline=None)
@given(module=_MODULES)
def test_any_module_survives_the_way_through_json(module: Module) -> None:
    stored = json.loads(json.dumps(documents.module_document(module)))
    assert documents.module_from(stored, module.digest) == module


def test_a_document_of_an_earlier_release_without_the_newer_fields_is_still_read(ips: Programme) -> None:
    document = documents.module_document(ips.modules[0])
    for criterion in document["rubric"]["criteria"]:
        del criterion["conditions"], criterion["maps_note"]
    for activity in document["activities"]:
        del activity["draw"], activity["tries_before_wait"], activity["wait_minutes"]
    document["added_by_a_later_release"] = 1
    module = documents.module_from(document, "")
    assert module.rubric.criteria[3].conditions == ()
    assert module.title == ips.modules[0].title


def test_what_was_published_first_keeps_its_digest_whatever_modules_learn_to_say(ips: Programme) -> None:
    first = documents.module_from(json.loads(FIRST.read_text(encoding="utf-8")), digest="")
    assert {option.feedback for question in first.activities[1].questions for option in question.options} == {None}
    assert all(question.feedback for question in first.activities[1].questions)
    digest = documents.with_digest(first).digest
    assert digest == "1fded1a750054c3dc444864413761565b50dd47331342619bf59160ff28adf0e"
    first_of_all = documents.programme_with_digest(dataclasses.replace(ips, version=1, provisional=None))
    assert first_of_all.digest == "126569fd506b379d34f7365f633449a96a48ad740b05ae35c876ff1b35c3dcc0"


def test_every_later_member_has_a_default_and_is_left_out_while_it_holds_it(ips: Programme) -> None:
    for model, names in documents.LATER.items():
        there = {field.name: field for field in dataclasses.fields(model)}
        assert names <= there.keys()
        assert not [name for name in names if there[name].default is dataclasses.MISSING]
    silent = dataclasses.replace(
        ips.modules[0], renewal=None, renewal_activities=(), renewal_criteria=(), full_criteria=False
    )
    assert not documents.LATER[Module] & documents.module_document(silent).keys()
    changed = dataclasses.replace(silent, renewal="Once more.")
    assert documents.module_document(changed)["renewal"] == "Once more."


def test_the_digest_is_of_the_canonical_document(ips: Programme) -> None:
    document = documents.programme_document(ips)
    reordered: dict[str, Any] = dict(reversed(document.items()))
    assert documents.digest_of(reordered) == ips.digest == hashlib.sha256(documents.canonical(document)).hexdigest()


def test_the_digest_changes_with_one_letter(ips: Programme) -> None:
    module = ips.modules[0]
    changed = documents.with_digest(dataclasses.replace(module, title=module.title + "."))
    assert changed.digest != module.digest
    assert documents.with_digest(dataclasses.replace(changed, title=module.title)).digest == module.digest
