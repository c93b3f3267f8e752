# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""failover.yml asks for its intent, drill-status.yml for what a drill must come to: what is not clear is refused in one
line, before AWS is asked anything.

No lab runs here, and the AWS profiles lead nowhere: a call to AWS would fail with another message.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


def failover(tmp_path: Path, *arguments: str, playbook: str = "failover.yml") -> tuple[int, str]:
    """Run the playbook; the output with its lines joined, as Ansible folds long ones."""
    (tmp_path / "ca.pem").touch()
    environment = {
        **os.environ,
        "LAB_HOME": str(tmp_path),
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "inventories/lab", f"playbooks/{playbook}"]
    command += ["-e", f"aws_dr_reports_dir={tmp_path}"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=REPOSITORY,
        env=environment,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("", "what for? say -e drill=true, or -e failover_mode=planned (or unplanned) -e failover_confirm=dr-webapp"),
        ("drill=true failover_mode=unplanned", "drill=true and failover_mode=unplanned exclude each other"),
        (
            "drill=true failover_target=primary",
            "drill=true and a move to primary exclude each other",
        ),
        ("failover_target=mars", "move_target is 'mars': primary or dr is wanted"),
        ("failover_mode=sideways failover_confirm=dr-webapp", "failover_mode is 'sideways': planned or unplanned"),
        ("failover_mode=planned", "failover_confirm is '': to move it, confirm with its name"),
        ("failover_mode=planned failover_confirm=other", "failover_confirm is 'other': to move it, confirm with"),
        ("failover_mode=unplanned failover_confirm=dr-webapp", "accept_data_loss is False: an unplanned failover may"),
        ("failover_mode=unplanned failover_confirm=dr-webapp accept_data_loss=no", "accept_data_loss is False"),
        ("drill=true move_outage_began_at=9e12", "move_outage_began_at is '9e12': seconds since the epoch are wanted"),
        ("drill=true move_outage_began_at=noon", "move_outage_began_at is 'noon': seconds since the epoch are wanted"),
        ("drill=true move_vantage_points=tokyo", "move_vantage_points is 'tokyo': tokyo is no host of the inventory"),
        (
            "drill=true move_vantage_points=webapp_dr,oslo,tokyo",
            "'webapp_dr, oslo, tokyo': oslo, tokyo are no hosts of",
        ),
        ("drill=true waive=luck", "waive: 'luck' is no gate; the gates are"),
        ("drill=true waive=replication-lag,target-instance", "waive: 'target-instance' cannot be waived; those that"),
    ],
)
def test_an_unclear_intent_is_refused_in_one_line(tmp_path: Path, said: str, wanted: str) -> None:
    code, output = failover(tmp_path, *(word for one in said.split() for word in ("-e", one)))
    assert code != 0
    assert wanted in output.replace("''", "'")
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == [tmp_path / "ca.pem"], "nothing was written"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("drill_status_days=0", "drill_status_days is '0': more than 0 days are wanted"),
        ("drill_status_days=soon", "drill_status_days is 'soon': more than 0 days are wanted"),
        ("drill_status_margin_percent=-1", "drill_status_margin_percent is '-1': 0 percent or more is wanted"),
        ("drill_status_moves=none", "drill_status_moves is 'none': 1 or more are wanted"),
    ],
)
def test_a_demand_on_drills_that_is_none_is_refused_by_the_users_name_for_it(
    tmp_path: Path, said: str, wanted: str
) -> None:
    code, output = failover(tmp_path, "-e", said, playbook="drill-status.yml")
    assert code != 0
    assert wanted in output.replace("''", "'")
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == [tmp_path / "ca.pem"], "nothing was written"


@pytest.mark.parametrize("playbook", ["failback.yml", "reconcile.yml", "test_failover.yml", "test-failover.yml"])
def test_the_other_playbooks_are_whole(tmp_path: Path, playbook: str) -> None:
    code, output = failover(tmp_path, "--syntax-check", playbook=playbook)
    assert code == 0, output
