# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""readiness.yml where no region keeps what was found: it stands in the JSON all the same, and the code is not zero.

No lab runs here, and the AWS profiles lead nowhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def test_what_no_region_keeps_is_told_to_machines_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    nowhere = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "inventories/lab",
        "playbooks/readiness.yml",
    ]
    done = subprocess.run(
        [*command, "-e", f"aws_dr_reports_dir={tmp_path}"],
        cwd=REPOSITORY,
        env={**os.environ, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", "LAB_HOME": str(tmp_path)},
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode != 0
    found = json.loads((tmp_path / "readiness.json").read_text(encoding="utf-8"))
    not_kept = [line for line in found["problems"] if "the snapshot is not kept in" in line]
    assert [line.split(" (")[0].rpartition(" ")[2] for line in not_kept] == ["us-east-1", "us-west-2"]
    assert any(": target-region (R2): " in line for line in found["problems"])
    assert "is kept nowhere" in done.stdout
