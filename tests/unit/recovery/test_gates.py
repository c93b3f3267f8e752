# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each gate holds, fails with a reason, or says that it cannot be known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from simulated_aws import document

from plugins.module_utils._recovery.gates import GATES, Verdict, evaluate
from plugins.module_utils._recovery.model import parse_application
from plugins.module_utils._recovery.ports import DnsAnswer
from plugins.module_utils._recovery.snapshot import (
    Cluster,
    GlobalCluster,
    GroupState,
    Lag,
    Member,
    Snapshot,
    Unknown,
)
from plugins.module_utils._recovery.steps.base import Move

APPLICATION = parse_application(document())
DR, PRIMARY = APPLICATION.dr, APPLICATION.primary
HOLDS, FAILS, UNKNOWN = Verdict.HOLDS, Verdict.FAILS, Verdict.UNKNOWN
SILENT = Unknown("us-west-2 is unreachable")
NOW = 1_790_000_000.0
ARN = {site.place: f"arn:aws:rds:{site.region}:123456789012:cluster:{site.cluster}" for site in APPLICATION.sites}
GLOBAL = GlobalCluster(
    "shop-global",
    "available",
    "aurora-mysql",
    "8.0",
    (Member(ARN["primary"], True, "connected"), Member(ARN["dr"], False, "connected")),
)
CLUSTER = Cluster("shop-dr-cluster", "available", "8.0", ("shop-dr-1",), "key-1")
GROUP = GroupState("shop-dr-asg", 0, 1, 10, 1, 1)


def world(**changes: Any) -> Snapshot:
    """All is well; ``changes`` replace single facts (a field's name, and what to update it with)."""
    items = ("lease", "run", "lag", "readiness", "switch#primary", "switch#dr", "fence#primary", "pending#dr")
    snapshot = Snapshot(
        at=NOW,
        globals={(site.access, "shop-global"): GLOBAL for site in APPLICATION.sites},
        clusters={
            (DR.access, DR.cluster): CLUSTER,
            (PRIMARY.access, PRIMARY.cluster): replace(CLUSTER, identifier="shop"),
        },
        groups={(DR.access, "shop-dr-asg"): GROUP, (PRIMARY.access, "shop-asg"): replace(GROUP, name="shop-asg")},
        lags={(DR.access, DR.cluster): Lag(0.1, NOW - 30, "us-west-2")},
        state={(site.access, "shop", item): None for site in APPLICATION.sites for item in items},
        answers={
            "app.shop.example": DnsAnswer("app.shop.example", (), ("192.0.2.1",), 60),
            DR.endpoint.host: DnsAnswer(DR.endpoint.host, (), ("192.0.2.2",), 60),
        },
        keys={(DR.access, "key-1"): "Enabled"},
        valves={
            (PRIMARY.access, "schedule", "default/shop-nightly"): (),
            (PRIMARY.access, "event-source mapping", "shop-intake"): (),
        },
        records={"shop": ()},
    )
    for name, update in changes.items():
        snapshot = replace(snapshot, **{name: {**getattr(snapshot, name), **update}})
    return snapshot


def seen(view: GlobalCluster | Unknown | None) -> dict[str, Mapping[Any, Any]]:
    return {"globals": {(site.access, "shop-global"): view for site in APPLICATION.sites}}


def members(*all_of_them: Member) -> dict[str, Mapping[Any, Any]]:
    return seen(replace(GLOBAL, members=all_of_them))


def dr_cluster(cluster: Cluster | Unknown | None) -> dict[str, Mapping[Any, Any]]:
    return {"clusters": {(DR.access, DR.cluster): cluster}}


def item(name: str, value: Any, site: Any = DR) -> dict[str, Mapping[Any, Any]]:
    return {"state": {(site.access, "shop", name): value}}


WRITER, READER = Member(ARN["primary"], True), Member(ARN["dr"], False)
WRITTEN, PROMOTED = replace(WRITER, writer=False), replace(READER, writer=True)
LEASE = {"holder": "another/1", "expires_at": NOW + 30}

CASES: list[tuple[str, Verdict, dict[str, Any]]] = [
    (
        "target-region",
        UNKNOWN,
        {
            **dr_cluster(SILENT),
            **item("run", SILENT),
            "groups": {(DR.access, "shop-dr-asg"): SILENT},
        },
    ),
    ("target-region", HOLDS, {**dr_cluster(SILENT)}),
    (
        "source-region",
        UNKNOWN,
        {
            "clusters": {(PRIMARY.access, "shop"): SILENT},
            "groups": {(PRIMARY.access, "shop-asg"): SILENT},
            **item("run", SILENT, PRIMARY),
        },
    ),
    ("old-site-fence", FAILS, {"groups": {(PRIMARY.access, "shop-asg"): SILENT}}),
    ("old-site-fence", FAILS, {"valves": {(PRIMARY.access, "event-source mapping", "shop-intake"): SILENT}}),
    ("old-site-fence", FAILS, {"clusters": {(PRIMARY.access, "shop"): SILENT}}),
    ("old-site-fence", HOLDS, {"clusters": {(PRIMARY.access, "shop"): SILENT}, **members(WRITTEN, PROMOTED)}),
    ("reconciled", FAILS, item("pending#dr", {"run_id": "run-0"}, PRIMARY)),
    ("reconciled", HOLDS, item("pending#dr", {"run_id": "run-0", "closed_at": NOW}, PRIMARY)),
    ("reconciled", UNKNOWN, item("pending#dr", SILENT, PRIMARY)),
    ("global-cluster", FAILS, seen(None)),
    ("global-cluster", UNKNOWN, seen(SILENT)),
    ("global-cluster", FAILS, members(WRITER)),
    ("global-cluster", FAILS, members(replace(WRITER, writer=False), READER)),
    (
        "global-cluster",
        FAILS,
        members(
            replace(WRITER, writer=False), READER, Member("arn:aws:rds:eu-west-1:123456789012:cluster:third", True)
        ),
    ),
    ("no-other-operation", FAILS, seen(replace(GLOBAL, failover_status="failing-over", failover_to=ARN["primary"]))),
    ("no-other-operation", FAILS, seen(replace(GLOBAL, failover_status="a state that nobody knows"))),
    ("no-other-operation", HOLDS, seen(replace(GLOBAL, failover_status="pending", failover_to=ARN["dr"]))),
    ("no-other-operation", FAILS, seen(replace(GLOBAL, status="modifying"))),
    ("no-other-operation", UNKNOWN, seen(SILENT)),
    ("target-instance", FAILS, dr_cluster(replace(CLUSTER, instances=()))),
    ("target-instance", FAILS, dr_cluster(None)),
    ("target-instance", UNKNOWN, dr_cluster(SILENT)),
    ("engine-version", FAILS, dr_cluster(replace(CLUSTER, engine_version="8.1"))),
    ("engine-version", UNKNOWN, dr_cluster(SILENT)),
    ("target-synchronised", FAILS, members(WRITER, replace(READER, synchronisation="pending-resync"))),
    ("target-synchronised", UNKNOWN, seen(SILENT)),
    ("replication-lag", FAILS, {"lags": {(DR.access, DR.cluster): Lag(61, NOW, "us-west-2")}}),
    ("replication-lag", HOLDS, {"lags": {(DR.access, DR.cluster): Lag(60, NOW, "us-west-2")}}),
    ("replication-lag", UNKNOWN, {"lags": {(DR.access, DR.cluster): SILENT}}),
    ("group-limits", FAILS, {"groups": {(DR.access, "shop-dr-asg"): replace(GROUP, max=2)}}),
    ("group-limits", FAILS, {"groups": {(DR.access, "shop-dr-asg"): None}}),
    ("group-limits", UNKNOWN, {"groups": {(DR.access, "shop-dr-asg"): SILENT}}),
    ("target-key", FAILS, {"keys": {(DR.access, "key-1"): "Disabled"}}),
    ("target-key", UNKNOWN, {"keys": {(DR.access, "key-1"): SILENT}}),
    ("target-key", UNKNOWN, dr_cluster(replace(CLUSTER, key=None))),
    ("failover-records", FAILS, {"records": {"shop": ("the record of app.shop.example is no failover pair",)}}),
    ("failover-records", UNKNOWN, {"records": {"shop": SILENT}}),
    ("dns-answers", UNKNOWN, {"answers": {"app.shop.example": SILENT}}),
    ("switch-position", UNKNOWN, item("switch#primary", SILENT)),
    ("state-store", UNKNOWN, item("run", SILENT)),
    ("lease-free", FAILS, item("lease", LEASE)),
    ("lease-free", HOLDS, item("lease", {**LEASE, "expires_at": NOW - 10})),
    ("lease-free", HOLDS, item("lease", {**LEASE, "holder": "run-1/2"})),
    ("lease-free", UNKNOWN, item("lease", SILENT)),
    ("readiness", UNKNOWN, {}),
    ("readiness", HOLDS, item("readiness", {"at": NOW - 7200, "score": 96})),
]


def answers(planned: bool, snapshot: Snapshot, accept_data_loss: bool = True) -> dict[str, Any]:
    move = Move(APPLICATION, "dr", planned, "drill", "run-1", accept_data_loss)
    return {ruling.gate.name: ruling for ruling in evaluate(move, snapshot)}


@pytest.mark.parametrize("planned", [True, False])
def test_where_all_is_well_no_gate_blocks(planned: bool) -> None:
    rulings = answers(planned, world())
    assert [name for name, ruling in rulings.items() if ruling.blocks] == []
    assert all(r.answer.verdict is HOLDS for name, r in rulings.items() if name != "readiness")


@pytest.mark.parametrize(
    ("gate", "verdict", "changes"),
    CASES,
    ids=[f"{gate} {verdict.value} {number}" for number, (gate, verdict, _changes) in enumerate(CASES)],
)
def test_a_gate_answers_to_what_it_is_there_for(gate: str, verdict: Verdict, changes: dict[str, Any]) -> None:
    asked = [rulings[gate] for planned in (True, False) if gate in (rulings := answers(planned, world(**changes)))]
    assert asked
    for ruling in asked:
        assert ruling.answer.verdict is verdict
        assert ruling.answer.reason or verdict is HOLDS


def test_every_gate_is_seen_to_fail_or_not_to_know() -> None:
    bitten = {gate for gate, verdict, _changes in CASES if verdict is not HOLDS}
    assert {gate.name for gate in GATES} - bitten == {"data-loss-accepted"}


def test_an_old_site_that_cannot_be_fenced_needs_the_operators_word() -> None:
    lost = world(groups={(PRIMARY.access, "shop-asg"): SILENT})
    ruling = answers(False, lost)["old-site-fence"]
    assert ruling.blocks
    assert "say accept_unfenced=true" in ruling.answer.reason
    move = Move(APPLICATION, "dr", False, "failover", "run-1", True, accept_unfenced=True)
    accepted = {one.gate.name: one for one in evaluate(move, lost)}["old-site-fence"]
    assert (accepted.blocks, accepted.answer.verdict) == (False, HOLDS)
    assert SILENT.reason in accepted.answer.reason


def test_reconciling_wants_both_regions_and_nothing_of_what_a_move_wants() -> None:
    move = Move(APPLICATION, "dr", False, "reconcile", "run-1")
    lost = world(
        clusters={(PRIMARY.access, "shop"): SILENT},
        groups={(PRIMARY.access, "shop-asg"): SILENT},
        **item("run", SILENT, PRIMARY),
    )
    assert [one.gate.name for one in evaluate(move, lost) if one.blocks] == ["source-region"]
    assert [one.gate.name for one in evaluate(move, world()) if one.blocks] == []


def test_the_operators_word_is_wanted_in_unplanned_moves_only() -> None:
    assert "data-loss-accepted" not in answers(True, world(), accept_data_loss=False)
    ruling = answers(False, world(), accept_data_loss=False)["data-loss-accepted"]
    assert (ruling.answer.verdict, ruling.blocks) == (FAILS, True)


@pytest.mark.parametrize(
    "gate", [gate.name for gate in GATES if gate.blocks.get("planned") and gate.name != "target-key"]
)
def test_what_cannot_be_known_blocks_a_planned_move(gate: str) -> None:
    unknown = next((changes for name, verdict, changes in CASES if name == gate and verdict is UNKNOWN), None)
    assert unknown is not None
    assert answers(True, world(**unknown))[gate].blocks


@pytest.mark.parametrize("gate", ["replication-lag", "dns-answers", "switch-position", "state-store", "source-region"])
def test_what_cannot_be_known_is_said_and_does_not_block_an_unplanned_move(gate: str) -> None:
    unknown = next(changes for name, verdict, changes in CASES if name == gate and verdict is UNKNOWN)
    ruling = answers(False, world(**unknown))[gate]
    assert not ruling.blocks
    assert ruling.answer.reason


def test_a_run_that_has_the_promotion_behind_it_is_not_held_up_by_what_guards_it() -> None:
    promoted = members(replace(WRITER, writer=False), replace(READER, writer=True))
    gone = {"lags": {(DR.access, DR.cluster): Unknown("a writer has no lag")}}
    assert not answers(True, world(**promoted, **gone))["replication-lag"].blocks
