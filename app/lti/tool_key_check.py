"""Whether the master key opens the keys with which this tool proves itself to platforms."""

from __future__ import annotations

from app.core.clock import now
from app.core.db import ReadSession
from app.core.errors import Unavailable
from app.core.secrets import SecretBox, SecretUnreadable
from app.lti.models import LtiToolKey
from app.lti.toolkeys import PURPOSE, tool_keys


class ToolKeysUnreadable(Unavailable, SecretUnreadable):
    """The master key does not open a key that is in use or soon will be."""

    slug = "secret-key-does-not-open-tool-keys"
    title = "This server's keys for LMSs cannot be opened"


def check_tool_keys(session: ReadSession, secret_box: SecretBox) -> None:
    """Open the key in use and those that will be, to see that the master key is the right one.

    One that is published only for platforms that still keep it has nothing more to sign.

    Raises:
        ToolKeysUnreadable: it is not. The error is also a `SecretUnreadable`.
    """
    moment = now()
    keys = [key for key in tool_keys(session) if key.retired_at is None or key.retired_at > moment]
    in_use_since = max((key.active_from for key in keys if key.active_from <= moment), default=moment)
    for key in keys:
        if key.active_from >= in_use_since:
            _open(secret_box, key)


def _open(secret_box: SecretBox, key: LtiToolKey) -> None:
    try:
        secret_box.decrypt(PURPOSE, key.sealed_private_pem)
    except SecretUnreadable as error:
        raise ToolKeysUnreadable(
            "WAYMARK_SECRET_KEY does not open the keys with which this server proves itself to LMSs, so no grade can "
            "be sent and no roster fetched.",
            kept="Nothing was changed.",
            next_step="Whoever runs this server must start it with the secret key it was set up with; if that is lost, "
            "waymark platform rotate-key --use-after 0 makes new keys for LMSs.",
        ) from error
