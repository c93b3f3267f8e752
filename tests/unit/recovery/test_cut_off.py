# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lost region costs a run ten seconds at most: however it is lost, whenever, and whichever of the two it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, SimulatedAws

from plugins.module_utils._recovery.breaker import REGION_BUDGET_SECONDS
from plugins.module_utils._recovery.clients import Clients
from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.results import MOVED, REFUSED, ApplicationResult
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.workers import InlineWorkers

DRILL = Options("dr", "planned", "drill")
WAIVED = ("old-site-down", "block-period")  # the old site is alive in most of these, and moves follow on each other
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)
HOME_UNPLANNED = Options("primary", "unplanned", accept_data_loss=True, waive=WAIVED, accept_unfenced=True)


@dataclass
class Cut:
    """The way to AWS, with one region behind it that is lost in one of the ways in which regions are lost."""

    aws: SimulatedAws
    region: str
    kind: str
    since: Callable[[], bool] = lambda: True

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        if access.region != self.region or not self.since():
            return self.aws.send(access, service, operation, params, deadline_seconds)
        clock = self.aws.clock
        if self.kind in ("hangs", "swallows packets", "credentials hang"):
            clock.wait(deadline_seconds)
            raise RegionUnreachable(access.region, f"{service} {operation} brought no answer")
        if self.kind == "is slow and then answers 503":
            clock.wait(min(4.0, deadline_seconds))
            raise CallFailed(access.region, service, operation, "503", "Service Unavailable")
        if self.kind == "answers 503":
            raise CallFailed(access.region, service, operation, "ServiceUnavailable", "no")
        if self.kind == "expired":
            raise CallFailed(access.region, service, operation, "ExpiredToken", "The security token has expired")
        raise RegionUnreachable(access.region, self.kind)


KINDS = (
    "hangs",
    "swallows packets",
    "credentials hang",
    "is slow and then answers 503",
    "answers 503",
    "expired",
    "connection refused",
    "name does not resolve",
)


def move(bench: Bench, options: Options, cut: Cut | None = None) -> tuple[ApplicationResult, float]:
    """One after the other, so that nothing that waits is hidden behind something else; returns how long it took."""
    clients = Clients(bench.clock, transport=cut or bench.aws, monotonic=bench.clock.now)
    tools = bench.tools(caller=clients, depend=clients.depend, workers=InlineWorkers())
    began = bench.clock.now()
    result = run_move(bench.aws.applications, options, tools).applications[0]
    return result, bench.clock.now() - began


def at_dr() -> Bench:
    """An application that lives in dr, an hour after it was moved there."""
    bench = Bench.of()
    assert move(bench, DRILL)[0].status == MOVED
    bench.clock.wait(3600)
    return bench


WAYS = [(FAILOVER, EAST, Bench.of), (HOME_UNPLANNED, WEST, at_dr)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("options", "lost", "build"), WAYS, ids=["to dr", "to primary"])
def test_a_region_that_was_lost_before_the_move_costs_it_ten_seconds_at_most(
    options: Options, lost: str, build: Callable[[], Bench], kind: str
) -> None:
    _result, healthy = move(build(), options)
    bench = build()
    result, took = move(bench, options, Cut(bench.aws, lost, kind))
    assert result.status == MOVED, result.reasons
    assert took - healthy <= REGION_BUDGET_SECONDS


@pytest.mark.parametrize("kind", ["hangs", "is slow and then answers 503"])
@pytest.mark.parametrize(("options", "lost", "build"), WAYS, ids=["to dr", "to primary"])
def test_a_region_that_is_lost_after_any_call_of_the_move_costs_it_ten_seconds_at_most(
    options: Options, lost: str, build: Callable[[], Bench], kind: str
) -> None:
    whole = build()
    before = len(whole.aws.mutations())
    _result, healthy = move(whole, options)
    for number in range(before + 1, len(whole.aws.mutations()) + 1):
        bench = build()
        cut = Cut(bench.aws, lost, kind, lambda bench=bench, n=number: len(bench.aws.mutations()) >= n)  # type: ignore[misc]
        result, took = move(bench, options, cut)
        assert result.status == MOVED, (number, result.reasons)
        assert took - healthy <= REGION_BUDGET_SECONDS, number


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lost", [EAST, WEST])
def test_a_planned_move_without_one_of_its_regions_is_refused_in_ten_seconds(lost: str, kind: str) -> None:
    bench = Bench.of()
    result, took = move(bench, DRILL, Cut(bench.aws, lost, kind))
    assert result.status == REFUSED
    assert took <= REGION_BUDGET_SECONDS
    assert bench.aws.mutations() == []


@pytest.mark.parametrize("kind", ["hangs", "is slow and then answers 503", "connection refused"])
def test_a_region_that_is_lost_once_the_writer_has_left_it_holds_no_planned_move_up(kind: str) -> None:
    _result, healthy = move(Bench.of(), DRILL)
    bench = Bench.of()
    application = bench.aws.applications[0]
    result, took = move(bench, DRILL, Cut(bench.aws, EAST, kind, lambda: bench.aws.writer(application) == WEST))
    assert result.status == MOVED, result.reasons
    assert took - healthy <= REGION_BUDGET_SECONDS + 5, "and the pause before what is left is tried again"
    assert any(EAST in note for note in result.notes)


def test_a_region_that_the_move_depends_on_is_waited_for() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 600

    def silent() -> bool:
        asked = bench.aws.made("rds", "SwitchoverGlobalCluster")
        return bool(asked) and asked[0].at + 60 < bench.clock.now() < asked[0].at + 300

    result, _took = move(bench, DRILL, Cut(bench.aws, WEST, "hangs", silent))
    assert result.status == MOVED, result.reasons
