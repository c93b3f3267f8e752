"""The AWS API of the lab: one port per region, one moto behind all of them."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from moto import backends
from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from lab.clock import Clock, SystemClock
from lab.cloud import credentials, extend
from lab.cloud.call_log import CallLog
from lab.cloud.faults import Faults
from lab.cloud.gate import READY_PATH, Gate
from lab.cloud.hooks import DatabasePlane
from lab.cloud.outages import KINDS, OutageKind, RegionPort
from lab.cloud.state import MotoView
from lab.cloud.world import ACCOUNT
from lab.settings import API_PORT, GLOBAL_REGION, LabSettings

log = logging.getLogger("lab.cloud")

# moto lists the folder that it is installed in for every request, under a lock.
backends.list_of_moto_modules = functools.cache(lambda found=backends.list_of_moto_modules: tuple(found()))

_TICK_SECONDS = 0.05
_READY_SECONDS = 30.0


class Cloud:
    """Starts and stops the regions, and takes them away."""

    def __init__(
        self,
        settings: LabSettings,
        clock: Clock | None = None,
        database_plane: DatabasePlane | None = None,
        log_path: Path | None = None,
    ) -> None:
        self.settings = settings
        BackendDict.reset()  # a new cloud is empty, whatever ran in this process before
        self.world = extend(clock or SystemClock(), settings.profile, database_plane)
        self.view = MotoView(settings)
        self._call_log = CallLog(log_path or settings.home / "calls.jsonl")
        self.faults = Faults()
        application: Any = DomainDispatcherApplication(create_backend_app)
        self.gates = {
            region: Gate(region, application, self.world, self._call_log, _bucket_region, self.faults)
            for region in settings.regions
        }
        self.ports = {
            region: RegionPort(settings.api_address(region), API_PORT, gate, gate.lost)
            for region, gate in self.gates.items()
        }
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick_for_ever, name="ticker", daemon=True)

    def start(self) -> None:
        """Write the AWS profiles, open the ports, return when each region answers."""
        credentials.write(self.settings)
        self._connect_world()
        opened: list[RegionPort] = []
        try:
            for port in self.ports.values():
                port.start()
                opened.append(port)
        except OSError:
            for port in opened:
                port.stop()
            raise
        self._ticker.start()
        self._wait_until_ready()

    def stop(self) -> None:
        """Close every port; moto's state stays in memory."""
        self._stopping.set()
        for port in self.ports.values():
            port.stop()
        self._call_log.close()

    def outage(self, region: str, kind: OutageKind = "hang") -> None:
        """Take a region's API away.  With us-east-1 go Route 53, IAM and S3's bucket configuration (R3)."""
        if region not in self.ports:
            raise ValueError(f"region {region!r} is not in this lab: {', '.join(self.ports)}")
        if kind not in KINDS:
            raise ValueError(f"outage {kind!r} is unknown: {', '.join(KINDS)}")
        self.world.outage(region)
        self.gates[region].answers_errors = kind == "errors"
        self.ports[region].outage(kind)
        log.warning("outage of %s begins: %s", region, kind)

    def heal(self, region: str) -> None:
        """Bring a region's API back."""
        self.gates[region].answers_errors = False
        self.ports[region].heal()
        self.world.heal(region)
        log.warning("outage of %s ends", region)

    def disable_keys(self, region: str) -> list[str]:
        """Disable every enabled customer-managed key of a region; their ids (R23)."""
        found = keys_of(region)
        switch_keys(region, found, enabled=False)
        return found

    def enable_keys(self, region: str, keys: list[str]) -> None:
        """Enable these keys again; one that is gone meanwhile stays gone."""
        switch_keys(region, keys, enabled=True)

    def _connect_world(self) -> None:
        settings = self.settings
        self.world.settings = settings

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        for region in self.ports:
            while True:
                with (
                    contextlib.suppress(OSError),
                    urllib.request.urlopen(ready_url(self.settings, region), timeout=2) as answer,
                ):
                    if answer.status == 200:
                        break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the AWS API of {region} does not answer at {self.settings.api_url(region)}")
                time.sleep(0.05)

    def _tick_for_ever(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            self.world.tick()


def keys_of(region: str) -> list[str]:
    """The enabled customer-managed keys of a region."""
    from moto.kms.models import kms_backends

    keys = list(kms_backends[ACCOUNT][region].keys.values())
    return [str(key.id) for key in keys if key.key_state == "Enabled" and key.key_manager == "CUSTOMER"]


def switch_keys(region: str, keys: list[str], *, enabled: bool) -> None:
    """Enable or disable keys."""
    from moto.kms.models import kms_backends

    backend = kms_backends[ACCOUNT][region]
    for key in keys:
        if key in backend.keys:
            (backend.enable_key if enabled else backend.disable_key)(key)


def ready_url(settings: LabSettings, region: str) -> str:
    """Where a region says that it is ready."""
    return settings.api_url(region) + READY_PATH


def _bucket_region(name: str) -> str | None:
    """The region of a bucket of whatever account."""
    from moto.s3.models import s3_backends

    for account in (ACCOUNT, credentials.OTHER_ACCOUNT):
        bucket = s3_backends[account]["aws"].buckets.get(name)
        if bucket is not None:
            return str(bucket.region_name or GLOBAL_REGION)
    return None
