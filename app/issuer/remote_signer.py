"""Keys that another service keeps, such as one in front of a hardware module: this server sends bytes, gets signatures.

What comes back is checked against the public key that was noted when the key was entered, so a service that is wrong,
or lies, can stop badges but never put a bad one into the world. docs/issuer-keys.md tells the protocol.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Final

from app.core import metrics
from app.core.errors import Unavailable
from app.core.http import HttpClient, HttpResponse
from app.core.logging import get_logger
from app.issuer.errors import KeysUnreadable
from app.issuer.key_errors import KeyRefused, service_down, service_wrong
from app.vc import json_text
from app.vc.errors import VcError
from app.vc.keys import Algorithm, PublicKey, base64url, base64url_decode

log = get_logger()

TIMEOUT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 16_384
# A service that does not answer is left alone for a moment: whoever waits for it holds a thread, one after the other.
PAUSE_SECONDS: Final = 5.0
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class SigningService:
    """The one signing service of this server.

    Args:
        http: the guarded way out; it decides whether private addresses may be asked.
        url: address of the service; `/keys/{name}` is added to it.
        token: sent as a bearer token, to this address only; never logged.
    """

    def __init__(self, http: HttpClient, url: str, token: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._failed_at: float | None = None

    def public_key(self, name: str) -> PublicKey:
        """The public half of a key, as the service tells it.

        Raises:
            KeyRefused: the name has a form no key has.
            SigningServiceDown: the service was not reached, was too slow, or refused.
            SigningServiceWrong: it answered with something else than a public key.
        """
        if not NAME.fullmatch(name):
            raise KeyRefused(
                "A key at the signing service is named by up to 100 letters, digits, dots, hyphens and underscores."
            )
        answer = self._ask("GET", f"/keys/{name}")
        try:
            jwk = answer.get("public_jwk")
            return PublicKey.from_jwk(jwk if isinstance(jwk, dict) else {})
        except VcError as error:
            raise self._wrong("does not give a public key of a kind that badges are signed with") from error

    def sign(self, name: str, key: PublicKey, data: bytes) -> bytes:
        """A signature of `data`, checked.

        Raises:
            SigningServiceDown: the service was not reached, was too slow, or refused.
            SigningServiceWrong: what it gave is not a signature of these bytes by `key`.
        """
        body = json_text.dumps({"algorithm": key.algorithm, "data": base64url(data)})
        answer = self._ask("POST", f"/keys/{name}/sign", body)
        try:
            signature = base64url_decode(str(answer.get("signature")))
            key.verify(signature, data)
        except (VcError, ValueError) as error:
            raise self._wrong("gave a signature that does not hold") from error
        metrics.REMOTE_SIGNATURES.labels("signed").inc()
        return signature

    def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        if self._failed_at is not None and time.monotonic() - self._failed_at < PAUSE_SECONDS:
            raise service_down("did not answer a moment ago and is left alone for a few seconds")
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        try:
            response = self._http.request(
                method,
                f"{self._url}{path}",
                headers=headers,
                content=body,
                max_bytes=MAX_ANSWER_BYTES,
                timeout=TIMEOUT_SECONDS,
            )
        except Unavailable as error:
            self._failed_at = time.monotonic()
            self._note("unreachable", error.slug)
            raise service_down("could not be reached in time") from error
        self._failed_at = None
        return self._read(response)

    def _read(self, response: HttpResponse) -> dict[str, Any]:
        if not response.ok:
            self._note("refused", str(response.status))
            raise service_down(f"refused to sign (status {response.status})")
        try:
            return json_text.loads(response.body, max_bytes=MAX_ANSWER_BYTES, max_depth=8)
        except VcError as error:
            raise self._wrong("answered with something that is not a JSON object") from error

    def _wrong(self, why: str) -> Unavailable:
        self._note("wrong", why)
        return service_wrong(why)

    def _note(self, outcome: str, reason: str) -> None:
        metrics.REMOTE_SIGNATURES.labels(outcome).inc()
        log.error("issuer.signing_service", outcome=outcome, reason=reason)


@dataclass(frozen=True)
class RemoteSigner:
    """A `Signer` whose private half the signing service keeps.

    Attributes:
        service: who signs.
        name: of the key there.
        public_key: what every signature is checked against.
    """

    service: SigningService
    name: str
    public_key: PublicKey

    @property
    def algorithm(self) -> Algorithm:
        """The kind of key."""
        return self.public_key.algorithm

    def sign(self, data: bytes) -> bytes:
        """The raw signature of `data`; see `SigningService.sign`. Asks another server: never in a transaction."""
        return self.service.sign(self.name, self.public_key, data)


class _Bound:
    """The signing service of this process, as wiring set it."""

    service: SigningService | None = None


def use(service: SigningService | None) -> None:
    """Bind this process's signing service, or that there is none."""
    _Bound.service = service


def bound_service() -> SigningService:
    """The signing service of this process.

    Raises:
        KeysUnreadable: none is set.
    """
    if _Bound.service is None:
        raise KeysUnreadable(
            "A signing key lies with a signing service, and WAYMARK_REMOTE_SIGNER_URL does not say where that is.",
            kept="Nothing was changed; what was issued before stays as it is.",
            next_step="Whoever runs this server must set WAYMARK_REMOTE_SIGNER_URL and WAYMARK_REMOTE_SIGNER_TOKEN.",
        )
    return _Bound.service
