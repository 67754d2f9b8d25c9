"""Clients of the API for tests: one that is let in, in a line."""

from __future__ import annotations

import base64
from collections.abc import Collection

from starlette.testclient import TestClient

from app.api import clients
from app.api.limits import MOST_PER_MINUTE
from app.api.scopes import SCOPES
from app.core.audit import OPERATOR
from app.wiring import Services


def add_client(
    services: Services,
    *scopes: str,
    achievements: Collection[str] | None = None,
    per_minute: int = MOST_PER_MINUTE,
) -> tuple[str, str]:
    """Enter a client with a secret: its id and the secret. Without scopes it has all."""
    with services.runtime.database.write() as session:
        added = clients.add(
            session,
            name="Test client",
            scopes_held=scopes or SCOPES,
            actor=OPERATOR,
            achievements=achievements,
            per_minute=per_minute,
        )
    assert added.secret is not None
    return added.client_id, added.secret


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header by which a client with a secret shows itself at the token endpoint."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def token_for(client: TestClient, client_id: str, secret: str, *scopes: str) -> str:
    """A token with these scopes; without any, with all that the client has."""
    form = {"grant_type": "client_credentials"} | ({"scope": " ".join(scopes)} if scopes else {})
    answer = client.post("/oauth/token", data=form, headers=basic(client_id, secret))
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def bearer(token: str) -> dict[str, str]:
    """The header of a call."""
    return {"Authorization": f"Bearer {token}"}


def auth(services: Services, client: TestClient, *scopes: str) -> dict[str, str]:
    """The header of a call by a new client with exactly these scopes; without any, with all."""
    return bearer(token_for(client, *add_client(services, *scopes)))
