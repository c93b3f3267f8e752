# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each scenario of the lab with the first seeded fault that its file names: one that holds all the same is bad news.

    PYTHONPATH=.:tests python -m mutants.gameday [scenario ...]

The lab is started and the dr region deployed with the sound collection; then every scenario is played once with the
faulty one. Exit status 1 where a scenario does not notice its fault.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from lab import processes
from lab.gameday.scenario import load, names
from lab.settings import LabSettings

from .on_disk import REPOSITORY, seeded

FAULTY = REPOSITORY / "build" / "faulty"
REPORTS = REPOSITORY / "reports" / "gameday-faults"
SOUND = "lives-and-is-not-left"  # the shortest one: the lab is deployed for it


def lab(*arguments: str, collections: Path | None = None) -> int:
    """Run a command of the lab; its exit status."""
    environment = dict(os.environ)
    if collections:
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    return subprocess.run([sys.executable, "-m", "lab", *arguments], env=environment, check=False).returncode


def noticed(scenario: str, fault: str) -> tuple[bool, str]:
    """Whether a scenario fails with a fault, and why it does."""
    reports = REPORTS / fault
    seeded(fault, FAULTY)
    began = time.time()
    lab("gameday", scenario, "--reports", str(reports), collections=FAULTY)
    results = [path for path in reports.glob(f"{scenario}-*/result.json") if path.stat().st_mtime >= began]
    if not results:
        return False, f"it was not played: see {reports}"
    problems = json.loads(max(results, key=lambda one: one.stat().st_mtime).read_text(encoding="utf-8"))["problems"]
    return bool(problems), "; ".join(problems)


def main() -> int:
    """Play them, and print what came of each."""
    parser = argparse.ArgumentParser(prog="mutants.gameday", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="by default all")
    wanted = parser.parse_args().scenarios or names()
    faults = {name: load(name).fails_for[0] for name in wanted}
    was_running = processes.daemon_of(LabSettings.from_environment(os.environ).home) is not None
    began, told = time.monotonic(), list[tuple[str, str, bool, str]]()
    try:
        if lab("up") or lab("gameday", SOUND, "--reports", str(REPORTS / "sound")):
            return 1
        told += [(name, fault, *noticed(name, fault)) for name, fault in faults.items()]
    finally:
        if not was_running:
            lab("down")
    print()
    for name, fault, failed, why in told:
        print(f"{name:<40} {fault:<38} {'fails' if failed else 'HOLDS'}  {why}")
    caught = sum(failed for _name, _fault, failed, _why in told)
    print(f"\n{caught} of {len(told)} scenarios notice their fault, {time.monotonic() - began:.0f} s")
    return int(caught < len(told))


if __name__ == "__main__":
    sys.exit(main())
