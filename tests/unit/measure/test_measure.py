# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Figures from worlds whose truth is known: no figure may be further from it than one interval of the probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.measure.series import INTERVAL, NEW, OLD, T0, event, observed, series

from plugins.module_utils._recovery.fields import ModelError
from plugins.module_utils._recovery.measure import Lag, Measurement, Objectives, checked_begin, judge, measure
from plugins.module_utils._recovery.samples import Observation, Sample, Stored

OBJECTIVES = Objectives(rto_seconds=30, rpo_seconds=5)


def measured(observation: Observation, events: Sequence[dict[str, object]] = (), **more: Any) -> Measurement:
    return measure(observation, events, OBJECTIVES, target_region=NEW, stable_samples=10, **more)


def kept(samples: Sequence[Sample], lost: set[int] = frozenset()) -> Stored:  # type: ignore[assignment]
    return Stored(T0 + 100, frozenset(one.number for one in samples if one.ok and one.number not in lost), NEW)


@given(
    begin=st.floats(6, 12), length=st.floats(0.3, 15), phase=st.floats(0, INTERVAL), hang=st.booleans(),
    latency=st.floats(0.001, 0.1),
)  # fmt: skip
def test_the_rto_is_the_outage_to_within_an_interval(
    begin: float, length: float, phase: float, hang: bool, latency: float
) -> None:
    writes = series(45, [(begin, begin + length)], phase=phase, hang=hang, latency=latency)
    figure = measured(observed(writes), [event(5, "run-opened")]).rto_writes
    assert figure.value is not None
    assert abs(figure.value - length) <= INTERVAL + latency


def test_a_hanging_write_does_not_hide_that_later_ones_succeeded() -> None:
    """Slots that hung ended after the first good ones: only their order of starting says what came first."""
    figure = measured(observed(series(40, [(10, 15)], timeout=2.0)), [event(5, "run-opened")]).rto_writes
    assert figure.value == pytest.approx(5.0, abs=INTERVAL)


def test_a_run_that_was_gone_on_with_under_a_later_probe_has_no_rto() -> None:
    """The first process stopped writes and died; the second one's probe saw the end of it, and a short outage more."""
    events = [event(-60, "run-opened"), event(-58, "intent")]
    writes = measured(observed(series(40, [(10, 15)])), events).rto_writes
    assert writes.value is None
    assert writes.at_least == pytest.approx(5.0, abs=INTERVAL)
    assert "after the run had begun to change things" in writes.method


@pytest.mark.parametrize("outage", [(10, 15), (10, 60)], ids=["back", "never-back"])
def test_under_a_later_probe_nothing_is_counted_from_the_first_failure_that_it_saw(outage: tuple[float, float]) -> None:
    events = [event(-60, "run-opened"), event(-58, "intent")]
    seen = observed(series(60, [outage]), series(60, kind="dns", moved_at=14))
    found = measured(seen, events)
    assert (found.detect.value, found.detect.method) == (None, "it is not known when the outage began")
    assert (found.dns.value, found.dns.method) == (None, "it is not known when the outage began")
    told = measured(seen, events, outage_began_at=T0 - 70)
    assert told.rto_writes.value is None
    assert told.detect.value == pytest.approx(10)
    assert told.dns.value == pytest.approx(84, abs=INTERVAL)


@pytest.mark.parametrize(("lost", "span"), [(set(), None), ({34, 35}, 0.5)])
def test_under_a_later_probe_only_what_is_missing_tells_of_a_loss(lost: set[int], span: float | None) -> None:
    writes = series(40, [(10, 15)])
    events = [event(-60, "run-opened"), event(-58, "intent")]
    assert measured(observed(writes, stored=kept(writes, lost)), events).rpo.value == span


def switched(at: float) -> list[dict[str, object]]:
    """A run whose clients were let in at this second; its other steps were done before and after."""
    done = ((6, "raise-capacity"), (at - 1, "promote"), (at, "switch-traffic"), (at + 900, "lower-standby"))
    return [event(5, "run-opened"), *(event(second, "step-done", step=name) for second, name in done)]


@pytest.mark.parametrize(("outages", "least"), [((), 0.0), (((10, 12),), 2.0)])
def test_a_probe_that_ended_before_the_move_did_measured_nothing(
    outages: tuple[tuple[float, float], ...], least: float
) -> None:
    """The writer moved when its time was over: that nothing failed until then, or only a little, tells nothing."""
    writes, reads = series(30, outages), series(30, outages, kind="read")
    answers = series(30, kind="dns", moved_at=11)
    found = measured(observed(writes, reads, answers, stored=kept(writes)), switched(120))
    ended = "the probe ended 90.2 s before the move did"
    for figure in (found.rto_writes, found.rto_reads):
        assert (figure.value, figure.method) == (None, ended)
    dns = ended if outages else "it is not known when the outage began"
    assert (found.dns.value, found.dns.method) == (None, dns)
    assert found.rto_writes.at_least == pytest.approx(least, abs=INTERVAL)
    assert found.verdict.word == "not measured"
    assert found.waterfall.segments == ()


def test_a_probe_that_looked_until_clients_were_let_in_need_not_stay_for_the_rest() -> None:
    assert measured(observed(series(30)), switched(30.5)).rto_writes.value == 0.0
    assert measured(observed(series(30, [(10, 15)])), switched(30.5)).rto_writes.value == pytest.approx(5, abs=INTERVAL)


@pytest.mark.parametrize(
    "last", [event(90, "step-done", step="promote"), event(90, "run-closed")], ids=["promote", "run-closed"]
)
def test_a_move_that_let_no_clients_in_ends_with_what_it_did_last(last: dict[str, object]) -> None:
    figure = measured(observed(series(30)), [event(5, "run-opened"), last]).rto_writes
    assert (figure.value, figure.method) == (None, "the probe ended 60.2 s before the move did")


@pytest.mark.parametrize(
    ("promotion", "lost"),
    [
        ([], 0),
        ([("step-begin", 8), ("step-done", 18)], 0),
        ([("step-begin", 8), ("step-done", 118)], None),
        ([("step-begin", 8)], None),
    ],
)
def test_what_is_stored_before_the_promotion_was_done_says_nothing_about_a_loss(
    promotion: list[tuple[str, float]], lost: int | None
) -> None:
    """The application does not tell its region: it may have answered from the one that is left."""
    writes = series(60, [(10, 20)])
    events = [event(5, "run-opened"), *(event(at, kind, step="promote") for kind, at in promotion)]
    found = measured(observed(writes, stored=replace(kept(writes), region=None)), events)
    assert found.rpo_lost_writes.value == lost
    assert (found.rpo.value is None) == ("before the promotion was done" in found.rpo.method) == (lost is None)


def test_a_write_held_back_and_acknowledged_after_the_outage_marks_its_end_by_its_acknowledgement() -> None:
    writes = series(40, [(10, 14)])
    held = [replace(one, ended_at=T0 + 16.0) if 14 <= one.started_at - T0 < 16 else one for one in writes]
    figure = measured(observed(held), [event(5, "run-opened")]).rto_writes
    assert figure.value == pytest.approx(6.0, abs=INTERVAL)


def test_a_flapping_series_counts_from_the_first_failure_to_the_last() -> None:
    writes = series(60, [(10, 12), (14, 15), (22, 22.5)])
    figure = measured(observed(writes), [event(9, "run-opened")]).rto_writes
    assert figure.value == pytest.approx(12.5, abs=INTERVAL)


def test_a_hiccup_long_before_the_move_is_not_part_of_it() -> None:
    writes = series(60, [(2, 2.5), (20, 24)])
    figure = measured(observed(writes), [event(19, "run-opened")]).rto_writes
    assert figure.value == pytest.approx(4.0, abs=INTERVAL)


def test_an_unplanned_move_is_opened_during_the_outage_and_counts_from_its_beginning() -> None:
    writes = series(60, [(10, 30)])
    found = measured(observed(writes), [event(22, "run-opened")])
    assert found.rto_writes.value == pytest.approx(20.0, abs=INTERVAL)
    assert found.detect.value == pytest.approx(12.0, abs=INTERVAL)


def test_an_outage_that_heals_just_before_the_move_is_still_its_outage() -> None:
    writes = series(60, [(10, 20)], hang=False)
    assert measured(observed(writes), [event(20.5, "run-opened")]).rto_writes.value == pytest.approx(10, abs=INTERVAL)


def test_no_failure_is_a_zero_with_its_resolution() -> None:
    found = measured(observed(series(30)), [event(5, "run-opened")])
    assert found.rto_writes.value == 0.0
    assert "none of 120 writes failed, one each 0.25 s" in found.rto_writes.method


def test_a_deaf_probe_that_saw_no_failure_measured_nothing() -> None:
    found = measured(observed(series(30, deaf=[(10, 13)])), [event(5, "run-opened")])
    assert found.rto_writes.value is None
    assert "deaf for 3.2 s" in found.rto_writes.method
    assert [round(deaf.seconds, 1) for deaf in found.deaf] == [3.2]
    assert found.verdict.word == "not measured"


@pytest.mark.parametrize("deaf", [(8.5, 11.5), (13.5, 16.5)])
def test_a_probe_that_was_deaf_at_an_edge_of_the_outage_says_so(deaf: tuple[float, float]) -> None:
    found = measured(observed(series(40, [(10, 15)], deaf=[deaf])), [event(5, "run-opened")])
    assert found.rto_writes.value is None
    assert "deaf for 3.2 s where the outage" in found.rto_writes.method


def test_what_is_counted_from_a_beginning_that_nobody_saw_is_not_measured() -> None:
    writes, answers = series(60, [(10, 15)], deaf=[(8, 11)]), series(60, kind="dns", moved_at=14)
    found = measured(observed(writes, answers), [event(5, "run-opened")])
    assert found.rto_writes.value is None
    assert "where the outage began" in found.rto_writes.method
    assert (found.dns.value, found.dns.method) == (None, "it is not known when the outage began")
    assert (found.detect.value, found.detect.method) == (None, "it is not known when the outage began")


@pytest.mark.parametrize("until", [60, 59], ids=["never-back", "back-too-late"])
@pytest.mark.parametrize(
    ("since", "deaf"), [(0, ()), (10, ((8, 11),))], ids=["down-before-the-probe", "deaf-at-the-beginning"]
)
@pytest.mark.parametrize("told", [None, T0 + 14])
def test_writes_that_do_not_come_back_have_no_beginning_that_nobody_saw(
    until: float, since: float, deaf: tuple[tuple[float, float], ...], told: float | None
) -> None:
    """A time that was given and is later than the first failure that was seen tells it no better."""
    writes, answers = series(60, [(since, until)], deaf=deaf, hang=False), series(60, kind="dns", moved_at=50)
    found = measured(observed(writes, answers), [event(15, "run-opened")], outage_began_at=told)
    assert (found.rto_writes.value, found.rto_writes.begin) == (None, None)
    assert found.rto_writes.at_least == pytest.approx(until - max(since, 11 if deaf else 0), abs=INTERVAL)
    assert (found.detect.value, found.detect.method) == (None, "it is not known when the outage began")
    assert (found.dns.value, found.dns.method) == (None, "it is not known when the outage began")


def test_writes_that_do_not_come_back_have_the_beginning_that_was_seen_or_given() -> None:
    answers = series(60, kind="dns", moved_at=50)
    seen = measured(observed(series(60, [(10, 99)]), answers), [event(15, "run-opened")])
    assert (seen.detect.value, seen.dns.value) == (pytest.approx(5, abs=INTERVAL), pytest.approx(40, abs=INTERVAL))
    told = measured(observed(series(60, [(0, 99)]), answers), [event(15, "run-opened")], outage_began_at=T0 - 40)
    assert (told.detect.value, told.dns.value) == (pytest.approx(55, abs=INTERVAL), pytest.approx(90, abs=INTERVAL))


def test_a_probe_that_was_deaf_at_both_edges_knows_no_beginning() -> None:
    found = measured(observed(series(40, [(10, 15)], deaf=[(8.5, 11.5), (13.5, 16.5)])), [event(9, "run-opened")])
    assert (found.rto_writes.value, found.rto_writes.begin) == (None, None)
    assert found.detect.value is None


def test_deafness_in_the_middle_of_an_outage_changes_nothing() -> None:
    found = measured(observed(series(60, [(10, 25)], deaf=[(14, 18)])), [event(5, "run-opened")])
    assert found.rto_writes.value == pytest.approx(15.0, abs=INTERVAL)


def test_never_recovered_is_not_measured_and_at_least_what_was_seen() -> None:
    found = measured(observed(series(60, [(10, 99)])), [event(9, "run-opened")])
    assert found.rto_writes.value is None
    assert found.rto_writes.at_least == pytest.approx(51.75, abs=0.3)
    assert found.verdict.word == "fail"


def test_a_series_that_is_too_short_is_no_recovery() -> None:
    found = measured(observed(series(21, [(10, 19)])), [event(9, "run-opened")])
    assert found.rto_writes.value is None
    assert "only 8 good writes followed" in found.rto_writes.method


def test_a_probe_started_during_the_outage_does_not_know_when_it_began() -> None:
    writes = series(40, [(0, 12)])
    found = measured(observed(writes), [event(3, "run-opened")])
    assert found.rto_writes.value is None
    assert found.rto_writes.at_least == pytest.approx(12.0, abs=INTERVAL)
    assert found.rpo.value is None
    assert "no write acknowledged before" in found.rpo.method
    given_it = measured(observed(writes), [event(3, "run-opened")], outage_began_at=T0 - 40)
    assert given_it.rto_writes.value == pytest.approx(52.0, abs=INTERVAL)
    assert "the time that was given" in given_it.rto_writes.method


def test_a_given_time_makes_no_outage_shorter_than_it_was_seen() -> None:
    """A wrong figure of an alarm, of a minute too late: clients were out from second 10 on, and the probe saw it."""
    writes, answers = series(60, [(10, 30)]), series(60, kind="dns", moved_at=28)
    found = measured(observed(writes, answers), [event(22, "run-opened")], outage_began_at=T0 + 25)
    assert found.rto_writes.value == pytest.approx(20.0, abs=INTERVAL)
    assert "from the first failed write" in found.rto_writes.method
    assert "the time that was given was not used: a write had failed 15.00 s before" in found.rto_writes.method
    assert found.detect.method == "from the first failed write to the opening of the run"
    assert "from the first failed write" in found.dns.method
    assert found.since == "the first failed write"


def test_a_given_time_that_is_used_is_named_by_every_figure_that_counts_from_it() -> None:
    writes, answers = series(60, [(10, 30)]), series(60, kind="dns", moved_at=28)
    found = measured(observed(writes, answers), [event(22, "run-opened")], outage_began_at=T0 + 2)
    assert found.rto_writes.value == pytest.approx(28.0, abs=INTERVAL)
    for method in (found.rto_writes.method, found.detect.method, found.dns.method):
        assert "from the time that was given" in method
    assert found.since == "the time that was given"


def test_a_given_time_does_not_let_a_probe_count_losses_that_it_could_not_see() -> None:
    """Its first write had failed; what it wrote after the outage could not be lost by it."""
    writes = series(40, [(0, 12)])
    for told in (T0 - 40, T0 + 30):
        found = measured(
            observed(writes, stored=kept(writes)), [event(3, "run-opened")], outage_began_at=told
        )  # fmt: skip
        assert found.rpo.value is None, told
        assert "no write acknowledged before" in found.rpo.method


@pytest.mark.parametrize(("told", "now"), [(61.0, 100.0), (50.0, 40.0), (float("nan"), 100.0)])
def test_a_time_when_nothing_can_have_begun_is_refused(told: float, now: float) -> None:
    seen = observed(series(60, [(10, 20)], hang=False))
    with pytest.raises(ModelError, match=r"outage_began_at is .*: expected seconds since the epoch, not after"):
        checked_begin(T0 + told, seen, [event(15, "run-opened")], T0 + now)


def test_a_time_before_the_run_is_taken_although_the_probe_had_ended() -> None:
    """A probe that died an hour before the outage takes no report away."""
    seen = observed(series(60))
    assert checked_begin(T0 + 3600, seen, [event(3700, "run-opened")], T0 + 4000) == T0 + 3600
    assert checked_begin(None, seen, [], T0) is None


def test_hiccups_before_the_move_are_not_said_to_have_been_none() -> None:
    found = measured(observed(series(60, [(2, 2.5)])), [event(19, "run-opened")]).rto_writes
    assert found.value == 0.0
    assert "none of" not in found.method
    assert "no write of the move failed; 2 of 240 had failed before it and are not of it" in found.method


@pytest.mark.parametrize(("deaf", "said"), [((9.1, 10), "began"), ((14.1, 15), "ended")])
def test_a_probe_that_was_held_up_at_an_edge_says_how_well_it_knows_it(deaf: tuple[float, float], said: str) -> None:
    found = measured(observed(series(40, [(10, 15)], deaf=[deaf])), [event(5, "run-opened")]).rto_writes
    assert found.value == pytest.approx(5.0, abs=INTERVAL)
    assert f"known to 1.00 s, as the probe was held up where the outage {said}" in found.method
    assert "held up" not in measured(observed(series(40, [(10, 15)])), [event(5, "run-opened")]).rto_writes.method


def test_no_failure_names_the_largest_gap_in_which_one_may_have_been_missed() -> None:
    found = measured(observed(series(30, deaf=[(10.1, 11)])), [event(5, "run-opened")]).rto_writes
    assert found.value == 0.0
    assert "one each 0.25 s and once 1.00 s apart: an outage shorter than that may have been missed" in found.method


def test_no_failure_names_how_long_an_outage_may_have_been_in_which_requests_were_held() -> None:
    """Clients had no answer for two seconds less a moment, and no request failed: that it was none is not known."""
    held = [
        replace(one, ended_at=T0 + 12.0) if 10.1 <= one.started_at - T0 < 12 else one for one in series(30, timeout=2.0)
    ]
    opened = [event(5, "run-opened")]
    found = measured(observed(held), opened).rto_writes
    said = "an outage shorter than that may have been missed and, where requests are held and then answered, "
    assert found.value == 0.0
    assert said + "one shorter than the timeout of 2 s; the slowest took 1.75 s" in found.method
    unheaded = measured(replace(observed(held), vantage=None), opened).rto_writes
    assert said + "one shorter than the slowest good one took; the slowest took 1.75 s" in unheaded.method


def test_what_was_not_probed_is_not_measured() -> None:
    found = measured(observed(series(30, kind="read")), [event(5, "run-opened")])
    assert found.rto_writes.value is None
    assert found.rto_writes.method == "the probe made no writes"
    assert found.rpo.value is None
    assert found.dns.value is None


def test_writes_and_reads_are_measured_apart() -> None:
    found = measured(observed(series(60, [(10, 20)]), series(60, [(12, 13)], kind="read")), [event(5, "run-opened")])
    assert found.rto_writes.value == pytest.approx(10.0, abs=INTERVAL)
    assert found.rto_reads.value == pytest.approx(1.0, abs=INTERVAL)


def test_dns_counts_from_the_first_failed_write_to_answers_that_stay() -> None:
    writes = series(60, [(10, 20)])
    answers = series(60, kind="dns", moved_at=18)
    back = [replace(one, region=OLD) if one.started_at - T0 == 19 else one for one in answers]
    found = measured(observed(writes, back), [event(5, "run-opened")])
    assert found.dns.value == pytest.approx(9.25, abs=INTERVAL)


def test_a_dns_query_without_an_answer_is_no_way_back() -> None:
    answers = [
        replace(one, ok=False, region=None) if one.started_at - T0 in (19, 30) else one
        for one in series(60, kind="dns", moved_at=18)
    ]
    found = measured(observed(series(60, [(10, 20)]), answers), [event(5, "run-opened")])
    assert found.dns.value == pytest.approx(8.0, abs=INTERVAL)
    assert "2 of 240 queries unanswered" in found.dns.method


def test_dns_that_never_came_is_not_measured() -> None:
    found = measured(observed(series(60, [(10, 20)]), series(60, kind="dns")), [event(5, "run-opened")])
    assert found.dns.value is None
    assert "did not lead to us-west-2" in found.dns.method


@pytest.mark.parametrize(("unanswered", "value"), [(0.75, 0.0), (2, None)])
def test_dns_that_was_never_seen_elsewhere_is_a_zero_only_for_who_asked_from_the_beginning_on(
    unanswered: float, value: float | None
) -> None:
    """Who comes later finds DNS where it leads by now, and knows nothing of when that began."""
    answers = [
        replace(one, ok=one.started_at - T0 >= 5 + unanswered, region=NEW)
        for one in series(60, kind="dns")
        if one.started_at - T0 >= 5
    ]
    opened = [event(5, "run-opened")]
    quiet, out = (measured(observed(series(60, outages), answers), opened).dns for outages in ((), [(5, 20)]))
    assert (quiet.value, out.value) == (value, value)
    said = "every one of 212 answers led to us-west-2, but the first was asked for 2.0 s after "
    if value is None:
        assert quiet.method == said + "the opening of the run"
        assert out.method == said + "the first failed write"


def test_lost_writes_are_counted_and_their_span_is_the_rpo() -> None:
    writes = series(60, [(10, 20)])
    found = measured(observed(writes, stored=kept(writes, set(range(32, 40)))), [event(5, "run-opened")])
    assert found.rpo_lost_writes.value == 8
    assert found.rpo.value == pytest.approx(2.0, abs=0.01)
    assert "200 numbered writes were acknowledged, 8 of them are missing" in found.rpo.method


def test_a_write_that_was_stored_but_never_acknowledged_is_no_loss() -> None:
    writes = series(60, [(10, 20)])
    stored = Stored(T0 + 90, frozenset(range(len(writes))), NEW)
    assert measured(observed(writes, stored=stored), [event(5, "run-opened")]).rpo_lost_writes.value == 0


def test_a_loss_that_could_not_be_counted_is_not_zero() -> None:
    stored = Stored(T0 + 90, None, error="HTTP status 503 without a list of numbers")
    found = measured(observed(series(30), stored=stored), [event(5, "run-opened")])
    assert found.rpo.value is None
    assert found.rpo_lost_writes.value is None
    assert "503" in found.rpo.method
    assert measured(observed(series(30)), [event(5, "run-opened")]).rpo.value is None


def test_what_the_region_that_was_left_has_stored_says_nothing_about_a_loss() -> None:
    """DNS still led there when the probe asked: it has all that it acknowledged."""
    writes = series(60, [(10, 20)])
    everything = frozenset(one.number for one in writes if one.ok)
    found = measured(observed(writes, stored=Stored(T0 + 100, everything, OLD)), [event(5, "run-opened")])
    assert found.rpo.value is None
    assert found.rpo_lost_writes.method == "what is stored was read in us-east-1, not in us-west-2"
    untold = measured(observed(writes, stored=Stored(T0 + 100, everything)), [event(5, "run-opened")])
    assert untold.rpo_lost_writes.value == 0


def test_the_lag_bounds_a_loss_only_with_a_confirmed_stop_of_writes() -> None:
    lag = Lag(0.5, region=NEW, at=T0 + 4)
    opened = event(5, "run-opened")
    stopped = [
        event(at, "step-done", stage="fence", step=step)
        for at, step in ((8, "fence-old-site"), (9, "old-site-empty"), (8, "stop-writers"), (7, "revoke-ingress"))
    ]
    assert measured(observed(series(30)), [opened, *stopped], lag=lag).rpo_bound.value == pytest.approx(5.5)
    assert measured(observed(series(30)), [opened, *stopped]).rpo_bound.value is None
    for so_far in ([], stopped[:2], stopped[1:]):
        unconfirmed = measured(observed(series(30)), [opened, *so_far], lag=lag).rpo_bound
        assert unconfirmed.value is None, "while one part of the fence is open, something may still write"
        assert "not bounded" in unconfirmed.method
    blocked = event(
        20, "step-done", stage="verify", step="fencing-events", detail={"outcome": "confirmed", "at": T0 + 8}
    )
    assert measured(observed(series(30)), [opened, blocked], lag=lag).rpo_bound.value == pytest.approx(4.5)


def test_what_a_schedule_had_begun_may_write_on_when_it_is_off() -> None:
    lag, opened = Lag(0.5, region=NEW, at=T0 + 4), event(5, "run-opened")
    fences = {"fence-old-site": {}, "old-site-empty": {}, "revoke-ingress": {"shut": ["ingress sg-1"]}}

    def bound(shut: list[str], *more: dict[str, object]) -> Any:
        stopped = [
            event(8, "step-done", stage="fence", step=step, detail=detail)
            for step, detail in {**fences, "stop-writers": {"shut": shut}}.items()
        ]
        return measured(observed(series(30)), [opened, *stopped, *more], lag=lag).rpo_bound

    assert bound([]).value == pytest.approx(4.5)
    assert "is not counted" in bound([]).method
    assert bound(["schedule default/nightly"]).value is None
    confirmed = {"outcome": "confirmed", "at": T0 + 12}
    told = event(20, "step-done", stage="verify", step="fencing-events", detail=confirmed)
    assert bound(["schedule default/nightly"], told).value == pytest.approx(8.5)
    assert bound([], told).value == pytest.approx(8.5), "Aurora's word goes before ours"


def test_of_a_run_that_is_gone_on_with_only_what_it_found_then_counts_as_a_stop_of_writes() -> None:
    """Between its two processes another run has brought the old site back to life."""
    lag = Lag(0.5, region=NEW, at=T0 + 4)
    fences = ("fence-old-site", "old-site-empty", "stop-writers", "revoke-ingress")
    first = [event(8, "step-done", stage="fence", step=step) for step in fences]
    then = [event(40, "step-begin", stage="fence", step=step) for step in fences]
    gone = [event(40, "step-failed", stage="fence", step=step, detail={"outcome": "unreachable"}) for step in fences]
    opened = event(5, "run-opened")
    bound = measured(observed(series(90)), [opened, *first, *then, *gone], lag=lag).rpo_bound
    assert bound.value is None, bound.method

    asked = [event(at, "intent", stage="promote", step="promote") for at in (9, 41)]
    told = {"outcome": "confirmed", "at": T0 + 10}
    of_the_first = event(50, "step-done", stage="verify", step="fencing-events", detail=told)
    of_the_second = event(50, "step-done", stage="verify", step="fencing-events", detail={**told, "at": T0 + 42})
    assert measured(observed(series(90)), [opened, *asked, of_the_first], lag=lag).rpo_bound.value is None
    bound = measured(observed(series(90)), [opened, *asked, of_the_second], lag=lag).rpo_bound
    assert bound.value == pytest.approx(38.5)


def test_a_switchover_is_bounded_by_nothing_lost() -> None:
    opened = event(5, "run-opened", detail={"mode": "planned"})
    assert measured(observed(series(30)), [opened]).rpo_bound.value == 0.0


def test_stages_come_from_the_journal_and_may_overlap() -> None:
    events = [
        event(0, "run-opened"), event(1, "gate", step="lag"), event(1.5, "lease"),
        event(2, "step-begin", stage="fence", step="fence"), event(2, "step-begin", stage="scale", step="raise"),
        event(3, "step-done", stage="fence", step="fence"), event(3, "step-begin", stage="promote", step="aurora"),
        event(7, "lease"), event(9, "step-done", stage="promote", step="aurora"),
        event(12, "step-done", stage="scale", step="raise"), event(13, "run-closed"),
    ]  # fmt: skip
    found = measured(observed(series(30)), events)
    assert [(stage.name, stage.seconds) for stage in found.stages] == [
        ("decide", 1.5), ("fence", 1.0), ("promote", 6.0), ("scale", 10.0),
    ]  # fmt: skip


def test_a_run_that_was_gone_on_with_counts_each_step_once() -> None:
    first = [
        event(0, "run-opened"), event(1, "gate", step="lag"), event(2, "step-begin", stage="promote", step="aurora"),
        event(6, "step-done", stage="promote", step="aurora"), event(6, "step-begin", stage="shift", step="switch"),
    ]  # fmt: skip
    again = [
        event(70, "gate", step="lag"), event(70, "lease"), event(71, "step-begin", stage="promote", step="aurora"),
        event(71, "step-done", stage="promote", step="aurora"), event(71, "step-begin", stage="shift", step="switch"),
        event(75, "step-done", stage="shift", step="switch"),
    ]  # fmt: skip
    found = measured(observed(series(30)), [*first, *again])
    assert [(stage.name, stage.seconds) for stage in found.stages] == [
        ("decide", 1.0), ("promote", 4.0), ("shift", 69.0),
    ]  # fmt: skip


@pytest.mark.parametrize(("rto", "lost", "word"), [(4, set(), "pass"), (40, set(), "fail"), (4, {10, 40}, "fail")])
def test_the_verdict_holds_the_figures_against_the_objectives(rto: float, lost: set[int], word: str) -> None:
    writes = series(80, [(20, 20 + rto)])
    found = measured(observed(writes, stored=kept(writes, lost)), [event(5, "run-opened")])
    assert found.verdict.word == word
    assert len(found.verdict.reasons) == 2


def test_a_missing_figure_never_passes() -> None:
    good = measured(observed(series(30), stored=kept(series(30))), [event(5, "run-opened")])
    assert judge(good.rto_writes, good.rpo, OBJECTIVES).word == "pass"
    assert judge(good.rto_writes, good.rpo_bound, OBJECTIVES).word == "not measured"


def test_the_order_of_the_lines_does_not_matter() -> None:
    writes = series(60, [(10, 20)])
    mixed = Observation(observed().vantage, tuple(writes[::2] + writes[1::2][::-1]), None)
    assert (
        measured(mixed, [event(5, "run-opened")]).rto_writes
        == measured(observed(writes), [event(5, "run-opened")]).rto_writes
    )


@pytest.mark.parametrize(("outage", "word"), [(10, "not measured"), (40, "fail"), (99, "fail")])
def test_without_numbered_writes_reads_can_fail_a_move_and_nothing_passes_it(outage: float, word: str) -> None:
    reads = series(80, [(10, 10 + outage)], kind="read")
    verdict = measured(observed(reads), [event(5, "run-opened")]).verdict
    assert verdict.word == word
    assert verdict.reasons[0].startswith("RTO of reads ")
    assert verdict.reasons[1] == "RTO of writes and RPO not measured: the application offers no numbered writes"
