# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the time of an outage went: no millisecond in two parts, none in no part."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.measure.series import NEW, T0, event, observed, series

from plugins.module_utils._recovery.measure import Objectives, measure, stages_of
from plugins.module_utils._recovery.waterfall import (
    PARTS,
    StepSpan,
    Waterfall,
    critical_path,
    step_spans,
    waterfall,
)

STAGES = ("decide", "fence", "promote", "scale", "verify", "shift", "a stage that nobody knows")
MOMENTS = st.floats(-30, 90).map(lambda seconds: T0 + seconds)


@st.composite
def chains(draw: st.DrawFn) -> list[StepSpan]:
    """Steps as a journal could tell them, however odd: overlapping, empty, before and after the outage."""
    times = draw(st.lists(st.tuples(MOMENTS, MOMENTS, st.sampled_from(STAGES)), max_size=6))
    return [StepSpan(f"s{n}", stage, min(a, b), max(a, b), "done") for n, (a, b, stage) in enumerate(times)]


@given(begin=MOMENTS, seconds=st.floats(0, 60), opened=st.none() | MOMENTS, path=chains())
def test_the_parts_make_up_the_whole_to_the_millisecond(
    begin: float, seconds: float, opened: float | None, path: list[StepSpan]
) -> None:
    fall = waterfall(begin, begin + seconds, opened, path)
    assert fall.ms == round(round(begin + seconds - begin, 3) * 1000)
    assert sum(fall.parts().values()) == fall.ms
    for before, after in itertools.pairwise(fall.segments):
        assert before.end_ms == after.begin_ms, "segments leave no gap and do not overlap"
    assert all(one.ms > 0 for one in fall.segments)
    assert not fall.segments or (fall.segments[0].begin_ms, fall.segments[-1].end_ms) == (0, fall.ms)


@given(
    begin=st.floats(3, 12), length=st.floats(0.3, 20), phase=st.floats(0, 0.25), opened=st.floats(0, 12),
    scale=st.floats(0, 9), promote=st.floats(0, 9), shift=st.floats(0, 9),
)  # fmt: skip
def test_the_parts_of_a_measured_move_make_up_its_rto(
    begin: float, length: float, phase: float, opened: float, scale: float, promote: float, shift: float
) -> None:
    found = measure(
        observed(series(60, [(begin, begin + length)], phase=phase)),
        unplanned(opened=opened, scale=scale, promote=promote, shift=shift),
        Objectives(900, 60),
        target_region=NEW,
        stable_samples=10,
    )
    assert found.rto_writes.value is not None
    assert sum(found.waterfall.parts().values()) == round(round(found.rto_writes.value, 3) * 1000)


def unplanned(*, opened: float = 0, scale: float = 2, promote: float = 5, shift: float = 3) -> list[dict[str, object]]:
    """A journal: capacity is raised beside the fence and the promotion, which take one and `promote` seconds."""
    begun = opened + 1
    promoted = begun + 1 + promote
    verified = max(promoted, begun + scale) + 0.5
    return [
        event(opened, "run-opened", detail={"mode": "unplanned"}),
        event(opened + 0.5, "gate", step="lag"),
        *_step("raise-capacity", "scale", begun, begun + scale),
        *_step("fence-old-site", "fence", begun, begun + 1),
        *_step("promote", "promote", begun + 1, promoted),
        *_step("write-probe", "verify", verified - 0.5, verified),
        *_step("switch-traffic", "shift", verified, verified + shift),
        *_step("stable", "shift", verified + shift, verified + shift + 20),
    ]


def _step(name: str, stage: str, begin: float, end: float) -> list[dict[str, object]]:
    return [
        event(begin, "step-begin", stage=stage, step=name),
        event(end, "step-done", stage=stage, step=name),
    ]


def fall_of(events: list[dict[str, object]], begin: float, end: float) -> dict[str, float]:
    opened = next((float(str(one["at"])) for one in events if one["kind"] == "run-opened"), None)
    fall = waterfall(T0 + begin, T0 + end, opened, critical_path(step_spans(events)))
    return {part: ms / 1000 for part, ms in fall.parts().items() if ms}


def test_what_ran_beside_the_critical_path_is_not_counted() -> None:
    parts = fall_of(unplanned(opened=10), 4, 25)
    assert parts == {"detect": 6.0, "decide": 1.0, "fence": 1.0, "promote": 5.0, "verify": 0.5, "shift": 3.0,
                     "client": 4.5}  # fmt: skip


def test_capacity_that_takes_longest_is_what_the_outage_waited_for() -> None:
    events = unplanned(opened=10, scale=30)
    assert [one.name for one in critical_path(step_spans(events))] == [
        "raise-capacity",
        "write-probe",
        "switch-traffic",
    ]
    assert fall_of(events, 4, 50) == {"detect": 6.0, "decide": 1.0, "scale": 30.0, "verify": 0.5, "shift": 3.0,
                                      "client": 5.5}  # fmt: skip


def test_a_drill_counts_only_what_lay_within_the_outage() -> None:
    """Its outage begins while the writer moves; the gates and the capacity before it cost no client anything."""
    assert fall_of(unplanned(), 4, 11) == {"promote": 3.0, "verify": 0.5, "shift": 3.0, "client": 0.5}


def test_clients_that_were_served_before_the_last_step_ended_owe_nothing_to_it() -> None:
    assert fall_of(unplanned(), 4, 8) == {"promote": 3.0, "verify": 0.5, "shift": 0.5}


def test_a_pause_between_two_steps_is_said_and_belongs_to_neither() -> None:
    events = [
        event(0, "run-opened", detail={"mode": "planned"}),
        *_step("promote", "promote", 1, 3),
        *_step("write-probe", "verify", 5, 6),
        *_step("switch-traffic", "shift", 6, 7),
    ]
    assert fall_of(events, 2, 9) == {"promote": 1.0, "verify": 1.0, "shift": 1.0, "client": 2.0, "unassigned": 2.0}


def test_without_a_journal_nothing_is_assigned() -> None:
    assert fall_of([], 2, 9) == {"unassigned": 7.0}


def test_without_a_step_only_the_detection_is_known() -> None:
    assert fall_of([event(5, "run-opened", detail={"mode": "planned"})], 2, 9) == {"detect": 3.0, "unassigned": 4.0}


def test_a_move_that_failed_has_the_path_to_where_it_failed() -> None:
    events = unplanned()[:-7]  # up to where the promotion began
    events.append(event(30, "step-failed", stage="promote", step="promote", reason="too late"))
    path = critical_path(step_spans(events))
    assert [(one.name, one.outcome, one.reason) for one in path] == [
        ("fence-old-site", "done", ""), ("promote", "failed", "too late"),
    ]  # fmt: skip


def test_a_run_that_was_gone_on_with_keeps_the_first_end_of_a_step() -> None:
    again = [
        event(70, "step-begin", stage="promote", step="promote"),
        event(71, "step-done", stage="promote", step="promote"),
    ]
    spans = {one.name: one for one in step_spans([*unplanned(), *again])}
    assert spans["promote"].end == pytest.approx(T0 + 7)


def test_a_step_that_failed_and_was_done_when_the_run_was_gone_on_with_is_done() -> None:
    late = event(60, "step-failed", stage="verify", step="write-probe", reason="too late")
    again = [
        event(70, "run-resumed"),
        *_step("promote", "promote", 71, 71),
        *_step("write-probe", "verify", 71, 74),
        *_step("switch-traffic", "shift", 74, 77),
    ]
    events = [*unplanned()[:9], late, event(61, "run-stopped", stage="decide"), *again]
    spans = {one.name: one for one in step_spans(events)}
    probe = spans["write-probe"]
    assert (probe.begin - T0, probe.end - T0, probe.outcome, probe.reason) == (7, 74, "done", "")
    assert spans["promote"].end == pytest.approx(T0 + 7)
    assert fall_of(events, 4, 78)["verify"] == 67.0
    ends = {one.name: one.end - T0 for one in stages_of(events)}
    assert (ends["decide"], ends["promote"], ends["verify"]) == (0.5, 7, 74)


def test_what_was_given_up_and_gone_past_is_not_waited_for_when_the_run_is_gone_on_with() -> None:
    first = [
        {**one, "kind": "step-failed"} if (one["kind"], one.get("step")) == ("step-done", "fence-old-site") else one
        for one in unplanned()[:-4]
    ]
    fenced, led = _step("fence-old-site", "fence", 70, 75), _step("switch-traffic", "shift", 70, 80)
    fence = next(one for one in step_spans([*first, *fenced, *led]) if one.name == "fence-old-site")
    assert (fence.begin - T0, fence.end - T0, fence.outcome) == (1, 75, "done")
    assert fall_of([*first, *fenced, *led], 0, 81) == fall_of([*first, *led], 0, 81)


def test_an_outage_that_was_not_measured_is_not_cut() -> None:
    found = measure(
        observed(series(30)), unplanned(), Objectives(900, 60), target_region=NEW, stable_samples=10
    )  # fmt: skip
    assert found.waterfall == Waterfall(reason="no write of the move failed")
    cut_short = measure(
        observed(series(20, [(10, 99)])), unplanned(), Objectives(900, 60), target_region=NEW, stable_samples=10
    )
    assert cut_short.waterfall.reason.startswith("the RTO was not measured: writes had not come back")
    assert cut_short.client.value is None


def test_every_part_is_named_once() -> None:
    assert PARTS == ("detect", "decide", "fence", "promote", "scale", "verify", "shift", "client", "unassigned")
