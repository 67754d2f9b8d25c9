"""did:jwk: the DID is its key, as a JWK in base64url. https://github.com/quartzjer/did-jwk/blob/main/spec.md"""

from __future__ import annotations

from typing import Final

from app.vc import json_text
from app.vc.errors import DidError, ParseError
from app.vc.keys import PublicKey, base64url_decode

PREFIX: Final = "did:jwk:"
KEY_NAME: Final = "0"
_MAX_DID: Final = 4_000


def key_of(did: str) -> PublicKey:
    """Return the key that a did:jwk is.

    Raises DidError: did_malformed, key_not_authorised for a key that its own JWK keeps for encryption; KeyInvalid
    (key_malformed) for a key of another kind or one that gives its private half away.
    """
    if not did.startswith(PREFIX) or len(did) > _MAX_DID:
        raise DidError("did_malformed", "This is not a did:jwk of a length that is read.")
    try:
        jwk = json_text.loads(base64url_decode(did.removeprefix(PREFIX)), max_bytes=_MAX_DID, max_depth=4)
    except (ValueError, ParseError) as error:
        raise DidError("did_malformed", "The did:jwk does not hold a JWK.") from error
    if jwk.get("use", "sig") != "sig":
        raise DidError("key_not_authorised", "The did:jwk says that its key does not sign.")
    return PublicKey.from_jwk(jwk)
