# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`python -m torture --seeds 10000`: random worlds by seed, two processes side by side, and their figures."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from .seeds import drawn, lived, shortened, told

CHUNK = 25
PROCESSES = 2
SHOWN = 5


def one(seed: int) -> tuple[Counter[str], str | None]:
    """A seed's world: its figures, and what did not hold, shortened."""
    happenings = drawn(seed)
    outcome = lived(happenings)
    if outcome.failure is None:
        return outcome.figures, None
    short = shortened(happenings)
    return outcome.figures, told(seed, short, lived(short).failure or outcome.failure)


def chunk(seeds: range) -> tuple[Counter[str], list[str]]:
    """Several seeds, one after another."""
    figures: Counter[str] = Counter()
    failures: list[str] = []
    for seed in seeds:
        found, failure = one(seed)
        figures += found
        figures["seeds"] += 1
        failures += [failure] if failure else []
    return figures, failures


def chunks(first: int, count: int) -> Iterable[range]:
    """Seeds in equal parts."""
    for begin in range(first, first + count, CHUNK):
        yield range(begin, min(begin + CHUNK, first + count))


def main() -> int:
    """Exit status 1 where an invariant did not hold."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="one world only, told step by step")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        happenings = drawn(arguments.seed)
        for number, step in enumerate(happenings, 1):
            print(f"  {number}. {step}")
        found, failure = one(arguments.seed)
        print(failure or f"seed {arguments.seed}: all invariants held ({found['invariant checks']} checks)")
        return bool(failure)
    began = time.monotonic()
    figures: Counter[str] = Counter()
    failures: list[str] = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for found, wrong in pool.map(chunk, chunks(arguments.first, arguments.seeds)):
            figures += found
            failures += wrong
            for text in wrong:
                print(text, flush=True)
    wall, cpu = time.monotonic() - began, os.times().children_user
    print(f"torture: {figures['seeds']} seeds from {arguments.first}, {wall:.0f} s, {cpu:.0f} s of CPU")
    for name in sorted(figures):
        print(f"  {name:<22}{figures[name]:>10}")
    print(f"  {'failing seeds':<22}{len(failures):>10}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
