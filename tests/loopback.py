"""Requests to this machine: nothing of them is encrypted, so no authority has to be known, and no proxy is asked."""

from __future__ import annotations

import ssl
from typing import Any

import httpx2

from app.core.http import HttpClient, HttpResponse

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify`: reading all the authorities anew for each client takes longer than a page."""
PATIENCE = 60.0


def get(url: str, **how: Any) -> httpx2.Response:
    """As `httpx2.get`."""
    return httpx2.get(url, verify=NO_TLS, trust_env=False, timeout=PATIENCE, **how)


def post(url: str, **how: Any) -> httpx2.Response:
    """As `httpx2.post`."""
    return httpx2.post(url, verify=NO_TLS, trust_env=False, timeout=PATIENCE, **how)


def delete(url: str) -> httpx2.Response:
    """As `httpx2.delete`."""
    return httpx2.delete(url, verify=NO_TLS, trust_env=False, timeout=PATIENCE)


class PatientHttpClient(HttpClient):
    """Reaches services in threads of this process, which are slow on a busy machine through no fault of theirs."""

    def __init__(self) -> None:
        super().__init__(allow_private_networks=True)

    def request(self, *which: Any, timeout: float = PATIENCE, **how: Any) -> HttpResponse:
        return super().request(*which, timeout=max(timeout, PATIENCE), **how)
