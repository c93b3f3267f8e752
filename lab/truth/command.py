"""`python -m lab truth`: reads the record and PostgreSQL, and prints the truth of a move."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.dataplane.instance import DATABASE, USER
from lab.settings import POSTGRES_PORT, LabSettings
from lab.truth import losses, moves, show, window
from lab.truth.compare import INTERVAL, Line, agrees, compare
from lab.truth.losses import Row, promotions
from lab.truth.moves import Truth, Window
from lab.truth.record import Record, load


def truth(
    settings: LabSettings, *, report: Path | None, journal: Path | None, since: str, until: str | None, as_json: bool
) -> int:
    """Print it; the exit code is 1 where a report was given and differs from the truth."""
    compared: tuple[Line, ...] = ()
    record = load(settings.home)
    name = f"app.{settings.domain}."
    if report is not None:
        found, compared = judged(settings, window.read_report(report), record)
    elif journal is not None:
        found = of_window(settings, window.of_journal(journal, record, name), record)
    else:
        found = of_window(settings, window.by_hand(since, until, record, name), record)
    if as_json:
        print(json.dumps(show.as_data(found, compared), indent=2))
    else:
        print("\n".join(show.lines(found, compared)))
    return 0 if agrees(compared) else 1


def judged(
    settings: LabSettings, report: Mapping[str, Any], record: Record | None = None, allowed: float = INTERVAL
) -> tuple[Truth, tuple[Line, ...]]:
    """The truth of a report's window, and the report held against it; a time may differ by `allowed` seconds."""
    record = load(settings.home) if record is None else record
    found = of_window(settings, window.of_report(report, record, f"app.{settings.domain}."), record)
    return found, compare(report, found, allowed)


def of_window(settings: LabSettings, wanted: Window, record: Record) -> Truth:
    """The truth of a window, with what PostgreSQL holds now."""
    everywhere = stored_everywhere(settings)
    return moves.truth_of(record, wanted, everywhere.get(written(record)), everywhere)


def stored_now(settings: LabSettings, record: Record) -> frozenset[Row] | None:
    """What the database holds that is written now; nothing where it does not answer."""
    return stored_everywhere(settings).get(written(record))


def written(record: Record) -> str:
    """The region whose database is written now."""
    return promotions(record)[-1][1]


def stored_everywhere(settings: LabSettings) -> dict[str, frozenset[Row]]:
    """What each region's PostgreSQL holds; a region whose server does not answer is left out."""
    return losses.read(
        {
            region: f"host={settings.postgres_address(region)} port={POSTGRES_PORT} user={USER} dbname={DATABASE} "
            "connect_timeout=3 sslmode=disable gssencmode=disable"
            for region in (settings.primary_region, settings.dr_region)
        }
    )
