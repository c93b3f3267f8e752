# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A move as other places saw it: beside the main probe's figures, never in their place, never a zero for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unit.measure import reports
from unit.measure.series import NEW, OLD, T0, observed, series

from plugins.module_utils._recovery.elsewhere import HERE, View, load, worst
from plugins.module_utils._recovery.markdown import as_markdown
from plugins.module_utils._recovery.samples import Balancer, Observation, Sample, Vantage, placed

MAIN = Vantage("main", "app.example.com", 0.25, 2.0, T0, "/writes")


def figures(**values: float | None) -> dict[str, Any]:
    """As they stand in a report; what is not named was not measured."""
    names = ("rto_writes_seconds", "rto_reads_seconds", "dns_seconds", "rpo_lost_writes")
    return {name: {"value": values.get(name), "method": "as told"} for name in names}


def view(name: str, **values: float | None) -> dict[str, Any]:
    return {"name": name, "measured": figures(**values)}


def test_the_headline_stays_the_main_probes_where_it_was_worse_elsewhere() -> None:
    report = reports.watched_from_elsewhere()
    [tokyo, oslo] = report["vantage_points"]
    assert report["measured"] == reports.drill()["measured"]
    assert report["verdict"] == reports.drill()["verdict"]
    assert tokyo["measured"]["rto_writes_seconds"]["value"] > report["measured"]["rto_writes_seconds"]["value"]
    assert "RTO of writes 30.01 s, from tokyo" in report["worst"]
    assert [figure["value"] for figure in oslo["measured"].values()] == [None] * 4


def test_what_was_not_measured_from_there_says_why() -> None:
    [_tokyo, oslo] = reports.watched_from_elsewhere()["vantage_points"]
    assert oslo["reason"] == "ssh: connection timed out"
    assert {figure["method"] for figure in oslo["measured"].values()} == {"ssh: connection timed out"}


def test_a_probe_that_ended_there_before_the_move_did_measured_nothing() -> None:
    """The same drill: clients were let in at second 19."""
    point = View("tokyo", reports.measured(reports.watched((20, 20), 20, 12), reports.drill_events()), MAIN).as_dict()
    assert point["measured"]["rto_writes_seconds"]["value"] is None
    assert point["reason"].startswith("the probe ended 7.2 s before the move did; ")


def test_a_probe_without_writes_tells_reads_alone() -> None:
    reads = observed(series(60, [(10, 20)], kind="read", moved_at=19), series(60, kind="dns", moved_at=18))
    point = View("tokyo", reports.measured(reads, reports.drill_events()), MAIN).as_dict()
    assert 9.7 < point["measured"]["rto_reads_seconds"]["value"] < 10.3
    assert point["measured"]["rpo_lost_writes"]["value"] is None
    assert point["reason"] == "the probe made no writes"


def test_the_markdown_puts_all_places_side_by_side() -> None:
    text = as_markdown(reports.watched_from_elsewhere())
    assert f"| {HERE} | 10.01 s |" in text
    assert "| tokyo | 30.01 s |" in text
    assert "| oslo | not measured | not measured | not measured | not measured | ssh: connection timed out |" in text


def test_a_report_of_one_probe_says_nothing_of_other_places() -> None:
    assert (reports.drill()["vantage_points"], reports.drill()["worst"]) == ([], "")
    assert "Seen from elsewhere" not in as_markdown(reports.drill())


def test_the_worst_is_named_figure_by_figure_with_its_place() -> None:
    here = figures(rto_writes_seconds=10.0, rto_reads_seconds=4.0, dns_seconds=2.0, rpo_lost_writes=0)
    said = worst(here, [view("tokyo", rto_writes_seconds=12.5, rto_reads_seconds=1.0, rpo_lost_writes=0)])
    assert said == (
        "Worst of what was measured: RTO of writes 12.50 s, from tokyo; RTO of reads 4.00 s, from the main probe; "
        "DNS 2.00 s, from the main probe; writes lost 0 everywhere."
    )


def test_an_outage_whose_end_was_not_seen_is_worse_than_a_shorter_one() -> None:
    open_end = view("tokyo")
    open_end["measured"]["rto_writes_seconds"]["at_least"] = 60.0
    assert "RTO of writes at least 60.00 s, from tokyo" in worst(figures(rto_writes_seconds=10.0), [open_end])


def test_what_nobody_measured_is_no_zero() -> None:
    assert "writes lost not measured from anywhere" in worst(figures(), [view("tokyo", dns_seconds=1.0)])
    assert worst(figures(rto_writes_seconds=4.5), [view("tokyo")]) == "", "nothing to compare with"


def test_the_load_of_all_probes_is_stated() -> None:
    found = load([MAIN, MAIN, replace(MAIN, write_path="", interval_seconds=1.0)])
    assert found is not None
    assert found["statement"] == (
        "The load of 3 probes together, at most: 8 writes and 9 reads a second of the application, never more than 44 "
        "such requests at once, and 9 DNS queries a second beside those that the TTL asks for."
    )
    assert found["most_requests_at_once"] == 10 * 2 + 10 * 2 + 4


def test_a_probe_whose_samples_never_came_is_said_not_to_be_counted() -> None:
    found = load([MAIN, None])
    assert found is not None
    assert found["statement"].startswith("The load of one probe, at most: 4 writes and 4 reads a second")
    assert found["statement"].endswith("Probes without samples are not counted.")
    assert load([None]) is None


def test_samples_on_other_clocks_are_said_to_be() -> None:
    assert "on the clocks of those hosts" in reports.watched_from_elsewhere()["clock"]
    assert "on the clocks of those hosts" not in reports.drill()["clock"]


def answered(kind: str, address: str, region: str | None) -> Sample:
    return Sample(kind, 0, T0, T0, T0, True, address=address, region=region)  # type: ignore[arg-type]


def regions(*samples: Sample, balancers: tuple[Balancer, ...] = ()) -> list[str | None]:
    """Of the DNS answers."""
    return [one.region for one in placed(Observation(None, samples, None), balancers).of("dns")]


def test_a_dns_answer_leads_where_the_application_says_that_it_answers_from() -> None:
    assert regions(answered("write", "10.0.0.1", OLD), answered("dns", "10.0.0.1", None)) == [OLD]
    assert regions(answered("dns", "10.0.0.1", None)) == [None]


def test_an_address_behind_which_both_regions_answer_tells_nothing() -> None:
    both = (answered("write", "10.0.0.1", OLD), answered("read", "10.0.0.1", NEW))
    assert regions(*both, answered("dns", "10.0.0.1", None)) == [None]


def test_what_is_known_of_a_load_balancer_goes_before_what_the_application_says() -> None:
    told = (answered("write", "10.0.0.9", NEW), answered("dns", "10.0.0.9", None))
    assert regions(*told, balancers=(Balancer(NEW, "alb", frozenset({"10.0.0.2"})),)) == [None]
