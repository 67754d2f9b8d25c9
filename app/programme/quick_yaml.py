"""What authors usually write in YAML, scanned by libyaml: a tenth of the time of the scanner in Python.

The scanner in Python decides what is YAML and words the errors. libyaml differs from it at a few places; where a text
has any of them, or is refused, nothing is said here and the other way is asked. Nodes are put together in Python, so
that a hostile file meets the limit of recursion and not the end of the stack.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

try:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]
except ImportError:  # PyYAML can be built without libyaml
    CParser = None  # type: ignore[assignment, misc]

# A tab, a byte order mark or another invisible sign; a comment right behind the sign of a block of text; a name that
# begins with a question mark.
_READ_OTHERWISE: Final = re.compile(
    "[^\n -~\xa0-\u1fff\u2010-\u2027\u2030-\u206f\u20a0-\ud7ff]|[|>][-+0-9]*#|(?m:^[ -]*\\?(?:\\s|$))"
)


def compose(text: str) -> yaml.Node | None:
    """The root node of one document, with the line of every node.

    Args:
        text: of the whole file, its lines ended by `\\n`.

    Returns:
        What yaml.SafeLoader would give; or nothing, and then that one has to be asked.
    """
    if CParser is None or _READ_OTHERWISE.search(text):
        return None
    try:
        node: yaml.Node | None = _Composer(text).get_single_node()
    except (_Unusual, yaml.YAMLError, RecursionError, ValueError):
        return None
    return node


class _Unusual(Exception):
    """Here the two ways may differ."""


if CParser is not None:

    class _Composer(Composer, CParser, SafeConstructor, Resolver):
        """The nodes of libyaml's events, as long as there is nothing that is read otherwise."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            Resolver.__init__(self)
            self._in_flow = 0

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
            event: Any = self.peek_event()
            if event.anchor is not None or event.tag is not None:
                raise _Unusual
            if isinstance(event, yaml.ScalarEvent):
                if self._in_flow and (event.value == "" or "?" in event.value):
                    raise _Unusual
                return super().compose_node(parent, index)
            self._in_flow += bool(event.flow_style)
            node = super().compose_node(parent, index)
            self._in_flow -= bool(event.flow_style)
            return node
