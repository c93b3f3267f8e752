"""What a volume holds that a region lost: a copy of it is started apart from everything, read, and thrown away.

On AWS one would restore the snapshot `rds:unplanned-global-failover-…` (R8) to a cluster of its own, and ask that.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from lab.dataplane.instance import Instance

PREFIX = "lost-volume-"
PORT = 5434
"""Of a region's address, beside its PostgreSQL and its link."""


@dataclass(frozen=True)
class Row:
    """A write as the database has it; `at` in seconds since the epoch, by the database's clock."""

    client: str
    number: int
    at: float


def label(snapshot: str) -> str:
    """The folder in which the volume of a snapshot is kept."""
    return PREFIX + "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in snapshot)


def kept(folder: Path) -> list[Path]:
    """The lost volumes of a region, the oldest first; `folder` is the region's own."""
    found = [path for path in folder.glob(f"{PREFIX}*") if path.is_dir()]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def rows(volume: Path, address: str) -> tuple[Row, ...]:
    """Every write on a volume whose server is stopped.  The volume itself is not touched."""
    with tempfile.TemporaryDirectory(prefix="lost-", dir=volume.parent) as name:
        folder = Path(name)
        shutil.copytree(volume, folder / "data")
        (folder / "data").chmod(0o700)
        (folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        server = Instance("lost volume", address, PORT, folder, folder / "log")
        server.configure(standby_of=None)
        server.start()
        try:
            found = server.query(
                "SELECT client, number, extract(epoch FROM at)::float8 FROM writes ORDER BY at, number"
            )
        finally:
            server.stop("immediate")
    return tuple(Row(str(client), int(number), float(at)) for client, number, at in found)


def alone(lost: Collection[Row], present: Collection[tuple[str, int]]) -> tuple[Row, ...]:
    """The rows that only the lost volume has."""
    held = frozenset(present)
    return tuple(row for row in lost if (row.client, row.number) not in held)
