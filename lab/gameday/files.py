"""What a move leaves on the controller while it runs and when it has ended: its journal and its report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def journal_since(reports: Path, since: float) -> list[dict[str, Any]]:
    """The events of the newest journal that was written since then (seconds since the epoch).

    A line that is being written is left out.
    """
    newest = _newest((reports / "journals").rglob("*.jsonl"), since)
    if newest is None:
        return []
    lines = newest.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def report_since(reports: Path, intent: str, since: float) -> dict[str, Any] | None:
    """The newest report of that intent (drill, failover, failback) that was written since then."""
    newest = _newest(reports.glob(f"*-{intent}-*/report.json"), since)
    return None if newest is None else dict(json.loads(newest.read_text(encoding="utf-8")))


def _newest(paths: Iterable[Path], since: float) -> Path | None:
    fresh = [(path.stat().st_mtime, path) for path in paths]
    return max((one for one in fresh if one[0] >= since), default=(0.0, None))[1]
