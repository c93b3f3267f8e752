"""What was measured is held against what was true, and a wrong figure is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.lab.truth.stories import APP, WEST, failover, of_failover
from unit.lab.truth.test_truth import KEPT

from lab.truth import show, window
from lab.truth.compare import agrees, compare
from lab.truth.moves import truth_of
from lab.truth.window import NoWindow

TRUTH = truth_of(failover().record(), of_failover(), KEPT)


def report(**figures: Any) -> dict[str, Any]:
    """A report of the failover: true but for what is given."""
    measured = {
        "rto_writes_seconds": 21.4, "rto_reads_seconds": 21.2, "dns_seconds": 20.1, "rpo_lost_writes": 2,
        "rpo_bound_seconds": 1.0, **figures,
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
        ("rpo_bound_seconds", 0.4, "bound of the RPO (s)"),
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
