# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command and says what it cost: time, CPU, memory, and the calls that the lab's AWS received meanwhile."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

FUNCTION_KEY = "ASIALABLAMBDA"
SEED_KEY = "AKIALABSEED"


class BenchError(RuntimeError):
    """A command that should have succeeded did not; the message says where its output is."""


@dataclass(frozen=True)
class Run:
    """One run of a command. Times in seconds; ``cpu`` is of the command and all that it started and waited for."""

    began_at: float
    wall: float
    cpu: float
    peak_mib: float
    output: str
    calls: tuple[Mapping[str, Any], ...] = field(repr=False)

    @cached_property
    def mutating(self) -> list[Mapping[str, Any]]:
        """Calls that change something."""
        return [call for call in self.calls if call["mutates"]]

    @property
    def first_call(self) -> float:
        """Seconds from the command to the first call."""
        return float(min((call["at"] for call in self.calls), default=self.began_at) - self.began_at)

    @property
    def last_mutation(self) -> float:
        """Seconds from the command to the last call that changes the application's world (not the run's own notes)."""
        moved = [call["at"] for call in self.mutating if call["service"] not in ("dynamodb", "s3", "sns")]
        return float(max(moved, default=self.began_at) - self.began_at)

    @property
    def polling(self) -> list[Mapping[str, Any]]:
        """Reads after the first call that changes something: what waiting costs. The reads before it are the survey."""
        begin = min((call["at"] for call in self.mutating), default=float("inf"))
        return [call for call in self.calls if not call["mutates"] and call["at"] > begin]

    @property
    def outside_polling(self) -> int:
        """The survey's reads, and every call that changes something."""
        return len(self.calls) - len(self.polling)

    @property
    def lab_seconds(self) -> float:
        """What the lab itself took to answer, summed over all calls."""
        return float(sum(call["duration_ms"] for call in self.calls) / 1000)


@dataclass(frozen=True)
class Bench:
    """Where and in which surroundings commands run."""

    home: Path
    environment: Mapping[str, str]
    folder: Path
    log: Path

    def run(self, *command: str, **variables: str) -> Run:
        """Run it to its end; raises BenchError where it fails."""
        calls = self.home / "calls.jsonl"
        mark = calls.stat().st_size
        began_at, began = time.time(), time.monotonic()
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            log.flush()
            place = log.tell()
            process = subprocess.Popen(
                command, cwd=self.folder, env={**self.environment, **variables}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        output = self.log.read_text(encoding="utf-8")[place:]
        if process.returncode:
            raise BenchError(f"{' '.join(command)} exited {process.returncode}; its output: {self.log}")
        made = tuple(call for call in _lines(calls, mark) if not _others(call))
        return Run(began_at, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output, made)


def _lines(path: Path, mark: int) -> Iterable[Mapping[str, Any]]:
    with path.open(encoding="utf-8") as log:
        log.seek(mark)
        return [json.loads(line) for line in log if line.endswith("\n")]


def _others(call: Mapping[str, Any]) -> bool:
    """Calls of schedules and of whoever builds the lab."""
    return str(call["caller"]).startswith((FUNCTION_KEY, SEED_KEY))


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def spread(values: Sequence[float], unit: str = "s") -> str:
    """The median and the range, for people."""
    text = f"{median(values):.1f} {unit}"
    return text if len(values) == 1 else f"{text} ({min(values):.1f} to {max(values):.1f}, n={len(values)})"
