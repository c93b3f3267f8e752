"""How far a standby is behind, measured: a heartbeat is written on the writer and watched for on the standby."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from lab.dataplane.instance import Instance

_INTERVAL = 0.25
"""Seconds between two heartbeats."""
_PATIENCE = 0.2
"""Seconds for which one heartbeat is watched for before its predecessor's age is taken."""
_STEP = 0.01


class LagMeter:
    """Measures in a thread of its own, so that asking never waits for a server that hangs."""

    def __init__(self, pair: Callable[[], tuple[Instance, Instance | None]]) -> None:
        self._pair = pair
        self._lag: dict[str, float] = {}
        self._behind_since: dict[str, float] = {}
        self._connections: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._measure_for_ever, name="lag meter", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def seconds(self, region: str) -> float | None:
        """The lag of that region's standby in seconds; nothing while it cannot be measured.

        One that has not caught up falls behind further between two measurements, and its lag is of now.
        """
        since, lag = self._behind_since.get(region), self._lag.get(region)
        return lag if since is None or lag is None else max(lag, time.time() - since)

    def _measure_for_ever(self) -> None:
        while not self._end.wait(_INTERVAL):
            writer, standby = self._pair()
            if standby is None:
                self._lag = {}
                continue
            lag = self._measure(writer, standby)
            self._lag = {} if lag is None else {standby.name: lag}
        for name in list(self._connections):
            self._forget(name)

    def _measure(self, writer: Instance, standby: Instance) -> float | None:
        written = self._beat(writer)
        try:
            connection = self._connection(standby)
            deadline = time.monotonic() + _PATIENCE
            while True:
                row = connection.execute("SELECT extract(epoch FROM at)::float8 FROM heartbeat").fetchone()
                if row is None:
                    return None
                if written is not None and row[0] >= written:
                    self._behind_since.pop(standby.name, None)
                    return max(0.0, time.time() - written)
                if written is None or time.monotonic() > deadline:
                    self._behind_since[standby.name] = float(row[0])
                    return max(0.0, time.time() - float(row[0]))
                time.sleep(_STEP)
        except (psycopg.Error, OSError):
            self._forget(standby.name)
            return None

    def _beat(self, writer: Instance) -> float | None:
        """Write the time on the writer; nothing when it cannot be written (fenced, stopped)."""
        try:
            row = (
                self._connection(writer)
                .execute("UPDATE heartbeat SET at = clock_timestamp() RETURNING extract(epoch FROM at)::float8")
                .fetchone()
            )
        except (psycopg.Error, OSError):
            self._forget(writer.name)
            return None
        return None if row is None else float(row[0])

    def _connection(self, instance: Instance) -> psycopg.Connection[tuple[Any, ...]]:
        held = self._connections.get(instance.name)
        if held is None or held.closed:
            held = instance.connect(timeout=1)
            self._connections[instance.name] = held
        return held

    def _forget(self, name: str) -> None:
        held = self._connections.pop(name, None)
        if held is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                held.close()
