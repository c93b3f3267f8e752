# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How ready applications are: looked at on the simulated AWS, kept in both regions, remembered by an unplanned move."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from simulated_aws import EAST, WEST, Bench, document
from unit.recovery.simulated.dynamodb import journaled

from plugins.module_utils._recovery.errors import CallFailed, RecoveryError
from plugins.module_utils._recovery.fields import ModelError
from plugins.module_utils._recovery.gates.answers import ANY_DAY
from plugins.module_utils._recovery.gates.table import GATES
from plugins.module_utils._recovery.model import parse_application
from plugins.module_utils._recovery.readiness import Readiness, break_glass, look, store
from plugins.module_utils._recovery.readiness_document import ReadinessDocument
from plugins.module_utils._recovery.results import MOVED, REFUSED
from plugins.module_utils._recovery.runner import Options, run_move
from plugins.module_utils._recovery.snapshot import Unknown

TRIED = break_glass("2026-09-01", 90)
"""The virtual clock stands at 2026-09-21."""
DRILL = Options("dr", "planned", "drill")
FAILOVER = Options("dr", "unplanned", accept_data_loss=True, waive=("old-site-down",))


def bench_of(*names: str, engine: str = "aurora-mysql") -> Bench:
    """Applications with a pair of buckets each."""
    bench = Bench.of(*names)
    documents = []
    for one in bench.aws.applications:
        given = document(one.name)
        for place, bucket in (("primary", f"{one.name}-data"), ("dr", f"{one.name}-dr-data")):
            given[place] = {**given[place], "buckets": [bucket]}
        bench.aws.bucket_pairs |= {f"{one.name}-data": f"{one.name}-dr-data", f"{one.name}-dr-data": f"{one.name}-data"}
        bench.aws.globals[one.global_cluster]["Engine"] = engine
        documents.append(given)
    bench.aws.applications = [parse_application(one) for one in documents]
    return bench


def looked(bench: Bench, **given: Any) -> list[Readiness]:
    return look(bench.aws.applications, bench.tools(), **{"told": TRIED, **given})


def failing(found: Readiness) -> list[str]:
    return [ruling.gate.name for ruling in found.rulings if ruling.blocks]


def denied(operation: str, region: str) -> Callable[[Any], CallFailed | None]:
    """What AWS answers to one call of credentials that may not make it."""

    def refusal(call: Any) -> CallFailed | None:
        if (call.operation, call.region) != (operation, region):
            return None
        return CallFailed(call.region, call.service, operation, "AccessDeniedException", "not authorized")

    return refusal


def test_an_application_that_is_ready_has_the_whole_score_and_nothing_is_changed() -> None:
    bench = bench_of(engine="aurora-postgresql")
    (found,) = looked(bench)
    assert (found.problems(100), found.document.score) == ([], 100)
    assert (found.active, found.document.target) == ("primary", "dr")
    assert set(found.document.gates) == {gate.name for gate in GATES if ANY_DAY in gate.blocks}
    assert bench.aws.mutations() == []
    assert found.lines() == ["shop: score 100 for a move to dr; the active site is primary"]


def break_ttl(aws: Any) -> None:
    original = aws._route53_list_resource_record_sets

    def longer(region: str, params: Any) -> Any:
        answer = original(region, params)
        return {**answer, "ResourceRecordSets": [{**one, "TTL": 300} for one in answer["ResourceRecordSets"]]}

    aws._route53_list_resource_record_sets = longer


BREAKS: dict[str, Callable[[Any], Any]] = {
    "launch-template": lambda aws: aws.absent_templates.add("shop-dr-asg-template"),
    "launch-image": lambda aws: aws.image_states.update({"image-1": None}),
    "instance-type": lambda aws: aws.zones_offering.update({WEST: ["us-west-2a"]}),
    "instance-quota": lambda aws: setattr(aws, "processor_limit", 15.0),
    "secret-replicated": lambda aws: aws.secrets[(EAST, "shop/database")].update(ReplicationStatus=[]),
    "bucket-replication": lambda aws: setattr(aws, "replicated", False),
    "bucket-backlog": lambda aws: setattr(aws, "s3_latency", 1000.0),
    "global-db-rpo": lambda aws: aws.parameters.update({"rds.global_db_rpo": "60"}),
    "health-checks": lambda aws: aws.absent_checks.add("1"),
    "failover-records": lambda aws: setattr(aws, "records_form", "simple"),
    "record-ttl": break_ttl,
    "alarms": lambda aws: setattr(aws, "alarm_state", "INSUFFICIENT_DATA"),
    "target-key": lambda aws: setattr(aws, "key_state", "PendingDeletion"),
    "replication-lag": lambda aws: setattr(aws, "lag_ms", 61_000.0),
}


@pytest.mark.parametrize("gate", BREAKS)
def test_one_thing_that_is_broken_is_what_fails(gate: str) -> None:
    bench = bench_of(engine="aurora-postgresql")
    BREAKS[gate](bench.aws)
    (found,) = looked(bench)
    assert gate in failing(found)
    assert set(failing(found)) <= {gate, "instance-quota"} if gate == "launch-template" else {gate}
    assert any(f"shop: {gate} (" in line for line in found.problems())
    assert found.document.score < 100


@pytest.mark.parametrize("gate", sorted(set(BREAKS) - {"alarms"}))
def test_what_readiness_fails_on_holds_a_planned_move_up(gate: str) -> None:
    bench = bench_of(engine="aurora-postgresql")
    BREAKS[gate](bench.aws)
    (outcome,) = run_move(bench.aws.applications, DRILL, bench.tools()).applications
    assert outcome.status == REFUSED
    assert any(reason.startswith(f"{gate} (") for reason in outcome.reasons)
    assert bench.aws.mutations() == []


def test_silent_alarms_are_said_and_hold_no_move_up() -> None:
    bench = bench_of()
    BREAKS["alarms"](bench.aws)
    (outcome,) = run_move(bench.aws.applications, DRILL, bench.tools()).applications
    assert outcome.status == MOVED
    assert any(note.startswith("alarms (R10)") for note in outcome.notes)


def test_the_alarms_of_many_applications_are_listed_page_after_page_and_each_is_told_its_own() -> None:
    names = [f"shop-{number:02d}" for number in range(60)]  # 120 alarms a region, and so two pages
    bench = bench_of(*names)
    found = looked(bench)
    assert {one.document.gates["alarms"]["answer"] for one in found} == {"holds"}
    listed = [(call.operation, call.region) for call in bench.aws.calls if "DescribeAlarms" in call.operation]
    assert listed == [("DescribeAlarms", EAST)] * 2 + [("DescribeAlarms", WEST)] * 2


def test_silent_alarms_of_many_applications_are_said_for_each() -> None:
    bench = bench_of(*[f"shop-{number}" for number in range(6)])
    BREAKS["alarms"](bench.aws)
    assert {one.document.gates["alarms"]["answer"] for one in looked(bench)} == {"fails"}


def test_the_standby_site_is_the_one_that_is_looked_at() -> None:
    bench = bench_of()
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    (found,) = looked(bench)
    assert (found.active, found.document.target) == ("dr", "primary")


def test_what_all_applications_launch_together_counts_against_the_quota() -> None:
    alone, three = bench_of(), bench_of("shop", "depot", "forum")
    for bench in (alone, three):
        bench.aws.processor_limit = 12 + 3 * 4 - 1  # each still launches two instances of two processors
    assert failing(looked(alone)[0]) == []
    assert [failing(found) for found in looked(three)] == [["instance-quota"]] * 3


def test_a_known_failure_can_be_waived_and_still_lowers_the_score() -> None:
    bench = bench_of()
    bench.aws.replicated = False
    (found,) = looked(bench, waive=["bucket-replication"])
    assert found.problems() == []
    assert found.document.gates["bucket-replication"]["waived"]
    assert found.problems(100) == [f"shop: the score is {found.document.score}, under 100"]


@pytest.mark.parametrize(
    ("name", "line"), [("target-region", "cannot be waived"), ("luck", "is no gate; the gates are")]
)
def test_a_waiver_that_is_none_is_refused_before_anything_is_read(name: str, line: str) -> None:
    bench = bench_of()
    with pytest.raises(RecoveryError, match=line):
        looked(bench, waive=[name])
    assert bench.aws.calls == []


@pytest.mark.parametrize(
    ("tried_on", "answer"), [("", "unknown"), ("2026-09-20", "holds"), ("2026-06-23", "holds"), ("2026-06-22", "fails")]
)
def test_the_break_glass_credentials_must_have_been_tried(tried_on: str, answer: str) -> None:
    (found,) = looked(bench_of(), told=break_glass(tried_on, 90))
    assert found.document.gates["break-glass"]["answer"] == answer


def test_a_day_that_is_none_is_refused_in_one_line() -> None:
    with pytest.raises(ModelError, match=r"break_glass_tried_on.*a date such as 2026-11-24"):
        break_glass("last week", 90)


def test_what_is_found_is_kept_in_both_regions_and_read_back_as_it_was() -> None:
    bench = bench_of("shop", "depot")
    found = looked(bench)
    kept = store(bench.aws.applications, [one.document for one in found], bench.tools())
    assert [(one.application, one.region, one.error) for one in kept] == [
        ("shop", EAST, None), ("shop", WEST, None), ("depot", EAST, None), ("depot", WEST, None)
    ]  # fmt: skip
    for region in (EAST, WEST):
        item = bench.aws.tables[(region, "shop-dr-state")]["shop|readiness"]
        assert ReadinessDocument.of(json.loads(item["document"]["S"])) == found[0].document


def test_a_region_that_does_not_answer_is_told_and_costs_ten_seconds_at_most() -> None:
    bench = bench_of()
    bench.aws.outage(EAST, "hang")
    began = bench.clock.now()
    tools = bench.tools()
    (found,) = look(bench.aws.applications, tools, TRIED)
    kept = store(bench.aws.applications, [found.document], tools)
    assert bench.clock.now() - began <= 10
    assert any(line.startswith("shop: source-region (R2)") for line in found.problems())
    assert [one.region for one in kept if one.error] == [EAST]
    assert "shop|readiness" in bench.aws.tables[(WEST, "shop-dr-state")]


def test_an_unplanned_move_goes_by_what_was_kept_in_the_living_region_and_says_how_old_it_is() -> None:
    bench = bench_of()
    BREAKS["record-ttl"](bench.aws)
    tools = bench.tools()
    store(bench.aws.applications, [one.document for one in looked(bench)], tools)
    bench.clock.wait(5 * 3600)
    bench.aws.calls.clear()
    bench.aws.outage(EAST, "hang")
    lost = Options("dr", "unplanned", accept_data_loss=True, accept_unfenced=True)
    result = run_move(bench.aws.applications, lost, bench.tools())
    assert result.ok, result.problem()
    (outcome,) = result.applications
    notes = [note for note in outcome.notes if note.startswith("record-ttl (R18)")]
    assert len(notes) == 1
    assert notes[0].endswith("as readiness said 5.0 h ago")
    assert {call.service for call in bench.aws.calls} & {"route53", "iam", "s3", "service-quotas"} == set()


def test_a_look_during_an_outage_does_not_take_away_what_an_unplanned_move_goes_by() -> None:
    bench = bench_of()
    BREAKS["record-ttl"](bench.aws)
    store(bench.aws.applications, [one.document for one in looked(bench)], bench.tools())
    bench.clock.wait(3600)
    bench.aws.outage(EAST, "hang")
    bench.aws.absent_templates.add("shop-dr-asg-template")
    for _hour in range(2):  # what is remembered is remembered again
        tools = bench.tools()
        (found,) = look(bench.aws.applications, tools, TRIED)
        assert found.document.gates["record-ttl"]["answer"] == "unknown"
        store(bench.aws.applications, [found.document], tools)
        bench.clock.wait(3600)
    lost = Options("dr", "unplanned", accept_data_loss=True, accept_unfenced=True, waive=("launch-template",))
    (outcome,) = run_move(bench.aws.applications, lost, bench.tools()).applications
    notes = [note for note in outcome.notes if note.startswith("record-ttl (R18)")]
    assert len(notes) == 1
    assert notes[0].endswith("as readiness said 3.0 h ago")
    item = json.loads(bench.aws.tables[(WEST, "shop-dr-state")]["shop|readiness"]["document"]["S"])
    assert item["score"] == found.document.score
    assert ReadinessDocument.of(item).gates["launch-template"]["answer"] == "fails"  # newer than what was remembered


def test_what_readiness_said_of_a_move_there_says_nothing_of_the_way_back() -> None:
    bench = bench_of()
    store(bench.aws.applications, [one.document for one in looked(bench)], bench.tools())
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    bench.clock.wait(7200)
    bench.aws.outage(WEST, "hang")
    home = Options("primary", "unplanned", "failover", accept_data_loss=True, accept_unfenced=True)
    (outcome,) = run_move(bench.aws.applications, home, bench.tools()).applications
    assert outcome.status == MOVED
    answers = {gate["gate"]: gate for gate in outcome.gates}
    assert answers["record-ttl"]["answer"] == "unknown"
    assert "of a move to dr" in answers["readiness"]["reason"]


def test_a_look_that_cannot_tell_where_the_writer_is_does_not_take_the_other_direction_away() -> None:
    """It is a look as if primary were active, and the application lives in dr: what it goes home by is kept."""
    bench = bench_of()
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    store(bench.aws.applications, [one.document for one in looked(bench)], bench.tools())
    bench.clock.wait(7200)
    bench.aws.refusals += [denied("DescribeGlobalClusters", region) for region in (EAST, WEST)]
    (found,) = looked(bench)
    assert (found.active, found.document.target) == (None, "dr")
    store(bench.aws.applications, [found.document], bench.tools())
    bench.aws.refusals.clear()
    bench.aws.outage(WEST, "hang")
    home = Options("primary", "unplanned", "failover", accept_data_loss=True, accept_unfenced=True)
    (outcome,) = run_move(bench.aws.applications, home, bench.tools()).applications
    answers = {gate["gate"]: gate for gate in outcome.gates}
    assert answers["record-ttl"]["reason"] == "as readiness said 2.0 h ago"


def document_of(target: str, at: float, answer: str, **more: Any) -> ReadinessDocument:
    gate = {"gate": "record-ttl", "answer": answer, "reason": f"seen at {at:.0f}", **more}
    return ReadinessDocument("shop", at, target, 50, {"record-ttl": gate})


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        (document_of("dr", 0.0, "fails"), "fails"),
        (document_of("dr", 0.0, "holds"), "holds"),
        (document_of("dr", 0.0, "unknown"), "unknown"),
        (document_of("primary", 0.0, "holds"), "unknown"),  # it was asked of a move to the other site
        (document_of("dr", -8 * 86400.0, "holds"), "unknown"),  # too old
        (document_of("dr", 0.0, "holds", known_at=-8 * 86400.0), "unknown"),  # and so is this, at second hand
        (Unknown("it was not read"), "unknown"),
    ],
)
def test_only_what_was_known_of_the_same_move_within_a_week_is_remembered(
    before: ReadinessDocument | Unknown, answer: str
) -> None:
    now = document_of("dr", 60.0, "unknown")
    assert now.remembering(before).gates["record-ttl"]["answer"] == answer
    known = document_of("dr", 60.0, "fails")
    assert known.remembering(before) == known


def test_an_unplanned_move_of_a_site_that_is_well_is_refused_with_what_to_do() -> None:
    bench = bench_of()
    refused = run_move(bench.aws.applications, Options("dr", "unplanned", accept_data_loss=True), bench.tools())
    (outcome,) = refused.applications
    assert outcome.status == REFUSED
    assert outcome.reasons == (
        "old-site-down (R7): shop in us-east-1 is available and the writer: a planned move would lose nothing; "
        "if the application there is lost all the same, waive old-site-down",
    )
    assert bench.aws.mutations() == []
    assert run_move(bench.aws.applications, FAILOVER, bench.tools()).ok


def test_soon_after_a_move_an_unplanned_one_waits_or_is_waived() -> None:
    bench = bench_of()
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    home = Options("primary", "unplanned", accept_data_loss=True, waive=("old-site-down",))
    (outcome,) = run_move(bench.aws.applications, home, bench.tools()).applications
    assert outcome.status == REFUSED
    assert outcome.reasons[0].startswith("block-period (R19): run ")
    waived = Options("primary", "unplanned", accept_data_loss=True, waive=("old-site-down", "block-period"))
    assert run_move(bench.aws.applications, waived, bench.tools()).ok


def test_a_drill_may_come_home_at_once() -> None:
    bench = bench_of()
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    assert run_move(bench.aws.applications, Options("primary", "planned"), bench.tools()).ok


def test_who_waived_what_stands_in_the_journal() -> None:
    bench = bench_of()
    bench.aws.lag_ms = None
    options = Options("dr", "planned", "drill", waive=("replication-lag",), operator="night shift")
    assert run_move(bench.aws.applications, options, bench.tools()).ok
    events = journaled(bench.aws.tables[(WEST, "shop-dr-state")])
    opened = next(event for event in events if event["kind"] == "run-opened")
    assert (opened["detail"]["waive"], opened["detail"]["operator"]) == (["replication-lag"], "night shift")
    waived = [event["detail"] for event in events if event["kind"] == "gate" and event["detail"]["waived"]]
    assert [(one["gate"], one["waived_by"]) for one in waived] == [("replication-lag", "night shift")]


def test_twenty_applications_are_looked_at_with_few_calls_that_are_not_per_resource() -> None:
    names = [f"shop-{letter}" for letter in "abcdefghijklmnopqrst"]
    one, many = bench_of("shop"), bench_of(*names)
    looked(one)
    looked(many)
    shared = (
        "DescribeGlobalClusters",
        "DescribeDBClusters",
        "DescribeAutoScalingGroups",
        "DescribeImages",
        "DescribeInstanceTypeOfferings",
        "DescribeInstanceTypes",
        "GetServiceQuota",
        "ListHealthChecks",
        "GetMetricData",
    )
    for operation in shared:
        made = [len([call for call in bench.aws.calls if call.operation == operation]) for bench in (one, many)]
        assert made[0] == made[1], operation


def home_with_the_switch_of_dr_closed(bench: Bench) -> None:
    """A way home from a lost dr closes its switch, and only what comes after it, which nobody has run, opens it."""
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    bench.clock.wait(7200)
    bench.aws.outage(WEST, "refuse")
    home = Options("primary", "unplanned", accept_data_loss=True, accept_unfenced=True)
    assert run_move(bench.aws.applications, home, bench.tools()).ok
    bench.clock.wait(7200)
    bench.aws.heal(WEST)
    bench.aws.comes_back(bench.aws.applications[0].dr, snapshot=False, joined=True)


def test_a_failover_that_could_not_lead_clients_is_refused_before_anything_is_promoted() -> None:
    """With the primary's region the switch of dr is lost: nobody can open it, nor see any more that it is closed."""
    bench = bench_of()
    home_with_the_switch_of_dr_closed(bench)
    store(bench.aws.applications, [one.document for one in looked(bench)], bench.tools())
    bench.clock.wait(3600)
    bench.aws.outage(EAST, "refuse")
    before = len(bench.aws.mutations())
    lost = Options("dr", "unplanned", accept_data_loss=True, accept_unfenced=True)
    (outcome,) = run_move(bench.aws.applications, lost, bench.tools()).applications
    assert outcome.status == REFUSED
    assert outcome.reasons == (
        "switch-position (R17): the switch of dr is closed, and only a planned move or playbooks/reconcile.yml opens "
        "it; as readiness said 60 min ago",
    )
    assert len(bench.aws.mutations()) == before
    waived = Options("dr", "unplanned", accept_data_loss=True, accept_unfenced=True, waive=("switch-position",))
    (checked,) = run_move(bench.aws.applications, waived, bench.tools(), check=True).applications
    assert checked.reasons == ()


def test_where_nobody_has_looked_a_failover_says_that_the_switch_of_dr_may_be_closed() -> None:
    bench = bench_of()
    bench.aws.outage(EAST, "refuse")
    lost = Options("dr", "unplanned", accept_data_loss=True, accept_unfenced=True)
    (outcome,) = run_move(bench.aws.applications, lost, bench.tools()).applications
    assert outcome.status == MOVED
    (note,) = [note for note in outcome.notes if note.startswith("switch-position (R17): switch dr: us-east-1 is ")]
    assert note.endswith("no readiness snapshot was ever stored")


def test_a_failover_from_a_region_that_answers_opens_the_switch_of_dr_itself() -> None:
    bench = bench_of()
    home_with_the_switch_of_dr_closed(bench)
    (found,) = looked(bench)
    assert "switch-position" in failing(found)
    (outcome,) = run_move(bench.aws.applications, FAILOVER, bench.tools()).applications
    assert outcome.status == MOVED
    (gate,) = [gate for gate in outcome.gates if gate["gate"] == "switch-position"]
    assert gate["reason"] == "primary closed, dr closed, which the move opens as long as us-east-1 answers"


@pytest.mark.parametrize("operation", ["GetSchedule", "DescribeSecurityGroups", "ListEventSourceMappings"])
def test_what_a_fence_would_not_be_allowed_to_see_is_a_problem_on_any_day(operation: str) -> None:
    bench = bench_of()
    bench.aws.refusals.append(denied(operation, EAST))
    (found,) = looked(bench)
    assert failing(found) == ["fenceable"]
    assert any(line.startswith("shop: fenceable (R7): ") and operation in line for line in found.problems())
    (outcome,) = run_move(bench.aws.applications, FAILOVER, bench.tools()).applications
    assert [reason.split(" ", 1)[0] for reason in outcome.reasons] == ["old-site-fence"]


def test_what_is_listed_to_be_fenced_and_is_not_there_is_a_problem_on_any_day() -> None:
    bench = bench_of()
    bench.aws.schedules = {(region, f"{name}-renamed"): one for (region, name), one in bench.aws.schedules.items()}
    (found,) = looked(bench)
    assert found.problems() == [
        "shop: fenceable (R7): schedule default/shop-nightly is not there in us-east-1: a failover would not fence it"
    ]


def test_the_fence_is_looked_at_where_the_application_lives() -> None:
    bench = bench_of()
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    bench.aws.refusals.append(denied("GetSchedule", EAST))
    (found,) = looked(bench)
    assert "fenceable" not in failing(found)


def test_a_region_that_answers_and_does_not_keep_the_snapshot_is_a_problem() -> None:
    bench = bench_of()
    bench.aws.refusals.append(denied("BatchWriteItem", WEST))
    found = looked(bench)
    kept = store(bench.aws.applications, [one.document for one in found], bench.tools())
    assert [line for one in kept for line in one.problems()] == [
        "shop: the snapshot is not kept in us-west-2 (shop-dr-state): dynamodb BatchWriteItem in us-west-2 failed: "
        "AccessDeniedException: not authorized"
    ]
