"""The lab's background process: cloud, name server, database and control in one, the applications as its children."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import certificates
from lab.addresses import without_proxy
from lab.clock import SystemClock
from lab.cloud.view import CloudView
from lab.control import Command, ControlServer
from lab.dataplane.dns import NameServer, Zones
from lab.dataplane.postgres import PostgresPlane
from lab.dataplane.process import ApplicationProcess
from lab.hands import Hands
from lab.record import Record, forget
from lab.settings import DNS_PORT, LabSettings
from lab.truth.notebook import FOLDER, Notebook
from lab.truth.watch import NameWatch

if TYPE_CHECKING:
    from lab.cloud.server import Cloud

log = logging.getLogger("lab")

_BEAT = 0.1
"""Seconds between two looks at the Auto Scaling groups."""
_SUPERVISE_BEATS = 10
_OWN = ("postgres", "log", "aws", "functions", FOLDER)
_OWN_FILES = ("calls.jsonl", "ca.pem", "app.pem", "env", "lab.json", "gameday-deployed")


class Laboratory:
    """Everything that a running lab consists of."""

    def __init__(self, settings: LabSettings, seed: str, say: Callable[[str], None]) -> None:
        self.settings = settings
        self._seed = seed
        self._seeded = False
        self._say = say
        self._started_at = time.time()
        self._end = threading.Event()
        self._cloud: Cloud | None = None
        self._hands: Hands | None = None
        self._notebook: Notebook | None = None
        self._plane = PostgresPlane(settings, say, self._note)
        self._applications: dict[str, ApplicationProcess] = {}
        self._stops: list[Callable[[], None]] = []

    @property
    def sites(self) -> tuple[str, str]:
        """The regions that have an application and a database."""
        return (self.settings.primary_region, self.settings.dr_region)

    # -- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything; what was started is stopped again when a part fails."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        _fresh(self.settings.home)
        truth = self.settings.home / FOLDER
        self._notebook = Notebook(truth / "lab.jsonl")
        certificate = certificates.issue(self.settings)
        with ThreadPoolExecutor(1) as beside:
            database = beside.submit(self._start_database)
            self._say("AWS: loading the emulator")
            from lab.cloud.server import Cloud

            cloud = self._cloud = Cloud(self.settings, SystemClock(), self._plane, self.settings.home / "calls.jsonl")
            # What is built before the collection arrives has been there for long: nobody waits for it as for AWS.
            cloud.world.profile = "fast"
            cloud.start()
            self._stops.append(cloud.stop)
            self._say("AWS: " + ", ".join(f"{region} at {self.settings.api_url(region)}" for region in cloud.ports))
            database.result()
        for region in self.sites:
            application = ApplicationProcess(
                region,
                self.settings.app_address(region),
                self._plane.instances[region].conninfo(timeout=1),
                certificate,
                self.settings.home / "log" / f"application-{region}.log",
                truth / f"application-{region}.jsonl",
            )
            self._applications[region] = application
            self._stops.append(application.stop)
            application.start()
        self._say("applications: " + ", ".join(f"{r} at {self.settings.app_address(r)}" for r in self.sites))
        zones = Zones(cloud.view, self.sites, self.settings.app_address)
        names = NameServer(self.settings.dns_address, DNS_PORT, zones)
        names.start()
        self._stops.append(names.stop)
        at = {self.settings.app_address(region): region for region in self.sites}
        watch = NameWatch(zones, lambda: _names(cloud.view), at, self._note)
        watch.start()
        self._stops.append(watch.stop)
        self._hands = Hands(self.settings, cloud, self._plane, self._applications, self._note)
        control = ControlServer(self.settings, self._commands())
        control.start()
        self._stops.append(control.stop)
        self._write_record()

    def _start_database(self) -> None:
        self._stops.append(self._plane.stop)
        self._plane.start()

    def run(self) -> None:
        """Keep everything running until the end is asked for."""
        beat = 0
        while not self._end.wait(_BEAT):
            beat += 1
            try:
                self._push_capacity()
                if beat % _SUPERVISE_BEATS == 0:
                    self._supervise()
            except Exception:
                log.exception("looking after the lab failed")

    def stop(self) -> None:
        """Stop everything, the last started first."""
        self._end.set()
        for step in reversed(self._stops):
            try:
                step()
            except Exception:
                log.exception("stopping %s failed", step)
        self._stops = []
        forget(self.settings.home)

    def end(self) -> None:
        """Have `run` return."""
        self._end.set()

    def _push_capacity(self) -> None:
        assert self._cloud is not None
        for region, application in self._applications.items():
            application.tell(in_service=self._cloud.view.in_service(region))

    def _supervise(self) -> None:
        self._plane.supervise()
        for application in self._applications.values():
            died = functools.partial(self._note, "front", region=application.region, state="dead")
            if application.supervise(died):
                log.warning("the application of %s had ended: started again", application.region)
        self._write_record()

    def _write_record(self) -> None:
        Record(
            settings=self.settings, seed=self._seed, seeded=self._seeded, pid=os.getpid(), pids=self._pids(),
            started_at=self._started_at,
        ).save()  # fmt: skip

    def _pids(self) -> dict[str, int]:
        found = {f"postgres {region}": pid for region, pid in self._plane.pids().items()}
        for region, application in self._applications.items():
            if application.pid is not None:
                found[f"application {region}"] = application.pid
        return found

    # -- commands ----------------------------------------------------------------------------------------------------

    def _note(self, kind: str, at: float | None = None, **facts: object) -> None:
        """Note something for the record of the truth."""
        if self._notebook is not None:
            self._notebook.write(kind, at, **facts)

    def _commands(self) -> dict[tuple[str, str], Command]:
        assert self._hands is not None
        return {
            **self._hands.commands(),
            ("GET", "/status"): lambda _value: self.status(),
            ("GET", "/in-service"): lambda _value: self._in_service(),
            ("POST", "/seeded"): self._mark_seeded,
            ("POST", "/stop"): self._stop,
        }

    def status(self) -> dict[str, Any]:
        """Everything that `lab status` shows."""
        assert self._cloud is not None
        settings, view = self.settings, self._cloud.view
        outages = self._hands.outages if self._hands is not None else {}
        return {
            "pid": os.getpid(),
            "home": str(settings.home),
            "profile": settings.profile,
            "settings": Record.describe(settings, self._seed),
            "seeded": self._seeded,
            "up_seconds": round(time.time() - self._started_at, 1),
            "regions": {
                region: {
                    "api": settings.api_url(region),
                    "application": f"https://{settings.app_address(region)}:8443" if region in self.sites else None,
                    "postgres": f"{settings.postgres_address(region)}:5432" if region in self.sites else None,
                    "in_service": view.in_service(region) if region in self.sites else None,
                    "outage": outages.get(region),
                }
                for region in settings.regions
            },
            "dns": f"{settings.dns_address}:{DNS_PORT}",
            "database": self._plane.describe(),
            "pids": self._pids(),
        }

    def _in_service(self) -> dict[str, Any]:
        assert self._cloud is not None
        return {region: self._cloud.view.in_service(region) for region in self.sites}

    def _mark_seeded(self, _value: dict[str, Any]) -> dict[str, Any]:
        assert self._cloud is not None
        self._cloud.world.profile = self.settings.profile
        self._seeded = True
        self._write_record()
        return {"seeded": True}

    def _stop(self, _value: dict[str, Any]) -> dict[str, Any]:
        threading.Timer(0.1, self.end).start()
        return {"stopping": True}


def _names(view: CloudView) -> set[str]:
    """The names that clients may ask for: those with an address, or with another name in place of one."""
    found = (record for zone in view.zones() for record in view.records(zone))
    return {record.name for record in found if record.kind in ("A", "CNAME")}


def _fresh(home: Path) -> None:
    """Take away what an earlier lab left, and only that: moto remembers nothing, so neither may the rest."""
    for name in _OWN:
        shutil.rmtree(home / name, ignore_errors=True)
    for name in _OWN_FILES:
        (home / name).unlink(missing_ok=True)
    (home / "log").mkdir(parents=True)
    (home / "postgres").mkdir(mode=0o700)


def serve(settings: LabSettings, seed: str) -> int:
    """The background process from beginning to end; lines of progress go to standard output until it is ready."""

    def say(text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            print(text, flush=True)
        log.info("%s", text)

    settings.home.mkdir(parents=True, exist_ok=True)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = without_proxy(settings)
    # Many threads share this process: a name server that waits its turn behind the emulator answers late.
    sys.setswitchinterval(0.002)
    laboratory = Laboratory(settings, seed, say)
    signal.signal(signal.SIGTERM, lambda _number, _frame: laboratory.end())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        laboratory.start()
    except Exception as error:
        say(f"failed: {error}")
        log.exception("the lab did not start")
        return 1
    _log_to(settings.home / "log" / "lab.log")
    say("ready")
    with contextlib.suppress(OSError):
        # The parent reads no further; a later line must not meet a closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    laboratory.run()
    laboratory.stop()
    return 0


def _log_to(path: Path) -> None:
    """Everything that is said from now on, standard error included, goes to a file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, sys.stderr.fileno())
