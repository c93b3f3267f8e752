# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Computes the figures of a report a second time, from what the lab knows, and says where they differ.

    python recompute.py --report reports/RUN_ID/report.json --lab-home .lab

It shares no code with the measurement. Its evidence is PostgreSQL's table of writes (when each was stored, by the
database's own clock) and the lab's log of calls; of the probe's samples it reads only which numbers were acknowledged.
A figure may differ by one interval of the probe. Exit code 0: all agree; 1: some do not; 2: there is no evidence.

What is compared:

- write RTO: writes are numbered by the interval, so the numbers that are missing in the table tell when writes were not
  stored: from when the first of them was due to when the next one after the last of them was stored.
- lost writes: numbers that were acknowledged and are not in the table; the RPO is from when the last one before them
  was stored to when the last of them was due.
- the promotion began when the log tells of SwitchoverGlobalCluster or FailoverGlobalCluster.
- DNS and the writes came back after the switch was published (a call to PutMetricData that closes or opens it).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

PROMOTIONS = ("SwitchoverGlobalCluster", "FailoverGlobalCluster")
SPARE_SECONDS = 0.1
"""How long a commit and its way back to the client may take beside the interval."""

STORING_SECONDS = 2.0
"""How long a step may take from its beginning to its call: the intent is stored first, also on a busy machine."""


@dataclass(frozen=True)
class Comparison:
    """One figure, twice."""

    name: str
    reported: float | None
    recomputed: float | None
    tolerance: float
    why: str

    @property
    def agrees(self) -> bool:
        if self.reported is None or self.recomputed is None:
            return self.reported is None and self.recomputed is None
        return abs(self.reported - self.recomputed) <= self.tolerance

    def line(self) -> str:
        verdict = "agrees" if self.agrees else "DIFFERS"
        return (
            f"{self.name:22} reported {_shown(self.reported):>10}   recomputed {_shown(self.recomputed):>10}   "
            f"+- {self.tolerance:.2f}   {verdict:8} {self.why}"
        )


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def stored_writes(net: str, client: str) -> list[tuple[int, float]]:
    """(number, seconds since the epoch) of a client's writes, from the database that takes writes now."""
    for host in (f"{net}.31", f"{net}.32"):
        try:
            with psycopg.connect(host=host, port=5432, user="postgres", dbname="app", connect_timeout=3) as connection:
                if connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                    continue
                rows = connection.execute(
                    "SELECT number, extract(epoch FROM at)::float8 FROM writes WHERE client = %s ORDER BY number",
                    (client,),
                ).fetchall()
                return [(int(number), float(at)) for number, at in rows]
        except psycopg.OperationalError:
            continue
    sys.exit("no PostgreSQL of the lab takes writes")


def write_outage(
    writes: list[tuple[int, float]], lost: set[int], report: dict[str, Any], interval: float
) -> float | None:
    """From when the first missing write was due to the first that was stored after the last missing one.

    A write is due at its number times the interval after the probe began, and none can be stored before it is due:
    the quickest one tells when it began. Of a planned move, numbers that were missing before its opening are no part.
    Writes that were lost with the old database had been stored when they were due: it was no outage yet. One that was
    stored after its client had given it up was no success.
    """
    if not writes:
        return None
    begin = min(at - number * interval for number, at in writes)
    patience = float(report["probe"]["timeout_seconds"])
    in_time = [(number, at) for number, at in writes if at - begin - number * interval <= patience]
    stored = sorted([*in_time, *((number, begin + number * interval) for number in lost)])
    holes = [(before, after) for before, after in pairwise(stored) if after[0] - before[0] > 1]
    if report["mode"] == "planned":
        holes = [(before, after) for before, after in holes if after[1] >= report["opened_at"]]
    if not holes:
        return 0.0
    first_missing = holes[0][0][0] + 1
    return holes[-1][1][1] - (begin + first_missing * interval)


def lost_seconds(writes: list[tuple[int, float]], lost: set[int], interval: float) -> float | None:
    """From the last write that was kept before the first lost one, to when the last lost one was due."""
    if not lost:
        return 0.0
    before = [at for number, at in writes if number < min(lost)]
    if not before:
        return None
    return min(at - number * interval for number, at in writes) + max(lost) * interval - max(before)


def acknowledged(samples: Path) -> set[int]:
    """The numbers that the probe was told are stored."""
    lines = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    return {line["number"] for line in lines if line["kind"] == "write" and line["ok"]}


def calls_of(log: Path, begin: float, end: float) -> list[dict[str, Any]]:
    """The mutating calls of the move, those too that were answered with an error."""
    with log.open(encoding="utf-8") as lines:
        calls = [json.loads(line) for line in lines if line.endswith("\n")]
    return [call for call in calls if call["mutates"] and begin <= call["at"] <= end]


def compare(report: dict[str, Any], home: Path, net: str) -> list[Comparison]:
    measured, interval = report["measured"], float(report["probe"]["interval_seconds"])
    writes = stored_writes(net, report["probe"]["client"])
    lost = acknowledged(Path(report["files"]["samples"])) - {number for number, _at in writes}
    tolerance = interval + SPARE_SECONDS
    rto = measured["rto_writes_seconds"]
    compared = []
    if rto["value"] is not None:
        outage = write_outage(writes, lost, report, interval)
        compared.append(Comparison("write RTO, seconds", rto["value"], outage, tolerance, "from the table of writes"))
    counted = measured["rpo_lost_writes"]["value"]
    if counted is not None:
        compared.append(Comparison("lost writes", counted, float(len(lost)), 0.0, "acknowledged, not in the table"))
    rpo = measured["rpo_seconds"]["value"]
    if rpo is not None:
        again = lost_seconds(writes, lost, interval)
        compared.append(Comparison("RPO, seconds", rpo, again, tolerance, "from the table of writes"))
    calls = calls_of(home / "calls.jsonl", report["opened_at"] - 1, report["closed_at"] + 1)
    promotions = [call["at"] for call in calls if call["operation"] in PROMOTIONS]
    promote = next((stage for stage in report["stages"] if stage["name"] == "promote"), None)
    if promote and promotions:
        compared.append(
            Comparison("promotion began", promote["begin"], min(promotions), STORING_SECONDS, "the call in the log")
        )
    published = [call["at"] for call in calls if call["operation"] == "PutMetricData" and not call["error"]]
    compared += _orders(report, published)
    return compared


def _orders(report: dict[str, Any], published: list[float]) -> list[Comparison]:
    """What cannot come before the switch was published: 1 where it came after, as it should."""
    found = []
    for name, figure in (("DNS", "dns_seconds"), ("writes", "rto_writes_seconds")):
        end = report["measured"][figure].get("end")
        if end is not None and published:
            after = 1.0 if end >= min(published) else 0.0
            found.append(Comparison(f"{name} after the switch", 1.0, after, 0.0, "PutMetricData in the log"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", required=True, type=Path, help="report.json of a move")
    parser.add_argument("--lab-home", required=True, type=Path, help="the lab's folder, for its call log")
    parser.add_argument("--net", default=os.environ.get("LAB_NET", "127.86.1"), help="the lab's /24")
    arguments = parser.parse_args()
    report = json.loads(arguments.report.read_text(encoding="utf-8"))
    if report["closed_at"] is None or report["probe"] is None:
        print("nothing can be compared: the move did not end, or nobody probed it", file=sys.stderr)
        return 2
    compared = compare(report, arguments.lab_home, arguments.net)
    for one in compared:
        print(one.line())
    if not compared:
        print("nothing could be compared: the report holds no figure", file=sys.stderr)
        return 2
    return 0 if all(one.agrees for one in compared) else 1


if __name__ == "__main__":
    sys.exit(main())
