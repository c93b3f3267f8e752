# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The line between the databases is cut by hand: a drill is refused, and a failover loses what it says it loses.

It also shows that the count of lost writes, on which the tests of drills rest, can find some.
"""

from __future__ import annotations

import time
from pathlib import Path

from end_to_end.harness import Lab, a_watch, a_writer, acknowledged
from scenarios.conftest import Labs, deploy_and_activate

BEYOND_THE_OBJECTIVE_SECONDS = 65
"""The inventory's RPO objective is 60 s. A shorter lag is no reason to refuse a drill: it waits for what is missing."""


def test_a_drill_is_refused_and_a_failover_reports_the_writes_that_it_loses(labs: Labs, tmp_path: Path) -> None:
    lab = labs.start()
    deploy_and_activate(lab)
    log, reports = lab.home / "writer.jsonl", tmp_path / "reports"
    with a_writer(lab, log), a_watch(lab, lab.home / "watch") as watched:
        lab.command("replication", "cut")
        time.sleep(BEYOND_THE_OBJECTIVE_SECONDS)
        refused = lab.playbook("playbooks/failover.yml", "-e", "drill=true", "-e", f"aws_dr_reports_dir={reports}")
        assert refused.code != 0
        assert "replication-lag" in refused.output
        assert "Traceback" not in refused.output
        assert lab.writer_region() == lab.primary_region
        time.sleep(2)
        failed_over(lab, reports, *watched)
    lost = acknowledged(log) - lab.stored("writer", lab.dr_region)
    assert lost, "writes that were acknowledged after the cut are gone"
    assert lab.latest_report(reports, "failover")["measured"]["rpo_lost_writes"]["value"] > 0
    lab.recompute(reports, "failover")


def failed_over(lab: Lab, reports: Path, *arguments: str) -> None:
    """The old region goes away before its writes could follow."""
    lab.command("outage", lab.primary_region, "--kind", "refuse")
    lab.playbook(
        "playbooks/failover.yml", "-e", "failover_mode=unplanned", "-e", f"failover_confirm={lab.project}",
        "-e", "accept_data_loss=true", "-e", "accept_unfenced=true",
        "-e", f"aws_dr_reports_dir={reports}", *arguments,
    ).must_succeed()  # fmt: skip
