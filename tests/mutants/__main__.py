# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`python -m mutants`: put each seeded fault into the core and see which test catches it; survivors fail the command.

Each fault is tried in a process of its own, two at a time. First runs the test that is expected to catch it
(``killers``), then, unless ``--expected`` forbids it, the whole fast harness until one fails. The process is a fork of
this one, in which botocore and the core are loaded already: starting Python anew would cost more than the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis  # noqa: F401  # loaded once, for all the forks
import pytest
import unit.recovery.simulated_aws  # noqa: F401  # the same

from .killers import KILLERS
from .registry import MUTANTS

HARNESS = (
    "tests/unit/recovery/test_gates.py",
    "tests/unit/recovery/test_lease.py",
    "tests/unit/recovery/test_store.py",
    "tests/unit/recovery/test_clients.py",
    "tests/unit/measure/test_measure.py",
    "tests/unit/recovery/test_promises.py",
    "tests/unit/recovery/test_scenarios.py",
    "tests/unit/recovery/test_leases.py",
    "tests/unit/recovery/test_compare_and_set.py",
    "tests/unit/recovery/test_fencing.py",
    "tests/unit/recovery/test_reconcile.py",
    "tests/unit/recovery/test_cut_off.py",
    "tests/unit/recovery/test_crash_matrix.py",
    "tests/torture/test_random_worlds.py",
)
"""The fast harness, quickest first."""

ON_REAL_TIME = ("a_port_that_never_answers", "credentials_that_hang", "threads_wait_side_by_side", "refused_connection")
"""Tests that look at the machine's own clock: on a busy machine they fail without any fault."""

AT_ONCE = 2
SOUND = "none"
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py(?:::.+?)?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """What became of one fault."""

    name: str
    caught_by: str | None
    seconds: float


def _run_tests(name: str, tests: Sequence[str], report: Path) -> None:
    """In a process of its own: run tests on a faulty core, and write down what pytest says."""
    with report.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        without = " and ".join(f"not {one}" for one in ON_REAL_TIME)
        options = ["-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", without]
        with MUTANTS[name].apply() if name != SOUND else contextlib.nullcontext():
            pytest.main([*options, *tests])
        sys.stdout.flush()


def _fork(name: str, tests: Sequence[str], report: Path) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _run_tests(name, tests, report)
            status = 0
        finally:
            os._exit(status)
    return child


def _caught(status: int, report: Path) -> str | None:
    found = _FAILED.search(report.read_text(encoding="utf-8"))
    if found:
        return found[1]
    if status:
        raise SystemExit(f"a run of the tests ended with status {status}:\n{report.read_text(encoding='utf-8')}")
    return None


def tried(names: Sequence[str], expected_only: bool, folder: Path) -> Iterator[Verdict]:
    """Each fault with what caught it, as they end."""
    waiting = [(name, (KILLERS[name],) if KILLERS.get(name) else HARNESS) for name in reversed(names)]
    running: dict[int, tuple[str, Sequence[str], Path]] = {}
    began = {name: time.monotonic() for name in names}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            name, tests = waiting.pop()
            began[name] = time.monotonic() if tests is not HARNESS or not KILLERS.get(name) else began[name]
            report = folder / f"{name}.txt"
            running[_fork(name, tests, report)] = (name, tests, report)
        child, status = os.wait()
        name, tests, report = running.pop(child)
        caught_by = _caught(os.waitstatus_to_exitcode(status), report)
        if caught_by is None and tests is not HARNESS and not expected_only:
            waiting.append((name, HARNESS))
            continue
        yield Verdict(name, caught_by, time.monotonic() - began[name])


def check_sound(names: Sequence[str], folder: Path) -> None:
    """The expected tests pass on the sound core: else they would catch nothing by failing."""
    report = folder / "sound.txt"
    tests = sorted({KILLERS[name] for name in names if name in KILLERS})
    _pid, status = os.waitpid(_fork(SOUND, tests, report), 0)
    failed = _caught(os.waitstatus_to_exitcode(status), report)
    if failed:
        raise SystemExit(f"{failed} fails without any fault")


def main() -> int:
    """Exit status 1 where a fault survives."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="faults by name; none: all")
    parser.add_argument("--expected", action="store_true", help="only the tests that are expected to catch them")
    parser.add_argument("--sample", type=int, default=0, help="so many of them, the same ones each time; 0: all")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(MUTANTS))
    if unknown:
        parser.error(f"no such mutants: {', '.join(unknown)}")
    names = arguments.names or list(MUTANTS)
    if 0 < arguments.sample < len(names):
        names = [names[index * len(names) // arguments.sample] for index in range(arguments.sample)]
    began = time.monotonic()
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        check_sound(names, Path(folder))
        for verdict in tried(names, arguments.expected, Path(folder)):
            verdicts.append(verdict)
            caught_by = verdict.caught_by or "SURVIVES"
            print(
                f"{verdict.name:<40} {MUTANTS[verdict.name].rule:<18} {verdict.seconds:5.1f} s  {caught_by}", flush=True
            )
    survivors = [verdict.name for verdict in verdicts if verdict.caught_by is None]
    seconds = time.monotonic() - began
    print(f"mutants: {len(verdicts) - len(survivors)} caught / {len(verdicts)} seeded, {seconds:.0f} s")
    for name in survivors:
        print(f"  survives: {name}: {MUTANTS[name].wrong}")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
