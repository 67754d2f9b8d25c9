"""What can go wrong with links that holders make to show badges for a while."""

from __future__ import annotations

from app.core.errors import BadInput, Conflict, Gone, NotFound


class ShareLinkNotFound(NotFound):
    """No link bears this secret, or there never was such a badge behind it."""

    slug = "share-link-not-found"
    title = "This link opens nothing"


class ShareLinkOver(Gone):
    """The link was genuine; its time is over, its holder ended it, or nothing is left behind it."""

    slug = "share-link-over"
    title = "This link is over"


class ShareLinkRefused(BadInput):
    """A link cannot be made in this way."""

    slug = "share-link-refused"
    title = "This link could not be made"


class TooManyShareLinks(Conflict):
    """One person has as many links that work as anybody needs."""

    slug = "too-many-share-links"
    title = "You have very many links"


def link_not_found() -> ShareLinkNotFound:
    """One wording for unknown links and for badges that were never behind one."""
    return ShareLinkNotFound(
        "Nothing can be seen at this address.",
        next_step="Check that the address is complete, or ask the person who sent it for a new one.",
    )


def link_over() -> ShareLinkOver:
    """One wording for links whose time is over and for links that were ended."""
    return ShareLinkOver(
        "What this link showed cannot be seen here any more.",
        next_step="Ask the person who sent it for a new one.",
    )
