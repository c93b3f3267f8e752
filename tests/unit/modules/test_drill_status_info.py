# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""drill_status_info: does the last drill still count? Asked of the reports that lie in the state buckets."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args
from unit.modules.conftest import Cloud
from unit.recovery.simulated.inventory import document

EAST, WEST = "us-east-1", "us-west-2"
BUCKETS = {EAST: "shop-state-east", WEST: "shop-state-west"}
DAY = 86400.0
NOW = 1_800_000_000.0


def application(**objectives: float) -> dict[str, Any]:
    given = document("shop")
    given["objectives"] = {"rto_seconds": 900, "rpo_seconds": 60, **objectives}
    for place, region in (("primary", EAST), ("dr", WEST)):
        given[place] = {**given[place], "state_bucket": BUCKETS[region], "profile": None}
    return given


def report(
    run_id: str, intent: str = "drill", *, days_ago: float = 1, rto: float | None = 12.5, **more: Any
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "application": "shop",
        "intent": intent,
        "mode": "planned",
        "from": {"place": "primary", "region": EAST},
        "to": {"place": "dr", "region": WEST},
        "opened_at": NOW - days_ago * DAY,
        "status": "moved",
        "verdict": "pass",
        "validation": [],
        "measured": {
            "rto_writes_seconds": {"value": rto, "method": "the probe was deaf"},
            "rto_reads_seconds": {"value": 1.0, "method": "counted"},
            "rpo_seconds": {"value": 0.0, "method": "counted"},
            "rpo_lost_writes": {"value": 0, "method": "counted"},
        },
        "waterfall": {"parts": [{"name": "promote", "seconds": 10.0}]},
        **more,
    }


@pytest.fixture
def buckets(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Two empty state buckets, and a clock that stands."""
    clock = import_module(
        "ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.system_clock"
    ).SystemClock
    monkeypatch.setattr(clock, "now", lambda _self: NOW)
    for region, bucket in BUCKETS.items():
        where = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        boto3.client("s3", region_name=region).create_bucket(Bucket=bucket, **where)
    return cloud


def keep(found: dict[str, Any], region: str = WEST) -> None:
    key = f"reports/{found['run_id']}/report.json"
    boto3.client("s3", region_name=region).put_object(Bucket=BUCKETS[region], Key=key, Body=json.dumps(found).encode())


def look(**arguments: Any) -> dict[str, Any]:
    module = import_module("ansible_collections.pilotlight.aws_dr.plugins.modules.drill_status_info")
    out = io.StringIO()
    given = {"applications": [application()], **arguments}
    with patch_module_args(given), redirect_stdout(out), pytest.raises(SystemExit):
        module.main()
    return {"failed": False, **json.loads(out.getvalue())}


def test_a_recent_drill_that_met_its_objectives_counts(buckets: Cloud) -> None:
    keep(report("20270114T000000Z-drill-aaaaaa"))
    seen = look()
    assert (seen["failed"], seen["changed"], seen["problems"]) == (False, False, [])
    assert seen["lines"] == [
        "shop: last drill 20270114T000000Z-drill-aaaaaa on 2027-01-14 to us-west-2: pass, RTO 12.50 s, RPO 0.00 s"
    ]
    assert buckets.mutations.count("PutObject") == 1, "it only reads"


def test_moves_of_both_regions_stand_side_by_side_the_newest_first(buckets: Cloud) -> None:
    keep(report("20270110T000000Z-drill-aaaaaa", days_ago=5, rto=20.0))
    keep(report("20270111T000000Z-failback-bbbbbb", "failback", days_ago=4), EAST)
    keep(report("20270114T000000Z-drill-cccccc", days_ago=1))
    [found] = look()["applications"]
    assert [one["intent"] for one in found["moves"]] == ["drill", "failback", "drill"]
    assert found["last"]["run_id"] == "20270114T000000Z-drill-cccccc"
    assert found["last"]["parts"] == {"promote": 10.0}
    assert look()["lines"][0].endswith("(RTO 7.50 s less than 20270110T000000Z-drill-aaaaaa)")


@pytest.mark.parametrize(
    ("kept", "arguments", "problem"),
    [
        (report("r1", days_ago=91), {}, "shop: the last drill (r1) is 91.0 days old, 90 are allowed"),
        (report("r1", days_ago=2), {"days": 1.5}, "shop: the last drill (r1) is 2.0 days old, 1.5 are allowed"),
        (report("r1", rto=901.0), {}, "shop: RTO of r1 is 901.00 s, over the objective of 900 s"),
        (
            report("r1", rto=1000.0), {"margin_percent": 10},
            "shop: RTO of r1 is 1000.00 s, over the objective of 900 s and 10 %",
        ),
        (report("r1", rto=None), {}, "shop: RTO of r1 was not measured: the probe was deaf"),
        (report("r1", status="failed"), {}, "shop: the last drill (r1) ended as failed"),
        (
            report("r1", validation=[{"name": "DNS and health", "result": "failed"}]), {},
            "shop: after the last drill (r1) these checks failed: DNS and health",
        ),
        (report("r1", "failback"), {}, "shop: no drill of it is kept in its state buckets"),
        (report("r1", application="other"), {}, "shop: no drill of it is kept in its state buckets"),
    ],
)  # fmt: skip
def test_a_drill_that_no_longer_counts_says_why(
    buckets: Cloud, kept: dict[str, Any], arguments: dict[str, Any], problem: str
) -> None:
    keep(kept)
    assert look(**arguments)["problems"] == [problem]


def test_what_is_within_the_margin_is_good_enough(buckets: Cloud) -> None:
    keep(report("r1", rto=989.0, verdict="fail"))
    assert look(margin_percent=10)["problems"] == []


def test_a_drill_is_held_against_the_objectives_of_today(buckets: Cloud) -> None:
    keep(report("r1", rto=12.5))
    [problem] = look(applications=[application(rto_seconds=10)])["problems"]
    assert "12.50 s, over the objective of 10 s" in problem


def test_a_real_move_counts_where_that_is_said(buckets: Cloud) -> None:
    keep(report("r1", "failover"))
    assert look(intents=["drill", "failover"])["problems"] == []


def put(key: str, body: bytes = b"[]") -> None:
    """An object in the bucket of the west."""
    boto3.client("s3", region_name=WEST).put_object(Bucket=BUCKETS[WEST], Key=f"reports/{key}", Body=body)


def test_a_move_without_a_report_hides_no_other(buckets: Cloud) -> None:
    """There never was a result that it could be judged by, and there never will be."""
    keep(report("20270110T000000Z-drill-aaaaaa", days_ago=4))
    put("20270112T000000Z-drill-bbbbbb/samples.jsonl")
    seen = look()
    assert (seen["problems"], seen["applications"][0]["unread"]) == ([], [])


def test_an_older_drill_does_not_count_where_the_report_of_the_newest_cannot_be_read(buckets: Cloud) -> None:
    keep(report("20270110T000000Z-drill-aaaaaa", days_ago=5))
    put("20270112T000000Z-drill-bbbbbb/report.json")
    put("20270113T000000Z-drill-cccccc/report.json", b"{")
    put("20270114T000000Z-failback-dddddd/report.json")
    seen = look()
    [problem] = seen["problems"]
    assert problem.startswith(
        "shop: whether the newest drill (20270113T000000Z-drill-cccccc) was good is not known, as its report could not "
        "be read: s3://shop-state-west/reports/20270113T000000Z-drill-cccccc/report.json: "
    )
    assert problem.endswith("; let it be read, or delete it where it is no report; a later one settles it too")
    [failback, drill] = seen["applications"][0]["unread"]
    assert failback.endswith("20270114T000000Z-failback-dddddd/report.json: it is not the report of a move")
    assert drill.endswith("20270112T000000Z-drill-bbbbbb/report.json: it is not the report of a move")
    assert "\n" not in problem


def test_where_no_drill_can_be_read_it_is_not_said_that_there_was_none(buckets: Cloud) -> None:
    put("20270113T000000Z-drill-cccccc/report.json")
    [problem] = look()["problems"]
    assert "the newest drill (20270113T000000Z-drill-cccccc)" in problem


def test_a_later_drill_settles_what_an_earlier_one_was(buckets: Cloud) -> None:
    put("20270112T000000Z-drill-bbbbbb/report.json")
    keep(report("20270113T000000Z-drill-cccccc", days_ago=2))
    seen = look()
    assert seen["problems"] == []
    [unread] = seen["applications"][0]["unread"]
    assert unread.endswith("20270112T000000Z-drill-bbbbbb/report.json: it is not the report of a move")


def test_a_report_that_can_be_read_in_one_region_is_known(buckets: Cloud) -> None:
    """As a bucket that took a part of the files leaves it: all of them are in the other one too."""
    put("20270114T000000Z-drill-aaaaaa/report.json")
    keep(report("20270114T000000Z-drill-aaaaaa", days_ago=2), EAST)
    seen = look()
    assert seen["problems"] == []
    assert len(seen["applications"][0]["unread"]) == 1


def test_a_region_whose_bucket_cannot_be_read_is_told(buckets: Cloud) -> None:
    keep(report("r1"))
    boto3.client("s3", region_name=EAST).delete_bucket(Bucket=BUCKETS[EAST])
    seen = look()
    assert seen["problems"] == []
    assert "not read: the moves that are kept in us-east-1: s3 ListObjectsV2 in us-east-1 failed" in seen["lines"][1]


def test_only_the_newest_moves_are_read(buckets: Cloud) -> None:
    for day in range(10, 15):
        keep(report(f"202701{day}T000000Z-drill-aaaaaa", days_ago=15 - day))
    buckets.calls.clear()
    [found] = look(most_moves=2)["applications"]
    assert [one["run_id"][:8] for one in found["moves"]] == ["20270114", "20270113"]
    assert [operation for _region, operation, _params in buckets.calls].count("GetObject") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"days": 0}, "days is 0.0: expected more than 0 days"),
        ({"days": "nan"}, "days is nan: expected more than 0 days"),
        ({"margin_percent": -1}, "margin_percent is -1.0: expected 0 percent or more"),
        ({"intents": []}, "intents is []: expected one of drill, failover, failback, or more"),
        ({"most_moves": 0}, "most_moves is 0: 1 or more are wanted"),
        ({"applications": [{}]}, "applications[0].name is missing"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(arguments: dict[str, Any], said: str) -> None:
    refused = look(**arguments)
    assert refused["failed"]
    assert said in refused["msg"]
    assert "\n" not in refused["msg"]
