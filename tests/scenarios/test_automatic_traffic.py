# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""traffic_policy automatic: Route 53's own health checks move clients, with the dangers that the docs name (R16)."""

from __future__ import annotations

import time

from end_to_end.harness import Lab, a_writer, acknowledged
from scenarios.conftest import Labs, deploy_and_activate

AUTOMATIC = ("-e", "aws_dr_traffic_policy=automatic")


def wait_until_clients_are_led_to(lab: Lab, region: str, seconds: float = 90.0) -> None:
    """Wait for DNS; interval x threshold + TTL, shortened by the lab's profile (R18)."""
    deadline = time.monotonic() + seconds
    while lab.answering_region() != region:
        assert time.monotonic() < deadline, f"after {seconds:g} s DNS does not lead to {region}"
        time.sleep(0.5)


def test_clients_are_led_to_a_read_only_database_until_somebody_moves_it(labs: Labs) -> None:
    lab = labs.start()
    deploy_and_activate(lab, *AUTOMATIC)
    assert lab.answering_region() == lab.primary_region

    lab.command("outage", lab.primary_region, "--kind", "hang")
    wait_until_clients_are_led_to(lab, lab.dr_region)
    before, after = lab.home / "before.jsonl", lab.home / "after.jsonl"
    with a_writer(lab, before, name="before"):
        time.sleep(5)
    assert acknowledged(before) == set(), "nobody has promoted the database that clients were led to"

    lab.playbook(
        "playbooks/failover.yml", "-e", "failover_mode=unplanned", "-e", f"failover_confirm={lab.project}",
        "-e", "accept_data_loss=true", "-e", "accept_unfenced=true",
        *AUTOMATIC,
    ).must_succeed()  # fmt: skip
    with a_writer(lab, after, name="after"):
        time.sleep(5)
    assert acknowledged(after), "after the failover clients can write where they are led"
    assert acknowledged(after) - lab.stored("after", lab.dr_region) == set()
