"""What is thrown at the engine: credentials from a grammar, real ones with arbitrary changes, and arbitrary JSON."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from app.vc.compiled_context import root_scope
from app.vc.contexts import _PINNED, CREDENTIAL_CONTEXTS, VC_V2
from tests.vc.samples import unsigned

CORPUS: Final = Path(__file__).parents[1] / "data" / "canonical-corpus.jsonl.gz"


def rows() -> list[dict[str, Any]]:
    """Every row of the corpus: set, sha256, document."""
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _seeds() -> list[dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for row in rows():
        first.setdefault(row["set"], row["document"])
    return [unsigned(), *first.values()]


SEEDS: Final = _seeds()
"""A badge of ours and one of each set of the corpus."""

CONTEXTS: Final = [url for url in _PINNED if url != VC_V2]
_SCOPE: Final = root_scope(CREDENTIAL_CONTEXTS)
TYPES: Final = sorted(name for name, term in _SCOPE.terms.items() if term.kind == "literal" and name[0].isupper())
KEYWORDS: Final = [
    "@context", "@id", "@type", "@value", "@language", "@direction", "@graph", "@list", "@set", "@reverse", "@index",
    "@included", "@nest", "@json", "@none", "@base", "@vocab", "@import", "@propagate", "@protected", "@version",
]  # fmt: skip
MEMBERS: Final = [
    "id", "type", "name", "description", "achievement", "criteria", "narrative", "alignment", "targetName", "targetUrl",
    "value", "issuer", "proof", "evidence", "image", "tag", "allowedValue", "credentialStatus", "credentialSchema",
    "endorsement", "identifier", "hashed", "creditsAvailable", "creditsEarned", "unknownTerm", "validFrom",
    "validUntil", "awardedDate", "relatedResource", "mediaType", "url", "genre", "statusPurpose", "statusListIndex",
    "verifiableCredential", "termsOfUse", "refreshService", "address", "result", "related", "parentOrg", "geo",
    "latitude", "otherIdentifier", "endorsementJwt", "creator", "source", "resultDescription", "rubricCriterionLevel",
    "requiredLevel", "resultType", "audience", "credentialSubject", "digestMultibase", "digestSRI", "confidenceMethod",
    "cnf", "jwk", "lang", "dir", "inLanguage", "version", "achievementType", "identityHash", "salt", "phone",
]  # fmt: skip
ODD_TEXTS: Final = [
    "", " ", "_:b0", "_:c14n0", "urn:x:1", "https://example.org/a b", "https://example.org/<", "https://e.org/`",
    "https://e.org/|", "https://e.org/\\", "https://e.org/\u2028", "https://e.org/é", "//e.org/", "#fragment", "?q",
    "../up", "relative", "xsd:date", "cred:thing", "id", "type", "@id", "@type", "@none", "@json", "Achievement",
    "https://schema.org/name", "https://www.w3.org/2018/credentials#validUntil", "\ufffe", "\uffff", "\ud800", "\udc00",
    "\U0001f600", "\ue000", "\U0010ffff", "\u0085", "\u2028", "\x0b\x1c", 'a"\\\n\r\t\x00\x7f\x01', "mailto:a@b",
    "HTTPS://EXAMPLE.org", "urn:é", "e\u0301", "\u00e9", "\u202eabc", "sha-256", "true", "2026-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "a" * 5000, "urn:" + "x" * 5000, "%41", "https://e.org/%zz", "did:web:e.org#k",
]  # fmt: skip
ODD_NUMBERS: Final = [
    0, 1, -1, 6, 6.0, 6.5, 0.1, 1 / 3, 100.25, -0.0, 1e-7, 1e15, 1e16, 1e20, 1e21, 1e22, 2**53 - 1, 2**53, -(2**53),
    2**53 + 2.0, 5e-324, 1.7976931348623157e308, float("nan"), float("inf"), 10**30,
]  # fmt: skip

texts: Final = st.one_of(st.text(max_size=12), st.sampled_from(ODD_TEXTS))
numbers: Final = st.one_of(st.integers(-(2**54), 2**54), st.floats(), st.sampled_from(ODD_NUMBERS))
scalars: Final = st.one_of(texts, numbers, st.booleans(), st.none())
names: Final = st.one_of(st.sampled_from(MEMBERS), st.sampled_from(MEMBERS), st.sampled_from(KEYWORDS), texts)
language_values: Final = st.fixed_dictionaries(
    {"@value": texts},
    optional={
        "@language": st.sampled_from(["en", "EN-au", "x", "", "no such language", "de-1996", 7]),
        "@direction": st.sampled_from(["ltr", "rtl"]),
        "@type": st.sampled_from(["xsd:date", "@json", "https://example.org/type"]),
    },
)
lists: Final = st.fixed_dictionaries({"@list": st.lists(scalars, max_size=4)})
type_lists: Final = st.one_of(
    st.sampled_from(TYPES), st.lists(st.sampled_from(TYPES), max_size=4), st.lists(texts, max_size=2)
)
ids: Final = st.sampled_from([f"urn:x:{number}" for number in range(3)])


def _nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda head, members: {**members, **head},
        st.fixed_dictionaries({}, optional={"type": type_lists, "id": ids}),
        st.dictionaries(names, inner, max_size=5),
    )


values: Final = st.recursive(
    st.one_of(scalars, language_values, lists),
    lambda inner: st.one_of(st.lists(inner, max_size=4), _nodes(inner)),
    max_leaves=14,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, as the way to it."""
    found = [path] if path else []
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += places(member, (*path, key))
    return found


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a place."""
    for key in path:
        document = document[key]
    return document


def embedded(document: dict[str, Any]) -> dict[str, Any]:
    """An endorsement with contexts of its own, to stand inside the document."""
    return {
        "@context": list(document.get("@context", CREDENTIAL_CONTEXTS)),
        "id": "urn:e:1",
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "issuer": {"id": "urn:x:issuer", "type": ["Profile"], "name": "Somebody"},
        "credentialSubject": {"id": "urn:x:1", "type": ["EndorsementSubject"], "endorsementComment": "Well done."},
    }


CHANGES: Final = (
    "set", "set", "set", "remove", "add", "add", "repeat", "wrap", "unwrap", "nest", "value", "language", "endorse",
    "move", "twin", "context", "empty",
)  # fmt: skip


def change(draw: Any, document: dict[str, Any]) -> None:
    """Change a document at one place; a change that does not fit leaves it alone."""
    path = draw(st.sampled_from(places(document)))
    holder, key = at(document, path[:-1]), path[-1]
    kind = draw(st.sampled_from(CHANGES))
    here = holder[key]
    if kind == "set":
        holder[key] = draw(values)
    elif kind == "remove":
        del holder[key]
    elif kind == "wrap":
        holder[key] = [here]
    elif kind == "nest":
        holder[key] = [[here]]
    elif kind == "empty":
        holder[key] = draw(st.sampled_from([[], {}, None, [None], [[]], [{}]]))
    elif kind == "unwrap" and isinstance(here, list) and len(here) == 1:
        holder[key] = here[0]
    elif kind == "value" and isinstance(here, str):
        holder[key] = {"@value": here}
    elif kind == "language" and isinstance(here, str):
        holder[key] = {"@value": here, "@language": "en-AU"}
    elif kind == "add" and isinstance(here, dict):
        here[draw(names)] = draw(values)
    elif kind in ("repeat", "twin") and isinstance(holder, list):
        holder.append(copy.deepcopy(here) if kind == "repeat" else here)
    elif kind == "endorse" and isinstance(here, dict):
        here["endorsement"] = [embedded(document)]
    elif kind == "move" and isinstance(here, dict | list):
        other = at(document, draw(st.sampled_from(places(document))))
        if isinstance(other, dict):
            other[draw(names)] = copy.deepcopy(here)
    elif kind == "context":
        document["@context"] = [VC_V2, *draw(st.lists(st.sampled_from(CONTEXTS), max_size=3))]


@st.composite
def changed(draw: st.DrawFn, seeds: list[dict[str, Any]] | None = None, most: int = 4) -> dict[str, Any]:
    """A real badge with a few arbitrary changes."""
    document = copy.deepcopy(draw(st.sampled_from(seeds or SEEDS)))
    for _ in range(draw(st.integers(1, most))):
        if not places(document):
            break
        change(draw, document)
    return document


# The grammar: what an honest but inventive issuer may write.
_plain: Final = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff")
_any: Final = st.characters(codec="utf-8", exclude_characters="\ufffe\uffff")
words: Final = st.integers(0, 9).flatmap(lambda kind: st.text(_plain if kind else _any, min_size=1, max_size=20))
iris: Final = st.integers(0, 9).map(lambda number: f"https://example.org/things/{number}")
maybe_ids: Final = st.fixed_dictionaries({}, optional={"id": iris})


def _part(kind: str, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    members = st.fixed_dictionaries({"type": st.just([kind])}, optional={"id": iris, **optional})
    return members.filter(lambda part: len(part) > 1)


def several(part: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    """One or more."""
    return st.lists(part, min_size=1, max_size=most)


languages: Final = st.builds(
    lambda text, tag: {"@value": text, "@language": tag}, words, st.sampled_from(["en", "de", "en-AU"])
)
texts_or_languages: Final = st.one_of(words, words, words, words, words, languages)
alignments: Final = _part("Alignment", targetName=words, targetUrl=iris, targetCode=words, targetFramework=words)
images: Final = _part("Image", caption=words)
profiles: Final = _part("Profile", name=words, url=iris, description=words, image=images, email=words)
levels: Final = _part("RubricCriterionLevel", name=words, level=words, points=words)
results_described: Final = _part(
    "ResultDescription", name=words, resultType=st.just("Status"), allowedValue=several(words, 5),
    requiredLevel=iris, rubricCriterionLevel=several(levels), alignment=several(alignments), valueMax=words,
)  # fmt: skip
achievements: Final = _part(
    "Achievement", name=texts_or_languages, description=words, tag=several(words), version=words,
    criteria=st.fixed_dictionaries({"narrative": words}, optional={"id": iris}), image=images, creator=profiles,
    alignment=several(alignments), resultDescription=several(results_described), inLanguage=st.just("en-AU"),
    creditsAvailable=st.one_of(st.integers(-1000, 1000), st.sampled_from([6.5, 0.1, 100.25, 6.0])),
)  # fmt: skip
results: Final = _part("Result", value=words, resultDescription=iris, achievedLevel=iris, status=st.just("Completed"))
identities: Final = _part(
    "IdentityObject", hashed=st.booleans(), identityHash=words, identityType=st.just("emailAddress"), salt=words
)
subjects: Final = _part(
    "AchievementSubject", achievement=achievements, result=several(results), identifier=several(identities),
    narrative=words, creditsEarned=st.integers(0, 100), source=profiles,
)  # fmt: skip
evidences: Final = _part("Evidence", name=words, description=words, narrative=words, genre=words, audience=words)


@st.composite
def credentials(draw: st.DrawFn) -> dict[str, Any]:
    """A credential that uses every construct of the standard in any combination."""
    document: dict[str, Any] = {
        "@context": list(CREDENTIAL_CONTEXTS),
        "id": f"urn:uuid:{draw(st.uuids())}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": draw(st.one_of(iris, profiles)),
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": draw(st.one_of(subjects, several(subjects, 2))),
    }
    extra = st.fixed_dictionaries(
        {},
        optional={
            "name": texts_or_languages, "description": words, "evidence": several(evidences, 4),
            "image": images, "awardedDate": st.just("2025-12-31T23:59:59Z"),
            "validUntil": st.just("2126-01-01T00:00:00Z"),
            "credentialStatus": st.just(
                {"id": "urn:s:1#5", "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
                 "statusListIndex": "5", "statusListCredential": "urn:s:1"}
            ),
        },
    )  # fmt: skip
    document |= draw(extra)
    if draw(st.integers(0, 4)) == 0:
        document["endorsement"] = [embedded(document)]
    return document
