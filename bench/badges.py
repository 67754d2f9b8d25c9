"""What the benches ask the issuer for: a badge of the programme's own first module, as it is published today."""

from __future__ import annotations

from app.core.clock import now
from app.issuer.schemas import IssueRequest
from app.programme import service as programme
from app.wiring import ISSUER_KEY, Services

MODULE = "M01"


def badge_request(services: Services, number: int, shared: bool = False) -> IssueRequest:
    """The request for the badge of this number, each to another holder.

    Raises:
        ModuleUnknown: The programme has no such module.
    """
    with services.runtime.database.read() as session:
        module = programme.current_module(session, MODULE)
    return IssueRequest(
        idempotency_key=f"bench:{number}",
        issuer_key=ISSUER_KEY,
        achievement_key=MODULE,
        achievement_version=module.version,
        person_id=None,
        recipient_email=f"holder-{number}@example.org",
        awarded_at=now(),
        shared=shared,
    )
