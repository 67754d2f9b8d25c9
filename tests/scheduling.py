"""Which tests one process runs together when several share a run: those that share a server, a browser or long work.

pytest-xdist's own groups (`--dist loadgroup`) have no effect with this version of pytest, and nothing says so.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

# The largest of these are begun first. Programs that are started and killed take long, and are not left for the end.
TOGETHER = re.compile(
    r"tests/browser/test_carriers\.py|tests/browser/|tests/practice_lms/test_in_a_browser\.py"
    r"|tests/independent/|tests/openedx/|tests/(system|container|bench)/\w+\.py"
    r"|tests/vc/fuzz/test_(second_opinions|poison)\.py|tests/vc/test_credential_schema\.py"
    r"|tests/web/test_verify_bad_input\.py"
)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests one by one, but those that belong together to one process."""

    def _split_scope(self, nodeid: str) -> str:
        found = TOGETHER.match(nodeid)
        return found[0] if found else nodeid
