# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A circuit breaker per region: a lost region costs a run its budget, and not a second more (R2).

One service that fails is not a lost region: in a region that a move depends on, DynamoDB may be down while RDS goes on
working. So each service of a region has a switch of its own. Where a region may be lost, two services that are silent
open the switch of all.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .errors import NOT_ASKED, SPENT

REGION_BUDGET_SECONDS = 10.0
"""What waiting for a lost region may cost in a whole run."""

TRIP_AFTER = 2
"""So many calls in a row without an answer (of one service) or silent services (of a region) open a switch ..."""

COOL_DOWN_SECONDS = 30.0
"""... for this long; then one call may try again, within what is left of the budget."""

FIRST_COOL_DOWN_SECONDS = 5.0
"""Where the move depends on the region: it is asked again soon, then after twice as long, up to the full pause."""


@dataclass
class _Switch:
    silent: int = 0
    opened_at: float | None = None
    cool_down: float = FIRST_COOL_DOWN_SECONDS
    reason: str = ""


class Breaker:
    """Counts the time lost on one region. Calls that wait side by side are counted once."""

    def __init__(self, monotonic: Callable[[], float], budget_seconds: float = REGION_BUDGET_SECONDS) -> None:
        self._monotonic = monotonic
        self._budget = budget_seconds
        self._may_be_lost = math.isfinite(budget_seconds)
        self._lock = threading.Lock()
        self._lost_seconds = 0.0
        self._counted_until = 0.0
        self._region = _Switch()
        self._services: dict[str, _Switch] = {}
        self._silent_services: set[str] = set()

    @property
    def lost_seconds(self) -> float:
        """Wall-clock seconds that were spent waiting in vain."""
        return self._lost_seconds

    def depend(self, depends: bool) -> None:
        """From now on a move depends on the region and waits for it, or it may cost the usual budget and no more."""
        with self._lock:
            if depends == self._may_be_lost:
                self._may_be_lost = not depends
                self._budget = math.inf if depends else self._lost_seconds + REGION_BUDGET_SECONDS

    def refusal(self, service: str) -> tuple[str, str] | None:
        """Why no call may be tried now, as a code (``SPENT`` or ``NOT_ASKED``) and in words, or None."""
        with self._lock:
            if self._remaining() <= 0:
                return SPENT, f"{self._region.reason}; the {REGION_BUDGET_SECONDS:g} s that it may cost a run are spent"
            for switch in (self._region, self._services.setdefault(service, _Switch())):
                if switch.opened_at is None:
                    continue
                if self._monotonic() - switch.opened_at < switch.cool_down:
                    return NOT_ASKED, f"{switch.reason}; not asked again for now"
                switch.opened_at = self._monotonic()  # this caller tries; the others go on being refused
            return None

    def allowance(self, deadline_seconds: float) -> float:
        """How long a call may take: its own deadline or what is left of the budget."""
        with self._lock:
            return max(0.0, min(deadline_seconds, self._remaining()))

    def answered(self, service: str) -> None:
        """The service answered, be it with an error of ours."""
        with self._lock:
            self._services[service] = _Switch()
            self._silent_services.clear()
            self._region = _Switch(reason=self._region.reason)

    def failed(self, service: str, started: float, reason: str) -> None:
        """The service answered that it is broken: that says nothing about the others, and yet it took time."""
        with self._lock:
            self._spend(started)
            self._region.reason = self._region.reason or reason
            self._trip(self._services.setdefault(service, _Switch()), reason)

    def waited(self, started: float) -> None:
        """A pause before a broken service is asked again, that began at ``started``, is over."""
        with self._lock:
            self._spend(started)

    def silent(self, service: str, started: float, reason: str) -> None:
        """A call that began at ``started`` (monotonic seconds) brought no answer."""
        with self._lock:
            self._spend(started)
            self._trip(self._services.setdefault(service, _Switch()), reason)
            self._region.reason = reason
            self._silent_services.add(service)
            if self._may_be_lost and len(self._silent_services) >= TRIP_AFTER:
                self._region.opened_at, self._region.cool_down = self._monotonic(), COOL_DOWN_SECONDS

    def _spend(self, started: float) -> None:
        now = self._monotonic()
        self._lost_seconds += max(0.0, now - max(started, self._counted_until))
        self._counted_until = max(self._counted_until, now)

    def _trip(self, switch: _Switch, reason: str) -> None:
        switch.silent += 1
        switch.reason = reason
        if switch.silent >= TRIP_AFTER:
            longer = switch.cool_down * 2 if switch.opened_at is not None else FIRST_COOL_DOWN_SECONDS
            switch.cool_down = COOL_DOWN_SECONDS if self._may_be_lost else min(COOL_DOWN_SECONDS, longer)
            switch.opened_at = self._monotonic()

    def _remaining(self) -> float:
        return self._budget - self._lost_seconds
