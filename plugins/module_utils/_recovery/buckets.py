# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Token buckets at the rates that AWS publishes (R26), so that one run for many applications is not throttled.

They are ours alone: other callers of the account are not seen, and what AWS throttles all the same is tried again as
the retry table says. Services whose rates are not published (Auto Scaling: one bucket for all of its calls) have none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many calls at once, then so many a second."""

    burst: int
    per_second: float
    source: str


RATES: Mapping[tuple[str, str | None], Rate] = {
    ("rds", None): Rate(300, 12, "Amazon RDS User Guide, Quotas: API request rate per account and region"),
    ("route53", None): Rate(50, 10, "Route 53 Developer Guide, Quotas: API requests per account, since July 2026"),
    ("route53", "GetHealthCheckStatus"): Rate(1, 1, "Route 53 Developer Guide, Quotas: GetHealthCheckStatus"),
}
"""By service, or by service and operation where one operation has a rate of its own besides."""


class _Bucket:
    """Tokens may be owed: whoever takes one that is not there yet waits until it is."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def wait_for_one(self, now: float) -> float:
        """Seconds until there is a token."""
        filled = self._tokens + (now - self._at) * self._rate.per_second
        self._tokens, self._at = min(float(self._rate.burst), filled), now
        return max(0.0, (1.0 - self._tokens) / self._rate.per_second)

    def take(self) -> None:
        """Use one token."""
        self._tokens -= 1.0


class Buckets:
    """All buckets of a run: one for each region and rate."""

    def __init__(
        self, monotonic: Callable[[], float], rates: Mapping[tuple[str, str | None], Rate] | None = None
    ) -> None:
        self._monotonic = monotonic
        self._rates = RATES if rates is None else rates
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str | None], _Bucket] = {}

    def reserve(self, region: str, service: str, operation: str, within_seconds: float) -> float | None:
        """Take a token of each bucket that a call goes through.

        Returns the seconds to wait before it is sent, or None, with nothing taken, where that would be too long.
        """
        with self._lock:
            now = self._monotonic()
            buckets = [
                self._buckets.setdefault((region, *key), _Bucket(self._rates[key], now))
                for key in ((service, None), (service, operation))
                if key in self._rates
            ]
            wait = max((bucket.wait_for_one(now) for bucket in buckets), default=0.0)
            if wait > within_seconds:
                return None
            for bucket in buckets:
                bucket.take()
            return wait
