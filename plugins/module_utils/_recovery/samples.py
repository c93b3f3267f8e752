# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a probe saw, as it stands in its file: one JSON object a line.

The first line (`kind` "probe") says who probed what and how often, then come the samples in the order in which they
ended, and at the end, where it could be had, one line (`kind` "stored") with the numbers that the application still
has.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Kind = Literal["write", "read", "dns"]
KINDS: tuple[Kind, ...] = ("write", "read", "dns")
NO_WRITES = "the application offers no numbered writes"


@dataclass(frozen=True)
class Sample:
    """One thing tried in one slot. Times are in seconds since the epoch, on the probe's clock.

    `number` is the slot's, and for a write also the number that was written. `address` is what was reached (or
    answered, for `dns`), `region` the region that answered (for `dns`: the one that the answer leads to), `canonical`
    the name at the end of a chain of CNAMEs.
    """

    kind: Kind
    number: int
    scheduled_at: float
    started_at: float
    ended_at: float
    ok: bool
    status: int | None = None
    error: str | None = None
    address: str | None = None
    region: str | None = None
    canonical: str | None = None

    def line(self) -> str:
        """The sample as a line of the file."""
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(frozen=True)
class Vantage:
    """Who probed: a name for its numbered writes, what was asked for, and the rhythm (seconds)."""

    client: str
    host: str
    interval_seconds: float
    timeout_seconds: float
    started_at: float
    write_path: str = ""
    read_path: str = ""
    nameservers: tuple[str, ...] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """The head line of the file."""
        return json.dumps({"kind": "probe", **asdict(self)}, separators=(",", ":"))


@dataclass(frozen=True)
class Stored:
    """The numbers that were read back after the move; `numbers` is None, with the reason, where they could not be."""

    at: float
    numbers: frozenset[int] | None
    region: str | None = None
    error: str | None = None

    def line(self) -> str:
        """The last line of the file."""
        numbers = None if self.numbers is None else sorted(self.numbers)
        return json.dumps({"kind": "stored", **asdict(self), "numbers": numbers}, separators=(",", ":"))


@dataclass(frozen=True)
class Balancer:
    """The load balancer of a region: its name, and the addresses that it has."""

    region: str
    host: str
    addresses: frozenset[str] = frozenset()


def probed_kinds(write_path: str) -> tuple[Kind, ...]:
    """What a probe tries in every slot: no writes where the application offers no path for them."""
    return KINDS if write_path else ("read", "dns")


def most_at_once(interval_seconds: float, timeout_seconds: float) -> int:
    """How many slots of one kind can be under way at once: each lasts at most the timeout, and one may start late."""
    return math.ceil(timeout_seconds / interval_seconds) + 2


def placed(observation: Observation, balancers: Iterable[Balancer]) -> Observation:
    """The same samples, with the region of each DNS answer that the probe could not tell itself.

    A CNAME is recognised by its name; an alias of Route 53 is answered with addresses, so it is recognised by them.
    Of a region whose load balancer is not known, an address is recognised where the application itself, asked there,
    has said which region it is in.
    """
    known = tuple(balancers)
    regions = {one.region for one in known}
    said = {address: region for address, region in _said(observation).items() if region not in regions}

    def region_of(sample: Sample) -> str | None:
        for one in known:
            if sample.canonical == one.host or (sample.address is not None and sample.address in one.addresses):
                return one.region
        return said.get(sample.address or "")

    samples = tuple(
        replace(sample, region=region_of(sample))
        if sample.kind == "dns" and sample.ok and not sample.region
        else sample
        for sample in observation.samples
    )
    return replace(observation, samples=samples)


def _said(observation: Observation) -> dict[str, str]:
    """The region of each address as the application says it there. One behind which both answer tells nothing."""
    heard: dict[str, set[str]] = {}
    for sample in observation.samples:
        if sample.kind != "dns" and sample.ok and sample.address and sample.region:
            heard.setdefault(sample.address, set()).add(sample.region)
    return {address: next(iter(regions)) for address, regions in heard.items() if len(regions) == 1}


class Streak:
    """How many samples of each kind that is probed were good in a row, as they ended: none while none has ended.

    Fed by one thread at a time.
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._good: dict[Kind, int] = dict.fromkeys(kinds, 0)

    def feed(self, sample: Sample) -> None:
        """Counts one."""
        self._good[sample.kind] = self._good[sample.kind] + 1 if sample.ok else 0

    def restart(self) -> None:
        """Forgets what was good so far, not what is asked for."""
        self._good = dict.fromkeys(self._good, 0)

    def holds(self, least: int) -> bool:
        """Whether every kind that is probed has so many good ones in a row."""
        return min(self._good.values()) >= least


@dataclass(frozen=True)
class Observation:
    """A whole file."""

    vantage: Vantage | None
    samples: tuple[Sample, ...]
    stored: Stored | None

    def of(self, kind: Kind) -> tuple[Sample, ...]:
        """The samples of one kind in the order of their slots: they ended in another."""
        return tuple(sorted((sample for sample in self.samples if sample.kind == kind), key=lambda one: one.number))

    @property
    def only_reads(self) -> bool:
        """Whether the probe was told of no path for numbered writes, and saw what can be seen without one."""
        kinds = {sample.kind for sample in self.samples}
        return self.vantage is not None and not self.vantage.write_path and "read" in kinds and "write" not in kinds


def interval_of(observation: Observation) -> float:
    """The rhythm of the probe in seconds; without a head line, as its writes show it."""
    if observation.vantage:
        return observation.vantage.interval_seconds
    steps = sorted(
        (after.scheduled_at - before.scheduled_at) / (after.number - before.number)
        for before, after in itertools.pairwise(observation.of("write"))
        if after.number > before.number
    )
    return steps[len(steps) // 2] if steps else 1.0


def parse(lines: Iterable[str]) -> Observation:
    """Reads a file, which may still be growing: a last line cut in the middle is left out, any other wrong line is
    an error.
    """
    vantage: Vantage | None = None
    stored: Stored | None = None
    samples: list[Sample] = []
    texts = list(lines)
    for index, text in enumerate(texts):
        if not text.strip():
            continue
        try:
            values: dict[str, Any] = json.loads(text)
            kind = values["kind"]
            if kind == "probe":
                vantage = Vantage(**{**_without_kind(values), "nameservers": tuple(values.get("nameservers", ()))})
            elif kind == "stored":
                numbers = values["numbers"]
                stored = Stored(
                    **{
                        **_without_kind(values),
                        "numbers": None if numbers is None else frozenset(numbers),
                    }
                )
            elif kind in KINDS:
                samples.append(Sample(**values))
            else:
                raise ValueError(f"kind {kind!r} is unknown")
        except (ValueError, KeyError, TypeError) as error:
            if index == len(texts) - 1 and not text.endswith("\n"):
                break
            raise ValueError(f"line {index + 1} is not a sample of a probe: {error}") from error
    return Observation(vantage, tuple(samples), stored)


def _without_kind(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "kind"}
