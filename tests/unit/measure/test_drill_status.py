# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the last drill still counts, decided on reports as a move writes them."""

from __future__ import annotations

from typing import Any

import pytest
from unit.measure import reports
from unit.measure.series import T0, observed, series

from plugins.module_utils._recovery.archive import Archive
from plugins.module_utils._recovery.drill_status import DAY_SECONDS, Demands, DrillStatus, judge
from plugins.module_utils._recovery.fields import ModelError

OBJECTIVES = {"rto_seconds": 900.0, "rpo_seconds": 60.0}


def judged(
    *found: dict[str, Any], days_later: float = 1, objectives: dict[str, float] | None = None, **demands: Any
) -> DrillStatus:
    now = T0 + 5 + days_later * DAY_SECONDS
    return judge("dr-webapp", objectives or OBJECTIVES, Archive(found), Demands(**demands).checked(), now)


def test_a_report_of_a_drill_is_read_as_a_move_wrote_it() -> None:
    status = judged(reports.drill())
    assert status.problems == ()
    assert status.last is not None
    assert (status.last["rto_writes_seconds"], status.last["rpo_lost_writes"]) == (10.01, 0)
    assert status.last["parts"]["promote"] == 7.0


def test_a_drill_is_good_for_as_many_days_as_are_allowed() -> None:
    assert judged(reports.drill(), days_later=90).problems == ()
    [problem] = judged(reports.drill(), days_later=90.1).problems
    assert "is 90.1 days old, 90 are allowed" in problem


def test_a_drill_that_nobody_watched_proves_nothing() -> None:
    problems = judged(reports.unseen()).problems
    assert [problem.partition(": ")[2] for problem in problems] == ["the probe made no writes"] * 2


def test_the_loss_of_a_region_is_no_drill_unless_it_is_said_to_count() -> None:
    assert judged(reports.loss()).problems == ("no drill of it is kept in its state buckets",)
    assert judged(reports.loss(), intents=("drill", "failover")).problems == ()


def test_an_rpo_over_its_objective_and_margin_fails() -> None:
    strict = {"rto_seconds": 900.0, "rpo_seconds": 1.9}
    [problem] = judged(reports.loss(), objectives=strict, intents=("failover",)).problems
    assert problem == f"RPO of {reports.LOSS.run_id} is 2.00 s, over the objective of 1.9 s"
    assert judged(reports.loss(), objectives=strict, intents=("failover",), margin_percent=10).problems == ()


def test_a_run_without_a_journal_is_dated_by_its_name() -> None:
    nameless = {**reports.drill(), "opened_at": None}
    last = judged(nameless).last
    assert last is not None
    assert last["at"] == 1795399200.0
    odd = judged({**nameless, "run_id": "no date in it"}).last
    assert odd is not None
    assert odd["at"] == 0


def test_every_wrong_demand_is_named_at_once() -> None:
    with pytest.raises(ModelError) as refused:
        Demands(days=-1, margin_percent=-2, intents=("party",)).checked()
    assert str(refused.value) == (
        "days is -1: expected more than 0 days; margin_percent is -2: expected 0 percent or more; "
        "intents is 'party': expected one of drill, failover, failback"
    )


def only_read(outage: float) -> dict[str, Any]:
    """A drill of an application that offers no numbered writes, whose reads failed for so many seconds."""
    seen = observed(series(70, [(10, 10 + outage)], kind="read", hang=False), series(70, kind="dns", moved_at=18))
    return reports.report_on(reports.DRILL, seen, reports.drill_events())


def test_what_an_application_does_not_offer_fails_no_drill() -> None:
    status = judged(only_read(10))
    assert status.problems == ()
    assert status.lines() == [
        f"dr-webapp: last drill {reports.DRILL.run_id} on 2023-11-14 to us-west-2: not measured, RTO of reads 10.01 s; "
        "writes and RPO are not measured, as the application offers no numbered writes"
    ]


def test_reads_that_were_out_for_too_long_fail_a_drill_without_writes() -> None:
    [problem] = judged(only_read(10), objectives={"rto_seconds": 5.0, "rpo_seconds": 60.0}).problems
    assert problem == f"RTO of reads of {reports.DRILL.run_id} is 10.01 s, over the objective of 5 s"


def test_a_probe_that_was_told_of_writes_and_made_none_still_fails() -> None:
    report = only_read(10)
    report["probe"]["write_path"] = "/writes"
    assert len(judged(report).problems) == 2
