# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lost region costs its budget and no more; what passes is tried again; nothing secret is kept."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from simulated_aws import VirtualClock

from plugins.module_utils._recovery import clients as clients_module
from plugins.module_utils._recovery.breaker import COOL_DOWN_SECONDS
from plugins.module_utils._recovery.calling import READ_DEADLINE_SECONDS
from plugins.module_utils._recovery.clients import BotoTransport, CallRecord, Clients, is_read, without_secrets
from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable
from plugins.module_utils._recovery.model import Access
from plugins.module_utils._recovery.retries import RETRIES, is_permanent, retry_for
from plugins.module_utils._recovery.workers import InlineWorkers, ThreadWorkers

EAST = Access("us-east-1")


@dataclass
class Script:
    """A transport that does what each line says: an answer, an error code, or silence."""

    clock: VirtualClock
    lines: list[Any]
    sent: list[float] = field(default_factory=list)

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        self.sent.append(deadline_seconds)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        if line == "silence":
            self.clock.wait(deadline_seconds)
            raise RegionUnreachable(access.region, "no answer")
        if isinstance(line, str):
            raise CallFailed(access.region, service, operation, line, "no")
        return dict(line)


def clients_of(*lines: Any, **settings: Any) -> tuple[Clients, Script]:
    clock = VirtualClock()
    script = Script(clock, list(lines))
    return Clients(clock, transport=script, monotonic=clock.now, **settings), script


def ask(clients: Clients, operation: str = "DescribeDBClusters", **more: Any) -> dict[str, Any]:
    return clients.call(EAST, "rds", operation, {}, **more)


def test_a_lost_region_costs_its_budget_however_often_it_is_asked() -> None:
    clients, script = clients_of("silence")
    for _number in range(50):
        with pytest.raises(RegionUnreachable):
            ask(clients)
        script.clock.wait(COOL_DOWN_SECONDS)
    assert script.sent == [5, 5]
    assert clients.breaker("us-east-1").lost_seconds == 10


def test_a_mutation_is_held_to_the_budget_too() -> None:
    clients, script = clients_of("silence")
    with pytest.raises(RegionUnreachable):
        ask(clients, "SwitchoverGlobalCluster")
    assert script.sent == [10]


def test_calls_that_hang_side_by_side_are_counted_once() -> None:
    clients, _script = clients_of("silence")
    breaker = clients.breaker("us-east-1")
    start = clients.clock.now()
    clients.clock.wait(5)
    for _number in range(6):
        breaker.silent("rds", start, "no answer")
    assert breaker.lost_seconds == 5


def test_a_region_that_was_silent_twice_is_left_alone_for_a_while_and_then_tried_again() -> None:
    clients, script = clients_of("silence", "silence", {"ok": True}, budgets={"us-east-1": 60})
    for _number in range(4):
        with pytest.raises(RegionUnreachable):
            ask(clients)
    assert len(script.sent) == 2
    script.clock.wait(COOL_DOWN_SECONDS)
    assert ask(clients) == {"ok": True}
    assert ask(clients) == {"ok": True}


def test_one_region_that_is_lost_is_no_reason_to_doubt_the_other() -> None:
    clients, _script = clients_of("silence", "silence", {"ok": True})
    for _number in range(3):
        with pytest.raises(RegionUnreachable):
            ask(clients)
    assert clients.call(Access("us-west-2"), "rds", "DescribeDBClusters") == {"ok": True}


def test_a_service_that_answers_with_server_errors_is_left_alone_for_a_while() -> None:
    clients, script = clients_of("ServiceUnavailable")
    for _number in range(5):
        with pytest.raises((CallFailed, RegionUnreachable)):
            ask(clients)
    assert len(script.sent) == 2


@pytest.mark.parametrize("how", ["ServiceUnavailable", "silence"])
def test_one_service_that_is_broken_is_no_reason_to_doubt_the_others(how: str) -> None:
    clients, script = clients_of(how, budgets={"us-east-1": float("inf")})
    for _number in range(6):
        with pytest.raises((CallFailed, RegionUnreachable)):
            clients.call(EAST, "dynamodb", "BatchGetItem")
    script.lines = [{"ok": True}]
    assert ask(clients) == {"ok": True}


def test_two_silent_services_of_a_region_that_may_be_lost_are_a_lost_region() -> None:
    clients, script = clients_of("silence")
    for service in ("rds", "autoscaling", "dynamodb"):
        with pytest.raises(RegionUnreachable):
            clients.call(EAST, service, "DescribeAnything", deadline_seconds=2)
    assert script.sent == [2, 2]


def test_a_broken_service_that_the_move_depends_on_is_asked_again_ever_more_rarely() -> None:
    clients, script = clients_of("ServiceUnavailable", budgets={"us-east-1": float("inf")})
    for _second in range(120):
        with pytest.raises((CallFailed, RegionUnreachable)):
            ask(clients, "SwitchoverGlobalCluster")
        script.clock.wait(1)
    assert 5 <= len(script.sent) <= 9


def test_a_throttled_call_is_made_again_with_growing_pauses() -> None:
    clients, script = clients_of("ThrottlingException", "ThrottlingException", {"ok": True})
    began = clients.clock.now()
    assert ask(clients, "UpdateAutoScalingGroup") == {"ok": True}
    assert clients.clock.now() - began == pytest.approx(0.1 + 0.2)
    assert len(script.sent) == 3


def test_a_call_that_is_throttled_ten_times_running_is_made_within_its_deadline() -> None:
    clients, script = clients_of(*["ThrottlingException"] * 10, {"ok": True})
    began = clients.clock.now()
    assert ask(clients, "DescribeGlobalClusters") == {"ok": True}
    assert clients.clock.now() - began == pytest.approx(0.1 + 0.2 + 0.4 + 7 * 0.5)
    assert len(script.sent) == 11


def test_retrying_ends_with_the_deadline_of_the_call() -> None:
    clients, _script = clients_of("ThrottlingException")
    began = clients.clock.now()
    with pytest.raises(CallFailed):
        ask(clients, deadline_seconds=0.5)
    assert clients.clock.now() - began <= 0.5


def test_a_mutation_that_may_have_been_carried_out_is_not_sent_again() -> None:
    clients, script = clients_of("InternalFailure")
    with pytest.raises(CallFailed):
        ask(clients, "FailoverGlobalCluster")
    assert len(script.sent) == 1


def test_a_change_that_does_no_harm_when_it_is_made_twice_is_made_again_as_a_read_is() -> None:
    clients, script = clients_of("InternalServerError", {"ok": True})
    assert clients.call(EAST, "dynamodb", "BatchWriteItem", repeatable=True) == {"ok": True}
    assert script.sent == [10, 9.75]


def test_such_a_change_is_not_made_again_where_nobody_answered() -> None:
    clients, script = clients_of("silence")
    with pytest.raises(RegionUnreachable):
        clients.call(EAST, "dynamodb", "BatchWriteItem", repeatable=True, deadline_seconds=5)
    assert script.sent == [5]


def test_an_error_that_will_not_pass_is_not_tried_again() -> None:
    clients, script = clients_of("AccessDenied")
    with pytest.raises(CallFailed, match="rds DescribeDBClusters in us-east-1 failed: AccessDenied: no"):
        ask(clients)
    assert len(script.sent) == 1


@pytest.mark.parametrize("code", sorted(RETRIES))
def test_every_row_of_the_retry_table_is_bounded_and_passes_by_itself(code: str) -> None:
    retry = RETRIES[code]
    assert 2 <= retry.attempts <= 11
    assert sum(retry.pause(attempt) for attempt in range(1, retry.attempts)) < READ_DEADLINE_SECONDS
    assert not is_permanent(code)
    assert retry_for(code, mutates=False) is retry
    assert (retry_for(code, mutates=True) is None) == (not retry.mutations)


@pytest.mark.parametrize(
    "code",
    [
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "NoCredentialsError",
        "ProfileNotFound",
        "ValidationError",
        "InvalidParameterValue",
        "DBClusterNotFoundFault",
    ],
)
def test_what_waiting_cannot_mend_is_permanent(code: str) -> None:
    assert is_permanent(code)
    assert retry_for(code, mutates=False) is None


@pytest.mark.parametrize(
    "code", ["InvalidGlobalClusterStateFault", "InvalidDBClusterStateFault", "ScalingActivityInProgress"]
)
def test_a_state_that_passes_is_not_permanent(code: str) -> None:
    assert not is_permanent(code)


@pytest.mark.parametrize(
    ("operation", "reads"),
    [
        ("DescribeEvents", True),
        ("GetMetricData", True),
        ("BatchGetItem", True),
        ("Query", True),
        ("ListHostedZones", True),
        ("PutItem", False),
        ("BatchWriteItem", False),
        ("FailoverGlobalCluster", False),
        ("Publish", False),
    ],
)
def test_whether_an_operation_mutates_is_told_by_its_name(operation: str, reads: bool) -> None:
    assert is_read(operation) == reads


def test_every_call_is_recorded_without_secrets() -> None:
    records: list[CallRecord] = []
    clients, _script = clients_of({"ok": True}, record=records.append)
    clients.call(
        EAST, "rds", "ModifyDBCluster", {"MasterUserPassword": "hunter2-hunter2", "DBClusterIdentifier": "shop"}
    )
    assert records[0].params == {"MasterUserPassword": "(left out)", "DBClusterIdentifier": "shop"}
    assert "hunter2" not in repr(records)


def test_names_of_secrets_stay_readable() -> None:
    assert without_secrets({"SecretId": "shop/database", "SecretString": "x"}) == {
        "SecretId": "shop/database",
        "SecretString": "(left out)",
    }


def test_payloads_and_what_is_deep_inside_are_left_out() -> None:
    target = {"Arn": "arn:aws:lambda:x", "Input": '{"password": "hunter2"}', "RoleArn": "arn:aws:iam::1:role/x"}
    shown = without_secrets({"Name": "nightly", "Target": target, "Settings": [{"Password": "hunter2", "Port": 1}]})
    assert "hunter2" not in repr(shown)
    assert shown == {
        "Name": "nightly",
        "Target": {**target, "Input": "(left out)"},
        "Settings": [{"Password": "(left out)", "Port": 1}],
    }


# The real transport, against sockets of this machine


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Access]:
    """An AWS profile whose endpoint is a port of this machine."""

    def configure(port: int, **lines: str) -> Access:
        config = tmp_path / "config"
        more = "".join(f"{key} = {value}\n" for key, value in lines.items())
        config.write_text(
            f"[profile lost]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:{port}\n{more}"
            "[profile base]\naws_access_key_id = AKIALABUNITTESTS0000\naws_secret_access_key = "
            f"{'x' * 40}\nendpoint_url = http://127.0.0.1:{port}\nregion = us-east-1\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        return Access("us-east-1", "lost")

    return configure


KEYS = {"aws_access_key_id": "AKIALABUNITTESTS0000", "aws_secret_access_key": "x" * 40}


def test_a_refused_connection_is_a_region_that_is_unreachable(configured: Callable[..., Access]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(RegionUnreachable, match="us-east-1 is unreachable: Could not connect"):
        BotoTransport().send(configured(port, **KEYS), "rds", "DescribeGlobalClusters", {}, 5)


def test_a_profile_that_is_not_there_is_one_clear_line(configured: Callable[..., Access]) -> None:
    configured(1)
    with pytest.raises(CallFailed, match=r"ProfileNotFound: The config profile \(nobody\) could not be found"):
        BotoTransport().send(Access("us-east-1", "nobody"), "rds", "DescribeGlobalClusters", {}, 5)


def test_wrong_parameters_are_one_clear_line(configured: Callable[..., Access]) -> None:
    with pytest.raises(CallFailed, match="ParamValidationError") as raised:
        BotoTransport().send(configured(1, **KEYS), "rds", "DescribeGlobalClusters", {"Nonsense": 1}, 5)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("workers", [InlineWorkers(), ThreadWorkers(4)])
def test_workers_keep_the_order_and_put_errors_in_place_of_results(workers: InlineWorkers | ThreadWorkers) -> None:
    def fail() -> int:
        raise RegionUnreachable("us-east-1", "gone")

    outcomes = workers.gather([lambda: 1, fail, lambda: 3] * 5)
    assert [str(one) for one in outcomes] == ["1", "us-east-1 is unreachable: gone", "3"] * 5


def test_threads_wait_side_by_side() -> None:
    barrier = threading.Barrier(4, timeout=5)
    assert len(ThreadWorkers(4).gather([barrier.wait] * 4)) == 4


def test_s3_asks_for_fewer_requests_also_where_its_answer_has_no_body() -> None:
    """HEAD: botocore then takes the status for the code, and three of those would look like a region that is lost."""
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
    with Stubber(s3) as stubber:
        stubber.add_client_error("head_bucket", service_error_code="503", http_status_code=503)
        with pytest.raises(CallFailed) as refused:
            clients_module._invoke(s3, "HeadBucket", {"Bucket": "shop"})
    assert refused.value.code == "SlowDown"
    assert retry_for(refused.value.code, mutates=False) == RETRIES["ThrottlingException"]
