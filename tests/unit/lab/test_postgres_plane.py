"""The replicated database: what a switchover promises, what a failover may lose, and that the counting notices it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unit.lab.planes import DR, PRIMARY, Writer, a_plane, stored

from lab.dataplane import lost_volume
from lab.dataplane.instance import Instance
from lab.dataplane.link import grown
from lab.dataplane.postgres import MoveRefused, PostgresPlane


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[PostgresPlane]:
    with a_plane(tmp_path) as running:
        yield running


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.02)


def test_switchovers_under_a_continuous_writer_lose_nothing(plane: PostgresPlane) -> None:
    there, other = PRIMARY, DR
    with Writer(plane) as writer:
        for _ in range(4):
            writer.reach(100)
            plane.switchover(there, other)
            there, other = other, there
            assert plane.writer_region() == there
            assert plane.streaming()
        writer.reach(100)
    assert writer.refused > 0, "a switchover without a single refused write was none"
    assert writer.lost() == set()


def test_the_counting_notices_when_replication_was_cut(plane: PostgresPlane) -> None:
    with Writer(plane) as writer:
        writer.reach(50)
        plane.cut()
        writer.reach(50)
        plane.failover(DR)
        writer.reach(50)
    lost = writer.lost()
    assert 40 <= len(lost) <= 200
    # they are not gone, only not where they belong: the volume that the snapshot names has them, row by row
    plane.snapshot(PRIMARY, "rds:unplanned-global-failover-shop-2026-01-31-12-00")
    plane.heal()
    plane.rejoin(PRIMARY)
    [volume] = lost_volume.kept(plane.instances[PRIMARY].folder)
    assert volume.name == "lost-volume-rds-unplanned-global-failover-shop-2026-01-31-12-00"
    present = [(writer.client, number) for number in stored(plane.instances[DR], writer.client)]
    rows = lost_volume.alone(lost_volume.rows(volume, plane.instances[PRIMARY].address), present)
    assert lost <= {row.number for row in rows if row.client == writer.client}


def test_a_narrow_line_lets_the_standby_fall_behind_and_a_switchover_waits_for_it(plane: PostgresPlane) -> None:
    with Writer(plane) as writer:
        writer.reach(20)
        plane.slow(0.0, bytes_per_second=20_000)
        writer.reach(300)
        plane.switchover(PRIMARY, DR)
        plane.slow(0.0)
        writer.reach(50)
    assert writer.lost() == set()


def test_a_delayed_line_delays_a_switchover_and_loses_nothing(plane: PostgresPlane) -> None:
    with Writer(plane) as writer:
        writer.reach(20)
        plane.slow(1.5)
        began = time.monotonic()
        plane.switchover(PRIMARY, DR)
        took = time.monotonic() - began
        plane.slow(0.0)
        writer.reach(50)
    assert took > 1.5, "the last word of the old writer is on its way for that long"
    assert writer.lost() == set()


def test_a_switchover_is_refused_while_replication_is_cut(plane: PostgresPlane) -> None:
    with Writer(plane) as writer:
        plane.cut()
        with pytest.raises(MoveRefused, match="the line is cut \\(by hand\\)"):
            plane.switchover(PRIMARY, DR)
        writer.reach(50)
        assert plane.writer_region() == PRIMARY
        plane.heal()
        eventually(plane.streaming)
        plane.switchover(PRIMARY, DR)
        writer.reach(50)
    assert writer.lost() == set()


def test_a_line_that_breaks_in_the_middle_of_a_switchover_takes_it_back(
    plane: PostgresPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.dataplane.postgres._CATCH_UP_SECONDS", 1.0)
    fence = plane._fence

    def fence_then_cut(old: Instance) -> None:
        # slow first, so that writes are acknowledged which the standby has not; then the line breaks
        plane.cut()
        fence(old)

    with Writer(plane) as writer:
        writer.reach(50)
        plane.slow(30.0)
        writer.reach(50)
        monkeypatch.setattr(plane, "_fence", fence_then_cut)
        with pytest.raises(MoveRefused, match="us-east-1 stays the writer"):
            plane.switchover(PRIMARY, DR)
        assert plane.writer_region() == PRIMARY
        writer.reach(50)
    assert writer.lost() == set()
    plane.heal()
    eventually(plane.streaming)


def test_a_promotion_that_fails_leaves_the_old_writer_in_charge(
    plane: PostgresPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_instance: Instance, timeout: float = 30.0) -> None:
        from lab.dataplane.instance import NotReady

        raise NotReady("not today")

    with Writer(plane) as writer:
        writer.reach(50)
        monkeypatch.setattr(Instance, "promote", refuse)
        with pytest.raises(MoveRefused, match="not today"):
            plane.switchover(PRIMARY, DR)
        writer.reach(50)
    assert plane.writer_region() == PRIMARY
    assert writer.lost() == set()
    assert plane.streaming()


def test_a_switchover_stands_although_the_old_writer_cannot_follow_at_once(
    plane: PostgresPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Writer(plane) as writer:
        writer.reach(50)
        with monkeypatch.context() as broken:
            broken.setattr("lab.dataplane.postgres._STREAMING_SECONDS", 0.5)
            broken.setattr(plane, "_through_link", lambda _writer: "host=192.0.2.1 connect_timeout=1")
            plane.switchover(PRIMARY, DR)
        assert plane.writer_region() == DR
        assert not plane.streaming()
        writer.reach(50)
        plane.supervise()
        assert plane.streaming()
    assert writer.lost() == set()


def test_an_unplanned_failover_isolates_the_old_writer_until_it_rejoins(plane: PostgresPlane) -> None:
    with Writer(plane) as writer:
        writer.reach(50)
        plane.region_lost(PRIMARY)
        plane.failover(DR)
        before = set(writer.acknowledged)
        writer.reach(50)
        assert not plane.instances[PRIMARY].running(), "two writers could be seen"
        with pytest.raises(MoveRefused, match="outage of us-east-1"):
            plane.rejoin(PRIMARY)
        plane.region_back(PRIMARY)
        plane.rejoin(PRIMARY)
        assert plane.streaming()
        plane.switchover(DR, PRIMARY)
        writer.reach(50)
    # this writer goes on inside the lost region, as nothing outside can: only what it wrote there is lost
    assert writer.lost() <= before
    assert stored(plane.instances[PRIMARY], writer.client) == writer.acknowledged - writer.lost()


def test_the_old_writer_is_fenced_first_where_it_can_be_reached(plane: PostgresPlane) -> None:
    with Writer(plane) as writer:
        writer.reach(50)
        assert plane.block_writes(PRIMARY)
        before, refused = set(writer.acknowledged), writer.refused
        eventually(lambda: writer.refused > refused + 5)
        assert set(writer.acknowledged) <= before | {max(before) + 1}, "nothing is taken any more"
        plane.failover(DR)
        writer.reach(50)
    assert writer.lost() == set()


def test_an_old_writer_that_cannot_be_reached_is_not_fenced(plane: PostgresPlane) -> None:
    plane.region_lost(PRIMARY)
    assert not plane.block_writes(PRIMARY)
    assert not plane.block_writes(DR), "it is no writer"


def test_a_failover_does_not_wait_for_what_is_still_on_the_way(plane: PostgresPlane) -> None:
    with Writer(plane) as writer:
        writer.reach(20)
        plane.slow(3.0)
        writer.reach(50)
        plane.failover(DR)
        plane.slow(0.0)
        writer.reach(50)
    assert 30 <= len(writer.lost()) <= 200


def test_lag_is_measured_and_grows_while_the_line_is_cut(plane: PostgresPlane) -> None:
    eventually(lambda: plane.lag_seconds(DR) is not None)
    assert plane.lag_seconds(PRIMARY) is None
    eventually(lambda: (plane.lag_seconds(DR) or 9) < 0.5)
    plane.cut()
    eventually(lambda: (plane.lag_seconds(DR) or 0) > 1.0)
    plane.heal()
    eventually(lambda: (plane.lag_seconds(DR) or 9) < 0.5)
    plane.slow(1.5)
    eventually(lambda: (plane.lag_seconds(DR) or 0) > 1.2)


def test_a_server_that_dies_is_started_again(plane: PostgresPlane) -> None:
    process = plane.instances[DR]._process
    assert process is not None
    process.kill()
    process.wait()
    plane.supervise()
    eventually(plane.streaming)


def test_no_replication_slot_is_ever_used(plane: PostgresPlane) -> None:
    plane.switchover(PRIMARY, DR)
    for instance in plane.instances.values():
        assert instance.query("SELECT count(*) FROM pg_replication_slots")[0][0] == 0
        assert instance.query("SHOW primary_slot_name")[0][0] == ""
        assert instance.query("SHOW max_replication_slots")[0][0] == "0"


@pytest.mark.parametrize(
    ("delay", "after", "held_back"),
    [(0.5, 0.0, 0.5), (0.0, 9.0, 0.0), (60.0, 0.0, 1.0), (60.0, 10.0, 41.0), (60.0, 90.0, 60.0)],
)
def test_a_long_delay_grows_so_that_the_standby_never_hears_nothing_for_long(
    delay: float, after: float, held_back: float
) -> None:
    assert grown(delay, after) == held_back


def test_a_lag_longer_than_the_receivers_patience_is_a_lag_and_no_cut(plane: PostgresPlane) -> None:
    plane.slow(6.0)
    eventually(lambda: (plane.lag_seconds(DR) or 0.0) > 5.5, seconds=30.0)
    assert plane.streaming()
    plane.slow(0.0)
    eventually(lambda: (plane.lag_seconds(DR) or 9.0) < 2.0, seconds=20.0)
