"""The order of the checks, and the one verdict that follows from them."""

from __future__ import annotations

from typing import Final

from app.verifier.schemas import NOT_CHECKED, Check, CheckName, Verdict

CORE: Final[tuple[CheckName, ...]] = (
    "read", "form", "signature", "issuer_binding", "refresh", "dates", "status", "host_status", "issuer_known",
)  # fmt: skip
"""The checks of any credential, in order."""

WHERE_IT_APPLIES: Final = frozenset[CheckName]({"refresh", "host_status", "chain", "endorsements"})
"""Checks that a report has only where the credential gives cause for them."""

BESIDE: Final = frozenset[CheckName]({"refresh", "chain", "endorsements"})
"""Checks of what hangs on a badge: told as they are, without a say in whether the badge itself is valid."""

ALTERED: Final = "related_digest"
"""The exception: what the issuer signed as the grounds of the badge is not what is there."""

# A definite bad answer outweighs an open question; of the bad ones, the one that says most comes first.
_LIFECYCLE: Final[tuple[Verdict, ...]] = ("revoked", "suspended", "expired", "not_yet_valid")


def verdict_of(checks: tuple[Check, ...]) -> Verdict:
    """The one verdict that follows from the checks; fail-closed: an open question is never valid."""
    weighed = [check for check in checks if check.name not in BESIDE or check.code == ALTERED]
    failed = {check.code for check in weighed if check.result == "fail"}
    if failed - set(_LIFECYCLE):
        return "invalid"
    for verdict in _LIFECYCLE:
        if verdict in failed:
            return verdict
    open_questions = {check.name for check in weighed if check.result == "unknown"}
    missing = set(CORE) - WHERE_IT_APPLIES - {check.name for check in checks}
    if open_questions - {"issuer_known"} or missing:
        return "unknown"
    return "valid_unknown_issuer" if open_questions else "valid"


def decisive(checks: tuple[Check, ...]) -> Check:
    """The check that settled the verdict: the first that failed, else the first open question, else the last."""
    weighed = [check for check in checks if check.name not in BESIDE or check.code == ALTERED]
    failed = [check for check in weighed if check.result == "fail"]
    open_questions = [check for check in weighed if check.result == "unknown" and check.code != NOT_CHECKED]
    return (failed or open_questions or weighed[-1:])[0]
