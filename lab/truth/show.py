"""The truth as a person reads it, and as a program does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from lab.truth.compare import Line
from lab.truth.losses import told
from lab.truth.moves import Outage, Truth, lost_by_client

MOST_ROWS = 40
"""Lost writes that are listed one by one; the JSON has them all."""
_WHO = {"asking": "asks DNS each time", "believing": "believes an answer for its TTL, the slowest"}


def lines(truth: Truth, compared: Sequence[Line] = ()) -> list[str]:
    """What `lab truth` prints."""
    window = truth.window
    found = [
        f"move to {window.target}, opened {_time(window.opened_at)}, looked at until {_time(window.until)} (UTC)",
        "",
    ]
    for what, by_client in (("writes", truth.writes), ("reads", truth.reads)):
        for client, outage in by_client.items():
            found.append(f"{what:<8}{_outage(outage):<52} {_WHO.get(client, f'client {client}')}")
    found.append(
        f"{'DNS':<8}"
        + (
            "never led there"
            if truth.dns is None
            else f"{truth.dns:.2f} s to lead there for good, to {truth.met_by} instances in service"
        )
    )
    found += _losses(truth)
    found += ["", "instances in service"]
    for region, changes in sorted(truth.instances.items()):
        found.append(f"  {region:<14}" + ", ".join(f"{count} from {_time(at)}" for at, count in changes))
    if truth.faults:
        found += ["", "what was done to the lab"]
        found += [f"  {_time(float(one['at']))}  {_fault(one)}" for one in truth.faults]
    if compared:
        found += ["", *table(compared)]
    return found


def table(compared: Sequence[Line]) -> list[str]:
    """Measured against true."""
    found = [f"{'figure':<22}{'measured':>10}{'true':>10}{'difference':>12}{'allowed':>10}  verdict"]
    for one in compared:
        found.append(
            f"{one.figure:<22}{number(one.measured):>10}{number(one.true):>10}{number(one.difference, '+'):>12}"
            f"{_allowed(one.tolerance):>10}  {one.verdict}" + (f": {one.why}" if one.why else "")
        )
    return found


def as_data(truth: Truth, compared: Sequence[Line] = ()) -> dict[str, Any]:
    """The same as plain data."""
    window = truth.window
    return {
        "window": asdict(window),
        "writes": {client: _data(outage) for client, outage in truth.writes.items()},
        "reads": {client: _data(outage) for client, outage in truth.reads.items()},
        "dns_seconds": truth.dns,
        "told": truth.told,
        "durable": truth.durable,
        "lost": None if truth.losses is None else lost_by_client(truth.losses),
        "lost_writes": None
        if truth.losses is None
        else [
            {"client": one.client, "number": one.number, "told_at": one.told_at, "region": one.region}
            for one in truth.losses.writes
        ],
        "lost_seconds": None if truth.losses is None else truth.losses.seconds,
        "instances": {region: list(changes) for region, changes in truth.instances.items()},
        "faults": list(truth.faults),
        "compared": [
            {
                "figure": one.figure, "measured": one.measured, "true": one.true, "difference": one.difference,
                "tolerance": None if math.isinf(one.tolerance) else one.tolerance, "verdict": one.verdict,
                "why": one.why,
            }
            for one in compared
        ],
    }  # fmt: skip


def number(value: float | None, sign: str = "") -> str:
    """A figure with two decimals, or a dash."""
    return "-" if value is None else f"{value:{sign}.2f}"


def _losses(truth: Truth) -> list[str]:
    if truth.losses is None:
        return ["lost    not known: no PostgreSQL answers"]
    total = len(truth.losses.writes)
    found = [f"lost    {total} writes that clients were told are stored"]
    held = ", ".join(f"{region} has {count}" for region, count in truth.durable.items()) or "no PostgreSQL answers"
    found.append(f"        of the {truth.told} that were told from the opening on, {held}")
    if not total:
        return found
    found.append(
        f"        over {truth.losses.seconds:.2f} s; by client: "
        + ", ".join(f"{client} {count}" for client, count in lost_by_client(truth.losses).items())
    )
    for one in truth.losses.writes[:MOST_ROWS]:
        found.append(f"        {one.client} {one.number}, told {_time(told(one))} by {one.region}")
    if total > MOST_ROWS:
        found.append(f"        … and {total - MOST_ROWS} more (--json lists them all)")
    return found


def _outage(outage: Outage) -> str:
    if outage.span is None:
        return "no outage"
    since = f"from {_time(outage.span.begin)}"
    if not outage.over:
        return f"not over at the end of the window, {since}"
    hole = "" if outage.down_seconds > outage.span.seconds - 0.001 else f", {outage.down_seconds:.2f} s of it without"
    return f"{outage.span.seconds:.2f} s {since} to {_time(outage.span.end)}{hole}"


def _data(outage: Outage) -> dict[str, Any]:
    span = outage.span
    return {
        "seconds": outage.seconds, "down_seconds": outage.down_seconds, "over": outage.over,
        "begin": None if span is None else span.begin, "end": None if span is None else span.end,
    }  # fmt: skip


def _fault(one: dict[str, Any]) -> str:
    where = f" of {one['region']}" if one.get("region") else ""
    return f"{one['what']}{where} {one['state']}: {one.get('detail')}"


def _allowed(tolerance: float) -> str:
    return ">= true" if math.isinf(tolerance) else f"{tolerance:.2f}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]
