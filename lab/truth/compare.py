"""Holds what was measured against what was true.

A figure may differ from the truth by one interval of the probe: an outage that begins right after a sample is first
seen by the next one.  The number of lost writes may not differ at all, and a bound on the loss may never lie below it.
The time that was lost is told by the same writes of the same client on both sides, from the last one that was kept to
the last one that was lost: the probe dates them when it had their answers, the lab when these went out.  The two differ
by the way of an answer, so an interval is more than enough.  A bound rests on how far the standby was behind, and it
was not behind while nothing was written: it has to reach from the first lost write to the last, up to an interval less.

A figure that was not measured is neither right nor wrong: it is listed with its reason.  One that was measured while
the record says that the thing had not come back by the end of the window is wrong, whatever it is.

How much is allowed is the lab's own decision: a report that says it was probed more seldom is not held to less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.truth.moves import Truth

AGREES, DIFFERS, NOT_MEASURED, NOT_KNOWN = "agrees", "DIFFERS", "not measured", "not known"

INTERVAL = 0.25
"""Seconds between two samples of the probe (inventories/lab), and the most that a time may differ by default."""

NO_END = "in truth it had not come back"
NO_DATABASE = "no PostgreSQL could be asked"


@dataclass(frozen=True)
class Line:
    """One figure, measured and true."""

    figure: str
    measured: float | None
    true: float | None
    tolerance: float
    """How much they may differ; infinite where the measured one need only not be less."""
    verdict: str
    why: str = ""

    @property
    def difference(self) -> float | None:
        """Measured less true."""
        return None if self.measured is None or self.true is None else self.measured - self.true


def compare(report: Mapping[str, Any], truth: Truth, allowed: float = INTERVAL) -> tuple[Line, ...]:
    """A report (`report.json`) against the truth of its window; a time may differ by `allowed` seconds at most."""
    measured = report["measured"]
    interval = min(allowed, float((report.get("probe") or {}).get("interval_seconds") or 0.0))
    client = truth.client
    lost, lost_seconds = truth.lost(), truth.lost_seconds()
    return (
        _ending("write RTO (s)", measured["rto_writes_seconds"], truth.writes[client].seconds, interval),
        _ending("read RTO (s)", measured["rto_reads_seconds"], truth.reads[client].seconds, interval),
        _ending("DNS (s)", measured["dns_seconds"], truth.dns, interval),
        _line("lost writes", measured["rpo_lost_writes"], None if lost is None else float(lost), 0.0),
        _line("RPO (s)", measured["rpo_seconds"], lost_seconds, interval),
        _bound(measured["rpo_bound_seconds"], None if truth.losses is None else truth.losses.written_seconds),
    )


def agrees(lines: Sequence[Line]) -> bool:
    """Whether no figure differs from the truth."""
    return all(line.verdict != DIFFERS for line in lines)


def _ending(name: str, figure: Mapping[str, Any], true: float | None, tolerance: float) -> Line:
    """A time until something came back: without a true one the record says that it had not."""
    value = figure.get("value")
    if value is None or true is not None:
        return _line(name, figure, true, tolerance)
    return Line(name, float(value), None, tolerance, DIFFERS, NO_END)


def _line(name: str, figure: Mapping[str, Any], true: float | None, tolerance: float) -> Line:
    value = figure.get("value")
    if value is None:
        return Line(name, None, true, tolerance, NOT_MEASURED, str(figure.get("method", "")))
    if true is None:
        return Line(name, float(value), None, tolerance, NOT_KNOWN, NO_DATABASE)
    # Figures are written with three decimals.
    verdict = AGREES if abs(float(value) - true) <= tolerance + 0.0005 else DIFFERS
    return Line(name, float(value), true, tolerance, verdict)


def _bound(figure: Mapping[str, Any], true: float | None) -> Line:
    name, value = "bound of the RPO (s)", figure.get("value")
    if value is None:
        return Line(name, None, true, float("inf"), NOT_MEASURED, str(figure.get("method", "")))
    if true is None:
        return Line(name, float(value), None, float("inf"), NOT_KNOWN, NO_DATABASE)
    return Line(name, float(value), true, float("inf"), AGREES if float(value) >= true - 0.0005 else DIFFERS)
