# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Movers at the same time: each is a thread, one of them runs, and whose turn it is follows from the virtual clock.

Who waits is woken when its time has come, and the clock goes on only while everybody waits; a call takes a moment that
is drawn, so that the calls of two movers mix. The same draw gives the same order.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from unit.recovery.simulated_aws import VirtualClock

CALL_SECONDS = (0.0, 0.02, 0.3)
"""What a call may take while somebody else is at work."""


class Over(BaseException):
    """The world has ended while a mover was under way."""


@dataclass(eq=False)
class Turn:
    """One who takes turns."""

    wakes_at: float = 0.0
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


class Turns:
    """Who runs. The first one is whoever made this; each further one begins as a thread."""

    def __init__(self, clock: VirtualClock, draw: random.Random) -> None:
        self._clock = clock
        self._draw = draw
        self._first = self._now = Turn()
        self._all = [self._first]
        self._threads: list[threading.Thread] = []
        self._over = False
        self._error: BaseException | None = None

    @property
    def others(self) -> bool:
        """Whether more than one is at work."""
        return len(self._all) > 1

    def begin(self, work: Callable[[], None]) -> None:
        """One more, from the next moment of anybody on."""
        turn = Turn(self._clock.now())
        self._all.append(turn)
        thread = threading.Thread(target=self._run, args=(turn, work), daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self, seconds: float) -> None:
        """Time passes for who is at work; others may use it."""
        if not self.others:
            self._clock.wait(seconds)
            return
        self._now.wakes_at = self._clock.now() + seconds
        self._pass_on()

    def called(self) -> None:
        """A call is over."""
        if self.others:
            self.wait(self._draw.choice(CALL_SECONDS))

    def finish(self) -> None:
        """The first one has nothing left to do, and the others end."""
        while self.others:
            self._first.wakes_at = inf
            self._pass_on()

    def close(self) -> None:
        """Nobody goes on."""
        self._over = True
        for turn in self._all[1:]:
            turn.go.release()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._over = False

    def _pass_on(self) -> None:
        mine = self._now
        turn = self._wake_next()
        if turn is not mine:
            turn.go.release()
            mine.go.acquire()
        if self._over and mine is not self._first:
            raise Over
        if self._error is not None and mine is self._first:
            error, self._error = self._error, None
            raise error

    def _wake_next(self) -> Turn:
        turn = min(self._all, key=lambda one: one.wakes_at)
        if self._clock.now() < turn.wakes_at < inf:
            self._clock.wait(turn.wakes_at - self._clock.now())
        self._now = turn
        return turn

    def _run(self, turn: Turn, work: Callable[[], None]) -> None:
        turn.go.acquire()
        try:
            if not self._over:
                work()
        except Over:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._all.remove(turn)
            if not self._over:
                if self._error is not None:
                    self._now = self._first
                else:
                    self._wake_next()
                self._now.go.release()
