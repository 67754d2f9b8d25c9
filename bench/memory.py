"""`python -m bench.memory`: does the memory stay flat while many different credentials are signed and verified?

Every credential has another issuer, achievement, holder, date and key name, and each is joined by a document of a
stranger whose contexts and types nobody else uses. Prints the resident memory of the process as it goes; not part of
`make bench`, because it takes minutes.
"""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from tests.vc.fuzz.crowd import read_a_stranger, sign_and_verify
from tests.vc.fuzz.test_caches import caches

PAGE = 4096
STEPS = 10


def resident() -> float:
    """Megabytes of this process in memory (Linux)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1_000_000


def main() -> int:
    """Sign and verify, and say how the memory went; 1 if the second half of the way added a tenth or more."""
    parser = argparse.ArgumentParser(prog="bench.memory", description="Memory over many different credentials.")
    parser.add_argument("--count", type=int, default=100_000, help="how many; 100,000 unless told")
    count = parser.parse_args().count
    seen = [resident()]
    print(f"{0:>8}  {seen[0]:7.1f} MB")
    for number in range(count):
        sign_and_verify(number)
        if number % 5 == 0:
            read_a_stranger(number)
        if (number + 1) % (count // STEPS) == 0:
            seen.append(resident())
            print(f"{number + 1:>8}  {seen[-1]:7.1f} MB", flush=True)
    for name, cache in sorted(caches().items()):
        print(f"{name}: {cache.cache_info().currsize} of {cache.cache_parameters()['maxsize']}")
    grown = seen[-1] - seen[len(seen) // 2]
    print(f"second half: {grown:+.1f} MB")
    return int(grown > seen[len(seen) // 2] / 10)


if __name__ == "__main__":
    sys.exit(main())
