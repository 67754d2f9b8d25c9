"""What the OpenAPI description says of refusals: one shape for all (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

PROBLEM: Final = "application/problem+json"
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`urn:waymark:error:` and a name that stays: for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, for people."},
        "kept": {"type": "string", "description": "What was kept."},
        "next_step": {"type": "string", "description": "What to do next."},
        "reference": {"type": "string", "description": "By this the people who run the server find it in their log."},
        "problems": {
            "type": "array",
            "description": "Each place of the body that is wrong.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "missing": {
            "type": "array",
            "description": "Prerequisites that the recipient does not hold.",
            "items": {
                "type": "object",
                "properties": {
                    "achievement": {"type": "string"},
                    "why": {"type": "string", "enum": ["missing", "expired", "revoked", "suspended"]},
                },
            },
        },
    },
}
_WORDS: Final = {
    400: "The request cannot be used as it is; `problems` may say where.",
    401: "No access token, or one that does not count.",
    403: "The token's scopes, or what the client is limited to, do not allow it.",
    404: "There is none, or this client may not know of it.",
    408: "The body did not arrive in time.",
    409: "It does not go together with what is so already.",
    410: "It was erased.",
    412: "It has changed since the caller saw it.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    422: "A parameter has the wrong form.",
    428: "If-Match is missing.",
    429: "Too many calls; Retry-After says when to go on.",
    503: "Something that is needed does not answer just now; the same request is safe to repeat.",
}
READING: Final = (400, 401, 403, 422, 429, 503)
WRITING: Final = (400, 401, 403, 404, 408, 409, 410, 412, 413, 415, 422, 429, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an endpoint, for its `responses`."""
    return {status: {"description": _WORDS[status], "content": {PROBLEM: {"schema": _SCHEMA}}} for status in statuses}
