# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""move_archive: files of a move in the bucket of a region that is alive, or a warning."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args
from unit.modules.conftest import Cloud
from unit.recovery.simulated.inventory import document

BUCKETS = {"us-east-1": "shop-state-east", "us-west-2": "shop-state-west"}


def make_bucket(region: str) -> None:
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    boto3.client("s3", region_name=region).create_bucket(Bucket=BUCKETS[region], **where)


def keep(folder: Path, **arguments: Any) -> dict[str, Any]:
    module = import_module("ansible_collections.pilotlight.aws_dr.plugins.modules.move_archive")
    (folder / "report.json").write_text("{}")
    application = document("shop")
    for place, region in (("primary", "us-east-1"), ("dr", "us-west-2")):
        application[place] = {**application[place], "state_bucket": BUCKETS[region], "profile": None}
    objects = [{"key": "reports/run/report.json", "path": str(folder / "report.json")}]
    given = {"application": application, "place": "dr", "objects": objects, **arguments}
    out, warnings = io.StringIO(), list[str]()
    # Where a warning comes out depends on whether this process is a controller by now: it is caught where it is made.
    warn = patch.object(module.AnsibleModule, "warn", lambda _self, line: warnings.append(line))
    with patch_module_args(given), warn, redirect_stdout(out), pytest.raises(SystemExit):
        module.main()
    return {"failed": False, "warned": warnings, **json.loads(out.getvalue())}


def test_files_go_to_the_bucket_that_is_named(cloud: Cloud, tmp_path: Path) -> None:
    for region in BUCKETS:
        make_bucket(region)
    planned = keep(tmp_path, _ansible_check_mode=True)
    assert "PutObject" not in cloud.mutations
    kept = keep(tmp_path)
    assert kept["objects"] == planned["objects"] == ["s3://shop-state-west/reports/run/report.json"]
    assert (kept["kept_in"], kept["warned"], kept["plan"]) == ("dr", [], planned["plan"])


def test_where_that_bucket_takes_nothing_they_go_to_the_other_with_a_warning(cloud: Cloud, tmp_path: Path) -> None:
    make_bucket("us-east-1")
    kept = keep(tmp_path, required=False)
    assert kept["objects"] == ["s3://shop-state-east/reports/run/report.json"]
    assert kept["plan"][0]["region"] == "us-east-1"
    [warning] = kept["warned"]
    assert "is kept in s3://shop-state-east: s3://shop-state-west did not take it" in warning


def test_where_no_bucket_takes_them_it_is_a_warning_or_a_failure(cloud: Cloud, tmp_path: Path) -> None:
    kept = keep(tmp_path, required=False)
    assert (kept["failed"], kept["changed"], kept["objects"]) == (False, False, [])
    [warning] = kept["warned"]
    assert warning.startswith("the report is kept on this controller alone: ")
    assert keep(tmp_path)["failed"]
