# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One mover at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from simulated_aws import Bench, Call, VirtualClock

from plugins.module_utils._recovery.errors import CallFailed, LeaseLost
from plugins.module_utils._recovery.lease import LEASE_SECONDS, LOOK_SECONDS, SKEW_SECONDS, Lease, unreleased_run
from plugins.module_utils._recovery.store import LEASE, Store


def lease_of(bench: Bench, run_id: str, clock: VirtualClock | None = None) -> Lease:
    site = bench.aws.applications[0].dr
    return Lease(
        Store(bench.clients(), site.access, site.state_table), "shop", run_id, clock or bench.clock, {"target": "dr"}
    )


def test_the_first_one_has_it_and_the_second_one_is_told_who_and_how_long() -> None:
    bench = Bench.of()
    lease_of(bench, "run-1").acquire()
    bench.clock.wait(10)
    with pytest.raises(LeaseLost, match=r"run run-1, its lease in us-west-2 runs out in 55 s"):
        lease_of(bench, "run-2").acquire()


def test_it_can_be_had_when_it_has_run_out_or_was_given_back() -> None:
    bench = Bench.of()
    first, second, third = (lease_of(bench, f"run-{number}") for number in (1, 2, 3))
    first.acquire()
    bench.clock.wait(LEASE_SECONDS + SKEW_SECONDS + 1)
    second.acquire()
    second.release()
    third.acquire()
    assert (first.token, second.token, third.token) == (1, 2, 3)


def test_one_that_was_taken_over_can_be_neither_renewed_nor_given_back() -> None:
    bench = Bench.of()
    first, second = lease_of(bench, "run-1"), lease_of(bench, "run-2")
    first.acquire()
    bench.clock.wait(LEASE_SECONDS + SKEW_SECONDS + 1)
    second.acquire()
    for use in (first.renew, first.release):
        with pytest.raises(LeaseLost):
            use()


def test_it_covers_only_what_ends_before_it_does() -> None:
    bench = Bench.of()
    lease = lease_of(bench, "run-1")
    lease.acquire()
    assert lease.covers(20)
    assert not lease.due()
    bench.clock.wait(LEASE_SECONDS - 20)
    assert lease.due()
    assert not lease.covers(20)
    lease.renew()
    assert lease.covers(20)


def test_a_process_that_died_is_waited_for_by_the_next_one_of_the_same_run() -> None:
    bench = Bench.of()
    lease_of(bench, "run-1").acquire()
    began = bench.clock.now()
    again = lease_of(bench, "run-1")
    said: list[str] = []
    again.take_over(said.append)
    assert again.token == 2
    assert said == ["an earlier process of this run may be alive; in 65 s its lease in us-west-2 has run out"]
    assert bench.clock.now() - began == pytest.approx(LEASE_SECONDS + SKEW_SECONDS, abs=1)


class Beside(VirtualClock):
    """The bench's clock, as a process sees it while another one does something after so many seconds."""

    def __init__(self, bench: Bench, after_seconds: float, act: Callable[[], None]) -> None:
        super().__init__()
        self.bench, self.at, self.act = bench, bench.clock.now() + after_seconds, act

    def now(self) -> float:
        return self.bench.clock.now()

    def wait(self, seconds: float) -> None:
        until = self.now() + seconds
        if self.now() <= self.at < until:
            self.bench.clock.wait(self.at - self.now())
            self.act()
        self.bench.clock.wait(until - self.now())


def test_a_process_that_lives_is_not_robbed_by_another_one_of_the_same_run() -> None:
    bench = Bench.of()
    alive, began = lease_of(bench, "run-1"), bench.clock.now()
    alive.acquire()
    with pytest.raises(LeaseLost, match=r"another process .run run-1"):
        lease_of(bench, "run-1", Beside(bench, 21, alive.renew)).take_over(lambda _said: None)
    assert bench.clock.now() - began <= 21 + LOOK_SECONDS, "that it lives is told as soon as it is seen"


def test_one_that_is_taken_late_waits_for_nobody_and_is_not_taken_from_a_process_that_lives() -> None:
    bench = Bench.of()
    dead = lease_of(bench, "run-1")
    dead.acquire()
    late = lease_of(bench, "run-1")
    assert not late.take_again()
    bench.clock.wait(21)
    with pytest.raises(LeaseLost, match="another run"):
        lease_of(bench, "run-2").take_again()
    assert not lease_of(bench, "run-2").take_again(break_lease="run-1"), "it runs out, and is not broken in passing"
    dead.renew()
    for one, broken in ((late, ""), (lease_of(bench, "run-2", bench.clock), "run-1")):
        one.began_at = late.began_at
        with pytest.raises(LeaseLost):
            one.take_again(break_lease=broken)
    bench.clock.wait(LEASE_SECONDS + SKEW_SECONDS + 1)
    assert late.take_again()
    assert late.covers(20)


def test_one_that_ran_out_is_prolonged_where_nobody_had_it_since() -> None:
    bench = Bench.of()
    ours, theirs = lease_of(bench, "run-1"), lease_of(bench, "run-2")
    ours.acquire()
    bench.clock.wait(LEASE_SECONDS + SKEW_SECONDS + 1)
    assert ours.take_again()
    assert (ours.token, ours.covers(20)) == (1, True)
    bench.clock.wait(LEASE_SECONDS + SKEW_SECONDS + 1)
    theirs.acquire()
    theirs.release()
    with pytest.raises(LeaseLost):
        ours.take_again()


@pytest.mark.parametrize("carried_out", [True, False])
def test_one_is_had_and_given_back_by_a_table_that_stumbles(carried_out: bool) -> None:
    """What was carried out although the answer was an error is told from what somebody else did."""
    bench = Bench.of()
    bench.stumbles("UpdateItem", carried_out=carried_out)
    lease, other = lease_of(bench, "run-1"), lease_of(bench, "run-2")
    lease.acquire()
    with pytest.raises(LeaseLost):
        other.acquire()
    lease.release()
    other.acquire()
    assert other.covers(20)
    assert other.token > lease.token
    with pytest.raises(LeaseLost):
        lease.acquire()


@pytest.mark.parametrize("carried_out", [True, False])
def test_one_is_taken_from_another_run_by_a_table_that_stumbles(carried_out: bool) -> None:
    bench = Bench.of()
    theirs, ours = lease_of(bench, "run-1"), lease_of(bench, "run-2")
    theirs.acquire()
    bench.stumbles("UpdateItem", carried_out=carried_out)
    with pytest.raises(LeaseLost):
        ours.acquire()
    assert ours.take_over(lambda _said: None, break_lease="run-1")
    assert ours.covers(20)
    with pytest.raises(LeaseLost):
        theirs.acquire()


def test_one_that_was_given_back_and_is_taken_meanwhile_stays_with_who_took_it() -> None:
    bench = Bench.of()
    first, second = lease_of(bench, "run-1"), lease_of(bench, "run-2")
    first.acquire()

    def take(call: Call) -> None:
        bench.aws.after_call = lambda _call: None
        second.acquire()
        raise CallFailed(call.region, call.service, call.operation, "InternalServerError", "no")

    bench.aws.after_call = take
    with pytest.raises(LeaseLost):
        first.release()
    second.renew()
    assert second.covers(20)


def test_a_process_that_ends_is_waited_for_no_longer() -> None:
    bench = Bench.of()
    alive, began = lease_of(bench, "run-1"), bench.clock.now()
    alive.acquire()
    again = lease_of(bench, "run-1", Beside(bench, 21, alive.release))
    again.take_over(lambda _said: None)
    assert again.held
    assert bench.clock.now() - began <= 21 + LOOK_SECONDS


def test_the_run_of_a_lease_that_nobody_gave_back_can_be_read() -> None:
    bench = Bench.of()
    lease = lease_of(bench, "run-1")
    lease.acquire()
    found = lease.store.read([("shop", LEASE)])[("shop", LEASE)]
    assert unreleased_run(found) == {"run_id": "run-1", "target": "dr"}
    lease.release()
    assert unreleased_run(lease.store.read([("shop", LEASE)])[("shop", LEASE)]) is None
