"""The canonical statements of a proof, read in the contexts of the document it belongs to.

Proofs of one key differ in their date only, so their statements are kept as a text with a gap. The date stands alone in
its statement and the proof is the only blank node, so no date changes the order of the lines or a label.
"""

import re
from functools import lru_cache
from typing import Any, Final

from app.vc.canonicalization import canonicalize
from app.vc.contexts import ContextPolicy

_USUAL: Final = frozenset({"type", "cryptosuite", "created", "verificationMethod", "proofPurpose"})
# What a date is made of, which N-Quads write as it is; whether it is one, others judge.
_DATE: Final = re.compile(r"[0-9TtZz:.+-]{1,40}")
_SOME_DATE: Final = "2001-01-01T00:00:00Z"
_MAX_KEPT_CHARACTERS: Final = 2_000


def canonical_proof(contexts: Any, options: dict[str, Any], policy: ContextPolicy) -> str:
    """Return the canonical N-Quads of the proof `options` read in `contexts`, the value of an `@context`.

    Raises CanonicalizationRefused as `canonicalize` does: above all for a member that no context defines.
    """
    if options.keys() == _USUAL and _is_short(contexts, options) and _DATE.fullmatch(options["created"]):
        others = (options["type"], options["cryptosuite"], options["verificationMethod"], options["proofPurpose"])
        before, after = _around_date(tuple(contexts), *others, policy)
        return f"{before}{options['created']}{after}"
    return canonicalize({**options, "@context": contexts}, policy)


@lru_cache(maxsize=256)
def _around_date(
    contexts: tuple[str, ...], kind: str, suite: str, method: str, purpose: str, policy: ContextPolicy
) -> tuple[str, str]:
    options = {"type": kind, "cryptosuite": suite, "verificationMethod": method, "proofPurpose": purpose}
    text = canonicalize({"@context": list(contexts), **options, "created": _SOME_DATE}, policy)
    before, _, after = text.partition(f'"{_SOME_DATE}"')
    return before + '"', '"' + after


def _is_short(contexts: Any, options: dict[str, Any]) -> bool:
    """Whether everything is text, and not too much of it to keep: on verification it is a stranger's."""
    if type(contexts) is not list:
        return False
    texts = (*contexts, *options.values())
    try:
        return len("".join(texts)) <= _MAX_KEPT_CHARACTERS
    except TypeError:
        return False
