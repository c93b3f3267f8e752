# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The worst day: the primary region is gone, the application is moved without it, and comes home when it is back."""

from __future__ import annotations

from pathlib import Path

import pytest
from end_to_end.conftest import Chapter, play
from end_to_end.harness import Lab, a_watch, a_writer, acknowledged

S3_CONFIGURATION = ("PutBucketReplication", "PutBucketVersioning", "PutBucketPolicy", "PutBucketEncryption")


@pytest.mark.parametrize("kind", ["hang", "refuse"])
def test_an_unplanned_failover_completes_without_the_lost_region(
    kind: str, lab: Lab, home_again: Chapter, reports: Path
) -> None:
    home_again.run.must_succeed()
    assert lab.writer_region() == lab.primary_region
    log = lab.home / f"writer-{kind}.jsonl"
    name = f"writer-{kind}"
    with a_writer(lab, log, name=name), a_watch(lab, lab.home / f"watch-{kind}") as watched:
        lab.command("outage", lab.primary_region, "--kind", kind)
        failover = play(
            lab, "playbooks/failover.yml", "-e", "failover_mode=unplanned", "-e", f"failover_confirm={lab.project}",
            "-e", "accept_data_loss=true", "-e", "accept_unfenced=true",
            "-e", f"aws_dr_reports_dir={reports}", *watched,
        )  # fmt: skip
    failover.run.must_succeed()

    asked = [(call["service"], call["operation"]) for call in failover.calls]
    assert [call for call in asked if call[0] in ("route53", "iam")] == []
    assert [call for call in asked if call[0] == "s3" and call[1] in S3_CONFIGURATION] == []
    assert lab.answering_region() == lab.dr_region

    report = lab.latest_report(reports, "failover")
    lost = acknowledged(log) - lab.stored(name, lab.dr_region)
    counted = report["measured"]["rpo_lost_writes"]["value"]
    assert counted is not None
    # The probe and this writer are two clients of the same database: none may have lost more than the report's bound.
    bound = report["measured"]["rpo_seconds"]["value"]
    assert not lost or bound is None or max(lost) - min(lost) <= bound * 50 + 1

    lab.command("heal", lab.primary_region)
    lab.command("wait", "--timeout", "180")
    play(lab, "playbooks/reconcile.yml", "-e", f"aws_dr_reports_dir={reports}").run.must_succeed()
    back = play(lab, "playbooks/failback.yml", "-e", f"aws_dr_reports_dir={reports}")
    back.run.must_succeed()
    assert lab.writer_region() == lab.primary_region
    assert lab.answering_region() == lab.primary_region


def test_an_unplanned_failover_wants_a_region_that_cannot_be_fenced_to_be_accepted(
    lab: Lab, home_again: Chapter
) -> None:
    home_again.run.must_succeed()
    lab.command("outage", lab.primary_region, "--kind", "refuse")
    refused = play(
        lab, "playbooks/failover.yml", "-e", "failover_mode=unplanned", "-e", f"failover_confirm={lab.project}",
        "-e", "accept_data_loss=true",
    )  # fmt: skip
    lab.command("heal", lab.primary_region)
    assert refused.run.code != 0
    assert "accept_unfenced=true" in refused.run.output
    assert "Traceback" not in refused.run.output
    assert refused.mutations == []


def test_an_unplanned_failover_wants_the_loss_to_be_accepted(lab: Lab, home_again: Chapter) -> None:
    home_again.run.must_succeed()
    refused = play(
        lab, "playbooks/failover.yml", "-e", "failover_mode=unplanned", "-e", f"failover_confirm={lab.project}"
    )
    assert refused.run.code != 0
    assert "accept_data_loss" in refused.run.output
    assert "Traceback" not in refused.run.output
    assert refused.mutations == []
