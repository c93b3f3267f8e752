# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rto_probe, application_info and orchestrator_package, run as Ansible runs them."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from unit.measure.series import NEW

PROBE = {"host": "app.example.com", "scheme": "http", "port": 9, "timeout_seconds": 0.2, "interval_seconds": 0.1}


def run(name: str, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """These modules ask nothing of AWS and have no region."""
    module = import_module(f"ansible_collections.pilotlight.aws_dr.plugins.modules.{name}")
    out = io.StringIO()
    given = {"_ansible_check_mode": check, "_ansible_diff": True, **arguments}
    with patch_module_args(given), redirect_stdout(out), pytest.raises(SystemExit):
        module.main()
    return {"failed": False, **json.loads(out.getvalue())}


def test_a_probe_ends_and_says_what_it_saw(tmp_path: Path) -> None:
    done = run(
        "rto_probe", probe=PROBE, nameservers=["127.0.0.1:9"], client="me", samples=str(tmp_path / "new" / "s.jsonl"),
        duration=0.3, read_back_seconds=0,
    )  # fmt: skip
    assert done["counts"]["write"]["failed"] >= 2
    assert (done["acknowledged"], done["stable"]) == (0, False)
    assert "does not answer" in done["stored_error"]
    lines = [json.loads(line) for line in (tmp_path / "new" / "s.jsonl").read_text().splitlines()]
    assert (lines[0]["kind"], lines[-1]["kind"]) == ("probe", "stored")


def test_a_probe_in_check_mode_probes_nothing(tmp_path: Path) -> None:
    done = run("rto_probe", check=True, probe=PROBE, client="me", samples=str(tmp_path / "s.jsonl"))
    assert not done["changed"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probe": {**PROBE, "interval_seconds": 0}}, "probe.interval_seconds is 0"),
        ({"probe": {**PROBE, "write_path": "writes"}}, "probe.write_path is 'writes'"),
        ({"probe": {**PROBE, "ca_file": "/none.pem"}}, "probe.ca_file is '/none.pem'"),
        ({"nameservers": ["dns.example.com"]}, "nameserver 'dns.example.com' is not an IP address"),
        ({"samples": "/proc/none/s.jsonl"}, "samples is '/proc/none/s.jsonl'"),
        ({"duration": -1}, "duration is -1"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    given = {"probe": PROBE, "client": "me", "samples": str(tmp_path / "s.jsonl"), "duration": 0, **arguments}
    refused = run("rto_probe", **given)
    assert refused["failed"]
    assert message in refused["msg"]
    assert "\n" not in refused["msg"]


def test_an_application_that_does_not_answer_is_a_problem_and_no_failure() -> None:
    seen = run(
        "application_info", names=["app.example.com"], probe=PROBE, nameservers=["127.0.0.1:9"], expected_region=NEW
    )
    assert not seen["failed"]
    assert "does not answer" in seen["problems"][0]


def test_the_same_code_is_packed_once(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("# a\n")
    given = {"sources": [{"path": str(tmp_path / "a.py"), "name": "a.py"}], "dest": str(tmp_path / "zips" / "a.zip")}
    assert run("orchestrator_package", check=True, **given)["changed"]
    first = run("orchestrator_package", **given)
    again = run("orchestrator_package", **given)
    assert (first["changed"], again["changed"]) == (True, False)
    assert first["sha256"] == again["sha256"]
    assert first["files"] == ["a.py"]
