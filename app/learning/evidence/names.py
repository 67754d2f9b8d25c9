"""People's names in a folded text: known ones, common given names, and whatever stands where a name stands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from app.learning.evidence.findings import Span
from app.learning.evidence.given_names import ALSO_WORDS, NAMES
from app.learning.evidence.word_sets import word_set

WORD = re.compile(r"[A-Za-z](?:['-]?[A-Za-z]){0,40}")
# Spaces alone between two words: across a full stop or a comma no surname belongs to a given name.
_SPACES = frozenset(" \t")
_TITLES = word_set(
    """
    mr mrs ms miss mx dr prof professor aunty auntie uncle sir nurse
    """
)
_INTRODUCTIONS = word_set(
    """
    named called client participant jobseeker mum mother dad father sister brother cousin partner girlfriend boyfriend
    nan nanna grandmother grandfather friend housemate clinician psychologist psychiatrist supervisor colleague
    manager caseworker
    """
)
_PERSONAL = word_set(
    """
    said says told tells asked asks wants wanted came comes went loves likes lives lived phoned rang called texted
    works worked left started felt feels cried laughed thinks thought struggled hopes hoped
    """
)
# Capitalised words that follow a name without being a surname, or turn both into a place or a firm.
_PLACES = word_set(
    """
    street st road rd avenue ave drive court park parade springs creek river hill hills beach bay island university
    tafe college school hospital centre center clinic house hall station square foundation institute services service
    group industries bank supermarket stores scale award act oval reserve lane place highway
    """
)
_FIRMS = frozenset(
    {
        ("david", "jones"), ("harvey", "norman"), ("charles", "sturt"), ("alice", "springs"), ("dan", "murphy's"),
        ("scott's", "head"), ("peter", "mac"), ("peter", "alexander"), ("robert", "half"), ("michael", "page"),
        ("edith", "cowan"), ("james", "cook"), ("mary", "mackillop"), ("king", "george"), ("jack", "daniel's"),
        ("forest", "gump"), ("adam", "smith"), ("kathmandu", "max"), ("chris", "o'brien"), ("port", "douglas"),
    }
)  # fmt: skip
_COMMON = word_set(
    """
    i a an the and but or so if when then they he she we you it his her their our my your this that these those who is
    was has had will would could may might ips headspace orygen centrelink tafe dsp ndis des wfa australia australian
    monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december easter christmas woolworths coles aldi bunnings kmart target mcdonald's kfc jobseeker
    medicare services service centre team program programme specialist specialists manager managers supervisor
    supervisors clinician clinicians employment vocational youth group school college university english maths
    work counts employers employer fidelity review item principle excel word outlook facebook instagram seek linkedin
    indigenous aboriginal not also at in on to for from of by with as after before because while during since until
    i'm i've i'd i'll he's she's they're there here where what how why yes no
    """
)
_MONTHS = word_set("april may june summer autumn")
PATTERNS = (WORD,)


def names(text: str, known: Collection[str], allowed: Collection[str]) -> Iterator[Span]:
    """Names by the words around them; a given name with a surname, and a known name, are certain.

    Args:
        text: folded.
        known: words in lower case that are names of real people, whatever they may mean otherwise.
        allowed: words in lower case that are nobody's here: the invented people of the module, and the writer.
    """
    wanted = NAMES.union(known, allowed)
    found = list(WORD.finditer(text))
    taken = -1
    for index, match in enumerate(found):
        # Most words are neither capitalised nor a name: the rest is only looked at beside one that is.
        if index <= taken or not (match[0][0] <= "Z" or _bare(match[0]).lower() in wanted):
            continue
        word = _Word(text, match)
        before = _Word(text, found[index - 1]) if index else None
        after = _Word(text, found[index + 1]) if index + 1 < len(found) else None
        beside = before if before is not None and _joined(text, before, word) else None
        if after is not None and not _side_by_side(text, word, after):
            after = None
        surname = after if after is not None and _may_be_surname(word, after, allowed) else None
        sure = _judged(word, beside, after, surname, known, allowed)
        if sure is None:
            continue
        end = surname.end if surname is not None else word.end
        taken = index + 1 if surname is not None else index
        certain = sure == "certain" or surname is not None
        yield Span("name", word.start, end, "certain" if certain else "likely")


def _bare(word: str) -> str:
    """Without the possessive."""
    return word[:-2] if word[-2:] in ("'s", "'S") else word


class _Word:
    """A word in its place; `plain` is without the possessive, in lower case."""

    __slots__ = ("capital", "end", "first", "plain", "start")

    def __init__(self, text: str, match: re.Match[str]) -> None:
        written = _bare(match[0])
        self.start = match.start()
        self.end = self.start + len(written)
        self.plain = written.lower()
        self.capital = written[0].isupper()
        self.first = _begins_sentence(text, self.start)


def _judged(
    word: _Word,
    before: _Word | None,
    after: _Word | None,
    surname: _Word | None,
    known: Collection[str],
    allowed: Collection[str],
) -> str | None:
    if word.plain in known:
        return "certain"
    if word.plain in allowed:
        # The invented Mia has no surname; a Mia with one is somebody else.
        return "certain" if surname is not None and word.plain in NAMES and word.capital else None
    if after is not None and ((word.plain, after.plain) in _FIRMS or (after.capital and after.plain in _PLACES)):
        return None
    if before is not None and (before.plain, word.plain) in _FIRMS:
        return None
    if word.plain in NAMES:
        return "likely" if word.capital or len(word.plain) > 4 else None
    if not word.capital:
        return None
    if word.plain in ALSO_WORDS and _acts_or_has_surname(word, before, after, surname):
        return "likely"
    introduced = before is not None and (before.plain in _TITLES or (before.plain in _INTRODUCTIONS and not word.first))
    return "likely" if introduced and word.plain not in _PLACES | _COMMON else None


def _acts_or_has_surname(word: _Word, before: _Word | None, after: _Word | None, surname: _Word | None) -> bool:
    """Whether a name that is also a word does what only people do; months have surnames or are months."""
    if after is not None and after.plain in _PERSONAL and word.plain not in _MONTHS:
        return True
    return surname is not None and not word.first and not (before is not None and before.capital)


def _may_be_surname(word: _Word, after: _Word, allowed: Collection[str]) -> bool:
    return (
        word.capital
        and after.capital
        and len(after.plain) > 1
        and after.plain not in _COMMON
        and after.plain not in _PLACES
        and after.plain not in allowed
    )


def _side_by_side(text: str, word: _Word, after: _Word) -> bool:
    between = text[word.end : after.start]
    return 0 < len(between) <= 2 and _SPACES.issuperset(between)


def _joined(text: str, before: _Word, word: _Word) -> bool:
    """Side by side, but for the full stop of a title."""
    between = text[before.end : word.start]
    if before.plain in _TITLES:
        between = between.removeprefix(".")
    return 0 < len(between) <= 2 and _SPACES.issuperset(between)


def _begins_sentence(text: str, start: int) -> bool:
    head = text[max(0, start - 4) : start].rstrip(" \t\"'(*-")
    return start == 0 or not head or head[-1] in ".!?:\n" or "\n" in text[max(0, start - 2) : start]
