"""The writes that only a lost volume has, row by row."""

from __future__ import annotations

from pathlib import Path

from lab.dataplane.lost_volume import Row, alone, kept, label
from lab.lost_writes import Kept, lines

ROWS = (Row("shop", 7, 99.5), Row("shop", 8, 99.75), Row("shop", 9, 100.0))


def test_only_rows_that_the_database_lacks_are_lost() -> None:
    assert alone(ROWS, [("shop", 7), ("other", 8)]) == ROWS[1:]


def test_each_row_says_when_it_was_stored_and_when_its_client_was_told() -> None:
    volume = Path("/lab/postgres/us-east-1/lost-volume-rds-1")
    printed = lines([Kept("us-east-1", volume, ROWS[1:])], {("shop", 8): 99.8})
    assert printed[0] == "us-east-1, lost-volume-rds-1: 2 writes that the database lacks"
    assert printed[2].split() == ["00:01:39.750", "00:01:39.800", "8", "shop"]
    assert printed[3].split() == ["00:01:40.000", "nobody", "9", "shop"], "stored, but nobody was told"


def test_a_lab_that_lost_nothing_says_so() -> None:
    assert lines([], {}) == ["no region has lost a volume"]


def test_volumes_are_kept_under_the_names_of_their_snapshots(tmp_path: Path) -> None:
    (tmp_path / label("rds:unplanned-global-failover-shop-2026-01-31-12-00")).mkdir()
    (tmp_path / "data").mkdir()
    assert [one.name for one in kept(tmp_path)] == ["lost-volume-rds-unplanned-global-failover-shop-2026-01-31-12-00"]
