"""What all extensions share: time, delays, the database behind, which regions are down, and what is to happen later.

moto answers each request at once and forgets time.  Here a change is an action with a due time in one queue; `tick()`
runs what has become due, in the order of due times.  It is called by every request and by the server's ticker, so the
same code works on the system's clock and, in unit tests, on a virtual one.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.clock import Clock
from lab.cloud.hooks import DatabasePlane
from lab.delays import delay
from lab.settings import LabSettings, Profile

ACCOUNT = "123456789012"
"""moto's default account."""

log = logging.getLogger("lab.cloud")


@dataclass(order=True)
class _Due:
    at: float
    order: int
    action: Callable[[], None] = field(compare=False)
    label: str = field(compare=False)


class World:
    """The state beside moto's own."""

    def __init__(self, clock: Clock, profile: Profile, plane: DatabasePlane) -> None:
        self.clock = clock
        self.profile = profile
        self.plane = plane
        self.lock = threading.RLock()
        self.down: set[str] = set()
        """Regions in an outage: their control planes do nothing for others, their endpoints fail health checks."""
        self.no_capacity: set[str] = set()
        """Regions in which no instance can be launched (R21)."""
        self.flapping: dict[str, float] = {}
        """Regions whose endpoints Route 53 sees swing between healthy and not, with the seconds of each (R19)."""
        self.settings: LabSettings | None = None
        """Set by the server: where endpoints and applications are; nothing in unit tests."""
        self.on_heal: list[Callable[[str], None]] = []
        self._queue: list[_Due] = []
        self._queue_lock = threading.Lock()
        self._order = itertools.count()
        self._thread = threading.local()

    def now(self) -> float:
        """Seconds since the epoch; while an action of the queue runs, the moment that it was due."""
        due: float | None = getattr(self._thread, "due", None)
        return self.clock.now() if due is None else due

    def delay(self, name: str) -> float:
        """Seconds, from the table."""
        return delay(name, self.profile)

    def after(self, seconds: float, action: Callable[[], None], label: str = "") -> None:
        """Run the action that many seconds from now, in the thread of whoever ticks then."""
        with self._queue_lock:
            heapq.heappush(self._queue, _Due(self.now() + seconds, next(self._order), action, label))

    def next_due(self) -> float | None:
        """When the next action is due."""
        with self._queue_lock:
            return self._queue[0].at if self._queue else None

    def tick(self) -> None:
        """Run everything that is due.  One thread at a time; another that comes meanwhile goes on at once."""
        if getattr(self._thread, "due", None) is not None or not self.lock.acquire(blocking=False):
            return
        try:
            while (due := self._pop()) is not None:
                self._thread.due = due.at
                try:
                    due.action()
                except Exception:
                    log.exception("action %s failed", due.label)
                finally:
                    self._thread.due = None
        finally:
            self.lock.release()

    def _pop(self) -> _Due | None:
        with self._queue_lock:
            if self._queue and self._queue[0].at <= self.clock.now():
                return heapq.heappop(self._queue)
            return None

    def outage(self, region: str) -> None:
        """The region is gone for everybody."""
        self.down.add(region)

    def heal(self, region: str) -> None:
        """The region is back; whoever waited for it is told."""
        self.down.discard(region)
        with self.lock:
            for listener in list(self.on_heal):
                listener(region)


_worlds: list[World] = []


def current() -> World:
    """The world of the last `extend`."""
    if not _worlds:
        raise RuntimeError("lab.cloud.extend() was not called")
    return _worlds[-1]


def enter(world: World) -> None:
    """Make it the current world; the last one is forgotten."""
    _worlds[:] = [world]
