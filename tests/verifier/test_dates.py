"""The moment a badge is judged for is stated, not taken from this machine's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.vc import json_text
from app.vc.timestamps import rfc3339
from app.verifier.dates import CLOCK_DIFFERENCE
from tests.verifier.field import AT, DAY, Stranger, outcome

SECOND = timedelta(seconds=1)


def _badge(issuer: Stranger, **proof: str) -> bytes:
    document = issuer.credential(credentialStatus=None, validFrom=rfc3339(AT - DAY), validUntil=rfc3339(AT + DAY))
    return json_text.dumps(issuer.sign_as_others_do(document, **proof))


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        (-2 * DAY, "not_yet_valid"),
        (-DAY - CLOCK_DIFFERENCE - SECOND, "not_yet_valid"),
        (-DAY - CLOCK_DIFFERENCE, "valid"),
        (DAY - SECOND, "valid"),
        (DAY, "expired"),
    ],
)
def test_a_badge_is_judged_for_the_moment_that_is_asked_for(issuer: Stranger, later: timedelta, verdict: str) -> None:
    report = issuer.judge(_badge(issuer, created=rfc3339(AT - 9 * DAY)), at=AT + later)
    assert (report.verdict, report.checked_at) == (verdict, AT + later)


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        ({"created": rfc3339(AT + CLOCK_DIFFERENCE)}, ("valid", None)),
        ({"created": rfc3339(AT + CLOCK_DIFFERENCE + SECOND)}, ("not_yet_valid", "not_yet_valid")),
        ({"expires": rfc3339(AT + SECOND)}, ("valid", None)),
        ({"expires": rfc3339(AT)}, ("expired", "expired")),
    ],
)
def test_a_proof_says_itself_from_when_and_until_when_it_is_good(
    issuer: Stranger, proof: dict[str, str], expected: tuple[str, str | None]
) -> None:
    assert outcome(issuer.judge(_badge(issuer, **proof))) == expected
