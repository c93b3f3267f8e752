"""Finds the engine of a region, and lets its operations go on while nobody asks."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread

from moto.cloudformation.models import cloudformation_backends

from lab.clock import Clock, VirtualClock
from lab.cloud.cloudformation.engine import Engine
from lab.settings import Profile

_ATTRIBUTE = "_lab_engine"
_LONGEST_WAIT = 0.5
"""Seconds between two looks at a long operation."""


class Engines:
    """The engines of one world.  Each hangs on moto's backend, so that moto's reset takes it away too."""

    def __init__(self, clock: Clock, profile: Profile) -> None:
        self._clock = clock
        self._profile: Profile = profile
        self._lock = Lock()

    def find(self, account: str, region: str) -> Engine:
        """The engine of that account and region, made when first asked for."""
        backend = cloudformation_backends[account][region]
        with self._lock:
            owner, engine = getattr(backend, _ATTRIBUTE, (None, None))
            if engine is None or owner is not self:
                engine = Engine(account, region, self._clock, self._profile)
                setattr(backend, _ATTRIBUTE, (self, engine))
                # Virtual time moves only in steps, and each request then does what has become due.
                if not isinstance(self._clock, VirtualClock):
                    engine.started = _Driver(engine, self._clock, lambda: self._owns(account, region, engine)).wake
            return engine

    def _owns(self, account: str, region: str, engine: Engine) -> bool:
        accounts = cloudformation_backends
        return account in accounts and getattr(accounts[account][region], _ATTRIBUTE, None) == (self, engine)


class _Driver:
    """A thread that lives as long as there is something to do."""

    def __init__(self, engine: Engine, clock: Clock, alive: Callable[[], bool]) -> None:
        self._engine = engine
        self._clock = clock
        self._alive = alive
        self._thread: Thread | None = None

    def wake(self) -> None:
        """Called with the engine's lock held, when an operation begins."""
        if self._thread is None:
            self._thread = Thread(target=self._drive, name=f"cloudformation-{self._engine.region}", daemon=True)
            self._thread.start()

    def _drive(self) -> None:
        while True:
            with self._engine.lock:
                due = self._engine.advance() if self._alive() else None
                if due is None:
                    self._thread = None
                    return
            self._clock.wait(min(max(due - self._clock.now(), 0.01), _LONGEST_WAIT))
