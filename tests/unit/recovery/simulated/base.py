# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the parts of the simulated AWS share: time, delays, the state of both regions."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.model import Application, parse_application

from .requests import Call
from .writes import Replication, WriteLog

EAST, WEST = "us-east-1", "us-west-2"
ACCOUNT = "123456789012"
PUBLISHER_SECONDS = 60.0
ADDRESSES = {EAST: "192.0.2.11", WEST: "192.0.2.12"}


def security_group(region: str, cluster: str) -> str:
    """The id of the group in front of a cluster."""
    return f"sg-{zlib.crc32(f'{region} {cluster}'.encode()):08x}"


class VirtualClock:
    """Time that passes only when somebody waits."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Group:
    min: int
    desired: int
    max: int
    ready: list[float] = field(default_factory=list)
    """When each instance is in service."""
    leaving: list[float] = field(default_factory=list)
    """When the instances that were taken out of service will be gone."""


@dataclass
class Delays:
    launch: float = 40.0
    promote: float = 20.0
    dns: float = 8.0
    fencing_event: float = 1.0
    drain: float = 0.0
    """How long an instance that has left service goes on."""
    resynchronise: float = 0.0
    """After an unplanned promotion, until the old writer has joined again with a new volume (R9)."""


class World:
    """The state of both regions, of all applications, and what all services of the simulated AWS share."""

    def __init__(self, clock: VirtualClock, documents: Sequence[Mapping[str, Any]]) -> None:
        self.clock = clock
        self.delays = Delays()
        self.applications = [parse_application(one) for one in documents]
        self.calls: list[Call] = []
        self.outages: dict[str, str] = {}
        self.dark: set[str] = set()
        self.globals: dict[str, dict[str, Any]] = {}
        self.moves: dict[str, tuple[float, str]] = {}
        self.rejoining: dict[str, float] = {}
        self.groups: dict[tuple[str, str], Group] = {}
        self.tables: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self.positions: dict[tuple[str, str], list[tuple[float, float]]] = {}  # seen from then on, in order
        self.publisher_ran_at = clock.now()
        self.published: list[Mapping[str, Any]] = []
        self.events: list[tuple[float, str, str]] = []
        self.instances: dict[tuple[str, str], list[str]] = {}
        self.versions: dict[tuple[str, str], str] = {}
        self.replication = Replication(0.08)
        self.lag_told = True
        self.fencing = "succeeded"
        self.gives_switchovers_up = False
        self.key_state = "Enabled"
        self.records_form = "failover"
        self.logs = {one.name: WriteLog() for one in self.applications}
        self.application_calls: list[tuple[float, str, str]] = []
        self.refusals: list[Callable[[Call], CallFailed | RegionUnreachable | None]] = []
        self.after_call: Callable[[Call], None] = lambda call: None
        for one in self.applications:
            self._build(one)

    def _build(self, application: Application) -> None:
        members = []
        for site in application.sites:
            arn = f"arn:aws:rds:{site.region}:{ACCOUNT}:cluster:{site.cluster}"
            members.append({"DBClusterArn": arn, "IsWriter": site.place == "primary", "Readers": []})
            self.instances[(site.region, site.cluster)] = [f"{site.cluster}-1"]
            self.versions[(site.region, site.cluster)] = "8.0.mysql_aurora.3.04.0"
            for group in site.groups:
                wish = group.active if site.place == "primary" else group.standby
                ready = [0.0] * wish.desired
                self.groups[(site.region, group.name)] = Group(wish.min, wish.desired, wish.max, ready)
            self.tables[(site.region, site.state_table)] = {}
        self.globals[application.global_cluster] = {
            "GlobalClusterIdentifier": application.global_cluster,
            "Status": "available",
            "Engine": "aurora-mysql",
            "EngineVersion": "8.0.mysql_aurora.3.04.0",
            "GlobalClusterMembers": members,
        }

    def _publish_kept_positions(self, now: float) -> None:
        """What each region's scheduler does every minute: the kept positions are published again (R17)."""
        while self.publisher_ran_at + PUBLISHER_SECONDS <= now:
            self.publisher_ran_at += PUBLISHER_SECONDS
            for application in self.applications:
                for record in ("primary", "dr"):
                    site = application.other(record)
                    rows = self.tables.get((site.region, site.state_table), {})
                    row = rows.get(f"{application.name}|switch#{record}")
                    if row and site.region not in self.dark:
                        value = float(json.loads(row["document"]["S"])["position"])
                        self._position(application.name, record, self.publisher_ran_at, value)

    def _position(self, application: str, record: str, at: float, value: float) -> None:
        """A position was published: its health check sees it after the delay of that day."""
        self.positions.setdefault((application, record), []).append((at + self.delays.dns, value))

    @property
    def lag_ms(self) -> float | None:
        """What the lag has been all the time, as the metric tells; None: there is no sample."""
        return self.replication.lag(self.clock.now()) * 1000 if self.lag_told else None

    @lag_ms.setter
    def lag_ms(self, milliseconds: float | None) -> None:
        self.lag_told = milliseconds is not None
        if milliseconds is not None:
            self.replication = Replication(milliseconds / 1000)

    @property
    def writes(self) -> dict[tuple[str, int], str]:
        """Where each write was taken that the present writers have."""
        return {key: write.region for log in self.logs.values() for key, write in log.kept.items()}

    def _fail(self, region: str, service: str, operation: str, code: str, message: str = "") -> CallFailed:
        if self.calls:
            self.calls[-1].outcome = code
        return CallFailed(region, service, operation, code, message)

    def in_service(self, region: str, name: str) -> int:
        group = self.groups.get((region, name))
        return sum(1 for ready in group.ready if self.clock.now() >= ready) if group else 0
