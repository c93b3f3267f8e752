# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is the last drill recent enough, and was it good enough? Decided on the reports that the archive holds.

What an application does not offer is not asked for: one without numbered writes is held to the RTO of its reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .archive import Archive, Unread
from .fields import ModelError, Problem
from .results import MOVED
from .samples import NO_WRITES

DAY_SECONDS = 86400.0
INTENTS = ("drill", "failover", "failback")
FIGURES = (
    ("RTO", "rto_writes_seconds", "rto_seconds"),
    ("RPO", "rpo_seconds", "rpo_seconds"),
)
FIGURES_OF_READS = (("RTO of reads", "rto_reads_seconds", "rto_seconds"),)
"""What is left to judge where no numbered writes are offered."""


@dataclass(frozen=True)
class Demands:
    """What a drill is held against: its age, and how far its figures may be over the objectives, in percent.

    `intents` are the kinds of move that count as a drill.
    """

    days: float = 90.0
    margin_percent: float = 0.0
    intents: tuple[str, ...] = ("drill",)

    def checked(self) -> Demands:
        """Itself; ModelError names every value that is none."""
        problems = []
        if not self.days > 0:
            problems.append(Problem("days", self.days, "more than 0 days"))
        if not self.margin_percent >= 0:
            problems.append(Problem("margin_percent", self.margin_percent, "0 percent or more"))
        if not self.intents:
            problems.append(Problem("intents", [], f"one of {', '.join(INTENTS)}, or more"))
        problems += [
            Problem("intents", intent, f"one of {', '.join(INTENTS)}")
            for intent in self.intents
            if intent not in INTENTS
        ]
        if problems:
            raise ModelError(problems)
        return self


@dataclass(frozen=True)
class DrillStatus:
    """One application's: its moves, the newest first, and what is wrong with the last drill, in lines."""

    application: str
    moves: tuple[Mapping[str, Any], ...]
    last: Mapping[str, Any] | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """For people: the last drill, how it compares with the one before it, and what is wrong."""
        if self.last is None:
            head = f"{self.application}: no drill is known"
        else:
            head = f"{self.application}: {_said(self.last)}{_compared(self.last, self.moves)}"
        notes = [f"  not read: {note}" for note in self.notes]
        return [head, *(f"  fails: {problem}" for problem in self.problems), *notes]

    def as_dict(self) -> dict[str, Any]:
        """For results."""
        return {
            "application": self.application,
            "last": dict(self.last) if self.last else None,
            "moves": [dict(move) for move in self.moves],
            "problems": list(self.problems),
            "unread": list(self.notes),
        }


def judge(
    application: str, objectives: Mapping[str, float], archive: Archive, demands: Demands, now: float
) -> DrillStatus:
    """Holds the newest drill against today's objectives, not against those of its day."""
    moves = tuple(sorted((summary(one) for one in archive.reports), key=lambda one: one["at"], reverse=True))
    last = next((one for one in moves if one["intent"] in demands.intents), None)
    newer = _newest_unread(archive, moves, last, demands)
    problems = [] if newer is None else [_not_known(newer)]
    if last is not None:
        problems += [*_age(last, demands, now), *_outcome(last), *_figures(last, objectives, demands)]
    elif newer is None:
        problems = [f"no {' or '.join(demands.intents)} of it is kept in its state buckets"]
    notes = tuple(one.line() for one in archive.unread if one is not newer)
    return DrillStatus(application, moves, last, tuple(problems), notes)


def summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """What of a report is compared; `at` is in seconds since the epoch."""
    measured = report["measured"]
    return {
        "run_id": report["run_id"],
        "intent": report["intent"],
        "mode": report.get("mode"),
        "from": report.get("from", {}).get("region"),
        "to": report.get("to", {}).get("region"),
        "at": report.get("opened_at") or _named(str(report["run_id"])),
        "status": report.get("status", MOVED),
        "verdict": report.get("verdict"),
        "failed": [check["name"] for check in report.get("validation") or () if check.get("result") == "failed"],
        "offers_writes": _offers_writes(report),
        "rto_writes_seconds": measured.get("rto_writes_seconds", {}).get("value"),
        "rto_reads_seconds": measured.get("rto_reads_seconds", {}).get("value"),
        "rpo_seconds": measured.get("rpo_seconds", {}).get("value"),
        "rpo_lost_writes": measured.get("rpo_lost_writes", {}).get("value"),
        "reasons": {
            name: measured.get(name, {}).get("method", "") for _title, name, _objective in (*FIGURES, *FIGURES_OF_READS)
        },
        "parts": {part["name"]: part["seconds"] for part in report.get("waterfall", {}).get("parts", ())},
    }


def _offers_writes(report: Mapping[str, Any]) -> bool:
    """Whether writes could have been measured. A probe that was told of their path has at least tried one."""
    probe, kinds = report.get("probe"), report.get("samples") or {}
    return not probe or bool(probe.get("write_path")) or "write" in kinds or "read" not in kinds


def _demanded(move: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    return FIGURES if move["offers_writes"] else FIGURES_OF_READS


def _named(run_id: str) -> float:
    """When a run was, as its id begins; 0 where it tells nothing, so that it is the oldest."""
    try:
        return datetime.strptime(run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _newest_unread(
    archive: Archive, moves: Sequence[Mapping[str, Any]], last: Mapping[str, Any] | None, demands: Demands
) -> Unread | None:
    """The newest move that counts as a drill, by its id, where it is newer than the last one that could be read.

    What is kept in both regions and was read in one of them has been read.
    """
    read, since = {move["run_id"] for move in moves}, last["at"] if last else 0.0
    counted = [one for one in archive.unread if one.run_id not in read and _intent_named(one.run_id) in demands.intents]
    newer = [one for one in counted if _named(one.run_id) > since]
    return max(newer, key=lambda one: _named(one.run_id), default=None)


def _not_known(unread: Unread) -> str:
    return (
        f"whether the newest {_intent_named(unread.run_id)} ({unread.run_id}) was good is not known, as its report "
        f"could not be read: {unread.line()}; let it be read, or delete it where it is no report; a later one settles "
        "it too"
    )


def _intent_named(run_id: str) -> str:
    """What a run was for, as its id says after its time; empty where that tells nothing."""
    return run_id.partition("-")[2].partition("-")[0]


def _age(last: Mapping[str, Any], demands: Demands, now: float) -> list[str]:
    days = (now - last["at"]) / DAY_SECONDS
    if days <= demands.days:
        return []
    return [f"the last {last['intent']} ({last['run_id']}) is {days:.1f} days old, {demands.days:g} are allowed"]


def _outcome(last: Mapping[str, Any]) -> list[str]:
    lines = []
    if last["status"] != MOVED:
        lines.append(f"the last {last['intent']} ({last['run_id']}) ended as {last['status']}")
    if last["failed"]:
        lines.append(
            f"after the last {last['intent']} ({last['run_id']}) these checks failed: {', '.join(last['failed'])}"
        )
    return lines


def _figures(last: Mapping[str, Any], objectives: Mapping[str, float], demands: Demands) -> list[str]:
    lines = []
    for title, name, objective in _demanded(last):
        value, wanted = last[name], float(objectives[objective])
        allowed = wanted * (1 + demands.margin_percent / 100)
        if value is None:
            lines.append(f"{title} of {last['run_id']} was not measured: {last['reasons'][name]}")
        elif value > allowed:
            margin = f" and {demands.margin_percent:g} %" if demands.margin_percent else ""
            lines.append(f"{title} of {last['run_id']} is {value:.2f} s, over the objective of {wanted:g} s{margin}")
    return lines


def _said(last: Mapping[str, Any]) -> str:
    day = datetime.fromtimestamp(last["at"], UTC).strftime("%Y-%m-%d")
    figures = ", ".join(f"{title} {_seconds(last[name])}" for title, name, _objective in _demanded(last))
    left_out = "" if last["offers_writes"] else f"; writes and RPO are not measured, as {NO_WRITES}"
    return f"last {last['intent']} {last['run_id']} on {day} to {last['to']}: {last['verdict']}, {figures}{left_out}"


def _compared(last: Mapping[str, Any], moves: Sequence[Mapping[str, Any]]) -> str:
    """Against the move of the same kind before it."""
    before = next((one for one in moves if one["intent"] == last["intent"] and one["at"] < last["at"]), None)
    title, rto, _objective = _demanded(last)[0]
    now, then = last[rto], before[rto] if before else None
    if before is None or now is None or then is None:
        return ""
    change = f"{abs(now - then):.2f} s {'more' if now > then else 'less'} than" if now != then else "as"
    return f" ({title} {change} {before['run_id']})"


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f} s"
