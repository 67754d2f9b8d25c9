"""The tool's public keys, fetched when first needed, and the check of what it signed with them."""

import json
from collections.abc import Callable
from typing import Any, Final

import httpx2
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

LARGEST_JWKS: Final = 200_000
USER_AGENT: Final = "PracticeLMS/1.0"

JwksFetcher = Callable[[str], bytes]
"""Gets the bytes of a JWKS by URL; raises OSError or httpx2.HTTPError when it cannot."""


class NotVerified(Exception):
    """What the tool signed cannot be trusted; the text says why."""


def fetch_by_http(url: str) -> bytes:
    """Get a JWKS over the network: five seconds, no redirects, at most 200 kB. Raises httpx2.HTTPError."""
    response = httpx2.get(url, timeout=5.0, follow_redirects=False, headers={"User-Agent": USER_AGENT})
    response.raise_for_status()
    return response.content[: LARGEST_JWKS + 1]


class ToolKeys:
    """One tool's key set, fetched when first needed and once more for a `kid` not seen before."""

    def __init__(self, url: str, fetch: JwksFetcher) -> None:
        self._url = url
        self._fetch = fetch
        self._keys: KeySet | None = None

    def key(self, kid: str) -> Key:
        """The key named `kid`. Raises NotVerified if the tool does not publish it."""
        if self._keys is None or not self._known(kid):
            self._keys = self.load()
        if not self._known(kid):
            raise NotVerified(f"The kid is not in the tool's JWKS at {self._url}.")
        return self._keys.get_by_kid(kid)

    def load(self) -> KeySet:
        """Fetch the key set. Raises NotVerified if there is none to be had."""
        try:
            content = self._fetch(self._url)
            if len(content) > LARGEST_JWKS:
                raise ValueError("too large")
            return KeySet.import_key_set(json.loads(content))
        except (OSError, httpx2.HTTPError) as error:
            raise NotVerified(f"The tool's JWKS at {self._url} could not be fetched.") from error
        except (ValueError, TypeError, KeyError, AttributeError, JoseError) as error:
            raise NotVerified(f"What the tool shows at {self._url} is not a JWKS.") from error

    def _known(self, kid: str) -> bool:
        return self._keys is not None and any(key.kid == kid for key in self._keys.keys)


def verified(tool_keys: ToolKeys, token: str, name: str) -> dict[str, Any]:
    """The claims of a JWT once its signature holds; `name` is what it is called in a refusal. Raises NotVerified."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise NotVerified(f"{name} is not a JWT.") from error
    if header.get("alg") != "RS256":
        raise NotVerified(f"{name} must be signed with RS256.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise NotVerified(f"{name} has no kid.")
    key = tool_keys.key(kid)
    try:
        return jwt.decode(token, key, ["RS256"]).claims
    except (JoseError, ValueError) as error:
        raise NotVerified(f"The signature of {name} does not hold.") from error


def moment_in(claims: dict[str, Any], name: str, of: str) -> float:
    """A time claim as Unix seconds. Raises NotVerified if it is not one."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotVerified(f"{name} of {of} is missing or not a number.")
    return float(value)
