"""`python -m lab lost-writes`: row by row, what only the volumes hold that regions have lost (R8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.control import ask
from lab.dataplane import lost_volume
from lab.dataplane.lost_volume import Row
from lab.settings import LabSettings
from lab.truth.command import stored_now
from lab.truth.losses import Row as Key
from lab.truth.record import Record, load


@dataclass(frozen=True)
class Kept:
    """A volume that was lost, and what only it has."""

    region: str
    volume: Path
    rows: tuple[Row, ...]


def lost_writes(settings: LabSettings, *, as_json: bool) -> int:
    """Print them; the exit code is 0 whether there are any or not."""
    found, told = all_kept(settings), told_at(load(settings.home))
    if as_json:
        value = [
            {
                "region": one.region, "volume": one.volume.name,
                "rows": [
                    {
                        "client": row.client, "number": row.number, "stored_at": row.at,
                        "told_at": told.get((row.client, row.number)),
                    }
                    for row in one.rows
                ],
            }
            for one in found
        ]  # fmt: skip
        print(json.dumps(value, indent=2))
    else:
        print("\n".join(lines(found, told)))
    return 0


def all_kept(settings: LabSettings, since: float = 0.0) -> list[Kept]:
    """Every lost volume of the lab that runs with these settings, also one whose region has not joined again yet.

    `since` (seconds since the epoch) leaves out those whose server was stopped before.
    """
    database = ask(settings, "GET", "/status")["database"]
    present = stored_now(settings, load(settings.home)) or frozenset()
    found = []
    for region in (settings.primary_region, settings.dr_region):
        folder = settings.home / "postgres" / region
        volumes = lost_volume.kept(folder)
        if region not in (database["writer"], database["standby"]) and (folder / "data").exists():
            volumes.append(folder / "data")
        for volume in volumes:
            if volume.stat().st_mtime < since:
                continue
            rows = lost_volume.rows(volume, settings.postgres_address(region))
            found.append(Kept(region, volume, lost_volume.alone(rows, present)))
    return found


def told_at(record: Record) -> dict[Key, float]:
    """When the client of each write was told that it is stored; seconds since the epoch."""
    return {
        (one.client, one.number): one.told_at
        for one in record.requests
        if one.stored and one.number is not None and one.told_at is not None
    }


def lines(found: Sequence[Kept], told: Mapping[Key, float]) -> list[str]:
    """What is printed."""
    if not found:
        return ["no region has lost a volume"]
    printed = []
    for one in found:
        printed.append(f"{one.region}, {one.volume.name}: {len(one.rows)} writes that the database lacks")
        printed += [f"  {'stored':<14}{'told':<14}{'number':>8}  client"] if one.rows else []
        for row in one.rows:
            at = told.get((row.client, row.number))
            printed.append(f"  {_time(row.at):<14}{_time(at):<14}{row.number:>8}  {row.client}")
    return printed


def _time(at: float | None) -> str:
    return "nobody" if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]
