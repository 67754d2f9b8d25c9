"""The programme's lessons as plain text, and how hard each is to read: `python -m tests.programme.lessons` tells it.

The measures come from the library `readability`; it is told where sentences and words begin and end. They count lengths
and syllables and know nothing of meaning: they find a lesson that drifted, and call none good.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

with warnings.catch_warnings():
    # Its word lists hold an escape that Python warns of when it compiles them.
    warnings.simplefilter("ignore")
    import readability

MODULES = Path(__file__).resolve().parents[2] / "programme" / "ips" / "modules"
SOURCES_HEADING = "## Where this comes from"
_WORD = re.compile(r"[A-Za-z0-9À-ÿ]+(?:['’\-][A-Za-z0-9À-ÿ]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)*_]*\s+")
_MARKS = re.compile(r"[*_>`]|^#+ .*$|^\|.*$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Lesson:
    """One lesson file.

    Attributes:
        name: module and file, e.g. `M01/01-what-makes-ips-ips`.
        paragraphs: its prose, sentences in order; headings, tables and the list of sources left out.
    """

    name: str
    paragraphs: tuple[tuple[str, ...], ...]

    @property
    def sentences(self) -> Iterator[str]:
        """All sentences in order."""
        return (sentence for paragraph in self.paragraphs for sentence in paragraph)

    @property
    def words(self) -> int:
        """How long it is."""
        return sum(len(words_of(sentence)) for sentence in self.sentences)


@dataclass(frozen=True)
class Reading:
    """How hard a lesson is to read.

    Attributes:
        grade: Flesch-Kincaid: years of schooling.
        ease: Flesch: from 0, hard, to 100, easy.
        words_per_sentence: on average.
    """

    grade: float
    ease: float
    words_per_sentence: float


def words_of(sentence: str) -> tuple[str, ...]:
    """A sentence's words in lower case, whatever its punctuation."""
    return tuple(word.lower().replace("’", "'") for word in _WORD.findall(sentence))


def lesson(path: Path) -> Lesson:
    """Read one file."""
    text = path.read_text(encoding="utf-8").split(SOURCES_HEADING)[0]
    plain = _LINK.sub(r"\1", _MARKS.sub("", text))
    paragraphs = (" ".join(block.split()) for block in re.split(r"\n\s*\n", plain))
    return Lesson(
        name=f"{path.parents[1].name}/{path.stem}",
        paragraphs=tuple(tuple(_SENTENCE_END.split(paragraph)) for paragraph in paragraphs if paragraph),
    )


def lessons() -> tuple[Lesson, ...]:
    """Every lesson of the programme, drafts too."""
    return tuple(lesson(path) for path in sorted(MODULES.glob("*/lessons/*.md")))


def reading(of: Lesson) -> Reading:
    """Measure one lesson."""
    text = "\n\n".join(
        "\n".join(" ".join((*words_of(sentence), ".")) for sentence in paragraph) for paragraph in of.paragraphs
    )
    measured = readability.getmeasures(text, lang="en")
    grades, sentences = measured["readability grades"], measured["sentence info"]
    return Reading(grades["Kincaid"], grades["FleschReadingEase"], sentences["words_per_sentence"])


def main() -> None:
    """Write a line for each lesson."""
    lines = [f"{'lesson':44} {'words':>6} {'grade':>6} {'ease':>5} {'words a sentence':>17}"]
    for each in lessons():
        measured = reading(each)
        figures = f"{measured.grade:6.1f} {measured.ease:5.0f} {measured.words_per_sentence:17.1f}"
        lines.append(f"{each.name:44} {each.words:6} {figures}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
