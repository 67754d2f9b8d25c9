"""What the API's description says before its first operation."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = """\
Issue, find, correct and revoke Open Badges 3.0, one or a hundred thousand, and check anybody's.

**Getting in.** Whoever runs this server enters you as a client and gives you an id and a secret, or takes your public \
key. `POST /oauth/token` exchanges them for a token that is good for ten minutes; send it as \
`Authorization: Bearer TOKEN`. Each operation names the scope it takes.

**Repeating.** Every call that creates something takes an `Idempotency-Key`: a fresh UUID for each award or batch, and \
the same one for every repeat. A repeat is answered as the first call was, and nothing is made twice, whatever broke \
in between. So after a time-out, a 429 or a 5xx send the same request again, after the pause that `Retry-After` asks \
for.

**Forms.** JSON in UTF-8; moments are RFC 3339 and answers have them in UTC. Unknown members and parameters are \
refused, not ignored. Lists come in pages: `{"items": […], "next_cursor": …}`; send `next_cursor` as `cursor` for the \
next page; `null` says that there is none. Errors are problem+json (RFC 9457): act on `type`, show `detail`.

**People.** Awards are decided by a named person, never by a program: `decided_by` is kept, and never in the badge. \
What was done is in the audit by ids only. Nothing is public until its holder shares it.
"""

TAGS: Final = {
    "tokens": "Getting an access token.",
    "achievements": "What badges can be issued for, and what each one takes.",
    "credentials": "One badge at a time: issue, list, read, revoke, suspend, reinstate, correct.",
    "batches": "Up to 100,000 badges from one file: send it, watch it, stop it, read what went wrong.",
    "people": "Finding somebody by address, and how far they are.",
    "pathways": "What leads to which badge, as data, and how far somebody has come.",
    "overrides": "Awards that were made although a prerequisite was missing, for review.",
    "audit": "Who did what to what, and when.",
    "verification": "Is a badge valid? Any badge, of any issuer. Open to everybody.",
}

PARAMETERS: Final = {
    "achievement": "Only badges for the achievement of this key.",
    "batch_id": "The batch's id, from the answer to the upload.",
    "format": "json gives a page, csv all rows at once.",
    "credential_id": "The badge's id: the last part of its address.",
    "key": "The key of the achievement or pathway.",
    "override_id": "From the list of overrides.",
    "person_id": "From POST /api/v1/people/search.",
}
