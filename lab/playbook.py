"""Runs a real `ansible-playbook` and tells what it does: the whole output goes to a log, the gist to the operator."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

Say = Callable[[str], None]

_HEARTBEAT = 10.0
"""Seconds of silence after which the task under way is named again."""
_HEADING = re.compile(r"^(?P<kind>PLAY|TASK|RUNNING HANDLER) \[(?P<name>.*)\] \*+$")
_SPECIFICATION = re.compile(r"^Validating arguments against arg spec '\w+' - ")
"""What ansible calls the first task of a role that has a specification; behind it stands what the role is."""
_LIVE = re.compile(r"\S+ \| \w+ \| [^|]+ \| \d+ s \| .*")
"""A line of progress of region_switch: application | stage | step | seconds | phase."""
_FATAL = re.compile(r"^(?:fatal|failed): \[(?P<host>[^\]]+)\].*?=>\s*(?P<rest>.*)$")
_MESSAGE = re.compile(r"^(?P<indent>\s*)msg:\s*(?P<text>.*)$")
_BLOCK_MARKS = ("|", "|-", "|+", ">", ">-", ">+")


@dataclass
class Failure:
    """A task that failed."""

    task: str
    host: str
    lines: list[str] = field(default_factory=list)

    def message(self) -> str:
        """The task's own message, or all that it said."""
        for number, line in enumerate(self.lines):
            found = _MESSAGE.match(line)
            if found is None:
                continue
            deeper = []
            for more in self.lines[number + 1 :]:
                if more.strip() and len(more) - len(more.lstrip()) <= len(found["indent"]):
                    break
                deeper.append(more.strip())
            first = "" if found["text"] in _BLOCK_MARKS else found["text"].strip("'\"")
            return "\n".join([first, *deeper]).strip()
        return "\n".join(line.strip() for line in self.lines).strip()


class Reader:
    """Follows the output line by line and keeps what matters."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._part = ""
        self._in_failure = False
        self.task = "starting"
        self.since = time.monotonic()
        self.failures: list[Failure] = []
        self.errors: list[str] = []

    def line(self, text: str) -> None:
        """Take one line in."""
        heading = _HEADING.match(text)
        if heading is not None:
            self._in_failure = False
            if heading["kind"] != "PLAY":
                self._begin(heading["name"])
            return
        live = _LIVE.search(text)
        if live is not None:
            self._say("  " + live.group(0))
            self.since = time.monotonic()
            return
        fatal = _FATAL.match(text)
        if fatal is not None:
            self.failures.append(Failure(self.task, fatal["host"], [fatal["rest"]] if fatal["rest"] else []))
            self._in_failure = True
        elif self._in_failure:
            if text.startswith(("ok:", "changed:", "skipping:", "included:", "PLAY RECAP")):
                self._in_failure = False
            else:
                self.failures[-1].lines.append(text)
        if text.startswith(("[ERROR]:", "ERROR!")):
            self.errors.append(text)

    def still(self) -> None:
        """Nothing came for a while: say what is being waited for."""
        self._say(f"  … {self.task} (for {time.monotonic() - self.since:.0f} s)")

    def _begin(self, name: str) -> None:
        """A task has begun; the first of each role is announced, the others only when they take long."""
        self.task, self.since = name, time.monotonic()
        part, colon, rest = name.partition(" : ")
        if colon and part != self._part:
            self._part = part
            self._say(f"  {part.rpartition('.')[2]}: {_SPECIFICATION.sub('', rest)}")

    def why(self) -> str:
        """What went wrong, as short as it can be said: the last failure, and the one that a rescue was for."""
        told = [f"task '{one.task}' on {one.host}:\n{one.message()}" for one in self.failures[-2:]]
        if told:
            return "\nand before it, ".join(reversed(told))
        return self.errors[-1] if self.errors else f"it ended during '{self.task}'"


def run(
    playbook: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    say: Say,
) -> Reader | None:
    """Run a playbook; nothing when all went well, otherwise what its output told.

    An interruption (Ctrl-C) ends ansible with all its children before it travels on.
    """
    command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook, *arguments]
    environment = {**environment, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", "PYTHONUNBUFFERED": "1"}
    reader = Reader(say)
    with log.open("a") as file:
        file.write(f"\n$ {' '.join(command)}\n")
        file.flush()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            _follow(process.stdout, file, reader)
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    return None if code == 0 else reader


def _follow(output: IO[str], log: IO[str], reader: Reader) -> None:
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in output:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, name="ansible's output", daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=_HEARTBEAT)
        except queue.Empty:
            reader.still()
            continue
        if line is None:
            return
        log.write(line + "\n")
        log.flush()
        reader.line(line)


def _end(process: subprocess.Popen[str]) -> None:
    """End ansible and everything that it started."""
    for number, patience in ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
