"""Calls that fail on request: how a deploy or a move is made to break at a chosen place."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from lab.cloud.errors import Reply, error
from lab.cloud.wire import Call

_STATUS = {
    "AccessDenied": 403,
    "UnauthorizedOperation": 403,
    "Throttling": 400,
    "InternalFailure": 500,
    "SlowDown": 503,
}

THROTTLING = {"s3": "SlowDown", "ec2": "RequestLimitExceeded", "dynamodb": "ThrottlingException"}
"""How services say Throttling that have a word of their own (their API references, common errors)."""


@dataclass(frozen=True)
class Fault:
    """One operation, in one region or in all, that is answered with an error the next `times` times (0: always).

    `*` stands for every service or every operation; of the calls that are meant, every `every`th fails.
    """

    service: str
    operation: str
    code: str
    region: str | None = None
    times: int = 0
    every: int = 1

    def meant(self, call: Call, region: str) -> bool:
        """Whether the fault is for such a call."""
        return (
            self.service in ("*", call.service)
            and self.operation in ("*", call.operation)
            and self.region in (None, region)
        )


class Faults:
    """The faults that are in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[Fault, int] = {}
        self._met: Counter[Fault] = Counter()

    def add(self, fault: Fault) -> None:
        """Put a fault in force; the same one again starts its count anew."""
        with self._lock:
            self._left[fault] = fault.times
            self._met[fault] = 0

    def clear(self) -> int:
        """End them all; how many there were."""
        return self.drop(lambda _fault: True)

    def drop(self, which: Callable[[Fault], bool]) -> int:
        """End some; how many."""
        with self._lock:
            gone = [fault for fault in self._left if which(fault)]
            for fault in gone:
                del self._left[fault]
        return len(gone)

    def reply(self, call: Call, region: str) -> Reply | None:
        """The error that a call gets, if a fault is meant for it."""
        with self._lock:
            for fault, left in self._left.items():
                if not fault.meant(call, region):
                    continue
                self._met[fault] += 1
                if self._met[fault] % fault.every:
                    continue
                if fault.times and left == 1:
                    del self._left[fault]
                elif fault.times:
                    self._left[fault] = left - 1
                dialect = "s3" if call.service == "s3" else call.protocol
                code = THROTTLING.get(call.service, fault.code) if fault.code == "Throttling" else fault.code
                message = f"{call.service}:{call.operation} fails on request"
                return error(dialect, _STATUS.get(code, 400), code, message)
        return None
