"""From which place on the network a request comes, as far as that can be known: for counting, never for letting in.

Waymark believes no proxy where addresses, hosts or schemes are concerned. Here it listens to one on its own network,
because behind it all clients would be one place, and whoever sends wrong secrets would lock out all. What somebody on
that network can gain by a made-up header is to be counted as another place, no more.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

HOUSEHOLD: Final = 64  # bits of an IPv6 network below which anybody has as many addresses as they like

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def place_of(peer: str | None, forwarded: Sequence[str]) -> str:
    """An IPv4 address, the network of an IPv6 one, or whatever else the server calls its peer.

    Args:
        peer: the other end of the connection.
        forwarded: the values of X-Forwarded-For. The last entry counts, which the nearest proxy wrote, and only if the
            peer is no address of the internet.
    """
    near = _address(peer or "")
    if near is None:
        return peer or "unknown"
    told = None if near.is_global else _address(",".join(forwarded).rpartition(",")[2])
    return _place(told or near)


def _address(text: str) -> Address | None:
    """An address, also in brackets, with a port or with a zone."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _place(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, HOUSEHOLD), strict=False))
