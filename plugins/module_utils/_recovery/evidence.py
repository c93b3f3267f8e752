# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients saw, sample by sample, and which writes were lost, in a form that is small enough for a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .samples import KINDS, Kind, Observation, Sample, interval_of

FROM_LEFT, FROM_NEW, FROM_SOMEWHERE, FAILED, NOT_TRIED = "l", "n", "a", "x", "."
LEGEND: Mapping[str, str] = {
    FROM_LEFT: "good, by the region that was left",
    FROM_NEW: "good, by the region that was moved to",
    FROM_SOMEWHERE: "good, by a region that the answer does not tell",
    FAILED: "failed",
    NOT_TRIED: "not tried",
}
"""What a letter of `availability` stands for."""


def availability(observation: Observation, left: str, new: str) -> dict[str, Any]:
    """One letter for each slot of the probe, by kind; `began_at` is when slot 0 was due (seconds since the epoch).

    Letters stand for regions: `left` is the one that was moved away from, `new` the one that was moved to.
    """
    interval = interval_of(observation)
    regions = {left: FROM_LEFT, new: FROM_NEW}
    first = next(iter(observation.samples), None)
    return {
        "began_at": None if first is None else round(first.scheduled_at - first.number * interval, 3),
        "interval_seconds": interval,
        "legend": dict(LEGEND),
        "kinds": {kind: _letters(observation.of(kind), regions) for kind in KINDS if _has(observation, kind)},
    }


def _has(observation: Observation, kind: Kind) -> bool:
    return any(sample.kind == kind for sample in observation.samples)


def _letters(samples: Sequence[Sample], regions: Mapping[str, str]) -> str:
    by_slot = {sample.number: sample for sample in samples}
    return "".join(_letter(by_slot.get(number), regions) for number in range(max(by_slot, default=-1) + 1))


def _letter(sample: Sample | None, regions: Mapping[str, str]) -> str:
    if sample is None:
        return NOT_TRIED
    return regions.get(sample.region or "", FROM_SOMEWHERE) if sample.ok else FAILED


def lost_rows(lost: Iterable[Sample]) -> list[dict[str, Any]]:
    """The lost writes: number, when it was sent and when it was acknowledged, and by which region."""
    return [
        {
            "number": sample.number,
            "sent_at": round(sample.started_at, 3),
            "acknowledged_at": round(sample.ended_at, 3),
            "region": sample.region,
        }
        for sample in lost
    ]
