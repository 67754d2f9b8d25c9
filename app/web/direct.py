"""Addresses that are asked for most, without the framework's reading of an endpoint's signature.

FastAPI works out anew for each request what a signature asks for, and keeps two stacks of things to close. That is
longer than looking a badge up. An endpoint here gets the request and nothing else, and is run in a thread as any other
unless it is `async`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, Request, Response
from starlette.routing import Match, Route
from starlette.types import Scope

Endpoint = Callable[[Request], Response | Awaitable[Response]]


class _Direct(Route):
    """A route that tells the log which one it is, as FastAPI's own do."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is meant for it, and what its address holds."""
        match, found = super().matches(scope)
        if match is not Match.NONE:
            found["route"] = self
        return match, found


def direct(router: APIRouter, path: str, methods: Sequence[str]) -> Callable[[Endpoint], Endpoint]:
    """Make a function the endpoint of an address. What it raises is answered as everywhere.

    Args:
        router: where the route is added, after those that are there.
        path: with the names and kinds of its parts; the values are in `request.path_params`.
        methods: such as GET.
    """

    def add(endpoint: Endpoint) -> Endpoint:
        route = _Direct(path, endpoint, methods=methods, include_in_schema=False)
        route.methods = set(methods)  # HEAD not unasked: it would begin a login
        router.routes.append(route)
        return endpoint

    return add
