"""The application's processes as the lab holds them: started, told what has changed, started again when they die."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

_READY_SECONDS = 60.0


class ApplicationProcess:
    """The application of one region in a process of its own."""

    def __init__(
        self, region: str, address: str, database: str, certificate: Path, log: Path, truth: Path | None = None
    ) -> None:
        self.region = region
        self._command = [
            sys.executable, "-m", "lab.dataplane.app",
            "--region", region, "--address", address, "--database", database, "--certificate", str(certificate),
        ]  # fmt: skip
        if truth is not None:
            self._command += ["--truth", str(truth)]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._told: dict[str, object] = {"in_service": 0, "outage": "none"}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process and wait until it serves."""
        with self._lock:
            self._start()

    def stop(self) -> None:
        """End the process: its input closes."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def tell(self, **facts: object) -> None:
        """Hand changed facts over (`in_service`, `outage`) and wait until they hold; nothing else is sent."""
        with self._lock:
            changed = {name: value for name, value in facts.items() if self._told.get(name) != value}
            if changed:
                self._told |= changed
                self._send(changed)

    def supervise(self, died: Callable[[], None] = lambda: None) -> bool:
        """Start the process again if it has died, after `died` was told; whether it had."""
        with self._lock:
            if self._process is None or self._process.poll() is None:
                return False
            died()
            self._start()
            return True

    @property
    def pid(self) -> int | None:
        """Process id, while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def in_service(self) -> int:
        """The number of instances it was last told."""
        return int(str(self._told["in_service"]))

    def _start(self) -> None:
        repository = Path(__file__).resolve().parent.parent.parent
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=repository,
                env={**os.environ, "PYTHONPATH": str(repository)},
            )
        if not self._hear():
            raise RuntimeError(f"the application of {self.region} did not start; its log is {self._log}")
        self._send(self._told)

    def _send(self, facts: dict[str, object]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        # A process that died meanwhile hears the same when it is started again.
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(facts).encode() + b"\n")
            process.stdin.flush()
            self._hear()

    def _hear(self) -> bool:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        killer = threading.Timer(_READY_SECONDS, process.kill)
        killer.start()
        try:
            return bool(process.stdout.readline())
        finally:
            killer.cancel()
