"""How often Python looks for objects that hold each other in circles, in processes that live long."""

import gc
from typing import Final

YOUNG: Final = 20_000
"""New objects before a look at the young ones. Python's own 700 is reached within one badge or one page."""


def settle() -> None:
    """Leave what was loaded so far alone for good, and look at new objects in larger batches.

    For the end of a process's start. Nothing is kept longer but circles, of which few are made: fewer looks
    spare about a tenth of signing. https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
