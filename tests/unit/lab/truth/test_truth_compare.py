"""What was measured is held against what was true, and a wrong figure is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.lab.truth.stories import APP, EAST, WEST, Story, failover, of_failover
from unit.lab.truth.test_truth import KEPT

from lab.truth import show, window
from lab.truth.compare import agrees, compare
from lab.truth.moves import Truth, truth_of
from lab.truth.window import NoWindow

TRUTH = truth_of(failover().record(), of_failover(), KEPT)


def report(**figures: Any) -> dict[str, Any]:
    """A report of the failover: true but for what is given."""
    measured = {
        "rto_writes_seconds": 21.4, "rto_reads_seconds": 21.2, "dns_seconds": 20.1, "rpo_lost_writes": 2,
        "rpo_seconds": 0.5, "rpo_bound_seconds": 1.0, **figures,
    }  # fmt: skip
    return {
        "run_id": "20260101T000000Z-failover-000001", "opened_at": 110.0, "closed_at": 124.0, "to": {"region": WEST},
        "probe": {"client": "probe", "host": APP.rstrip("."), "interval_seconds": 0.25},
        "measured": {
            name: value if isinstance(value, dict) else {"value": value, "method": "counted"}
            for name, value in measured.items()
        },
    }  # fmt: skip


def verdicts(**figures: Any) -> dict[str, str]:
    return {line.figure: line.verdict for line in compare(report(**figures), TRUTH)}


def test_figures_within_an_interval_of_the_probe_agree() -> None:
    assert set(verdicts().values()) == {"agrees"}


@pytest.mark.parametrize(
    ("figure", "value", "line"),
    [
        ("rto_writes_seconds", 21.6, "write RTO (s)"),
        ("rto_writes_seconds", 21.0, "write RTO (s)"),
        ("rto_reads_seconds", 20.0, "read RTO (s)"),
        ("dns_seconds", 22.0, "DNS (s)"),
        ("rpo_lost_writes", 1, "lost writes"),
        ("rpo_lost_writes", 3, "lost writes"),
        ("rpo_seconds", 0.2, "RPO (s)"),
        ("rpo_seconds", 0.0, "RPO (s)"),
        ("rpo_bound_seconds", 0.2, "bound of the RPO (s)"),
    ],
)
def test_a_figure_that_is_off_differs(figure: str, value: float, line: str) -> None:
    found = verdicts(**{figure: value})
    assert found[line] == "DIFFERS"
    assert not agrees(compare(report(**{figure: value}), TRUTH))


def test_a_figure_that_was_not_measured_is_told_with_its_reason_and_is_no_difference() -> None:
    deaf = {"value": None, "method": "the probe was deaf for 3.0 s where the outage began or ended"}
    lines = compare(report(rto_writes_seconds=deaf), TRUTH)
    assert agrees(lines)
    assert "deaf for 3.0 s" in "\n".join(show.table(lines))


def held_up() -> Truth:
    """The east hangs at 100, and nobody can write in the west, or is led there, before the window ends."""
    story = Story().at(90).told(EAST, "probe", range(40)).at(100).front(EAST, "hang")
    return truth_of(story.record(), of_failover(), KEPT)


@pytest.mark.parametrize("line", ["write RTO (s)", "read RTO (s)", "DNS (s)"])
def test_a_time_that_was_measured_to_an_end_that_never_came_is_wrong_whatever_it_is(line: str) -> None:
    lines = compare(report(), held_up())
    [found] = [one for one in lines if one.figure == line]
    assert (found.verdict, found.true, found.why) == ("DIFFERS", None, "in truth it had not come back")
    assert not agrees(lines)


def test_what_had_not_come_back_and_was_not_measured_is_no_difference() -> None:
    none = {"value": None, "method": "writes had not come back when the probe ended"}
    nothing = {"rto_writes_seconds": none, "rto_reads_seconds": none, "dns_seconds": none, "rpo_lost_writes": 0}
    lines = compare(report(**nothing, rpo_seconds=0.0), held_up())
    assert agrees(lines)


def test_the_time_that_a_client_lost_is_told_by_its_own_writes() -> None:
    story = failover().at(99.4).asked(EAST, "shop", 1, 201, told_at=99.45)
    found = truth_of(story.record(), of_failover(), KEPT | {("shop", 1)})
    assert found.lost_seconds() == pytest.approx(0.5), "from probe 37 to probe 39"
    assert found.losses is not None
    assert found.losses.seconds == pytest.approx(0.31), "of all clients: shop 1 was kept in between"


def test_a_loss_is_not_known_where_no_database_could_be_asked() -> None:
    lines = compare(report(), truth_of(failover().record(), of_failover(), None))
    unknown = {one.figure for one in lines if one.verdict == "not known"}
    assert unknown == {"lost writes", "RPO (s)", "bound of the RPO (s)"}


def test_a_report_that_says_it_was_probed_seldom_is_not_held_to_less() -> None:
    seldom = report(rto_writes_seconds=25.0)
    seldom["probe"]["interval_seconds"] = 30.0
    assert {one.figure: one.verdict for one in compare(seldom, TRUTH)}["write RTO (s)"] == "DIFFERS"
    named = {one.figure: one.verdict for one in compare(seldom, TRUTH, allowed=5.0)}
    assert named["write RTO (s)"] == "agrees", "the lab itself named another interval"


def test_a_bound_reaches_from_the_first_lost_write_and_not_over_the_pause_before_it() -> None:
    assert TRUTH.losses is not None
    assert (TRUTH.losses.written_seconds, TRUTH.losses.seconds) == pytest.approx((0.26, 0.5))
    assert verdicts(rpo_bound_seconds=0.3)["bound of the RPO (s)"] == "agrees"


def test_a_write_comes_back_by_the_writes_alone_though_a_read_of_the_client_was_there_before() -> None:
    story = failover().at(120.3).asked(WEST, "probe", 0, 200, told_at=120.31, verb="read")
    found = truth_of(story.record(), of_failover(), KEPT)
    assert found.writes["probe"].seconds == pytest.approx(21.3), "its first write in the west arrived at 121.3"
    assert found.reads["probe"].seconds == pytest.approx(20.3)


def test_a_bound_may_be_far_above_the_loss() -> None:
    assert verdicts(rpo_bound_seconds=60.0)["bound of the RPO (s)"] == "agrees"


def test_the_window_of_a_report_is_its_run_and_its_client() -> None:
    found = window.of_report(report(), failover().record(), "unused.")
    assert (found.opened_at, found.target, found.name, found.client) == (110.0, WEST, APP, "probe")
    assert found.until > 124.0


def test_a_move_that_did_not_end_has_no_window() -> None:
    with pytest.raises(NoWindow, match="did not end"):
        window.of_report({**report(), "closed_at": None}, failover().record(), "unused.")


def test_the_window_of_a_journal_is_its_run_and_leads_to_where_is_written_then(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    events = [{"kind": "run-opened", "at": 110.0}, {"kind": "gate", "at": 111.0}, {"kind": "run-closed", "at": 124.0}]
    journal.write_text("".join(json.dumps(event) + "\n" for event in events))
    found = window.of_journal(journal, failover().record(), APP)
    assert (found.opened_at, found.until, found.target) == (110.0, 127.0, WEST)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), ("{", "is not JSON"), ("[]", "holds no JSON objects"), ("{}", "is no report of a move")],
)
def test_a_file_that_is_no_report_is_refused_in_one_line(content: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(NoWindow, match=said):
        window.read_report(file)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1000.5", 1000.5), ("5m", 1700.0), ("1970-01-01T00:01:00Z", 60.0), ("1970-01-01T00:01:00", 60.0), ("here", 42.0)],
)
def test_a_moment_can_be_said_in_several_ways(text: str, seconds: float) -> None:
    record = failover().at(42).note("mark", name="here").record()
    assert window.moment(text, record, lambda: 2000.0) == seconds


def test_what_is_no_moment_is_refused_with_what_would_be() -> None:
    with pytest.raises(NoWindow, match=r"'yesterday' is no time \(.*5m\) and no mark \(none yet\)"):
        window.moment("yesterday", failover().record())


def test_every_lost_write_is_in_the_data_and_the_first_ones_are_on_the_page() -> None:
    assert [row["number"] for row in show.as_data(TRUTH)["lost_writes"]] == [38, 39]
    assert "probe 38, told 00:01:39.510 by us-east-1" in "\n".join(show.lines(TRUTH))
