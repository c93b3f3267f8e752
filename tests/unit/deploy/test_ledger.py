# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: what counts as created by a deployment, over runs that fail, go on, complete and are taken back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unit.deploy.fake_aws import FakeAws, operations, refused

from plugins.module_utils._recovery import ledger
from plugins.module_utils._recovery.ledger_store import LedgerStore
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.resources import At, Resource

VPC = Resource("cloudformation_stack", "shop-vpc", "dr", "us-west-2", "network")
GROUPS = Resource(
    "cloudformation_stack", "shop-security-groups", "dr", "us-west-2", "security", stands_on=("shop-vpc",)
)


def run(run_id: str, at: float, existed: dict[Resource, bool], end: str = "failed") -> list[dict[str, Any]]:
    notes = [ledger.noted(run_id, at, order, *look) for order, look in enumerate(existed.items(), 1)]
    return [ledger.run_event("begun", run_id, at), *notes, ledger.run_event(end, run_id, at + 1)]


def test_what_was_there_before_is_not_created() -> None:
    deployment = ledger.last_deployment(run("one", 1, {VPC: True, GROUPS: False}))
    assert deployment.created == (GROUPS,)
    assert not deployment.completed


def test_a_run_that_goes_on_keeps_what_the_first_one_created() -> None:
    events = [*run("one", 1, {VPC: False, GROUPS: False}), *run("two", 5, {VPC: True, GROUPS: False})]
    deployment = ledger.last_deployment(events)
    assert deployment.created == (VPC, GROUPS)
    assert deployment.run_id == "two"


def test_a_run_after_a_complete_one_is_another_deployment() -> None:
    events = [*run("one", 1, {VPC: False}, "completed"), *run("two", 5, {VPC: True, GROUPS: False})]
    assert ledger.last_deployment(events).created == (GROUPS,)
    assert ledger.last_deployment(events, everything=True).created == (VPC, GROUPS)


def test_a_deployment_that_completed_can_still_be_taken_back() -> None:
    deployment = ledger.last_deployment(run("one", 1, {VPC: False}, "completed"))
    assert deployment.completed
    assert deployment.created == (VPC,)


def test_what_was_taken_back_is_no_longer_created_until_it_is_made_anew() -> None:
    events = [*run("one", 1, {VPC: False, GROUPS: False}), ledger.deleted("one", 3, GROUPS)]
    assert ledger.last_deployment(events).created == (VPC,)
    events += run("two", 5, {VPC: True, GROUPS: False})
    assert ledger.last_deployment(events).created == (VPC, GROUPS)


def test_what_a_failed_run_did_not_get_to_may_be_made_by_somebody_else() -> None:
    events = [*run("one", 1, {VPC: False, GROUPS: False}), ledger.absent("one", 3, GROUPS)]
    events += run("two", 5, {VPC: True, GROUPS: True})
    assert ledger.last_deployment(events).created == (VPC,)


def test_a_line_that_a_crash_cut_off_is_left_out() -> None:
    text = ledger.line(ledger.run_event("begun", "one", 1)) + '\n{"event": "not'
    assert [event["run_id"] for event in ledger.parse(text)] == ["one"]


def test_copies_are_merged_in_order_of_time() -> None:
    first, second = run("one", 1, {VPC: False}), run("two", 5, {VPC: True})
    assert ledger.merge([*first, *second], second, first) == [*first, *second]


class Bucket:
    """One object of S3."""

    def __init__(self) -> None:
        self.body: bytes | None = None

    def get(self, _params: Mapping[str, Any]) -> dict[str, Any]:
        if self.body is None:
            raise refused("NoSuchBucket")
        body = self.body
        return {"Body": type("Stream", (), {"read": lambda _self: body})()}

    def put(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self.body = params["Body"]
        return {}


def test_another_controller_goes_on_where_the_first_one_stopped(tmp_path: Path) -> None:
    bucket = Bucket()
    aws = FakeAws({"GetObject": bucket.get, "PutObject": bucket.put})
    at = At(aws, Access("us-west-2", "dr"))
    events = run("one", 1, {VPC: False})
    here = LedgerStore(tmp_path / "here" / "shop.jsonl", at, "state", "deployments/shop.jsonl")
    here.append(events)
    assert here.publish()
    there = LedgerStore(tmp_path / "there" / "shop.jsonl", at, "state", "deployments/shop.jsonl")
    assert there.read() == events
    there.append([*there.read(), ledger.run_event("begun", "two", 9)])
    assert [event["run_id"] for event in ledger.parse(there.file.read_text())] == ["one", "one", "one", "two"]


def test_without_a_bucket_the_file_is_enough(tmp_path: Path) -> None:
    aws = FakeAws({"GetObject": refused("NoSuchBucket"), "PutObject": refused("NoSuchBucket")})
    store = LedgerStore(tmp_path / "shop.jsonl", At(aws, Access("us-west-2")), "state", "deployments/shop.jsonl")
    store.append(run("one", 1, {VPC: False}))
    assert store.publish() is False
    assert len(store.read()) == 3
    assert operations(aws.changes) == ["PutObject"]
