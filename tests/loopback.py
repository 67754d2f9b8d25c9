"""Requests to this machine: nothing of them is encrypted, so no authority has to be known, and no proxy is asked."""

from __future__ import annotations

import ssl
from typing import Any

import httpx2

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
