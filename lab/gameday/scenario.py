"""A scenario: what happens when, and what must hold afterwards.  Read from `lab/scenarios/NAME.yml`, and checked.

    title: one sentence for the table
    rules: [R2, R8]                     # the rules of AWS that it tries
    move: unplanned                     # drill, planned or unplanned
    interval: 0.25                      # seconds between two samples, and what a time may differ (0.25)
    arguments: {accept_unfenced: true}  # more of ansible-playbook's -e
    events:
      - {when: before, do: outage, region: primary, kind: hang}
      - {when: promote begins, after: 0.5, do: lag, seconds: 0}
    expect:
      result: moved                     # moved, refused (nothing was begun) or failed (it was begun)
      served_from: dr
      lost: some                        # none, some or any; of a move that is refused, nothing is asked
      met_by_at_least: 3                # instances in service, in truth, when DNS led clients there
      deaf: true                        # the probe stands still: a figure has to be missing, with that reason
      says: [a piece of the output]
      never_calls: [route53, iam]       # services that the move may not ask
    fails_for: [a-seeded-fault]         # faults of tests/mutants with which it would not hold

An event is `after` so many seconds from its moment, and a random part of an interval of the probe later: it meets the
probe at no phase that somebody chose.  Moments are `before` (the probe is ready, the move has not begun), `opened` (the
run is), `STAGE begins` and `STAGE ends` (fence, promote, scale, verify, shift), and `after` (the move has ended).

What is done is done to the lab, but for `deafen`: that makes the probe of the game day itself stand still for so many
`seconds`.  Only an unplanned move has such a probe; a planned one starts its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.outage_kinds import KINDS
from lab.truth.compare import INTERVAL

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
STAGES = ("decide", "fence", "promote", "scale", "verify", "shift")
MOVES = ("drill", "planned", "unplanned")
RESULTS = ("moved", "refused", "failed")
PLACES = ("primary", "dr")
LOSSES = ("none", "some", "any")
MOMENTS = ("before", "opened", "after", *(f"{stage} {edge}" for stage in STAGES for edge in ("begins", "ends")))
_RULE = re.compile(r"^R\d{1,2}$")
_NAME = re.compile(r"^[a-z][a-z0-9-]*$")


class BadScenario(ValueError):
    """A scenario that cannot be played; the message names the file, the field and what would be right."""


@dataclass(frozen=True)
class Deed:
    """What can be done to the lab: the control API's path, and the fields that it wants, with what they may be.

    Without a path it is done to the probe of the game day.
    """

    path: str
    fields: Mapping[str, tuple[Any, ...] | type]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


DEEDS: dict[str, Deed] = {
    "outage": Deed("/outage", {"region": PLACES, "kind": tuple(KINDS)}),
    "heal": Deed("/heal", {"region": PLACES}, optional=frozenset({"region"})),
    "cut-replication": Deed("/replication", {}, {"state": "cut"}),
    "heal-replication": Deed("/replication", {}, {"state": "healed"}),
    "lag": Deed("/lag", {"seconds": float, "bytes_per_second": float}, optional=frozenset({"bytes_per_second"})),
    "throttle": Deed("/throttle", {"region": PLACES, "every": float, "service": str}, optional=frozenset({"service"})),
    "fault": Deed(
        "/fault",
        {"call": str, "code": str, "region": PLACES, "times": float},
        optional=frozenset({"region", "times"}),
    ),
    "clear-faults": Deed("/fault", {}, {"clear": True}),
    "no-capacity": Deed("/capacity", {"region": PLACES}, {"state": "none"}),
    "capacity": Deed("/capacity", {"region": PLACES}, {"state": "there"}),
    "flap": Deed("/flap", {"region": PLACES, "seconds": float}),
    "disable-key": Deed("/key", {"region": PLACES}, {"state": "disabled"}),
    "enable-key": Deed("/key", {"region": PLACES}, {"state": "enabled"}),
    "deafen": Deed("", {"seconds": float}),
}


@dataclass(frozen=True)
class Event:
    """Something that is done to the lab at a moment."""

    when: str
    after: float
    do: str
    values: Mapping[str, Any]

    def request(self, regions: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Path and value for the lab's control API; `regions` maps a place to its region."""
        deed = DEEDS[self.do]
        value = {**deed.fixed, **self.values}
        if "region" in value:
            value["region"] = regions[value["region"]]
        return deed.path, value


@dataclass(frozen=True)
class Expected:
    """What must hold when the move has ended."""

    result: str = "moved"
    served_from: str = "dr"
    lost: str = "none"
    says: tuple[str, ...] = ()
    never_calls: tuple[str, ...] = ()
    deaf: bool = False
    met_by_at_least: int = 0


@dataclass(frozen=True)
class Scenario:
    """One game day."""

    name: str
    title: str
    rules: tuple[str, ...]
    move: str
    events: tuple[Event, ...]
    expect: Expected
    fails_for: tuple[str, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    move_after: float = 0.0
    """Seconds between the last event before the move and the move: how long it takes until somebody decides."""
    interval: float = INTERVAL
    """Seconds between two samples of the probe."""

    @property
    def intent(self) -> str:
        """As the reports name it."""
        return "drill" if self.move == "drill" else "failover"


def names(folder: Path = FOLDER) -> list[str]:
    """The names of all scenarios."""
    return sorted(path.stem for path in folder.glob("*.yml"))


def load(name: str, folder: Path = FOLDER) -> Scenario:
    """One scenario by its name.  Raises `BadScenario`."""
    path = folder / f"{name}.yml"
    if not _NAME.match(name) or not path.exists():
        raise BadScenario(f"{name!r} is no scenario: {', '.join(names(folder)) or 'there is none'}")
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BadScenario(f"{name}: not YAML: {error}") from error
    return parse(name, value)


def parse(name: str, value: Any) -> Scenario:
    """Check a scenario's fields.  Raises `BadScenario` that names the field."""
    reader = _Reader(name, value, "")
    reader.only("title", "rules", "move", "arguments", "move_after", "interval", "events", "expect", "fails_for")
    rules = reader.texts("rules")
    for rule in rules:
        if not _RULE.match(rule):
            raise BadScenario(f"{name}: rules: {rule!r} is no rule such as R8")
    fails_for = reader.texts("fails_for")
    if not rules or not fails_for:
        raise BadScenario(f"{name}: {'rules' if not rules else 'fails_for'} names at least one")
    events = reader.get("events", [])
    if not isinstance(events, list):
        raise BadScenario(f"{name}: events: a list is wanted")
    move = reader.one_of("move", MOVES)
    read = tuple(_event(name, position, one) for position, one in enumerate(events, 1))
    if move != "unplanned" and any(event.do == "deafen" for event in read):
        raise BadScenario(f"{name}: deafen: only an unplanned move is watched by a probe that can be made deaf")
    return Scenario(
        name=name,
        title=reader.text("title"),
        rules=rules,
        move=move,
        events=read,
        expect=_expected(name, reader.get("expect", {})),
        fails_for=fails_for,
        arguments=reader.mapping("arguments"),
        move_after=reader.number("move_after", 0.0),
        interval=reader.number("interval", INTERVAL),
    )


def _event(name: str, position: int, value: Any) -> Event:
    reader = _Reader(name, value, f"event {position}: ")
    do = reader.one_of("do", tuple(DEEDS))
    deed = DEEDS[do]
    reader.only("when", "after", "do", *deed.fields)
    values: dict[str, Any] = {}
    for key, allowed in deed.fields.items():
        if reader.get(key) is None and key in deed.optional:
            continue
        if isinstance(allowed, tuple):
            values[key] = reader.one_of(key, allowed)
        else:
            values[key] = reader.number(key) if allowed is float else reader.text(key)
    return Event(reader.one_of("when", MOMENTS), reader.number("after", 0.0), do, values)


def _expected(name: str, value: Any) -> Expected:
    reader = _Reader(name, value, "expect: ")
    reader.only("result", "served_from", "lost", "says", "never_calls", "deaf", "met_by_at_least")
    usual = Expected()
    result = reader.one_of("result", RESULTS, usual.result)
    return Expected(
        result=result,
        served_from=reader.one_of("served_from", PLACES, "dr" if result == "moved" else "primary"),
        lost=reader.one_of("lost", LOSSES, usual.lost),
        says=reader.texts("says"),
        never_calls=reader.texts("never_calls"),
        deaf=reader.one_of("deaf", (True, False), False),
        met_by_at_least=int(reader.number("met_by_at_least", 0.0)),
    )


class _Reader:
    """Takes fields out of a mapping; what is wrong is said with the scenario, the place and the field."""

    def __init__(self, name: str, value: Any, place: str) -> None:
        self._where = f"{name}: {place}"
        if not isinstance(value, dict):
            raise BadScenario(f"{self._where}fields with values are wanted, not {value!r}")
        self._value = value

    def only(self, *known: str) -> None:
        for key in self._value:
            if key not in known:
                raise BadScenario(f"{self._where}{key!r} is unknown here: {', '.join(known)}")

    def get(self, key: str, default: Any = None) -> Any:
        return self._value.get(key, default)

    def text(self, key: str) -> str:
        found = self.get(key)
        if not isinstance(found, str) or not found.strip():
            raise BadScenario(f"{self._where}{key} is {found!r}: a text is wanted")
        return found

    def number(self, key: str, default: float | None = None) -> float:
        found = self.get(key, default)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or found < 0:
            raise BadScenario(f"{self._where}{key} is {found!r}: a number, 0 or more, is wanted")
        return float(found)

    def one_of(self, key: str, allowed: tuple[Any, ...], default: Any = None) -> Any:
        found = self.get(key, default)
        if found not in allowed:
            raise BadScenario(f"{self._where}{key} is {found!r}: one of {', '.join(map(str, allowed))} is wanted")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            raise BadScenario(f"{self._where}{key} is {found!r}: a list of texts is wanted")
        return tuple(found)

    def mapping(self, key: str) -> dict[str, Any]:
        found = self.get(key, {})
        if not isinstance(found, dict):
            raise BadScenario(f"{self._where}{key} is {found!r}: fields with values are wanted")
        return dict(found)
