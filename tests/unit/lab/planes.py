"""A database plane on a loopback network of its own, and a writer that counts what it was promised."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from lab.dataplane.instance import Instance
from lab.dataplane.postgres import PostgresPlane
from lab.settings import LabSettings

PRIMARY, DR = "us-east-1", "us-west-2"
_numbers = itertools.count(1)


def settings(home: Path) -> LabSettings:
    """Settings whose addresses no other process of the machine uses."""
    pid = os.getpid()
    net = f"127.{100 + pid // 250 % 100}.{pid % 250 + 1}"
    return LabSettings.from_environment({"LAB_HOME": str(home), "LAB_NET": net})


@contextmanager
def a_plane(home: Path) -> Iterator[PostgresPlane]:
    plane = PostgresPlane(settings(home))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


class Writer(threading.Thread):
    """Writes numbers, one after the other, wherever writes are accepted; remembers which were acknowledged."""

    def __init__(self, plane: PostgresPlane) -> None:
        super().__init__(daemon=True)
        self.client = f"writer-{next(_numbers)}"
        self.acknowledged: set[int] = set()
        self.refused = 0
        self._plane = plane
        self._end = threading.Event()

    def __enter__(self) -> Writer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join(20)

    def run(self) -> None:
        connection: psycopg.Connection[tuple[object, ...]] | None = None
        for number in itertools.count():
            if self._end.is_set():
                break
            try:
                if connection is None:
                    connection = self._plane.instances[self._plane.writer_region()].connect(timeout=1)
                connection.execute("INSERT INTO writes (client, number) VALUES (%s, %s)", (self.client, number))
                self.acknowledged.add(number)
            except (psycopg.Error, OSError):
                self.refused += 1
                if connection is not None:
                    with suppress(psycopg.Error):
                        connection.close()
                connection = None
                time.sleep(0.01)
        if connection is not None:
            connection.close()

    def reach(self, more: int) -> None:
        """Wait until that many further writes were acknowledged."""
        goal, deadline = len(self.acknowledged) + more, time.monotonic() + 20
        while len(self.acknowledged) < goal:
            assert time.monotonic() < deadline, f"only {len(self.acknowledged)} of {goal} writes were acknowledged"
            time.sleep(0.01)

    def lost(self) -> set[int]:
        """Acknowledged writes that the writer's database does not have."""
        return self.acknowledged - stored(self._plane.instances[self._plane.writer_region()], self.client)


def stored(instance: Instance, client: str) -> set[int]:
    rows = instance.query("SELECT number FROM writes WHERE client = %s", client)
    return {int(row[0]) for row in rows}
