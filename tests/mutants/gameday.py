# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each scenario of the lab with the first seeded fault that its file names: one that holds all the same is bad news.

    PYTHONPATH=.:tests python -m mutants.gameday [--every-fault] [scenario ...]

The lab is started and the dr region deployed with the sound collection; then every scenario is played once with the
faulty one, and once for each fault that it names with ``--every-fault``. What it noticed the fault by is printed. A
scenario that could not be played or judged, or whose application did not come home, has noticed nothing by that alone.
Exit status 1 where a scenario does not notice its fault.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import processes
from lab.gameday.scenario import load, names
from lab.settings import LabSettings

from .on_disk import REPOSITORY, seeded

FAULTY = REPOSITORY / "build" / "faulty"
REPORTS = REPOSITORY / "reports" / "gameday-faults"
PATIENCE_SECONDS = 120  # a sound move takes a minute at most; one that a fault keeps from ending is waited for in vain
SOUND = "lives-and-is-not-left"  # the shortest one: the lab is deployed for it


def lab(*arguments: str, collections: Path | None = None) -> int:
    """Run a command of the lab; its exit status."""
    environment = dict(os.environ)
    if collections:
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    return subprocess.run([sys.executable, "-m", "lab", *arguments], env=environment, check=False).returncode


@dataclass(frozen=True)
class Told:
    """What came of a scenario that was played with a fault."""

    scenario: str
    fault: str
    noticed_by: tuple[str, ...]
    """What does not hold."""
    broken: tuple[str, ...]
    """What kept it from being played, judged or brought home; that notices nothing."""

    def lines(self) -> list[str]:
        """As a person reads it."""
        word = "fails" if self.noticed_by else "HOLDS"
        return [
            f"{self.scenario:<40} {self.fault:<38} {word}",
            *(f"    by: {problem}" for problem in self.noticed_by),
            *(f"    not counted: {problem}" for problem in self.broken),
        ]


def told_of(scenario: str, fault: str, result: Mapping[str, Any]) -> Told:
    """From a `result.json`."""
    broken = tuple(result["broken"])
    return Told(scenario, fault, tuple(one for one in result["problems"] if one not in broken), broken)


def tried(scenario: str, fault: str) -> Told:
    """Play a scenario with a fault."""
    reports = REPORTS / fault
    seeded(fault, FAULTY)
    began = time.time()
    lab("gameday", scenario, "--reports", str(reports), "--patience", str(PATIENCE_SECONDS), collections=FAULTY)
    results = [path for path in reports.glob(f"{scenario}-*/result.json") if path.stat().st_mtime >= began]
    if not results:
        return Told(scenario, fault, (), (f"it was not played: see {reports}",))
    newest = max(results, key=lambda one: one.stat().st_mtime)
    return told_of(scenario, fault, json.loads(newest.read_text(encoding="utf-8")))


def main() -> int:
    """Play them, and print what came of each."""
    parser = argparse.ArgumentParser(prog="mutants.gameday", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="by default all")
    parser.add_argument("--every-fault", action="store_true", help="not only the first one that its file names")
    arguments = parser.parse_args()
    wanted = {name: load(name).fails_for for name in arguments.scenarios or names()}
    faults = [(name, one) for name, all_ in wanted.items() for one in (all_ if arguments.every_fault else all_[:1])]
    was_running = processes.daemon_of(LabSettings.from_environment(os.environ).home) is not None
    began, told = time.monotonic(), list[Told]()
    try:
        if lab("up") or lab("gameday", SOUND, "--reports", str(REPORTS / "sound")):
            return 1
        told += [tried(name, fault) for name, fault in faults]
    finally:
        if not was_running:
            lab("down")
    print()
    for one in told:
        print("\n".join(one.lines()))
    caught = sum(bool(one.noticed_by) for one in told)
    print(f"\n{caught} of {len(told)} faults are noticed by their scenario, {time.monotonic() - began:.0f} s")
    return int(caught < len(told))


if __name__ == "__main__":
    sys.exit(main())
