"""A server's settings with a mail server behind them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.config import Settings
from tests.messages.post import Post, mailing, running


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def settings(settings: Settings, post: Post) -> Iterator[Settings]:
    with running(post) as port:
        yield mailing(settings, port)
