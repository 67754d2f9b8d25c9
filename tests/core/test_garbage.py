"""Python's own look for circles, once a process has settled."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from app.core import garbage

class Circle: ...

garbage.settle()
assert gc.isenabled() and gc.get_freeze_count() > 1_000, "what was loaded is left alone"
lost = Circle(); lost.itself = lost; seen = weakref.ref(lost); del lost
kept = [[] for _ in range(2 * garbage.YOUNG)]
assert seen() is None, "circles are still found, after a while"
"""


def test_circles_are_still_found_and_what_was_loaded_is_left_alone() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
