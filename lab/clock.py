"""Time, handed in: the lab's own server runs on the system's clock, unit tests on a virtual one."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the lab may know of time."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def wait(self, seconds: float) -> None:
        """Let that many seconds pass."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(max(0.0, seconds))


class VirtualClock:
    """Time that passes only when someone waits; safe for several threads."""

    def __init__(self, start: float = 1_780_000_000.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the epoch."""
        with self._lock:
            return self._now

    def wait(self, seconds: float) -> None:
        """Move on at once."""
        with self._lock:
            self._now += max(0.0, seconds)
