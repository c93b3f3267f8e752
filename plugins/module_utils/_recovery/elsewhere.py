# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A move as it was seen from other places than the main probe's, and what all probes together asked for.

The headline figures are the main probe's. What is seen elsewhere stands beside them: an outage may be longer where a
resolver keeps answers longer, and none at all where clients were led to the other region anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .measure import Figure, Measurement
from .samples import Vantage, most_at_once

HERE = "the main probe"
FIGURES = (
    ("rto_writes_seconds", "RTO of writes", "s"),
    ("rto_reads_seconds", "RTO of reads", "s"),
    ("dns_seconds", "DNS", "s"),
    ("rpo_lost_writes", "writes lost", ""),
)
"""What is measured from every place: name in the report, title, unit."""


@dataclass(frozen=True)
class View:
    """What one vantage point saw; `measurement` is None, with the reason, where nothing came of it."""

    name: str
    measurement: Measurement | None = None
    vantage: Vantage | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For the report: the same figures as the main probe's, and why one is missing."""
        found = self.measurement
        figures = dict.fromkeys((name for name, *_rest in FIGURES), Figure(None, self.reason))
        if found is not None:
            figures = {
                "rto_writes_seconds": found.rto_writes,
                "rto_reads_seconds": found.rto_reads,
                "dns_seconds": found.dns,
                "rpo_lost_writes": found.rpo_lost_writes,
            }
        missing = [self.reason, *(figure.method for figure in figures.values() if figure.value is None)]
        return {
            "name": self.name,
            "reason": "; ".join(dict.fromkeys(reason for reason in missing if reason)),
            "measured": {name: figure.as_dict() for name, figure in figures.items()},
            "samples": {} if found is None else found.counts,
            "probe": probe_of(self.vantage),
        }


def probe_of(vantage: Vantage | None) -> dict[str, Any] | None:
    """Who probed, and how often, for the report."""
    if vantage is None:
        return None
    return {
        "client": vantage.client,
        "host": vantage.host,
        "interval_seconds": vantage.interval_seconds,
        "timeout_seconds": vantage.timeout_seconds,
        "write_path": vantage.write_path,
    }


def worst(here: Mapping[str, Any], views: Sequence[Mapping[str, Any]]) -> str:
    """Where it was worst, figure by figure, in a line: of `here`, the main probe's figures, and of the report's views.

    Nothing is compared where nothing was seen elsewhere. An outage whose end was not seen lasted at least as long as it
    was seen, so it is compared by that.
    """
    if not any(_least(figure) >= 0 for view in views for figure in view["measured"].values()):
        return ""
    places = [(HERE, here), *((view["name"], view["measured"]) for view in views)]
    return f"Worst of what was measured: {'; '.join(_worst(places, *figure) for figure in FIGURES)}."


def _worst(places: Sequence[tuple[str, Mapping[str, Any]]], name: str, title: str, unit: str) -> str:
    seen = [
        (float(least), place, measured[name]) for place, measured in places if (least := _least(measured[name])) >= 0
    ]
    if not seen:
        return f"{title} not measured from anywhere"
    most, place, figure = max(seen, key=lambda one: one[0])
    shown = f"{most:.2f} {unit}" if unit else f"{most:g}"
    if figure["value"] is None:
        return f"{title} at least {shown}, from {place}"
    return f"{title} {shown}, from {place}" if most > 0 else f"{title} {shown} everywhere"


def _least(figure: Mapping[str, Any]) -> float:
    """What is known of a figure; less than nothing where that is nothing."""
    value = figure["value"] if figure["value"] is not None else figure.get("at_least")
    return -1.0 if value is None else float(value)


def load(vantages: Iterable[Vantage | None]) -> dict[str, Any] | None:
    """The most that the probes whose samples are there asked for: a bound that the sampler keeps, and no estimate."""
    all_of_them = list(vantages)
    known = [vantage for vantage in all_of_them if vantage is not None]
    if not known:
        return None
    writes = sum(1 / one.interval_seconds for one in known if one.write_path)
    reads = sum(1 / one.interval_seconds for one in known)
    at_once = sum(
        most_at_once(one.interval_seconds, one.timeout_seconds) * (2 if one.write_path else 1) for one in known
    )
    uncounted = " Probes without samples are not counted." if len(known) < len(all_of_them) else ""
    many = f"{len(known)} probes together" if len(known) > 1 else "one probe"
    return {
        "probes": len(known),
        "writes_per_second": round(writes, 3),
        "reads_per_second": round(reads, 3),
        "dns_queries_per_second": round(reads, 3),
        "most_requests_at_once": at_once,
        "statement": (
            f"The load of {many}, at most: {round(writes, 2):g} writes and {round(reads, 2):g} reads a second of the "
            f"application, never more than {at_once} such requests at once, and {round(reads, 2):g} DNS queries a "
            f"second beside those that the TTL asks for.{uncounted}"
        ),
    }
