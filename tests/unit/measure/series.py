# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Made-up samples: a world whose truth is known, seen by a probe with a rhythm."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.module_utils._recovery.samples import Kind, Observation, Sample, Stored, Vantage

T0 = 1_700_000_000.0
INTERVAL = 0.25
OLD, NEW = "us-east-1", "us-west-2"


def series(
    seconds: float,
    outages: Sequence[tuple[float, float]] = (),
    *,
    kind: Kind = "write",
    phase: float = 0.0,
    latency: float = 0.01,
    timeout: float = 2.0,
    hang: bool = True,
    moved_at: float | None = None,
    deaf: Sequence[tuple[float, float]] = (),
) -> list[Sample]:
    """Samples of `seconds` seconds; times of outages and deafness are seconds after T0, `phase` shifts the slots."""
    samples = []
    for number in range(int(seconds / INTERVAL)):
        at = phase + number * INTERVAL
        if any(begin <= at < end for begin, end in deaf):
            continue
        out = any(begin <= at < end for begin, end in outages)
        took = timeout if out and hang else latency
        region = NEW if moved_at is not None and at >= moved_at else OLD
        samples.append(
            Sample(
                kind,
                number,
                T0 + at,
                T0 + at,
                T0 + at + took,
                not out,
                status=None if out else 200,
                error="no answer within 2 s" if out else None,
                region=region,
            )
        )
    return samples


def observed(*parts: Sequence[Sample], stored: Stored | None = None) -> Observation:
    """The samples as they stand in a file: in the order in which they ended."""
    samples = sorted((sample for part in parts for sample in part), key=lambda one: one.ended_at)
    return Observation(Vantage("client", "app.example.com", INTERVAL, 2.0, T0), tuple(samples), stored)


def event(at: float, kind: str, **more: object) -> dict[str, object]:
    """A line of the journal, `at` seconds after T0."""
    return {"run_id": "run", "seq": int(at * 10), "at": T0 + at, "application": "dr-webapp", "kind": kind, **more}
