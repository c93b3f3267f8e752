"""What really happened in a move, told from hand-made records with known figures."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from unit.lab.truth.stories import APP, EAST, WEST, Story, failover, of_failover

import lab.truth
from lab.truth.moves import Window, truth_of
from lab.truth.outages import Span, able, joined, known_by_its_requests, of_the_move, unable
from lab.truth.record import Unrecorded, parse

KEPT = frozenset(("probe", number) for number in [*range(38), *range(125, 150)])
"""Of the failover's writes the west has all but 38 and 39."""


# -- the worst day --------------------------------------------------------------------------------


def test_a_client_is_without_writes_from_the_outage_until_dns_leads_it_to_a_region_that_takes_them() -> None:
    truth = truth_of(failover().record(), of_failover(), KEPT)
    assert truth.writes["asking"].seconds == pytest.approx(20.0)
    assert truth.writes["believing"].seconds == pytest.approx(22.0), "the slowest asked just before DNS changed"
    assert truth.writes["probe"].seconds == pytest.approx(21.3), "it went over with its first request there"


def test_dns_converges_when_its_answer_changes_for_good() -> None:
    assert truth_of(failover().record(), of_failover(), KEPT).dns == pytest.approx(20.0)
    wavering = failover().at(125).leads_to(EAST).at(126).leads_to(WEST)
    assert truth_of(wavering.record(), of_failover(), KEPT).dns == pytest.approx(26.0)


def test_dns_that_never_leads_there_has_no_time() -> None:
    back = failover().at(130).leads_to(EAST)
    assert truth_of(back.record(), of_failover(), KEPT).dns is None
    assert truth_of(back.record(), of_failover(), KEPT).met_by is None


def test_clients_are_met_by_the_instances_that_are_in_service_when_dns_leads_them_there_for_good() -> None:
    assert truth_of(failover().record(), of_failover(), KEPT).met_by == 3
    late = failover().at(125).instances(WEST, 5).at(126).instances(WEST, 4)
    assert truth_of(late.record(), of_failover(), KEPT).met_by == 3


def test_writes_that_were_told_and_are_not_there_are_lost() -> None:
    truth = truth_of(failover().record(), of_failover(), KEPT)
    assert truth.lost() == 2
    assert truth.losses is not None
    assert [one.number for one in truth.losses.of("probe")] == [38, 39]
    # 37 was told at 99.26, 39 at 99.76
    assert truth.losses.seconds == pytest.approx(0.5)


def test_a_write_that_was_stored_but_of_which_nobody_was_told_is_not_lost() -> None:
    story = failover().at(99.9).asked(EAST, "probe", 40, 201, told_at=None)
    assert truth_of(story.record(), of_failover(), KEPT).lost() == 2


def test_it_tells_on_which_database_writes_are_durable() -> None:
    story = Story().at(200).told(EAST, "probe", range(4))
    everywhere = {
        EAST: frozenset(("probe", number) for number in range(4)),
        WEST: frozenset({("probe", 0), ("shop", 1)}),
    }
    window = Window(opened_at=190.0, until=220.0, target=EAST, name=APP)
    assert truth_of(story.record(), window, everywhere[EAST], everywhere).durable == {EAST: 4, WEST: 1}


def test_a_refused_write_is_not_lost() -> None:
    story = failover().at(99.9).asked(EAST, "probe", 40, 503, told_at=99.95)
    assert truth_of(story.record(), of_failover(), KEPT).lost() == 2


def test_losses_of_other_clients_are_told_apart() -> None:
    story = failover().at(99.0).told(EAST, "shop", [7])
    truth = truth_of(story.record(), of_failover(), KEPT)
    assert truth.lost() == 2
    assert truth_of(story.record(), of_failover(client=None), KEPT).lost() == 3


def test_a_write_that_the_old_region_told_after_the_promotion_is_lost_too() -> None:
    unfenced = Story().at(90).told(EAST, "probe", range(4))
    unfenced.at(118).database(WEST, writes=True)
    unfenced.at(119).told(EAST, "probe", [4])
    kept = frozenset(("probe", number) for number in range(4))
    assert truth_of(unfenced.record(), of_failover(), kept).lost() == 1


def test_without_a_database_to_ask_the_loss_is_not_known_and_not_zero() -> None:
    truth = truth_of(failover().record(), of_failover(), None)
    assert truth.losses is None
    assert truth.lost() is None


def test_an_earlier_moves_losses_are_not_counted_again() -> None:
    story = failover()
    story.at(150).database(WEST, writes=False).at(151).database(EAST, writes=True).front(EAST)
    home = replace(of_failover(), opened_at=149.0, until=160.0, target=EAST)
    assert truth_of(story.record(), home, KEPT).lost() == 0


# -- a drill --------------------------------------------------------------------------------------


def drill() -> Story:
    """The writer moves at 200 to 203, reads of the east stop meanwhile; DNS leads to the west at 205."""
    story = Story()
    story.at(200).database(EAST, writes=False, reads=True)
    story.at(200.1).database(EAST, writes=False, reads=False)
    story.at(202).database(WEST, writes=True)
    story.at(203).database(EAST, writes=False, reads=True)
    story.at(205).leads_to(WEST)
    return story


OF_DRILL = Window(opened_at=195.0, until=220.0, target=WEST, name=APP)


def test_a_switchover_stops_writes_until_clients_are_led_to_the_new_writer_and_reads_only_while_its_restart() -> None:
    truth = truth_of(drill().record(), OF_DRILL, frozenset())
    assert truth.writes["asking"].seconds == pytest.approx(5.0)
    assert truth.reads["asking"].seconds == pytest.approx(2.9)
    assert truth.dns == pytest.approx(5.0)


def test_nothing_that_failed_is_a_true_zero() -> None:
    quiet = Story().at(210).leads_to(WEST).database(WEST, writes=True)
    truth = truth_of(quiet.record(), OF_DRILL, frozenset())
    assert truth.writes["asking"].seconds == 0.0
    assert truth.dns == pytest.approx(15.0), "from the opening, as nothing failed"


def test_an_outage_that_is_not_over_has_no_length() -> None:
    story = Story().at(200).front(EAST, "refuse")
    outage = truth_of(story.record(), OF_DRILL, frozenset()).writes["asking"]
    assert outage.seconds is None
    assert not outage.over


def test_an_outage_with_a_hole_says_how_long_it_was_really_down() -> None:
    story = Story().at(200).front(EAST, "errors").at(202).front(EAST).at(204).front(EAST, "errors").at(206).front(EAST)
    outage = truth_of(story.record(), OF_DRILL, frozenset()).writes["asking"]
    assert outage.seconds == pytest.approx(6.0)
    assert outage.down_seconds == pytest.approx(4.0)


# -- the definitions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "story"),
    [
        ("an outage of its address", Story().at(10).front(EAST, "swallow")),
        ("its process gone", Story().at(10).front(EAST, "dead")),
        ("no instance in service", Story().at(10).instances(EAST, 0)),
        ("its database read-only", Story().at(10).database(EAST, writes=False)),
    ],
)
def test_a_region_cannot_take_writes_with(what: str, story: Story) -> None:
    record = story.record()
    assert able(record, EAST, "writes", 9.9)
    assert not able(record, EAST, "writes", 10.0), what
    assert unable(record, EAST, "writes", Span(0, 20)) == (Span(10, 20),)


def test_a_standby_can_be_read() -> None:
    assert able(Story().record(), WEST, "reads", 5)
    assert not able(Story().record(), WEST, "writes", 5)


def test_a_client_goes_over_at_the_latest_when_the_ttl_is_over() -> None:
    story = Story().at(50).leads_to(WEST)
    uses = known_by_its_requests(story.record().names[APP], story.record().requests, "nobody", Span(0, 100))
    assert [(use.span, use.region) for use in uses] == [(Span(0, 52), EAST), (Span(52, 100), WEST)]


def test_a_request_that_arrives_between_two_looks_at_dns_counts() -> None:
    story = Story().at(50).leads_to(WEST, since=49.95).at(49.97).asked(WEST, "probe", 1, 503)
    uses = known_by_its_requests(story.record().names[APP], story.record().requests, "probe", Span(0, 100))
    assert uses[0].span.end == pytest.approx(49.97)


def test_an_earlier_hiccup_is_no_part_of_the_outage_but_one_just_before_is() -> None:
    early, late, during = Span(10, 11), Span(98, 99), Span(100, 110)
    assert of_the_move([early, late, during], 105, apart=2.5) == Span(98, 110)
    assert of_the_move([early], 105, apart=2.5) is None


def test_times_that_touch_are_one() -> None:
    assert joined([Span(3, 4), Span(1, 2), Span(2, 3)]) == (Span(1, 4),)


def test_a_record_that_begins_after_the_opening_says_so() -> None:
    with pytest.raises(Unrecorded, match=r"begins 5\.0 s after"):
        truth_of(Story().record(), replace(OF_DRILL, opened_at=-5.0), frozenset())


def test_a_name_that_was_never_watched_is_told_with_those_that_were() -> None:
    with pytest.raises(Unrecorded, match=r"other\.example.*app\.shop\.example"):
        truth_of(Story().record(), replace(OF_DRILL, name="other.example."), frozenset())


def test_it_shares_nothing_with_the_measurement_that_it_judges() -> None:
    folder = Path(lab.truth.__file__).parent
    imported = {
        name
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert imported
    assert [name for name in imported if name.startswith(("plugins", "ansible", "tests", "end_to_end"))] == []


def test_a_line_that_was_cut_off_is_left_out() -> None:
    assert parse([*Story().lines, '{"at": 5, "kind": "fro']).fronts[EAST].at(9) == "none"


def test_what_was_done_to_the_lab_is_shown_and_what_was_done_long_before_is_not() -> None:
    story = failover().at(20).note("fault", what="lag", detail=[1, 0], state="began")
    truth = truth_of(story.record(), of_failover(), KEPT)
    assert [one["what"] for one in truth.faults] == ["outage"]
    assert truth.instances[WEST] == ((40.0, 1), (112.0, 3))
