"""What in a file's text could point at a real person: the scan of texts, led back to paragraphs, pages and lines."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from app.learning.cleaning.results import Passage
from app.learning.evidence import scan
from app.learning.evidence.places import invented_names
from app.learning.files.schemas import FilePlace
from app.programme.schemas import Module

AROUND: Final = 40  # characters shown on each side
FILE_NAME: Final = "the file’s name"


def places_in(passages: Sequence[Passage], name: str, module: Module, own_name: str | None) -> tuple[FilePlace, ...]:
    """Every place to look at, in the order of the file, its name first.

    Args:
        passages: the file's text.
        name: the file's own name, which often is somebody's.
        module: whose invented people may be named.
        own_name: the learner's, who may name themselves.
    """
    stem = name.rpartition(".")[0] or name
    all_passages = [Passage(FILE_NAME, stem.replace("_", " ").replace("-", " ")), *passages]
    starts, position = [], 0
    for passage in all_passages:
        starts.append(position)
        position += len(passage.text) + 1
    text = "\n".join(passage.text for passage in all_passages)
    allowed = invented_names(module) | ({own_name} if own_name else set())
    found = []
    # All of them: a kind that first comes up behind a hundred places of another would never be asked about.
    for finding in scan(text, allowed_names=allowed, most=None):
        index = bisect_right(starts, finding.start) - 1
        first, last = starts[index], starts[index] + len(all_passages[index].text)
        found.append(
            FilePlace(
                kind=finding.kind,
                where=all_passages[index].where,
                before=text[max(first, finding.start - AROUND) : finding.start],
                excerpt=finding.excerpt,
                after=text[finding.end : min(last, finding.end + AROUND)],
                reason=finding.reason,
                sure=finding.sure == "certain",
            )
        )
    return tuple(found)


def kinds_in(places: Collection[FilePlace]) -> dict[str, int]:
    """How many places there are of each kind."""
    return dict(Counter(place.kind for place in places))
