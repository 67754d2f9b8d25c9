"""What holders' links are derived from, kept beyond the master key under which they were sent.

A link of an award mail is derived from the master key, so it would die with it, and for a badge that has no person here
it is the holder's only way in. When a master key is given up the one key that such links are made with is kept: sealed
under the new master key, and good for nothing else.
"""

from __future__ import annotations

import json
from contextlib import suppress

from app.core import server_facts
from app.core.db import ReadSession, WriteSession
from app.core.secrets import SecretBox, SecretUnreadable

CLAIM_PURPOSE = "issuer.claim"
KEPT_PURPOSE = "issuer.claim-keys"
FACT = "issuer.claim_keys"


def kept_keys(session: ReadSession, secret_box: SecretBox) -> tuple[bytes, ...]:
    """The token keys of master keys given up; one that no master key opens is passed over."""
    opened = []
    for sealed in _sealed(session):
        with suppress(SecretUnreadable):
            opened.append(secret_box.decrypt(KEPT_PURPOSE, sealed))
    return tuple(opened)


def keep_links(session: WriteSession, secret_box: SecretBox) -> int:
    """Keep the token keys of all older master keys, sealed under the newest; returns how many are kept now."""
    newest, *older = secret_box.token_keys(CLAIM_PURPOSE)
    wanted = dict.fromkeys(key for key in (*kept_keys(session, secret_box), *older) if key != newest)
    sealed = [secret_box.encrypt(KEPT_PURPOSE, key) for key in wanted]
    server_facts.note(session, FACT, json.dumps(sealed))
    return len(sealed)


def end_links(session: WriteSession) -> None:
    """Let links made under master keys given up end: after one of them fell into strangers' hands."""
    server_facts.note(session, FACT, "[]")


def needs_older_key(session: ReadSession, secret_box: SecretBox) -> bool:
    """Whether links made under an older master key in use would end if that were given up now."""
    kept = set()
    for sealed in _sealed(session):
        with suppress(SecretUnreadable):
            if secret_box.is_under_newest(KEPT_PURPOSE, sealed):
                kept.add(secret_box.decrypt(KEPT_PURPOSE, sealed))
    return not kept.issuperset(secret_box.token_keys(CLAIM_PURPOSE)[1:])


def _sealed(session: ReadSession) -> list[str]:
    found = server_facts.recall(session, FACT)
    return list(json.loads(found)) if found else []
