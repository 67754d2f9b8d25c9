"""Messages with one thing wrong on purpose, for the tests of a tool."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from practice_lms.catalogue import USERS
from practice_lms.lms import DROP, PracticeLms
from practice_lms.messages import AGS_CLAIM, DEEP_LINKING_SETTINGS, LTI, NRPS_CLAIM, message_claims
from practice_lms.openings import DEEP_LINKING, LINK, Opening

LTI_CLAIMS: Final = (
    "message_type",
    "version",
    "deployment_id",
    "target_link_uri",
    "roles",
    "context",
    "resource_link",
    "custom",
    "launch_presentation",
    "tool_platform",
    "lis",
    "for_user",
)
CLAIM_NAMES: Final[Mapping[str, str]] = {name: LTI + name for name in LTI_CLAIMS} | {
    "ags": AGS_CLAIM,
    "nrps": NRPS_CLAIM,
    "deep_linking_settings": DEEP_LINKING_SETTINGS,
}


@dataclass(frozen=True)
class TokenForge:
    """Makes id_tokens with one thing wrong.

    Everything not asked to be wrong is right, so a tool's refusal can only come from the defect::

        TokenForge.of(app).token("tess", "foundations", nonce=nonce, exp=DROP)
        TokenForge.of(app).token("tess", "foundations", nonce=nonce, version="11.3")
        TokenForge.of(app).token("tess", "foundations", nonce=nonce, header={"kid": "unknown"})
    """

    lms: PracticeLms

    @classmethod
    def of(cls, app: FastAPI) -> "TokenForge":
        """The forge of the practice LMS behind an app made by `create_app`."""
        return cls(app.state.lms)

    def claims(
        self,
        user: str,
        course: str,
        *,
        nonce: str,
        kind: str = LINK,
        document_target: str = "iframe",
        for_user: Any = "tess",
        **changes: Any,
    ) -> dict[str, Any]:
        """Claims of a message about the course's first activity, with `changes` applied.

        `kind` is link, deep_linking or review; a review is of the work of `for_user`, a key of `USERS`, whose claim a
        mapping or DROP replaces.

        Names in `changes` are the short ones (`version`, `deployment_id`, `resource_link`, `roles`, `context`,
        `custom`, `target_link_uri`, `message_type`, `launch_presentation`, `ags`, `nrps`, `deep_linking_settings`) or
        those of plain JWT claims (`iss`, `aud`, `azp`, `exp`, …); the value DROP removes the claim.
        """
        chosen = self.lms.campus.courses[course]
        settings = {
            **self.lms.deep_linking_settings(),
            "deep_link_return_url": f"{self.lms.settings.front_url}/deep-link/forged",
        }
        reviewed = USERS.get(for_user) if isinstance(for_user, str) else USERS["tess"]
        opening = Opening(
            kind=kind,
            user=USERS[user],
            course=chosen,
            activity=None if kind == DEEP_LINKING else chosen.activities[0],
            tool=self.lms.tool,
            document_target=document_target,
            for_user=reviewed,
            settings=settings,
        )
        if not isinstance(for_user, str):
            changes["for_user"] = for_user
        claims = message_claims(self.lms, opening, nonce)
        return _changed(claims, {CLAIM_NAMES.get(name, name): changes[name] for name in changes})

    def token(
        self,
        user: str,
        course: str,
        *,
        nonce: str,
        header: Mapping[str, Any] | None = None,
        key: RSAKey | None = None,
        alg: str = "RS256",
        tampered: bool = False,
        **changes: Any,
    ) -> str:
        """An id_token with the asked-for defects.

        `header` changes members of the JOSE header other than `alg` (DROP removes); `key` signs with another key under
        the same `kid`; `alg` may be RS256, RS384, RS512, "none" (no signature) or HS256 (keyed with the published
        public key as PEM: the classic confusion attack); `tampered` alters the payload after signing; `changes` are
        those of `claims`.
        """
        claims = self.claims(user, course, nonce=nonce, **changes)
        return self.sign(claims, header=header, key=key, alg=alg, tampered=tampered)

    def sign(
        self,
        claims: Mapping[str, Any],
        *,
        header: Mapping[str, Any] | None = None,
        key: RSAKey | None = None,
        alg: str = "RS256",
        tampered: bool = False,
    ) -> str:
        """Sign any claims at all; see `token` for the defects."""
        signer = key or self.lms.keys.current
        head = _changed({"alg": alg, "typ": "JWT", "kid": self.lms.keys.current.kid}, header or {})
        if alg in ("none", "HS256"):
            token = self._by_hand(head, claims, alg)
        else:
            registry = JWSRegistry(strict_check_header=False, algorithms=[alg])
            token = jwt.encode(head, dict(claims), _for_any_algorithm(signer), [alg], registry, default_type=None)
        return _tamper(token) if tampered else token

    def _by_hand(self, head: Mapping[str, Any], claims: Mapping[str, Any], alg: str) -> str:
        signing_input = f"{_encode(head)}.{_encode(claims)}"
        if alg == "none":
            return signing_input + "."
        secret = self.lms.keys.current.as_pem(private=False)
        return f"{signing_input}.{_base64url(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}"


def forge(app: FastAPI, user: str, course: str, *, nonce: str, **changes: Any) -> str:
    """Short for `TokenForge.of(app).token(...)`."""
    return TokenForge.of(app).token(user, course, nonce=nonce, **changes)


def _changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not DROP}


def _for_any_algorithm(key: RSAKey) -> RSAKey:
    """The same key without its `alg`, which would bind it to RS256."""
    members = key.as_dict(private=True)
    members.pop("alg", None)
    return RSAKey.import_key(members)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode(members: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(members, separators=(",", ":")).encode())


def _tamper(token: str) -> str:
    """Change the name in the payload and keep the old signature."""
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["name"] = "Somebody Else"
    return f"{head}.{_encode(claims)}.{signature}"
