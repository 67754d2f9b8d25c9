"""Two platforms that call this tool by one name, so that one of them may speak for it to the other.

The tool signs its token requests with the same keys everywhere, and a platform tells it apart by its client id only. A
hostile platform could give the client id that the tool has at another, and name the other's token endpoint as its own:
the tool would then fetch, with a good token, whatever roster and gradebook of the other the hostile one's launches
name. Where the other does not look at the audience, the request need not even go there: it can be passed on
(RFC 9700 §4.4, https://www.rfc-editor.org/rfc/rfc9700#section-4.4).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlmodel import select

from app.core.db import ReadSession
from app.lti.errors import RegistrationInvalid
from app.lti.models import ACTIVE, LtiRegistration
from app.lti.quirks import quirks_of


def check_not_anothers(session: ReadSession, row: LtiRegistration) -> None:
    """Refuse to let a platform in whose token requests could serve at another one that is in, or the other way round.

    Client ids that some LMSs count up may meet by chance; that does no harm where each gives its tokens itself.

    Args:
        session: reads.
        row: the platform that is about to be approved.

    Raises:
        RegistrationInvalid: an approved platform of another issuer has the same client id, and they are not known to
            keep apart what is meant for them.
    """
    others = session.exec(
        select(LtiRegistration).where(
            LtiRegistration.client_id == row.client_id,
            LtiRegistration.id != row.id,
            LtiRegistration.state == ACTIVE,
        )
    ).all()
    if others and not all(map(_keeps_apart, (row, *others))):
        raise RegistrationInvalid(
            "Another LMS that is approved has the same client id, and one of them could use what is meant for the "
            f"other. Its issuer: {', '.join(each.issuer for each in others)}.",
            kept="Nothing was changed.",
            next_step="Make sure that the token endpoint is the LMS's own. If the LMS has moved to a new address, "
            "remove the old connection first; else have the LMS give Waymark another client id.",
        )


def _keeps_apart(row: LtiRegistration) -> bool:
    """Whether a platform gives tokens on its own host, and only for requests that are made out to it."""
    own = _host(row.auth_token_url) == _host(row.issuer)
    return own and quirks_of(row.product_family).checks_audience


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
