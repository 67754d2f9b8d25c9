"""From where a request comes, as it is counted."""

from __future__ import annotations

import pytest

from app.api.places import place_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "place"),
    [
        ("8.8.8.8", [], "8.8.8.8"),
        ("8.8.8.8", ["1.1.1.1"], "8.8.8.8"),
        ("10.0.0.2", ["1.1.1.1"], "1.1.1.1"),
        ("127.0.0.1", ["9.9.9.9, 1.1.1.1"], "1.1.1.1"),
        ("127.0.0.1", ["9.9.9.9", "1.1.1.1"], "1.1.1.1"),
        ("::1", ["1.1.1.1:4711"], "1.1.1.1"),
        ("10.0.0.2", ["[2606:4700::1111]:443"], "2606:4700::/64"),
        ("10.0.0.2", ["somebody"], "10.0.0.2"),
        ("10.0.0.2", [""], "10.0.0.2"),
        ("10.0.0.2", ["1.1.1.1,"], "10.0.0.2"),
        ("2606:4700::1", [], "2606:4700::/64"),
        ("2606:4700::ffff:1", [], "2606:4700::/64"),
        ("::ffff:8.8.8.8", ["1.1.1.1"], "8.8.8.8"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("testclient", ["1.1.1.1"], "testclient"),
        (None, ["1.1.1.1"], "unknown"),
    ],
)
def test_only_a_proxy_of_the_own_network_is_listened_to(peer: str | None, forwarded: list[str], place: str) -> None:
    assert place_of(peer, forwarded) == place
