# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The leases of many applications: one transaction a region, and nobody is held up by somebody else's mover."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from simulated_aws import EAST, WEST, Bench, Call

from plugins.module_utils._recovery.errors import CallFailed, LeaseLost
from plugins.module_utils._recovery.lease import LEASE_SECONDS, SKEW_SECONDS, Lease
from plugins.module_utils._recovery.leases import Leases
from plugins.module_utils._recovery.leases_together import take_together
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.results import FAILED, MOVED
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.store import Store

DRILL = Options("dr", "planned", "drill")
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=("old-site-down", "block-period"))
NAMES = ("blog", "depot", "shop")


def lease_of(bench: Bench, name: str, place: str, run_id: str) -> Lease:
    site = next(one for one in bench.aws.applications if one.name == name).site(place)
    return Lease(Store(bench.clients(), site.access, site.state_table), name, run_id, bench.clock)


def both_of(bench: Bench, name: str, run_id: str) -> Leases:
    return Leases([lease_of(bench, name, place, run_id) for place in ("primary", "dr")])


def writes(bench: Bench) -> Counter[tuple[str, str]]:
    leases = ("UpdateItem", "TransactWriteItems")
    return Counter((call.operation, call.region) for call in bench.aws.calls if call.operation in leases)


@pytest.mark.parametrize("options", [DRILL, FAILOVER], ids=["planned", "unplanned"])
def test_many_applications_cost_as_many_calls_for_leases_as_two(options: Options) -> None:
    made = []
    for count in (2, 30):
        bench = Bench.of(*[f"shop-{number:02d}" for number in range(count)])
        assert {one.status for one in run_move(bench.aws.applications, options, bench.tools()).applications} == {MOVED}
        made.append(writes(bench))
        for (_region, table), rows in bench.aws.tables.items():
            name = table.removesuffix("-dr-state")
            assert float(rows[f"{name}|lease"]["expires_at"]["N"]) == 0, "it was given back"
    assert made[0] == made[1]
    assert {operation for operation, _region in made[1]} == {"TransactWriteItems"}


def test_one_that_somebody_else_begins_to_move_is_left_alone_and_the_others_are_moved() -> None:
    bench = Bench.of(*NAMES)
    theirs = lease_of(bench, "depot", "dr", "run-1")

    def somebody(call: Call) -> None:
        if call.operation == "TransactWriteItems" and not theirs.held:
            theirs.acquire()  # after the survey, and before the transaction of the second region

    bench.aws.after_call = somebody
    result = run_move(bench.aws.applications, replace(DRILL), bench.tools())
    assert {one.application: one.status for one in result.applications} == {
        "blog": MOVED, "depot": FAILED, "shop": MOVED
    }  # fmt: skip
    east = bench.aws.tables[(EAST, "depot-dr-state")]["depot|lease"]
    assert float(east["expires_at"]["N"]) == 0, "the first of its leases was given back"
    assert not [call for call in bench.aws.mutations("dynamodb") if "depot" in str(call.params)]


def test_a_holder_that_renews_at_the_last_moment_keeps_its_lease() -> None:
    bench = Bench.of(*NAMES)
    theirs = lease_of(bench, "depot", "primary", "run-1")
    theirs.acquire()
    ours = {name: both_of(bench, name, "run-2") for name in NAMES}
    tokens = {(region, name): 0 for region in (EAST, WEST) for name in NAMES}
    take_together(list(ours.values()), {**tokens, (EAST, "depot"): theirs.token})  # as read when it had run out
    assert not any(lease.held for leases in ours.values() for lease in leases.leases)
    for name in ("blog", "shop"):
        ours[name].take(lambda text: None)
    with pytest.raises(LeaseLost, match="run run-1"):
        ours["depot"].take(lambda text: None)
    assert not any(lease.held for lease in ours["depot"].leases)


def test_who_has_no_lease_in_the_first_region_asks_for_none_in_the_second() -> None:
    bench = Bench.of(*NAMES)

    def refuse_east(call: Call) -> CallFailed | None:
        if call.operation == "TransactWriteItems" and call.region == EAST:
            return CallFailed(call.region, call.service, call.operation, "TransactionConflictException", "busy")
        return None

    bench.aws.refusals = [refuse_east]
    ours = [both_of(bench, name, "run-1") for name in NAMES]
    take_together(ours, {(region, name): 0 for region in (EAST, WEST) for name in NAMES})
    assert not any(lease.held for leases in ours for lease in leases.leases)
    assert writes(bench)["TransactWriteItems", WEST] == 0


def test_tokens_grow_with_each_owner() -> None:
    bench = Bench.of(*NAMES)
    for target in ("dr", "primary"):
        assert run_move(bench.aws.applications, Options(target, "planned"), bench.tools()).ok
        bench.clock.wait(LEASE_SECONDS + SKEW_SECONDS)
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    assert float(rows["shop|lease"]["token"]["N"]) == 2
