"""What a launch carries: the login request, the signed hint and the id_token, good or deliberately bad."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, Final

from fastapi import FastAPI
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from practice_lms.catalogue import COURSES, USERS, Activity, Course, User
from practice_lms.errors import AuthRefused
from practice_lms.lms import PracticeLms
from practice_lms.services import AGS_SCOPES, items_url, line_item_url, roster_url

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM: Final = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM: Final = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
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
)
CLAIM_NAMES: Final[Mapping[str, str]] = {name: LTI + name for name in LTI_CLAIMS} | {
    "ags": AGS_CLAIM,
    "nrps": NRPS_CLAIM,
}
DROP: Final = object()
"""Given as the value of a claim or header member: leave it out altogether."""


@dataclass(frozen=True)
class Hint:
    """What a `lti_message_hint` stands for: who launches which activity, and how it is to be shown."""

    user: User
    course: Course
    activity: Activity
    document_target: str
    id: str
    expires_at: float


def login_fields(
    lms: PracticeLms, user: User, course: Course, activity: Activity, document_target: str
) -> dict[str, str]:
    """The third-party-initiated login (LTI Security Framework 1.0 §5.1.1.1) as form fields, the way Moodle posts them.

    `document_target` is "iframe" or "window".
    """
    settings = lms.settings
    hint = {
        "sub": user.sub,
        "user": user.key,
        "course": course.key,
        "activity": activity.key,
        "target": document_target,
        "jti": token_urlsafe(12),
        "exp": int(lms.clock()) + settings.hint_seconds,
    }
    return {
        "iss": settings.issuer,
        "target_link_uri": settings.target_link_uri,
        "login_hint": user.sub,
        "lti_message_hint": jwt.encode({"alg": "HS256"}, hint, lms.keys.hint_key, ["HS256"]),
        "client_id": settings.client_id,
        "lti_deployment_id": settings.deployment_id,
    }


def read_hint(lms: PracticeLms, hint: str) -> Hint:
    """Check a returned `lti_message_hint`: unchanged, in time. Raises AuthRefused."""
    try:
        claims = jwt.decode(hint, lms.keys.hint_key, ["HS256"]).claims
    except (JoseError, ValueError) as error:
        raise AuthRefused("lti_message_hint is not the one this platform gave out.") from error
    if claims["exp"] < lms.clock():
        raise AuthRefused("lti_message_hint has expired. Open the activity again from the course.")
    user, course = USERS[claims["user"]], COURSES[claims["course"]]
    activity = course.activity(claims["activity"])
    if activity is None:
        raise AuthRefused("lti_message_hint names an activity that no longer exists.")
    return Hint(user, course, activity, claims["target"], claims["jti"], float(claims["exp"]))


def launch_claims(lms: PracticeLms, hint: Hint, nonce: str) -> dict[str, Any]:
    """The claims of an LtiResourceLinkRequest (LTI 1.3 core §5.3) for one person and one activity."""
    settings, user, course, activity = lms.settings, hint.user, hint.course, hint.activity
    now = int(lms.clock())
    return {
        "iss": settings.issuer,
        "aud": settings.client_id,
        "sub": user.sub,
        "iat": now,
        "exp": now + settings.id_token_seconds,
        "nonce": nonce,
        "name": user.name,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "email": user.email,
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": settings.deployment_id,
        LTI + "target_link_uri": settings.target_link_uri,
        LTI + "roles": user.roles,
        LTI + "context": {
            "id": course.context_id,
            "label": course.label,
            "title": course.title,
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"],
        },
        LTI + "resource_link": {
            "id": activity.resource_link_id,
            "title": activity.title,
            "description": activity.description,
        },
        LTI + "custom": dict(activity.custom),
        LTI + "launch_presentation": {
            "document_target": hint.document_target,
            "locale": "en-AU",
            "return_url": f"{settings.front_url}/course/{course.key}/return",
        },
        LTI + "tool_platform": {
            "guid": "practice-lms.example.org",
            "name": "Practice LMS",
            "version": "1.0",
            "product_family_code": "practice",
        },
        LTI + "lis": {"person_sourcedid": f"person:{user.key}", "course_section_sourcedid": f"section:{course.key}"},
        AGS_CLAIM: _grades_claim(lms, course, activity),
        NRPS_CLAIM: {"context_memberships_url": roster_url(settings, course), "service_versions": ["2.0"]},
    }


def _grades_claim(lms: PracticeLms, course: Course, activity: Activity) -> dict[str, Any]:
    claim: dict[str, Any] = {"scope": list(AGS_SCOPES), "lineitems": items_url(lms.settings, course)}
    item = lms.gradebook.of_link(activity.resource_link_id)
    if item is not None:
        claim["lineitem"] = line_item_url(lms.settings, item)
    return claim


def sign_id_token(lms: PracticeLms, claims: Mapping[str, Any]) -> str:
    """The claims as an RS256 JWT under the key in use."""
    key = lms.keys.current
    return jwt.encode({"alg": "RS256", "kid": key.kid}, dict(claims), key, ["RS256"])


@dataclass(frozen=True)
class TokenForge:
    """Makes id_tokens with one thing wrong, for the tests of a tool.

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
        self, user: str, course: str, *, nonce: str, document_target: str = "iframe", **changes: Any
    ) -> dict[str, Any]:
        """Claims of a launch of the course's first activity, with `changes` applied.

        Names in `changes` are the short ones (`version`, `deployment_id`, `resource_link`, `roles`, `context`,
        `custom`, `target_link_uri`, `message_type`, `launch_presentation`, `ags`, `nrps`) or those of plain JWT claims
        (`iss`, `aud`, `azp`, `exp`, …); the value DROP removes the claim.
        """
        chosen = COURSES[course]
        hint = Hint(USERS[user], chosen, chosen.activities[0], document_target, "", 0.0)
        return _changed(
            launch_claims(self.lms, hint, nonce), {CLAIM_NAMES.get(name, name): changes[name] for name in changes}
        )

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
        document_target: str = "iframe",
        **changes: Any,
    ) -> str:
        """An id_token with the asked-for defects.

        `header` changes members of the JOSE header other than `alg` (DROP removes); `key` signs with another key under
        the same `kid`; `alg` may be RS256, RS384, RS512, "none" (no signature) or HS256 (keyed with the published
        public key as PEM: the classic confusion attack); `tampered` alters the payload after signing; `changes` are
        those of `claims`.
        """
        claims = self.claims(user, course, nonce=nonce, document_target=document_target, **changes)
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
