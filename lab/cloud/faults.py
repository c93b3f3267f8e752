"""Calls that fail on request: how a deploy or a move is made to break at a chosen place."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from lab.cloud.errors import Reply, error
from lab.cloud.wire import Call

_STATUS = {"AccessDenied": 403, "UnauthorizedOperation": 403, "Throttling": 400, "InternalFailure": 500}


@dataclass(frozen=True)
class Fault:
    """One operation, in one region or in all, that is answered with an error the next `times` times (0: always)."""

    service: str
    operation: str
    code: str
    region: str | None = None
    times: int = 0


class Faults:
    """The faults that are in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[Fault, int] = {}

    def add(self, fault: Fault) -> None:
        """Put a fault in force; the same one again starts its count anew."""
        with self._lock:
            self._left[fault] = fault.times

    def clear(self) -> None:
        """End them all."""
        with self._lock:
            self._left.clear()

    def reply(self, call: Call, region: str) -> Reply | None:
        """The error that a call gets, if a fault is meant for it."""
        with self._lock:
            for fault, left in self._left.items():
                if (fault.service, fault.operation) != (call.service, call.operation):
                    continue
                if fault.region not in (None, region):
                    continue
                if fault.times and left == 1:
                    del self._left[fault]
                elif fault.times:
                    self._left[fault] = left - 1
                dialect = "s3" if call.service == "s3" else call.protocol
                message = f"{fault.service}:{fault.operation} fails on request"
                return error(dialect, _STATUS.get(fault.code, 400), fault.code, message)
        return None
