"""A competency that takes the place of an earlier one says so, and only of one that has gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.programme import documents, service
from app.programme.errors import ProgrammeInvalid
from app.programme.frameworks import Programme
from tests.programme.conftest import Edit

FRAMEWORK = "frameworks/ipsv-0.1.yaml"
A1, A3 = "      - id: IPSV-A1\n", "      - id: IPSV-A3\n"


def test_what_is_replaced_is_read_and_counts_in_the_digest(folder: Path, edit: Edit) -> None:
    before = service.load_programme(folder)
    edit(FRAMEWORK, A3, f"{A3}        replaces: [IPSV-A0, IPSV-A9]\n")
    after = service.load_programme(folder)
    [replacing] = [each for each in after.competencies if each.replaces]
    assert (replacing.id, replacing.replaces) == ("IPSV-A3", ("IPSV-A0", "IPSV-A9"))
    assert after.digest != before.digest
    assert (
        documents.programme_from(documents.programme_document(after), after.digest).competencies == after.competencies
    )


def test_a_framework_that_replaces_nothing_has_the_bytes_it_always_had(ips: Programme) -> None:
    [framework] = documents.programme_document(ips)["frameworks"]
    assert not [entry for domain in framework["domains"] for entry in domain["competencies"] if "replaces" in entry]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("IPSV-A2", "IPSV-A0", "`IPSV-A2` is replaced, so it may not be among the competencies any more"),
        ("IPSV-A0", "IPSV-A0", "`IPSV-A0` is replaced by `IPSV-A1` already"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    folder: Path, edit: Edit, first: str, second: str, words: str
) -> None:
    edit(FRAMEWORK, A1, f"{A1}        replaces: [{first}]\n")
    edit(FRAMEWORK, A3, f"{A3}        replaces: [{second}]\n")
    with pytest.raises(ProgrammeInvalid) as refused:
        service.load_programme(folder)
    [problem] = refused.value.problems
    assert words in str(problem)
    assert FRAMEWORK in str(problem)
