"""Numbers in addresses, bounded: `{version:number}` in a route.

Starlette's own `int` takes any run of digits. Five thousand of them stop its router with an error, and twenty do not
fit into a database column; both would reach the visitor as a fault of ours instead of "there is nothing here".
"""

from __future__ import annotations

from typing import ClassVar

from starlette.convertors import Convertor, register_url_convertor


class PathNumber(Convertor[int]):
    """0 to 999,999,999 in ASCII digits."""

    regex: ClassVar[str] = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        """Return the number in the address."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Return the number as an address has it."""
        return str(value)


def register_path_numbers() -> None:
    """Make `number` known to routes; a module calls this before it declares one. May be repeated."""
    register_url_convertor("number", PathNumber())
