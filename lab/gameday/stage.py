"""The lab on which scenarios are played: real playbooks, the collection's own probe, and the way home afterwards."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import lifecycle
from lab.control import LabError, ask
from lab.seed.site import Aws
from lab.settings import APP_HTTPS_PORT, DNS_PORT, LabSettings
from lab.truth.compare import INTERVAL
from lab.truth.losses import promotions
from lab.truth.record import load

REPOSITORY = Path(__file__).resolve().parent.parent.parent
_READY_SECONDS = 120.0
_END_SECONDS = 10.0
_HOME_SECONDS = 300.0
_NO_LAG_MILLISECONDS = 1000.0


class Unended(LabError):
    """A playbook did not end in time."""


def end_group(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """End a process that leads a group, and everything that it started.

    Politely first, then not, with `patience` seconds between.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def family(process: int) -> tuple[int, ...]:
    """A process and everything that it started, and those started (Linux: `/proc`)."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            # The name of a program stands in brackets and may hold anything; state and parent follow.
            parent = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [process], [process]
    while waiting:
        born = children.get(waiting.pop(), [])
        found += born
        waiting += born
    return tuple(found)


@contextlib.contextmanager
def stopped(processes: Sequence[int]) -> Iterator[None]:
    """These processes stand still inside the block."""

    def tell(number: signal.Signals) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    try:
        tell(signal.SIGSTOP)
        yield
    finally:
        tell(signal.SIGCONT)


@dataclass
class Stage:
    """A running lab, with what playbooks need to work on it."""

    settings: LabSettings
    environment: Mapping[str, str]
    reports: Path
    say: lifecycle.Say
    patience: float = 300.0
    """Seconds for one playbook; a deploy has ten times that."""
    inventory: str = "inventories/lab"
    probe: subprocess.Popen[bytes] | None = None
    """The one that watches, while it does."""

    @property
    def regions(self) -> dict[str, str]:
        """The region of each place."""
        return {"primary": self.settings.primary_region, "dr": self.settings.dr_region}

    def play(self, name: str, log: Path, arguments: Sequence[str] = ()) -> bool:
        """Run a playbook; whether it succeeded.  Its whole output goes to the log.

        Raises `Unended` for one that does not end in time; it is interrupted, as its operator would do.
        """
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"), f"playbooks/{name}.yml", "-i", self.inventory,
            "-e", f"aws_dr_reports_dir={self.reports}", *arguments,
        ]  # fmt: skip
        with log.open("a") as output:
            output.write(f"$ {shlex.join(command)}\n")
            output.flush()
            process = subprocess.Popen(
                command, cwd=REPOSITORY, env={**self.environment, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
            try:
                return process.wait(self.patience) == 0
            except subprocess.TimeoutExpired:
                raise Unended(f"{name} did not end within {self.patience:.0f} s: {log}") from None
            finally:
                end_group(process)

    def must_play(self, name: str, log: Path, *arguments: str) -> None:
        """Run a playbook that has to succeed."""
        self.say(f"  {name}")
        if not self.play(name, log, arguments):
            raise LabError(f"{name} failed: {log}")

    def do(self, path: str, value: Mapping[str, Any]) -> None:
        """Do something to the lab, at once."""
        ask(self.settings, "POST", path, dict(value))

    def served_from(self) -> str:
        """The place whose application DNS leads to and whose database is written; `nowhere` where they differ."""
        record = load(self.settings.home)
        leads_to = record.names[f"app.{self.settings.domain}."].changes[-1][1].region
        written = promotions(record)[-1][1]
        place = next((place for place, region in self.regions.items() if region == written), None)
        return place if place is not None and written == leads_to else "nowhere"

    def bring_home(self, log: Path, unfinished: Sequence[str] = ()) -> None:
        """End everything that was done by hand, and move the application home as the runbook says.

        A move that was left unfinished is gone on with first, as the same move of the next scenario would do; what it
        is told is given. Raises `LabError` where the application does not come home.
        """
        self.do("/heal", {})
        lifecycle.wait(self.settings, _HOME_SECONDS, lambda _text: None)
        if unfinished:
            with contextlib.suppress(Unended):
                self.play("failover", log, unfinished)
        if self.served_from() == "primary":
            self._forget_the_lag()
            return
        deadline = time.monotonic() + _HOME_SECONDS
        while not self.play("reconcile", log):
            if time.monotonic() > deadline:
                raise LabError(f"reconcile does not succeed: {log}")
            time.sleep(2)
        self.must_play("failback", log)

    def _forget_the_lag(self) -> None:
        """Wait until CloudWatch's newest minute tells of no lag: the next move goes by it, whatever caused the lag."""
        cloudwatch = Aws(self.settings).client("cloudwatch", self.settings.dr_region)
        cluster = {"Name": "DBClusterIdentifier", "Value": f"{self.settings.project}-dr-cluster"}
        deadline = time.monotonic() + _HOME_SECONDS
        while True:
            now = datetime.datetime.now(datetime.UTC)
            points = cloudwatch.get_metric_statistics(
                Namespace="AWS/RDS", MetricName="AuroraGlobalDBReplicationLag", Dimensions=[cluster], Period=60,
                Statistics=["Maximum"], StartTime=now - datetime.timedelta(minutes=5), EndTime=now,
            )["Datapoints"]  # fmt: skip
            newest = max(points, key=lambda point: point["Timestamp"], default=None)
            if newest is None or newest["Maximum"] < _NO_LAG_MILLISECONDS:
                return
            if time.monotonic() > deadline:
                raise LabError(f"the dr region is still {newest['Maximum'] / 1000:.0f} s behind")
            time.sleep(1)

    @contextlib.contextmanager
    def watched(self, folder: Path, interval: float = INTERVAL) -> Iterator[list[str]]:
        """The collection's own probe, at work before anything happens; yields what a move is told to use it."""
        samples, stop, ready = folder / "watch.jsonl", folder / "stop", folder / "ready"
        arguments = {
            "probe": {
                "host": f"app.{self.settings.domain}", "port": APP_HTTPS_PORT,
                "ca_file": str(self.settings.home / "ca.pem"), "interval_seconds": interval,
            },
            "nameservers": [f"{self.settings.dns_address}:{DNS_PORT}"], "client": folder.name, "duration": 900,
            "samples": str(samples), "stop_file": str(stop), "ready_file": str(ready),
        }  # fmt: skip
        ansible = str(Path(sys.executable).parent / "ansible")
        with (folder / "watch.log").open("w") as log:
            process = subprocess.Popen(
                [ansible, "localhost", "-m", "pilotlight.aws_dr.rto_probe", "-a", json.dumps(arguments)],
                cwd=REPOSITORY, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            try:
                deadline = time.monotonic() + _READY_SECONDS
                while not ready.exists():
                    if time.monotonic() > deadline or process.poll() is not None:
                        raise LabError(f"the probe has no stable samples: {folder / 'watch.log'}")
                    time.sleep(0.1)
                self.probe = process
                yield ["-e", f"move_watch_samples={samples}", "-e", f"move_watch_stop_file={stop}"]
            finally:
                self.probe = None
                stop.touch()
                # A move that succeeded has waited for the probe; after any other it may wait in vain for good samples.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_END_SECONDS)
                end_group(process)

    def deafen(self, seconds: float) -> None:
        """Let the probe that watches stand still for so long, with every process that it started and no other.

        Returns at once: the events after it do not wait, and what goes wrong is told to who asked. A game day does not
        end before the probe goes on.
        """
        if self.probe is None:
            raise LabError("no probe watches that could be made deaf")
        with contextlib.ExitStack() as stack:
            stack.enter_context(stopped(family(self.probe.pid)))
            threading.Timer(seconds, stack.pop_all().close).start()

    def calls_since(self, mark: int) -> set[str]:
        """The services that were asked since a place in the log of calls, but for what scheduled functions asked."""
        with (self.settings.home / "calls.jsonl").open(encoding="utf-8") as log:
            log.seek(mark)
            calls = [json.loads(line) for line in log if line.endswith("\n")]
        return {str(call["service"]) for call in calls if "lambda" not in str(call.get("caller", "")).lower()}

    def mark(self) -> int:
        """A place in the log of calls."""
        return (self.settings.home / "calls.jsonl").stat().st_size
