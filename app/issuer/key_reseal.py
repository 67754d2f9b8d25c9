"""What this room seals under the master key."""

from __future__ import annotations

from typing import Any, Final

from app.core.resealing import SealedColumn
from app.issuer import keys, status
from app.issuer.models import SigningKey, StatusList

_PRIVATE: Any = SigningKey.sealed_private
_PERMUTATION: Any = StatusList.sealed_permutation_key

SEALED: Final = (
    SealedColumn("keys that badges are signed with", _PRIVATE, keys.PURPOSE),
    SealedColumn("keys of the status lists", _PERMUTATION, status.PERMUTATION_PURPOSE),
)
