# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A circuit breaker per region: a lost region costs a run its budget, and not a second more (R2)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

REGION_BUDGET_SECONDS = 10.0
"""What waiting for a lost region may cost in a whole run."""

TRIP_AFTER = 2
"""So many calls in a row without an answer open the breaker ..."""

COOL_DOWN_SECONDS = 30.0
"""... for this long; then one call may try again, within what is left of the budget."""


class Breaker:
    """Counts the time lost on one region. Calls that wait side by side are counted once."""

    def __init__(self, monotonic: Callable[[], float], budget_seconds: float = REGION_BUDGET_SECONDS) -> None:
        self._monotonic = monotonic
        self._budget = budget_seconds
        # A region without a budget is one that the move depends on: it is asked again soon.
        self._cool_down = COOL_DOWN_SECONDS if math.isfinite(budget_seconds) else COOL_DOWN_SECONDS / 6
        self._lock = threading.Lock()
        self._lost_seconds = 0.0
        self._counted_until = 0.0
        self._silent_calls = 0
        self._opened_at: float | None = None
        self._reason = ""

    @property
    def lost_seconds(self) -> float:
        """Wall-clock seconds that were spent waiting in vain."""
        return self._lost_seconds

    def refusal(self) -> str | None:
        """Why no call may be tried now, or None."""
        with self._lock:
            if self._remaining() <= 0:
                return f"{self._reason}; its budget of {self._budget:g} s for this run is spent"
            if self._opened_at is None:
                return None
            if self._monotonic() - self._opened_at >= self._cool_down:
                self._opened_at = self._monotonic()  # this caller tries; the others go on being refused
                return None
            return f"{self._reason}; not asked again for now"

    def allowance(self, deadline_seconds: float) -> float:
        """How long a call may take: its own deadline or what is left of the budget."""
        with self._lock:
            return max(0.0, min(deadline_seconds, self._remaining()))

    def answered(self) -> None:
        """The region answered, be it with an error."""
        with self._lock:
            self._silent_calls = 0
            self._opened_at = None

    def silent(self, started: float, reason: str) -> None:
        """A call that began at ``started`` (monotonic seconds) brought no answer."""
        with self._lock:
            now = self._monotonic()
            self._lost_seconds += max(0.0, now - max(started, self._counted_until))
            self._counted_until = now
            self._silent_calls += 1
            self._reason = reason
            if self._silent_calls >= TRIP_AFTER:
                self._opened_at = now

    def _remaining(self) -> float:
        return self._budget - self._lost_seconds
