"""What the operator of the lab does to it by hand, at any time: the commands behind `python -m lab outage` and others.

Each command checks its input, does what it says, and notes for the record of the truth when that began and ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lab.control import Command, LabError
from lab.dataplane.postgres import PostgresPlane
from lab.dataplane.process import ApplicationProcess
from lab.outage_kinds import KINDS
from lab.settings import LabSettings

if TYPE_CHECKING:
    from lab.cloud.server import Cloud

MOST_LAG = 600.0
"""Seconds."""
Value = dict[str, Any]


class Hands:
    """The commands, on the parts of a running lab."""

    def __init__(
        self,
        settings: LabSettings,
        cloud: Cloud,
        plane: PostgresPlane,
        applications: Mapping[str, ApplicationProcess],
        note: Callable[..., None],
    ) -> None:
        self._settings = settings
        self._cloud = cloud
        self._plane = plane
        self._applications = applications
        self._note = note
        self._change = threading.Lock()
        self._disabled: dict[str, list[str]] = {}
        self.outages: dict[str, str] = {}
        """The kind of outage by region."""

    def commands(self) -> dict[tuple[str, str], Command]:
        """The commands by their path."""
        return {
            ("POST", "/outage"): self.outage,
            ("POST", "/heal"): self.heal,
            ("POST", "/replication"): self.replication,
            ("POST", "/fault"): self.fault,
            ("POST", "/throttle"): self.throttle,
            ("POST", "/lag"): self.lag,
            ("POST", "/capacity"): self.capacity,
            ("POST", "/flap"): self.flap,
            ("POST", "/key"): self.key,
            ("POST", "/mark"): self.mark,
        }

    def outage(self, value: Value) -> Value:
        """Take a region away, wholly or in part; an earlier outage of it ends first."""
        region, kind = self._region(value), str(value.get("kind") or "hang")
        if kind not in KINDS:
            raise LabError(f"an outage is one of {', '.join(KINDS)}, not {kind!r}")
        with self._change:
            if region in self.outages:
                self._heal(region)
            self._note("fault", what="outage", region=region, detail=kind, state="began")
            parts = KINDS[kind]
            # Clients first: nothing is acknowledged that could not have been replicated for lack of a region.
            if region in self._applications:
                if parts.application is not None:
                    self._applications[region].tell(outage=parts.application)
                if parts.line:
                    self._plane.region_lost(region)
            if parts.api is not None:
                self._cloud.outage(region, parts.api)  # type: ignore[arg-type]  # the table holds nothing else
            self.outages[region] = kind
        return {"region": region, "outage": kind, "at": time.time()}

    def heal(self, value: Value) -> Value:
        """Bring a region back; without one, end everything that was done by hand."""
        if value.get("region"):
            regions = [self._region(value)]
        else:
            regions = list(self._settings.regions)
            self._end_everything_else()
        with self._change:
            for region in regions:
                self._heal(region)
        return {"healed": regions, "at": time.time()}

    def _heal(self, region: str) -> None:
        if region not in self.outages:
            return
        if region in self._applications:
            self._plane.region_back(region)
        if KINDS[self.outages[region]].api is not None:
            self._cloud.heal(region)
        if region in self._applications:
            self._applications[region].tell(outage="none")
        self._note("fault", what="outage", region=region, detail=self.outages.pop(region), state="ended")

    def _end_everything_else(self) -> None:
        self.fault({"clear": True})
        self.replication({"state": "healed"})
        for region in self._settings.regions:
            self.capacity({"region": region, "state": "there"})
            self.flap({"region": region, "seconds": 0})
            self.key({"region": region, "state": "enabled"})

    def replication(self, value: Value) -> Value:
        """Cut, heal or slow the line between the databases."""
        state = value.get("state")
        before = self._plane.describe()
        match state:
            case "cut":
                self._plane.cut()
            case "healed":
                self._plane.heal()
                if not (before.get("cut") or before.get("delay_seconds") or before.get("bytes_per_second")):
                    return before
            case "slow":
                return self.lag({"seconds": value.get("seconds", 0)})
            case other:
                raise LabError(f"replication can be cut, healed or slow, not {other!r}")
        self._note("fault", what="replication", detail=state, state="ended" if state == "healed" else "began")
        return self._plane.describe()

    def lag(self, value: Value) -> Value:
        """Hold replication back by so many seconds, and let no more through than so many bytes a second (0: all)."""
        seconds = _number(value, "seconds", 0.0, MOST_LAG)
        rate = _number(value, "bytes_per_second", 0.0, 1e9)
        self._plane.slow(seconds, rate)
        ended = seconds == 0 and rate == 0
        self._note("fault", what="lag", detail=[seconds, rate], state="ended" if ended else "began")
        return self._plane.describe()

    def fault(self, value: Value) -> Value:
        """Let a call fail, or end all such faults."""
        from lab.cloud.faults import Fault

        if value.get("clear"):
            if self._cloud.faults.clear():
                self._note("fault", what="calls", detail="all", state="ended")
            return {"faults": "none"}
        service, _, operation = str(value.get("call", "")).partition(":")
        if not (service and operation):
            raise LabError(f"a fault names a call such as rds:CreateDBCluster, not {value.get('call')!r}")
        if value.get("region"):
            self._region(value)
        fault = Fault(
            service,
            operation,
            str(value.get("code")),
            value.get("region") or None,
            int(value.get("times") or 0),
            max(1, int(value.get("every") or 1)),
        )
        self._cloud.faults.add(fault)
        self._note("fault", what="calls", detail=str(fault), region=fault.region, state="began")
        return {"fault": str(fault)}

    def throttle(self, value: Value) -> Value:
        """Let every so many-th call to a region fail as throttled, or end that."""
        from lab.cloud.faults import Fault

        region, service = self._region(value), str(value.get("service") or "*")
        every = int(_number(value, "every", 0, 1000))
        self._cloud.faults.drop(lambda fault: fault.code == "Throttling" and fault.region == region)
        if every:
            self._cloud.faults.add(Fault(service, "*", "Throttling", region, 0, every))
        self._note("fault", what="throttle", region=region, detail=every, state="began" if every else "ended")
        return {"region": region, "service": service, "every": every}

    def capacity(self, value: Value) -> Value:
        """Whether instances can be launched in a region."""
        region, state = self._region(value), value.get("state")
        if state not in ("none", "there"):
            raise LabError(f"capacity is none or there, not {state!r}")
        short = self._cloud.world.no_capacity
        if (region in short) == (state == "none"):
            return {"region": region, "capacity": state}
        if state == "none":
            short.add(region)
        else:
            short.discard(region)
        self._note("fault", what="capacity", region=region, detail=state, state="began" if state == "none" else "ended")
        return {"region": region, "capacity": state}

    def flap(self, value: Value) -> Value:
        """Let Route 53 see a region's endpoints swing between healthy and not, so many seconds each; 0 ends it."""
        region, seconds = self._region(value), _number(value, "seconds", 0.0, 3600.0)
        flapping = self._cloud.world.flapping
        if seconds == 0 and region not in flapping:
            return {"region": region, "seconds": 0}
        if seconds:
            flapping[region] = seconds
        else:
            del flapping[region]
        self._note("fault", what="flap", region=region, detail=seconds, state="began" if seconds else "ended")
        return {"region": region, "seconds": seconds}

    def key(self, value: Value) -> Value:
        """Disable the customer's keys in a region, or enable those again that were disabled so."""
        region, state = self._region(value), value.get("state")
        if state not in ("disabled", "enabled"):
            raise LabError(f"a key is disabled or enabled, not {state!r}")
        if state == "disabled":
            found = self._cloud.disable_keys(region)
            if not found and region not in self._disabled:
                raise LabError(f"there is no customer-managed key in {region} that could be disabled")
            self._disabled.setdefault(region, []).extend(found)
        else:
            found = self._disabled.pop(region, [])
            self._cloud.enable_keys(region, found)
        if found:
            self._note(
                "fault", what="key", region=region, detail=found, state="began" if state == "disabled" else "ended"
            )
        return {"region": region, "keys": found, "state": state}

    def mark(self, value: Value) -> Value:
        """Name this place of the record."""
        name = str(value.get("name") or "").strip()
        if not name:
            raise LabError("a mark has a name")
        self._note("mark", name=name)
        return {"mark": name, "at": time.time()}

    def _region(self, value: Value) -> str:
        region = str(value.get("region"))
        if region not in self._settings.regions:
            raise LabError(f"{region!r} is no region of this lab: {', '.join(self._settings.regions)}")
        return region


def _number(value: Value, name: str, least: float, most: float) -> float:
    given = value.get(name) or 0
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise LabError(f"{name} is {given!r}: a number is wanted") from None
    if not least <= number <= most:
        raise LabError(f"{name} is {number:g}: from {least:g} to {most:g} is wanted")
    return number
