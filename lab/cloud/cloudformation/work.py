"""Work in the order of its needs, each piece taking its time: a wave, and a run of waves.

Nothing sleeps here.  `advance(now)` does whatever is due by then, so the engine may be driven by a thread, by each
request that comes in, or by a test's virtual clock, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from lab.cloud.cloudformation.errors import ResourceFailed


@dataclass(frozen=True)
class Task:
    """A piece of work: `start` does it and says how many seconds it takes, `finish` is called after them."""

    key: str
    start: Callable[[float], float]
    finish: Callable[[float], None]
    cancel: Callable[[float], None] = lambda at: None
    needs: frozenset[str] = field(default_factory=frozenset)


class Wave:
    """Tasks that run side by side as far as their needs allow.

    `fragile`: the first failure cancels what is under way and starts nothing more.  Otherwise only what needs the
    failed task is left out.
    """

    def __init__(self, tasks: list[Task], *, fragile: bool, deadline: float | None = None) -> None:
        self.failed: list[str] = []
        self.done: list[str] = []
        self.timed_out = False
        self.ended_at: float | None = None
        keys = {task.key for task in tasks}
        self._waiting = {task.key: task for task in tasks}
        self._needs = {task.key: set(task.needs & keys) for task in tasks}
        self._running: dict[str, tuple[float, Task]] = {}
        self._fragile = fragile
        self._deadline = deadline
        self._begun = False

    def due(self) -> float | None:
        """When there is something to do next."""
        times = [at for at, _ in self._running.values()]
        if self._deadline is not None:
            times.append(self._deadline)
        return min(times, default=None)

    def advance(self, begun_at: float, now: float) -> None:
        """Do all that is due by `now`; `ended_at` is set when nothing is left."""
        if not self._begun:
            self._begun = True
            self._start_ready(begun_at)
        while self._running and self.ended_at is None:
            due, key = min((at, key) for key, (at, _) in self._running.items())
            if self._deadline is not None and self._deadline < due and self._deadline <= now:
                self.timed_out = True
                self._stop(self._deadline)
                return
            if due > now:
                return
            _, task = self._running.pop(key)
            task.finish(due)
            self.done.append(key)
            self._start_ready(due)
        if not self._running and self.ended_at is None:
            self.ended_at = begun_at

    def _start_ready(self, at: float) -> None:
        ready = [key for key in self._waiting if self._needs[key] <= set(self.done)]
        for key in ready:
            task = self._waiting.pop(key)
            try:
                self._running[key] = (at + task.start(at), task)
            except ResourceFailed:
                self.failed.append(key)
                if self._fragile:
                    self._stop(at)
                    return
        if not self._running:
            self.ended_at = at

    def _stop(self, at: float) -> None:
        for key, (_, task) in self._running.items():
            task.cancel(at)
            self.failed.append(key)
        self._running.clear()
        self.ended_at = at


Script = Generator[Wave, float, None]
"""Yields waves; is sent the time at which each ended."""


class Run:
    """An operation under way."""

    def __init__(self, script: Script, at: float) -> None:
        self._script = script
        self._at = at
        self._wave: Wave | None = next(script, None)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do."""
        return self._wave is None

    def due(self) -> float | None:
        """When there is something to do next (seconds since the epoch)."""
        return self._wave.due() if self._wave else None

    def advance(self, now: float) -> None:
        """Do all that is due by `now`."""
        while self._wave is not None:
            self._wave.advance(self._at, now)
            if self._wave.ended_at is None:
                return
            self._at = self._wave.ended_at
            try:
                self._wave = self._script.send(self._at)
            except StopIteration:
                self._wave = None
