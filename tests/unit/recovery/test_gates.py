# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each gate holds, fails with a reason, or says that it cannot be known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gate_cases import CASES, Case, item, members
from gate_world import (
    APPLICATION,
    DR,
    FAILS,
    HOLDS,
    MODES,
    NOW,
    PRIMARY,
    READER,
    SILENT,
    UNKNOWN,
    WRITER,
    answers,
    remembered,
    world,
)
from simulated_aws import document

from plugins.module_utils._recovery.gates.answers import ANY_DAY, PLANNED, UNPLANNED, Gate, Verdict
from plugins.module_utils._recovery.gates.ruling import evaluate, to_be_said, wanted
from plugins.module_utils._recovery.gates.table import GATES
from plugins.module_utils._recovery.model import parse_application
from plugins.module_utils._recovery.snapshot import Facet, Unknown
from plugins.module_utils._recovery.steps.base import Move

REMEMBERED = [gate.name for gate in GATES if gate.remembered]
ASKS_GLOBAL_CONTROL_PLANES = {Facet.RECORDS, Facet.HEALTH_CHECKS, Facet.BUCKETS}


def case_of(gate: str, verdict: Verdict) -> Case | None:
    return next((case for case in CASES if (case.gate, case.verdict) == (gate, verdict)), None)


def asked_in(gate: Gate) -> list[str]:
    """The modes in which a gate looks at the world itself."""
    return [mode for mode in MODES if mode in gate.blocks and not (gate.remembered and mode == UNPLANNED)]


@pytest.mark.parametrize("mode", MODES)
def test_where_all_is_well_no_gate_blocks(mode: str) -> None:
    rulings = answers(mode, world())
    wrong = {name for name, ruling in rulings.items() if ruling.blocks or ruling.answer.verdict is not HOLDS}
    # An unplanned move of a site that is well is itself what is wrong; and readiness has named no gate here.
    assert wrong == ({"old-site-down", *REMEMBERED} if mode == UNPLANNED else set())


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.gate} {case.verdict.value} {number}" for number, case in enumerate(CASES)]
)
def test_a_gate_answers_to_what_it_is_there_for(case: Case) -> None:
    gate = next(gate for gate in GATES if gate.name == case.gate)
    modes = [mode for mode in asked_in(gate) if mode in case.modes]
    assert modes
    for mode in modes:
        ruling = answers(mode, world(**case.changes), case.moved, case.accept_data_loss)[case.gate]
        assert ruling.answer.verdict is case.verdict, ruling.answer.reason
        assert ruling.answer.reason or case.verdict is HOLDS


@pytest.mark.parametrize("gate", GATES, ids=[gate.name for gate in GATES])
def test_each_answer_that_a_gate_can_give_is_tested(gate: Gate) -> None:
    given = {case.verdict for case in CASES if case.gate == gate.name}
    given |= {answers(mode, world())[gate.name].answer.verdict for mode in asked_in(gate)}
    assert given == set(Verdict) - gate.never


def test_each_gate_has_a_name_and_a_rule_of_its_own_and_is_asked_somewhere() -> None:
    assert len({gate.name for gate in GATES}) == len(GATES)
    assert all(gate.rule and gate.asks.endswith("?") and gate.blocks for gate in GATES)
    assert {case.gate for case in CASES} == {gate.name for gate in GATES}


def test_the_operators_word_is_wanted_in_unplanned_moves_only() -> None:
    assert "data-loss-accepted" not in answers(PLANNED, world(), accept_data_loss=False)
    ruling = answers(UNPLANNED, world(), accept_data_loss=False)["data-loss-accepted"]
    assert (ruling.answer.verdict, ruling.blocks) == (FAILS, True)


SAID_IF_UNKNOWN = {"target-key", "launch-image", "instance-type", "instance-quota", "bucket-backlog", "alarms"}


@pytest.mark.parametrize("gate", [gate for gate in GATES if PLANNED in gate.blocks], ids=lambda gate: gate.name)
def test_what_cannot_be_known_blocks_a_planned_move(gate: Gate) -> None:
    case = case_of(gate.name, UNKNOWN)
    assert case is not None
    blocks = answers(PLANNED, world(**case.changes), case.moved)[gate.name].blocks
    assert blocks is (gate.name not in SAID_IF_UNKNOWN)


@pytest.mark.parametrize(
    "gate",
    [
        "replication-lag",
        "global-db-rpo",
        "dns-answers",
        "switch-position",
        "state-store",
        "source-region",
        "old-site-down",
        "block-period",
        "readiness",
    ],
)
def test_what_cannot_be_known_is_said_and_does_not_block_an_unplanned_move(gate: str) -> None:
    case = case_of(gate, UNKNOWN)
    assert case is not None
    rulings = answers(UNPLANNED, world(**case.changes))
    assert not rulings[gate].blocks
    assert any(line.startswith(gate) for line in to_be_said(rulings.values()))


@pytest.mark.parametrize("gate", [gate for gate in GATES if ANY_DAY in gate.blocks], ids=lambda gate: gate.name)
def test_on_any_day_a_gate_that_fails_is_a_failure(gate: Gate) -> None:
    case = case_of(gate.name, FAILS)
    if case is None:
        assert FAILS in gate.never
        return
    assert answers(ANY_DAY, world(**case.changes), case.moved)[gate.name].blocks


def test_a_run_that_has_the_promotion_behind_it_is_not_held_up_by_what_guards_it() -> None:
    promoted = members(replace(WRITER, writer=False), replace(READER, writer=True))
    gone = {"lags": {(DR.access, DR.cluster): Unknown("a writer has no lag")}}
    assert not answers(PLANNED, world(**promoted, **gone))["replication-lag"].blocks


def test_an_unplanned_move_asks_no_global_control_plane_and_no_template() -> None:
    application = parse_application(document())
    asked = {wish.facet for wish in wanted(application, "dr", UNPLANNED)}
    assert not asked & (ASKS_GLOBAL_CONTROL_PLANES | {Facet.TEMPLATES, Facet.QUOTAS, Facet.ALARMS})
    assert {wish.facet for wish in wanted(application, "dr", PLANNED)} > ASKS_GLOBAL_CONTROL_PLANES


@pytest.mark.parametrize("gate", REMEMBERED)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_an_unplanned_move_remembers_what_readiness_said_and_when(gate: str, verdict: Verdict) -> None:
    snapshot = world(**item("readiness", remembered(NOW - 5 * 3600, **{gate: verdict.value})))
    ruling = answers(UNPLANNED, snapshot)[gate]
    assert ruling.answer.verdict is verdict
    assert ruling.answer.reason == f"{gate} then; as readiness said 5.0 h ago"
    assert not ruling.blocks


def test_that_there_is_no_readiness_snapshot_is_said_once() -> None:
    rulings = answers(UNPLANNED, world(**item("readiness", None)))
    said = [line for line in to_be_said(rulings.values()) if "no readiness snapshot" in line]
    assert said == ["readiness (R29): no readiness snapshot was ever stored"]


def test_the_snapshot_of_the_region_that_is_left_is_not_gone_by() -> None:
    kept_at_home = item("readiness", remembered(NOW - 60, **{"record-ttl": "holds"}), PRIMARY)
    snapshot = world(state={**item("readiness", None)["state"], **kept_at_home["state"]})
    assert answers(UNPLANNED, snapshot)["record-ttl"].answer.verdict is UNKNOWN


def test_an_old_site_that_cannot_be_fenced_needs_the_operators_word() -> None:
    lost = world(groups={(PRIMARY.access, "shop-asg"): SILENT})
    ruling = answers(UNPLANNED, lost)["old-site-fence"]
    assert ruling.blocks
    assert "say accept_unfenced=true" in ruling.answer.reason
    move = Move(APPLICATION, "dr", False, "failover", "run-1", True, accept_unfenced=True)
    accepted = {one.gate.name: one for one in evaluate(move, lost)}["old-site-fence"]
    assert (accepted.blocks, accepted.answer.verdict) == (False, HOLDS)
    assert SILENT.reason in accepted.answer.reason


@pytest.mark.parametrize(("then", "blocks"), [("fails", True), ("holds", False), ("unknown", False)])
def test_the_position_that_nobody_can_read_any_more_is_as_readiness_has_seen_it(then: str, blocks: bool) -> None:
    """The region that keeps dr's switch is the one that is lost."""
    seen = item("readiness", remembered(NOW - 5 * 3600, **{"switch-position": then}))
    lost = world(state={**seen["state"], **item("switch#dr", SILENT, PRIMARY)["state"]})
    ruling = answers(UNPLANNED, lost)["switch-position"]
    assert (ruling.answer.verdict, ruling.blocks, ruling.gate.waivable) == (Verdict(then), blocks, True)
    assert ruling.answer.reason.endswith("switch-position then; as readiness said 5.0 h ago")


def test_on_the_way_home_the_position_of_a_lost_region_is_of_no_matter() -> None:
    """An unhealthy secondary makes Route 53 answer with the primary, whatever its own switch says."""
    lost = world(**item("switch#primary", SILENT, DR))
    home = Move(APPLICATION, "primary", False, "failover", "run-1", True)
    ruling = next(one for one in evaluate(home, lost) if one.gate.name == "switch-position")
    assert (ruling.answer.verdict, ruling.answer.reason) == (HOLDS, "dr open")


def test_what_fails_in_a_fresh_readiness_snapshot_is_said() -> None:
    failing = {"switch-position": "fails", "fenceable": "fails", "record-ttl": "holds"}
    rulings = answers(UNPLANNED, world(**item("readiness", remembered(NOW - 60, **failing))))
    assert not rulings["readiness"].blocks
    said = [line for line in to_be_said(rulings.values()) if line.startswith("readiness (R29)")]
    assert said == ["readiness (R29): score 96, 60 s old; failing: fenceable, switch-position"]


def test_reconciling_wants_both_regions_and_nothing_of_what_a_move_wants() -> None:
    move = Move(APPLICATION, "dr", False, "reconcile", "run-1")
    lost = world(
        clusters={(PRIMARY.access, "shop"): SILENT},
        groups={(PRIMARY.access, "shop-asg"): SILENT},
        **item("run", SILENT, PRIMARY),
    )
    assert [one.gate.name for one in evaluate(move, lost) if one.blocks] == ["source-region"]
    assert [one.gate.name for one in evaluate(move, world()) if one.blocks] == []


def test_a_move_back_waits_also_after_a_failover_that_moved_the_writer_and_never_ended() -> None:
    """Where it moved nothing, or goes the same way, it is the way back that nobody waits for."""
    open_run = {"run_id": "run-0", "opened_at": NOW - 60, "closed_at": None, "writer": READER.arn}
    back = answers(UNPLANNED, world(**item("run", open_run, PRIMARY)))["block-period"]
    assert back.answer.reason.startswith("run run-0, which did not end, began 60 s ago; another move back waits for ")
    still = answers(UNPLANNED, world(**item("run", {**open_run, "writer": WRITER.arn}, PRIMARY)))["block-period"]
    assert (still.blocks, still.answer.reason) == (False, "there is no other move to wait for")
