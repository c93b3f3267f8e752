"""The lab's processes as the machine sees them: found again after a crash by the lab's folder in their arguments."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process of a lab."""

    pid: int
    arguments: tuple[str, ...]

    def alive(self) -> bool:
        """Whether it still is that process, and no zombie."""
        return _arguments(self.pid) == self.arguments

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process is gone."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def of_lab(home: Path) -> list[Process]:
    """The processes that a lab in this folder has started: itself, applications, PostgreSQL servers, functions.

    PostgreSQL's own children are left out; they end when their server does.
    """
    return [one for one in _all() if _belongs(one.arguments, home) or _is_function(one, home)]


def daemon_of(home: Path) -> Process | None:
    """The background process of the lab in this folder."""
    return next((one for one in _all() if _is_daemon(one.arguments, home)), None)


def end(processes: list[Process], patience: float = 5.0) -> None:
    """End processes: politely, and after `patience` seconds not."""
    for one in processes:
        # A PostgreSQL server that is told SIGTERM waits for its clients.
        one.signal(signal.SIGINT if "postgres" in Path(one.arguments[0]).name else signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(one.alive() for one in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for one in processes:
        one.signal(signal.SIGKILL)
    while any(one.alive() for one in processes) and time.monotonic() < deadline + 2:
        time.sleep(0.05)


def _belongs(arguments: tuple[str, ...], home: Path) -> bool:
    if _is_daemon(arguments, home):
        return True
    if "lab.dataplane.app" in arguments:
        return str(home / "app.pem") in arguments
    # `unshare` goes over into PostgreSQL by exec, so its arguments are seen for a moment only.
    return "-D" in arguments and any(argument.startswith(str(home / "postgres") + os.sep) for argument in arguments)


def _is_daemon(arguments: tuple[str, ...], home: Path) -> bool:
    return arguments[1:4] == ("-m", "lab", "serve") and arguments[4:] == (str(home),)


def _all() -> list[Process]:
    found: list[Process] = []
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            arguments = _arguments(int(folder.name))
            if arguments:
                found.append(Process(int(folder.name), arguments))
    return found


def _is_function(process: Process, home: Path) -> bool:
    """Whether it is a Lambda function of the lab, which is known by the folder in which it runs."""
    started_so = any(argument.endswith("functions/bootstrap.py") for argument in process.arguments)
    return started_so and home.resolve() / "functions" in _folder(process.pid).parents


def _folder(pid: int) -> Path:
    """The folder in which a process runs; the root for one that is gone or is not ours to look at."""
    try:
        return (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return Path("/")


def _arguments(pid: int) -> tuple[str, ...]:
    """A process's arguments; empty for one that is gone, is a zombie or is not ours to read."""
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(part.decode(errors="replace") for part in raw.split(b"\0")[:-1])
