"""What an operator does to the lab by hand: refused where it makes no sense, noted when it began and when it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.cloud.faults import Faults
from lab.control import LabError
from lab.dataplane.postgres import PostgresPlane
from lab.dataplane.process import ApplicationProcess
from lab.hands import Hands
from lab.settings import LabSettings

EAST, WEST = "us-east-1", "us-west-2"


@dataclass
class Parts:
    """A lab whose parts only say what was done to them."""

    did: list[tuple[Any, ...]] = field(default_factory=list)
    noted: list[dict[str, Any]] = field(default_factory=list)

    def hands(self, home: Path) -> Hands:
        settings = LabSettings.from_environment({"LAB_HOME": str(home)})
        cloud = SimpleNamespace(
            faults=Faults(),
            world=SimpleNamespace(no_capacity=set(), flapping={}),
            outage=lambda region, kind: self.did.append(("api", region, kind)),
            heal=lambda region: self.did.append(("api", region, "healed")),
            disable_keys=lambda region: [f"key of {region}"],
            enable_keys=lambda region, keys: self.did.append(("keys", region, keys)),
        )
        plane = SimpleNamespace(
            region_lost=lambda region: self.did.append(("line", region, "cut")),
            region_back=lambda region: self.did.append(("line", region, "whole")),
            slow=lambda seconds, rate: self.did.append(("slow", seconds, rate)),
            cut=lambda: self.did.append(("line", "by hand", "cut")),
            heal=lambda: self.did.append(("line", "by hand", "whole")),
            describe=dict,
        )
        applications = {
            region: SimpleNamespace(
                tell=lambda region=region, **facts: self.did.append(("application", region, facts["outage"]))
            )
            for region in (EAST, WEST)
        }
        return Hands(
            settings, cast(Any, cloud), cast(PostgresPlane, plane),
            cast("dict[str, ApplicationProcess]", applications), self.note,
        )  # fmt: skip

    def note(self, kind: str, **facts: Any) -> None:
        self.noted.append({"kind": kind, **facts})

    def told(self) -> list[tuple[Any, ...]]:
        return [(one["what"], one.get("region"), one["state"]) for one in self.noted if one["kind"] == "fault"]


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def hands(parts: Parts, tmp_path: Path) -> Hands:
    return parts.hands(tmp_path)


@pytest.mark.parametrize("kind", ["hang", "swallow", "refuse", "errors"])
def test_a_region_that_is_gone_meets_clients_first_then_its_line_then_its_api(
    kind: str, parts: Parts, hands: Hands
) -> None:
    hands.outage({"region": EAST, "kind": kind})
    assert parts.did == [("application", EAST, kind), ("line", EAST, "cut"), ("api", EAST, kind)]
    assert parts.told() == [("outage", EAST, "began")]


def test_a_lost_data_plane_leaves_the_api(parts: Parts, hands: Hands) -> None:
    hands.outage({"region": EAST, "kind": "data-plane-only"})
    hands.heal({"region": EAST})
    assert [one for one in parts.did if one[0] == "api"] == []
    assert parts.did[-1] == ("application", EAST, "none")


def test_a_lost_control_plane_leaves_the_application_and_the_line(parts: Parts, hands: Hands) -> None:
    hands.outage({"region": EAST, "kind": "control-plane-only"})
    assert parts.did == [("api", EAST, "errors")]


def test_another_outage_of_the_same_region_ends_the_first(parts: Parts, hands: Hands) -> None:
    hands.outage({"region": EAST, "kind": "data-plane-only"})
    hands.outage({"region": EAST, "kind": "refuse"})
    assert parts.told() == [("outage", EAST, "began"), ("outage", EAST, "ended"), ("outage", EAST, "began")]
    assert hands.outages == {EAST: "refuse"}


def test_healing_everything_ends_whatever_was_done(parts: Parts, hands: Hands) -> None:
    hands.outage({"region": EAST, "kind": "hang"})
    hands.capacity({"region": WEST, "state": "none"})
    hands.flap({"region": EAST, "seconds": 2})
    hands.key({"region": WEST, "state": "disabled"})
    hands.throttle({"region": WEST, "service": "rds", "every": 2})
    hands.heal({})
    ended = {one[:2] for one in parts.told() if one[2] == "ended"}
    assert {("outage", EAST), ("capacity", WEST), ("flap", EAST), ("key", WEST), ("calls", None)} <= ended
    assert ("keys", WEST, [f"key of {WEST}"]) in parts.did
    assert hands.outages == {}


def test_healing_a_region_that_was_never_lost_does_nothing(parts: Parts, hands: Hands) -> None:
    hands.heal({"region": WEST})
    assert (parts.did, parts.noted) == ([], [])


def test_a_throttle_takes_the_place_of_the_one_before(parts: Parts, hands: Hands) -> None:
    hands.throttle({"region": EAST, "every": 2})
    hands.throttle({"region": EAST, "every": 5})
    hands.throttle({"region": EAST, "every": 0})
    assert parts.told()[-1] == ("throttle", EAST, "ended")
    assert hands._cloud.faults.clear() == 0


def test_a_lag_of_nothing_is_its_end(parts: Parts, hands: Hands) -> None:
    hands.lag({"seconds": 3, "bytes_per_second": 4096})
    hands.lag({"seconds": 0})
    assert parts.did == [("slow", 3.0, 4096.0), ("slow", 0.0, 0.0)]
    assert parts.told() == [("lag", None, "began"), ("lag", None, "ended")]


@pytest.mark.parametrize(
    ("command", "value", "said"),
    [
        ("/outage", {"region": "mars", "kind": "hang"}, "'mars' is no region of this lab"),
        ("/outage", {"region": EAST, "kind": "sulk"}, "an outage is one of hang, swallow, .* not 'sulk'"),
        ("/heal", {"region": "mars"}, "'mars' is no region"),
        ("/throttle", {"region": EAST, "every": -1}, "every is -1: from 0 to 1000 is wanted"),
        ("/lag", {"seconds": "much"}, "seconds is 'much': a number is wanted"),
        ("/lag", {"seconds": 1e6}, "from 0 to 600 is wanted"),
        ("/capacity", {"region": EAST, "state": "some"}, "capacity is none or there, not 'some'"),
        ("/flap", {"region": EAST, "seconds": -2}, "from 0 to 3600 is wanted"),
        ("/key", {"region": EAST, "state": "lost"}, "a key is disabled or enabled, not 'lost'"),
        ("/mark", {"name": " "}, "a mark has a name"),
        ("/fault", {"call": "rds"}, "a fault names a call"),
        ("/fault", {"call": "rds:*", "region": "mars"}, "'mars' is no region"),
        ("/replication", {"state": "tangled"}, "replication can be cut, healed or slow, not 'tangled'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line_and_changes_nothing(
    command: str, value: dict[str, Any], said: str, parts: Parts, hands: Hands
) -> None:
    with pytest.raises(LabError, match=said) as refused:
        hands.commands()["POST", command](value)
    assert "\n" not in str(refused.value)
    assert (parts.did, parts.noted) == ([], [])
