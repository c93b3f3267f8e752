"""What came of a scenario, held against what its file expects.  Pure functions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from lab.gameday.scenario import Scenario
from lab.truth.compare import DIFFERS, NOT_KNOWN, NOT_MEASURED, Line
from lab.truth.losses import Row

MUST_BE_MEASURED = ("write RTO (s)", "read RTO (s)", "DNS (s)", "lost writes", "RPO (s)")
"""After a move that succeeded, under the eyes of the probe."""
DEAF = "deaf"
"""A probe that stood still excuses a figure where the scenario expects that; the reason has to say it."""


@dataclass(frozen=True)
class Happened:
    """What was seen."""

    succeeded: bool
    """Whether the playbook did."""
    begun: bool
    """Whether the move changed anything, or tried to: a step of it began."""
    output: str
    served_from: str
    """Place whose application DNS leads to and whose database is written; `nowhere` where they are not one."""
    lost: int | None
    """Writes that the probe's client lost; nothing where no report names that client."""
    services: Collection[str]
    """AWS services that the move asked."""
    met_by: int | None = None
    """Instances in service where DNS led clients, when it did."""
    compared: tuple[Line, ...] = field(default=())
    """The report, held against the truth; nothing where there is no report."""


def problems(scenario: Scenario, seen: Happened) -> tuple[str, ...]:
    """What does not hold, one line each."""
    expect = scenario.expect
    found = []
    result = result_of(seen)
    if result != expect.result:
        found.append(f"the move was to be {expect.result}, it was {result}")
    if seen.served_from != expect.served_from:
        found.append(f"the application was to be served from {expect.served_from}, it is from {seen.served_from}")
    if result != "refused":
        found += _of_losses(expect.lost, seen.lost)
    found += [f"the output does not say {text!r}" for text in expect.says if text not in seen.output]
    if "Traceback" in seen.output:
        found.append("the output holds a traceback")
    asked = sorted(set(expect.never_calls) & set(seen.services))
    if asked:
        found.append(f"the move asked {', '.join(asked)}")
    if expect.result != "refused" and not seen.compared:
        found.append("there is no report to hold against the truth")
    found += [_difference(line) for line in seen.compared if line.verdict == DIFFERS]
    if (seen.met_by or 0) < expect.met_by_at_least:
        found.append(
            f"clients were led to {seen.met_by or 0} instances, to {expect.met_by_at_least} at least was right"
        )
    if result == "moved":
        found += _of_missing(expect.deaf, seen.compared)
    return tuple(found)


def not_kept(lost: Collection[Row], kept: Collection[Row]) -> tuple[str, ...]:
    """Lost writes that the snapshot of the old volume does not hold either (R8), one line for all of them."""
    missing = sorted(set(lost) - set(kept))
    if not missing:
        return ()
    return (f"{len(missing)} lost writes are on no kept volume, the first is {missing[0][0]} {missing[0][1]}",)


def result_of(seen: Happened) -> str:
    """moved, refused (nothing was begun), or failed."""
    if seen.succeeded:
        return "moved"
    return "failed" if seen.begun else "refused"


def _difference(line: Line) -> str:
    told = "nothing" if line.measured is None else f"{line.measured:.2f}"
    true = f", but {line.why}" if line.true is None else f", true {line.true:.2f}"
    return f"{line.figure}: measured {told}{true}"


def _of_missing(deaf: bool, compared: Collection[Line]) -> list[str]:
    """After a move that succeeded: figures that are missing on either side, unless the probe was to be deaf."""
    found = [
        f"{line.figure}: measured {line.measured:.2f}, and the truth is not known: {line.why}"
        for line in compared
        if line.verdict == NOT_KNOWN
    ]
    missing = [line for line in compared if line.figure in MUST_BE_MEASURED and line.verdict == NOT_MEASURED]
    excused = [line for line in missing if deaf and DEAF in line.why]
    found += [f"{line.figure} was not measured: {line.why}" for line in missing if line not in excused]
    if deaf and not excused:
        found.append("the probe was deaf, and every figure is told as measured")
    return found


def _of_losses(expected: str, lost: int | None) -> list[str]:
    if expected == "any":
        return []
    if lost is None:
        return [f"{expected} of the writes was to be lost; how many were is not known"]
    if expected == "none" and lost:
        return [f"{lost} writes were lost, none was to be"]
    if expected == "some" and not lost:
        return ["no write was lost, some were to be: nothing was tried"]
    return []
