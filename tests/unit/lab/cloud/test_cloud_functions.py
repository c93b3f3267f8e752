"""Lambda functions and schedules of the lab run the real zip."""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloud_world import WEST, Lab

SOURCE = """
import json, os, time
def handler(event, context):
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("fail"):
        raise ValueError("as asked")
    if event.get("import"):
        __import__(event["import"])
    if event.get("file"):
        with open(event["file"], "a") as file:
            file.write("x")
    return {"name": context.function_name, "arn": context.invoked_function_arn, "id": context.aws_request_id,
            "left": context.get_remaining_time_in_millis(), "region": os.environ["AWS_REGION"],
            "value": os.environ["VALUE"]}
"""


@pytest.fixture
def invoke(lab: Lab) -> Callable[..., dict[str, Any]]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app/main.py", SOURCE)
        archive.writestr("app/__init__.py", "")
    role = lab.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client = lab.client("lambda", WEST)
    client.create_function(
        FunctionName="orchestrator",
        Runtime="python3.11",
        Role=role,
        Handler="app.main.handler",
        Timeout=2,
        Code={"ZipFile": buffer.getvalue()},
        Environment={"Variables": {"VALUE": "42"}},
    )

    def call(event: dict[str, Any], kind: str = "RequestResponse") -> dict[str, Any]:
        answer = client.invoke(FunctionName="orchestrator", InvocationType=kind, Payload=json.dumps(event).encode())
        answer["Payload"] = json.loads(answer["Payload"].read() or b"null")
        return dict(answer)

    return call


def test_a_function_gets_what_aws_gives_it(lab: Lab, invoke: Callable[..., dict[str, Any]]) -> None:
    answer = invoke({"import": "boto3"})
    assert "FunctionError" not in answer, answer["Payload"]
    shown = answer["Payload"]
    assert (shown["name"], shown["region"], shown["value"]) == ("orchestrator", WEST, "42")
    assert shown["arn"] == "arn:aws:lambda:us-west-2:123456789012:function:orchestrator"
    assert 0 < shown["left"] <= 2000


@pytest.mark.parametrize("module", ["ansible", "lab", "moto"])
def test_a_function_gets_nothing_of_ours(lab: Lab, invoke: Callable[..., dict[str, Any]], module: str) -> None:
    assert invoke({"import": module})["Payload"]["errorType"] == "ModuleNotFoundError"


def test_errors_and_timeouts_are_unhandled(lab: Lab, invoke: Callable[..., dict[str, Any]]) -> None:
    failed = invoke({"fail": True})
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
    assert (failed["Payload"]["errorType"], failed["Payload"]["errorMessage"]) == ("ValueError", "as asked")
    slow = invoke({"sleep": 30})
    assert slow["FunctionError"] == "Unhandled"
    assert "Task timed out after 2.00 seconds" in slow["Payload"]["errorMessage"]


def test_an_event_is_answered_at_once_and_done_later(
    lab: Lab, invoke: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "done"
    assert invoke({"file": str(file)}, "Event")["StatusCode"] == 202
    assert not file.exists()
    lab.wait(0.1)
    assert file.read_text() == "x"


def make_schedule(lab: Lab, expression: str, file: Path, **more: Any) -> None:
    lab.client("scheduler", WEST).create_schedule(
        Name="publisher",
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:lambda:us-west-2:123456789012:function:orchestrator",
            "RoleArn": "arn:aws:iam::123456789012:role/function",
            "Input": json.dumps({"file": str(file)}),
        },
        **more,
    )


def test_a_rate_fires_until_it_is_deleted(lab: Lab, invoke: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "done"
    make_schedule(lab, "rate(1 minute)", file)
    for expected in ("x", "xx"):
        lab.wait(15.1)
        assert file.read_text() == expected
    lab.client("scheduler", WEST).delete_schedule(Name="publisher")
    lab.wait(60)
    assert file.read_text() == "xx"


def test_a_moment_fires_once_and_deletes_itself(
    lab: Lab, invoke: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "done"
    moment = datetime.datetime.fromtimestamp(lab.clock.now() + 30, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    make_schedule(lab, f"at({moment})", file, ActionAfterCompletion="DELETE")
    lab.wait(20)
    assert not file.exists()
    lab.wait(11)
    assert file.read_text() == "x"
    assert lab.client("scheduler", WEST).list_schedules()["Schedules"] == []
