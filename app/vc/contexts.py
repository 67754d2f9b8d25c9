"""The JSON-LD contexts this engine knows, pinned by digest and never fetched.

A context decides what a signature covers, so a context that could change would change what was signed. The texts ship
with the openbadgeslib and PyLD packages; each is checked against the SHA-256 written here before its first use.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Final

from app.vc import inline_context, json_text
from app.vc.errors import CanonicalizationRefused

VC_V1: Final = "https://www.w3.org/2018/credentials/v1"
VC_V2: Final = "https://www.w3.org/ns/credentials/v2"
FIRST_CONTEXTS: Final = (VC_V2, VC_V1)
"""What a credential's first context may be: of version 2.0, which we issue, or of 1.1, which we only read."""

DATA_INTEGRITY_V1: Final = "https://w3id.org/security/data-integrity/v1"
DATA_INTEGRITY_V2: Final = "https://w3id.org/security/data-integrity/v2"
STATUS_LIST_2021: Final = "https://w3id.org/vc/status-list/2021/v1"
EXAMPLES_V2: Final = "https://www.w3.org/ns/credentials/examples/v2"
_OB: Final = "https://purl.imsglobal.org/spec/ob/v3p0/"
OB_V3: Final = _OB + "context-3.0.3.json"
OB_EXTENSIONS: Final = _OB + "extensions.json"

CREDENTIAL_CONTEXTS: Final[tuple[str, str, str]] = (VC_V2, OB_V3, OB_EXTENSIONS)
"""The contexts of every badge we issue, exactly and in this order."""

STATUS_LIST_CONTEXTS: Final[tuple[str, ...]] = (VC_V2,)
"""The contexts of every status list we issue; the 1EdTech validator takes no other."""

_PINNED: Final[dict[str, tuple[str, str]]] = {
    VC_V2: ("credentials-v2.json", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"),
    _OB + "context-3.0.1.json": (
        "ob-v3p0-context-3.0.1.json",
        "5f3d9dd6288ef437ff8286cf95ffbff609c748a66f24a1e9450c45ca64be1571",
    ),
    _OB + "context-3.0.2.json": (
        "ob-v3p0-context-3.0.2.json",
        "00666ad080ba407687ed1846b7f5e7495f5019042b202a727de47c48a1755c53",
    ),
    OB_V3: ("ob-v3p0-context-3.0.3.json", "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84"),
    OB_EXTENSIONS: ("ob-v3p0-extensions.json", "87c06c81bc2317663bf288d740d94fddd2818c4342b186270ff6371dfaa63f93"),
    DATA_INTEGRITY_V2: (
        "security-data-integrity-v2.json",
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    ),
    "https://w3id.org/security/multikey/v1": (
        "security-multikey-v1.json",
        "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597",
    ),
    "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json": (
        "clr_context_2.0.1.json",
        "880f1902d4158f2f33ce06af41b90719977cd1ea337a9de2e41edb3ff5e543d6",
    ),
    VC_V1: (
        "pyld/documentloader/frozen/bundled/credentials-v1.jsonld",
        "00d7dd6d3ad8b920e3e550dd3a3d9090bffcac84cdbf943da6924b3e0a5c8bb8",
    ),
    "https://w3id.org/security/suites/ed25519-2020/v1": (
        "pyld/documentloader/frozen/bundled/security-ed25519-2020-v1.jsonld",
        "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588",
    ),
}

# Of the JSON with its members sorted: no package of ours ships the first version, but it is the second without two
# definitions.
_DATA_INTEGRITY_V1_DIGEST: Final = "9505bf85338a4c2121ad03992ac90061bc85d43bcfa34d9d47b779381cf08b5f"

_SCHEMA_ORG: Final = "http://schema.org/"

# The whole of the vocabulary that specifications write their examples in.
_EXAMPLES: Final = {"@vocab": "https://www.w3.org/ns/credentials/examples#"}


@dataclass(frozen=True)
class ContextPolicy:
    """Which contexts a document may be read with.

    `inline`: may it also bring contexts of its own, as objects, use the vocabulary of the specifications' examples, and
    name members by their IRIs? Only where conformance suites ask for it: what such a document says depends on words
    that nobody pinned.
    """

    inline: bool = False


PINNED_ONLY: Final = ContextPolicy()
"""What the product reads and signs: pinned contexts, named by URL."""

CONFORMANCE: Final = ContextPolicy(inline=True)
"""What conformance suites ask for, and nobody else gets."""


@dataclass(frozen=True)
class Vocabulary:
    """What a list of contexts defines, over all its scopes: enough to see what JSON-LD processing would drop.

    `terms`: every term; `iri_terms`: terms whose text values are IRIs; `vocabulary_terms`: terms whose text values are
    terms or IRIs; `json_terms`: terms holding raw JSON; `isolating_terms`: terms whose value starts from an empty
    context (an embedded credential); `prefixes`: terms that may begin a compact IRI; `iris`: every IRI that some term
    stands for; `vocabularies`: what stands before words that are no terms (no pinned context has one).
    """

    terms: frozenset[str]
    iri_terms: frozenset[str]
    vocabulary_terms: frozenset[str]
    json_terms: frozenset[str]
    isolating_terms: frozenset[str]
    prefixes: frozenset[str]
    iris: frozenset[str]
    vocabularies: frozenset[str]


@lru_cache(maxsize=16)
def load(url: str) -> dict[str, Any]:
    """Return the pinned context document of `url` (callers must not change it).

    Raises CanonicalizationRefused with code context_unknown for a URL off the list, and RuntimeError where the
    installed text is not the pinned one: then nothing may be signed or verified at all.
    """
    if url == DATA_INTEGRITY_V1:
        return _data_integrity_v1()
    if url == STATUS_LIST_2021:
        return _status_list_2021()
    return json_text.loads(pinned_bytes(url))


def pinned_bytes(url: str) -> bytes:
    """Return the text of the context `url` as its package ships it; raises as `load` does."""
    if url not in _PINNED:
        raise CanonicalizationRefused("context_unknown", f"The context {url[:200]!a} is not one we know.")
    name, digest = _PINNED[url]
    if name.startswith("pyld/"):
        # Found without importing the package, which would bring an HTML parser along.
        data = Path(str(metadata.distribution("PyLD").locate_file(name))).read_bytes()
    else:
        data = resources.files("openbadgeslib.ob3.contexts").joinpath(name).read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise _not_pinned(name)
    return data


def _data_integrity_v1() -> dict[str, Any]:
    document = copy.deepcopy(load(DATA_INTEGRITY_V2))
    terms = document["@context"]["DataIntegrityProof"]["@context"]
    terms["cryptosuite"] = terms["cryptosuite"]["@id"]
    del terms["previousProof"]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    if hashlib.sha256(text.encode()).hexdigest() != _DATA_INTEGRITY_V1_DIGEST:
        raise _not_pinned(DATA_INTEGRITY_V1)
    return document


def _status_list_2021() -> dict[str, Any]:
    """What the context of the older status lists defines; no package of ours ships it, and it is a dozen words.

    https://www.w3.org/TR/2023/WD-vc-status-list-20230427/
    """
    words = "https://w3id.org/vc/status-list#"
    always: dict[str, Any] = {"@protected": True, "id": "@id", "type": "@type"}
    purpose = {"statusPurpose": words + "statusPurpose"}
    inside: dict[str, dict[str, Any]] = {
        "StatusList2021Credential": {"description": _SCHEMA_ORG + "description", "name": _SCHEMA_ORG + "name"},
        "StatusList2021": {**purpose, "encodedList": words + "encodedList"},
        "StatusList2021Entry": {
            **purpose,
            "statusListIndex": words + "statusListIndex",
            "statusListCredential": {"@id": words + "statusListCredential", "@type": "@id"},
        },
    }
    types = {name: {"@id": words + name, "@context": {**always, **members}} for name, members in inside.items()}
    return {"@context": {"@protected": True, **types}}


def _not_pinned(name: str) -> RuntimeError:
    return RuntimeError(f"The installed context {name} is not the text this engine was checked with.")


def local_context(entry: Any, policy: ContextPolicy = PINNED_ONLY) -> Any:
    """Return what one entry of an `@context` defines: the pinned context of a URL, or an inline one in its plain form.

    Raises CanonicalizationRefused: context_unknown, and unsafe_jsonld or too_complex for an entry that `policy` does
    not read.
    """
    if isinstance(entry, str):
        return _EXAMPLES if policy.inline and entry == EXAMPLES_V2 else load(entry)["@context"]
    if policy.inline and isinstance(entry, dict):
        return inline_context.read(entry)
    raise CanonicalizationRefused(
        "unsafe_jsonld", "A context must be named by its URL; definitions of one's own are not read."
    )


@lru_cache(maxsize=64)
def vocabulary(urls: tuple[str, ...]) -> Vocabulary:
    """Return what the contexts `urls` define between them; raises as `load` does."""
    return vocabulary_of([load(url)["@context"] for url in urls])


def vocabulary_of(local_contexts: Sequence[Any]) -> Vocabulary:
    """Return what some contexts define between them, each as `local_context` gives it."""
    definitions: list[tuple[str, Any]] = []
    for each in local_contexts:
        _collect(each, definitions)
    named = {term: value for term, value in definitions if not term.startswith("@")}

    def typed(kind: str) -> frozenset[str]:
        return frozenset(t for t, value in definitions if isinstance(value, dict) and value.get("@type") == kind)

    iris = (value.get("@id") if isinstance(value, dict) else value for _, value in definitions)
    return Vocabulary(
        terms=frozenset(named),
        iri_terms=typed("@id"),
        vocabulary_terms=typed("@vocab"),
        json_terms=typed("@json"),
        isolating_terms=frozenset(
            t for t, value in definitions if isinstance(value, dict) and "@context" in value and not value["@context"]
        ),
        prefixes=frozenset(term for term, value in named.items() if _is_prefix(value)),
        iris=frozenset(iri for iri in iris if isinstance(iri, str) and ":" in iri),
        vocabularies=frozenset(value for term, value in definitions if term == "@vocab"),
    )


def _collect(context: Any, definitions: list[tuple[str, Any]]) -> None:
    if isinstance(context, list):
        for item in context:
            _collect(item, definitions)
    elif isinstance(context, dict):
        for term, value in context.items():
            definitions.append((term, value))
            if isinstance(value, dict) and "@context" in value:
                _collect(value["@context"], definitions)


def _is_prefix(value: Any) -> bool:
    """Tell whether a term can stand before a colon (JSON-LD 1.1 §4.1.2): marked so, or short for an IRI cut open."""
    if isinstance(value, dict):
        return value.get("@prefix") is True
    return isinstance(value, str) and value.endswith((":", "/", "?", "#", "[", "]", "@"))
