"""What this room seals under the master key."""

from __future__ import annotations

from typing import Any, Final

from app.core.resealing import SealedColumn
from app.lti import held, kept_tokens, toolkeys
from app.lti.models import LtiAccessToken, LtiLogin, LtiToolKey

_TOOL_KEY: Any = LtiToolKey.sealed_private_pem
_TOKEN: Any = LtiAccessToken.sealed_token
_LAUNCH: Any = LtiLogin.held_launch

SEALED: Final = (
    SealedColumn("keys for LMSs", _TOOL_KEY, toolkeys.PURPOSE),
    SealedColumn("access tokens of LMSs", _TOKEN, kept_tokens.PURPOSE),
    SealedColumn("launches that wait for their browser", _LAUNCH, held.PURPOSE),
)
