# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command and says what it cost: time, CPU, memory, and the calls that the lab's AWS received meanwhile."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

FUNCTION_KEY = "ASIALABLAMBDA"
SEED_KEY = "AKIALABSEED"
USED = Path(__file__).with_name("used.py")
TASK_BEGINS = re.compile(r"^(\S+ \S+) p=\d+ .*?\| (?:RUNNING HANDLER|TASK) \[(.+?)\] \*", re.MULTILINE)
"""In the log that ANSIBLE_LOG_PATH names."""


class BenchError(RuntimeError):
    """A command that should have succeeded did not; the message says where its output is."""


@dataclass(frozen=True)
class Run:
    """One run of a command. Times in seconds; ``cpu`` is of the command and all that it started and
    waited for, ``peak_mib`` of the largest process among them."""

    began_at: float
    wall: float
    cpu: float
    peak_mib: float
    output: str
    calls: tuple[Mapping[str, Any], ...] = field(repr=False)
    tasks: tuple[tuple[str, float], ...] = field(repr=False)
    """Ansible's tasks, and how long each took."""

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
            told, tasks = self.home / "used.json", self.home / "ansible.log"
            tasks.unlink(missing_ok=True)
            status = subprocess.run(
                [sys.executable, "-S", str(USED), str(told), *command], cwd=self.folder, stdin=subprocess.DEVNULL,
                env={**self.environment, "ANSIBLE_LOG_PATH": str(tasks), **variables}, stdout=log,
                stderr=subprocess.STDOUT, check=False,
            ).returncode  # fmt: skip
        wall = time.monotonic() - began
        output = self.log.read_text(encoding="utf-8")[place:]
        if status:
            raise BenchError(f"{' '.join(command)} exited {status}; its output: {self.log}")
        made = tuple(call for call in _lines(calls, mark) if not _others(call))
        used = json.loads(told.read_text(encoding="utf-8"))
        took = _took(tasks.read_text(encoding="utf-8") if tasks.exists() else "", began_at + wall)
        return Run(began_at, wall, used["cpu"], used["peak_mib"], output, made, took)


def _took(log: str, ended_at: float) -> tuple[tuple[str, float], ...]:
    """Ansible's tasks in their order, and the seconds from the beginning of each to that of the next."""
    begun = [(name, datetime.strptime(at, "%Y-%m-%d %H:%M:%S,%f").timestamp()) for at, name in TASK_BEGINS.findall(log)]
    ends = [*(at for _name, at in begun), ended_at][1:]
    return tuple((name, end - at) for (name, at), end in zip(begun, ends, strict=True))


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
