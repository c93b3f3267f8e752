"""The record itself: JSON lines in the lab's home, written as things happen.

Every line has `at` (seconds since the epoch) and `kind`.  All processes of a lab run on one machine, so their clock is
one.  A line costs one `write` to the page cache, a few microseconds, so it may stand beside a request.  What is written
is bounded: a full file becomes its own predecessor, and the one before that goes.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

LARGEST = 64 * 1024 * 1024
"""Bytes of one file; with its predecessor, four days of a probe at 4 Hz, or five hours of 50 writes a second."""

FOLDER = "truth"
"""Below the lab's home."""


class Notebook:
    """One file of the record, for one process; safe for several threads."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self.path = path
        self._largest = largest
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        self._size = os.fstat(self._file).st_size

    def write(self, kind: str, at: float | None = None, **facts: object) -> None:
        """Note a fact; `at` in seconds since the epoch, by default now.  Never raises for what the disk does."""
        line = json.dumps({"at": time.time() if at is None else at, "kind": kind, **facts}, separators=(",", ":"))
        data = line.encode() + b"\n"
        with self._lock:
            try:
                if self._size + len(data) > self._largest:
                    self._turn()
                self._size += os.write(self._file, data)
            except OSError:
                # A lab whose disk is full goes on; its record then ends here, and says no more.
                return

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            os.close(self._file)

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _turn(self) -> None:
        os.close(self._file)
        self.path.replace(predecessor(self.path))
        self._file, self._size = self._open(), 0


def predecessor(path: Path) -> Path:
    """Where a file that was full has gone."""
    return path.with_name(path.name + ".1")
