"""Examples for the API's description, by the name of the operation. A test holds each against its schema."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"
HOST: Final = "https://waymark.example.org"
BADGE_ID: Final = "7f3a91c2-5f1e-4c39-9d0a-3a1f2f0c9a55"
PERSON_ID: Final = "2c7d0f5e-8f0a-4a55-b6a1-0f3d6f1c7e21"
CLIENT_ID: Final = "c0a5d8d0-53b1-4a5c-8f0e-5c6c1c0f7c11"
BATCH_ID: Final = "b5f4b7e2-0d0e-4f0c-9c52-6a0d6d7e9f10"
OVERRIDE_ID: Final = "9c1f7a44-2f7e-4a8f-8e1a-6f3f0b2d5c73"
DIGEST: Final = "9f0d6d0f3c1f7a52b8a3c8f0f5b7c4a1e2d3b4a5968778695a4b3c2d1e0f9a8b"
KEY: Final = "0f8f6f0e-6f0b-4d0e-9b1e-0f5f3b0a7c11"


@dataclass(frozen=True)
class Told:
    """Examples of one operation.

    Attributes:
        requests: by kind of body, each with a name.
        answers: status, kind of body, example.
    """

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: tuple[tuple[str, str, Any], ...] = ()


def _problem(status: int, slug: str, title: str, detail: str, next_step: str, **more: Any) -> dict[str, Any]:
    told = {"type": f"urn:waymark:error:{slug}", "title": title, "status": status, "detail": detail}
    return {**told, "reference": "Vs1xr8HTDFj_", "kept": "Nothing was changed.", "next_step": next_step, **more}


PROBLEMS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "400": (_problem(
        400, "award-unreadable", "This award cannot be read", "recipient.email must be one e-mail address.",
        "Mend the members that are named, and send it again.",
        problems=[{"field": "recipient.email", "code": "email_not_usable", "message": "must be one e-mail address"}],
    ),),
    "401": (_problem(
        401, "token-invalid", "That access token does not count",
        "The access token is unknown or over, or its client has been switched off.",
        "Get a new token from /oauth/token and send the request again.",
    ),),
    "403": (_problem(
        403, "scope-missing", "This token may not do that", "The token's scopes do not allow this.",
        "Ask /oauth/token for that scope; if it is refused, ask whoever runs this server.",
    ),),
    "404": (_problem(
        404, "badge-not-found", "There is no badge here", "No badge has this id, or this client may not see it.",
        "GET /api/v1/credentials lists what it may see.",
    ),),
    "409": (_problem(
        409, "idempotency-conflict", "This request was used before for something else",
        "The same Idempotency-Key came with another award before.", "Send a new key with a new award.",
    ), _problem(
        409, "prerequisite-missing", "A badge that this one rests on is missing",
        "The recipient does not hold what this achievement rests on: practitioner (missing: no badge of it is known "
        "for this address).",
        "Award what is missing first. If a person has decided to award it all the same, send override with the reason, "
        "by a client that has the scope credentials:override.",
        missing=[{"achievement": "practitioner", "why": "missing"}],
    )),
    "412": (_problem(
        412, "version-old", "The badge has changed since you saw it",
        "The badge is not in the state that If-Match names.", "GET the badge again and decide on what it says now.",
    ),),
    "429": (_problem(
        429, "client-limit", "Please wait a moment", "This client may make 600 calls a minute, and has made them.",
        "Send the request again after 2 seconds. For many badges at once there are batches.",
    ),),
}  # fmt: skip

_WORDED: Final = {
    "id": "IPSV-A1",
    "statement": "explain IPS, its eight principles and current evidence, in words each will use",
    "framework": "ipsv-0.1",
    "framework_version": "0.1",
    "framework_digest": "5f6c" * 16,
    "statement_digest": "a01b" * 16,
}
_BADGE: Final[dict[str, Any]] = {
    "id": BADGE_ID, "url": f"{HOST}/credentials/{BADGE_ID}", "status": "issued", "achievement": "X1",
    "achievement_version": 1, "version": 1, "awarded_at": "2026-03-04T04:00:00Z", "issued_at": "2026-03-04T04:00:07Z",
    "valid_until": "2029-03-04T04:00:00Z", "revoked_at": None, "suspended_at": None,
}  # fmt: skip
_DOCUMENT: Final[dict[str, Any]] = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
    ],
    "id": f"{HOST}/credentials/{BADGE_ID}",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"id": "did:web:waymark.example.org:issuers:orygen", "type": ["Profile"], "name": "Orygen"},
    "validFrom": "2026-03-04T04:00:00Z",
    "credentialSubject": {
        "id": "urn:uuid:6ae14c0f-7835-47cc-ae72-ad19d33ec87a", "type": ["AchievementSubject"],
        "achievement": {"id": f"{HOST}/achievements/X1/v1", "type": ["Achievement"], "name": "IPS Supervisor"},
    },
    "proof": [{"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "proofValue": "z3u…"}],
}  # fmt: skip
_JWT: Final = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9yeWdlbi1lczI1Ni0xIiwidHlwIjoiSldUIn0.eyJAY29udGV4dCI6…"
_WHOLE: Final = {**_BADGE, "credential": _DOCUMENT, "jwt": _JWT}
_ACHIEVEMENT: Final[dict[str, Any]] = {
    "key": "X1", "version": 1, "name": "IPS Supervisor",
    "description": "The holder supervises vocational specialists so that practice stays close to the IPS model.",
    "level": "advanced", "scope": "credentials:issue:advanced", "url": f"{HOST}/achievements/X1/v1",
    "validity_months": 36, "prerequisites": [["practitioner"]], "minimum_level": 3,
    "criteria": [
        {
            "key": "questions-over-advice", "title": "Questions over advice",
            "levels": [{"level": 3, "name": "Proficient"}, {"level": 4, "name": "Exemplary"}],
        }
    ],
    "issue_until": "2027-11-30",
}  # fmt: skip
_PATHWAY: Final[dict[str, Any]] = {
    "key": "mentor", "version": 2, "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "title": "To mentor and facilitator", "summary": "You have found your feet and colleagues ask you how.",
    "level": "advanced", "ends_in": "X1", "url": f"{HOST}/programme/pathways/mentor", "review_by": "2027-11-30",
    "rule": {
        "kind": "group", "key": None, "needed": 2,
        "of": [
            {"kind": "held", "key": "practitioner"},
            {"kind": "time_in_role", "key": None, "months": 12, "role": "an IPS role"},
        ],
    },
}  # fmt: skip
_STEP: Final[dict[str, Any]] = {
    "kind": "held", "key": "practitioner", "state": "lapsing", "since": "2026-03-04T04:00:00Z",
    "until": "2029-03-04T04:00:00Z", "meets_at": None, "reason": None,
    "rests_on": [{"achievement": "practitioner", "credential_id": BADGE_ID, "version": 1}],
    "needed": None, "met": None, "parts": [],
}  # fmt: skip
_PERSON_PATHWAYS: Final[dict[str, Any]] = {
    "id": PERSON_ID, "at": "2026-05-01T01:00:00Z",
    "pathways": [
        {
            "pathway": "mentor", "version": 2, "digest": _PATHWAY["digest"], "ends_in": "X1", "state": "on_the_way",
            "met_since": None, "met_until": None, "next_change": "2027-02-01T09:00:00Z",
            "step": {
                "kind": "group", "key": None, "state": "open", "since": None, "until": None,
                "meets_at": "2027-02-01T09:00:00Z", "reason": "too_few", "rests_on": [], "needed": 2, "met": 1,
                "parts": [
                    _STEP,
                    {
                        **_STEP, "kind": "time_in_role", "key": None, "state": "open", "since": None, "until": None,
                        "meets_at": "2027-02-01T09:00:00Z", "reason": "time_short", "rests_on": [],
                    },
                ],
            },
        }
    ],
}  # fmt: skip
_OVERRIDE: Final[dict[str, Any]] = {
    "id": OVERRIDE_ID, "credential_id": BADGE_ID, "client_id": CLIENT_ID, "missing": ["practitioner"],
    "reason": "Completed the course before there were badges.", "created_at": "2026-03-04T04:00:07Z",
    "reviewed_at": None, "reviewed_by": None, "note": None,
}  # fmt: skip
_BATCH: Final[dict[str, Any]] = {
    "id": BATCH_ID, "url": f"{HOST}/api/v1/batches/{BATCH_ID}", "state": "running", "total": 20000, "issued": 8400,
    "failed": 3, "rate": 1480.5, "eta_seconds": 8, "errors_url": f"{HOST}/api/v1/batches/{BATCH_ID}/errors",
    "mode": "good_rows", "reason": None, "checking": False, "created_at": "2026-03-04T04:00:00Z",
    "started_at": "2026-03-04T04:00:01Z", "ended_at": None,
}  # fmt: skip

_ROW: Final[dict[str, Any]] = {
    "achievement": "M01", "recipient": {"email": "tess@example.org", "name": "Tess"},
    "decided_by": {"name": "Priya Raman", "role": "programme lead"}, "awarded_at": "2026-03-04T15:00:00+11:00",
}  # fmt: skip
JSON_LINES: Final = "".join(
    json.dumps({**_ROW, "recipient": {"email": email}, "idempotency_key": key}) + "\n"
    for email, key in (("tess@example.org", "2026-03-tess-m01"), ("sam@example.org", "2026-03-sam-m01"))
)
CSV: Final = (
    "achievement,email,name,decided_by_name,decided_by_role,awarded_at,idempotency_key\r\n"
    "M01,tess@example.org,Tess,Priya Raman,programme lead,2026-03-04T15:00:00+11:00,2026-03-tess-m01\r\n"
    "M01,sam@example.org,Sam,Priya Raman,programme lead,2026-03-04T15:00:00+11:00,2026-03-sam-m01\r\n"
)
_ROW_ERROR: Final[dict[str, Any]] = {
    "line": 17, "code": "email_not_usable",
    "problems": [{"field": "email", "code": "email_not_usable", "message": "must be one e-mail address"}],
}  # fmt: skip


def _page(*items: dict[str, Any], next_cursor: str | None = None) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": next_cursor}


EXAMPLES: Final[dict[str, Told]] = {
    "token": Told(
        answers=(
            (
                "200", JSON,
                {
                    "access_token": "wmt_3q2-7w…", "token_type": "Bearer", "expires_in": 600,
                    "scope": "credentials:read credentials:issue:advanced",
                },
            ),
        )
    ),
    "list_achievements": Told(answers=(("200", JSON, _page(_ACHIEVEMENT)),)),
    "read_achievement": Told(answers=(("200", JSON, _ACHIEVEMENT),)),
    "issue": Told(
        answers=(
            (
                "201", JSON,
                {"id": BADGE_ID, "url": _BADGE["url"], "status": "issued", "credential": _DOCUMENT, "jwt": _JWT},
            ),
        )
    ),
    "list_credentials": Told(answers=(("200", JSON, _page(_BADGE, next_cursor="WyJjcmVkZW50aWFscyIs…")),)),
    "read_credential": Told(answers=(("200", JSON, _WHOLE),)),
    "revoke": Told(
        answers=(("200", JSON, {**_WHOLE, "status": "revoked", "revoked_at": "2026-05-01T01:00:00Z"}),)
    ),
    "suspend": Told(
        answers=(("200", JSON, {**_WHOLE, "status": "suspended", "suspended_at": "2026-05-01T01:00:00Z"}),)
    ),
    "reinstate": Told(answers=(("200", JSON, _WHOLE),)),
    "correct": Told(answers=(("200", JSON, {**_WHOLE, "version": 2, "awarded_at": "2026-03-03T04:00:00Z"}),)),
    "search": Told(answers=(("200", JSON, _page({"id": PERSON_ID, "address": "confirmed"})),)),
    "progress": Told(
        answers=(
            (
                "200", JSON,
                {"id": PERSON_ID, "modules": [{"achievement": "M02", "state": "submitted"}], "badges": [_BADGE]},
            ),
        )
    ),
    "list_pathways": Told(answers=(("200", JSON, _page(_PATHWAY)),)),
    "read_pathway": Told(answers=(("200", JSON, _PATHWAY),)),
    "person_pathways": Told(answers=(("200", JSON, _PERSON_PATHWAYS),)),
    "competencies": Told(
        answers=(
            (
                "200", JSON,
                {
                    "id": PERSON_ID,
                    "competencies": [
                        {
                            "domain": "IPSV-A",
                            "worded": _WORDED,
                            "levels": [
                                {
                                    "level": "basic", "state": "shown", "can_be_shown_by": ["M01"],
                                    "shown_by": [
                                        {
                                            "credential_id": _BADGE["id"], "achievement": "M01",
                                            "achievement_version": 2, "status": "current", "level_reached": 3,
                                            "awarded_at": "2026-03-04T04:00:00Z",
                                            "valid_until": "2029-03-04T04:00:00Z", "worded": _WORDED,
                                            "reworded_since": False,
                                        }
                                    ],
                                },
                                {"level": "advanced", "state": "not_offered", "shown_by": [], "can_be_shown_by": []},
                            ],
                        }
                    ],
                    "earlier": [],
                },
            ),
        )
    ),
    "create_batch": Told(
        requests={"application/jsonl": {"two awards": JSON_LINES}, "text/csv": {"two awards": CSV}},
        answers=(("202", JSON, {"id": BATCH_ID, "url": _BATCH["url"]}),),
    ),
    "list_batches": Told(answers=(("200", JSON, _page(_BATCH)),)),
    "get_batch": Told(answers=(("200", JSON, _BATCH),)),
    "list_batch_errors": Told(
        answers=(
            ("200", JSON, _page(_ROW_ERROR)),
            (
                "200", "text/csv",
                "line,code,field,message\r\n17,email_not_usable,email,must be one e-mail address\r\n",
            ),
        )
    ),
    "pause_batch": Told(answers=(("200", JSON, {**_BATCH, "state": "paused", "rate": 0.0, "eta_seconds": None}),)),
    "resume_batch": Told(answers=(("200", JSON, _BATCH),)),
    "cancel_batch": Told(
        answers=(
            (
                "200", JSON,
                {**_BATCH, "state": "cancelled", "eta_seconds": None, "ended_at": "2026-03-04T04:00:09Z"},
            ),
        )
    ),
    "list_overrides": Told(answers=(("200", JSON, _page(_OVERRIDE)),)),
    "review": Told(
        answers=(
            (
                "200", JSON,
                {
                    **_OVERRIDE, "reviewed_at": "2026-03-09T23:00:00Z", "reviewed_by": f"client:{CLIENT_ID}",
                    "note": "The panel's minutes bear it out.",
                },
            ),
        )
    ),
    "read_audit": Told(
        answers=(
            (
                "200", JSON,
                {
                    **_page(
                        {
                            "id": 90114, "at": "2026-05-01T01:00:00.012345Z",
                            "actor": {"kind": "client", "id": CLIENT_ID}, "action": "issuer.credential_revoked",
                            "subject": {"kind": "credential", "id": BADGE_ID}, "ids": {"status_index": 90211},
                            "sealed": True,
                        }
                    ),
                    "newest_seal": {
                        "number": 412, "digest": DIGEST, "last_id": 90114, "made_at": "2026-05-01T01:00:41Z",
                    },
                },
            ),
        )
    ),
    "verify": Told(
        answers=(
            (
                "200", JSON,
                {
                    "verdict": "valid", "checked_at": "2026-03-04T05:00:00Z",
                    "checks": [
                        {"name": "read", "result": "pass", "code": "ok", "detail": "It is whole and well formed."},
                    ],
                    "chain": [], "endorsements": [],
                },
            ),
        )
    ),
}  # fmt: skip
