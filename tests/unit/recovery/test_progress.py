# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people see while a move goes on: where it is, how long it has taken, what it waits for, and no secret."""

from __future__ import annotations

import itertools
import re

import pytest
from simulated_aws import Bench, Call

from plugins.module_utils._recovery.errors import CallFailed, RegionUnreachable, one_line
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.speaking import HEARTBEAT_SECONDS
from plugins.module_utils._recovery.steps.aurora_global import Switchover

DRILL = Options("dr", "planned", "drill")
LINE = re.compile(r"^(shop|blog) \| (decide|scale|promote|verify|shift) \| [a-z-]+ \| \d+ s \| .+$")


def test_every_stage_of_every_application_has_its_lines() -> None:
    bench = Bench.of("shop", "blog")
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    said = [str(line) for line in bench.lines]
    assert [line for line in said if not LINE.match(line)] == []
    for application in ("shop", "blog"):
        stages = list(dict.fromkeys(line.stage for line in bench.lines if line.application == application))
        assert stages == ["decide", "scale", "promote", "verify", "shift"]


def test_a_long_wait_goes_on_being_told_with_its_time() -> None:
    bench = Bench.of()
    bench.aws.delays.promote = 120
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    waits = [
        line.elapsed_seconds for line in bench.lines if line.step == "promote" and "is pending" in line.waiting_for
    ]
    assert len(waits) >= 120 / HEARTBEAT_SECONDS - 1
    gaps = [after - before for before, after in itertools.pairwise(waits)]
    assert max(gaps) <= HEARTBEAT_SECONDS + 1


def test_a_promotion_that_aws_refuses_again_and_again_says_what_aws_answered() -> None:
    bench = Bench.of()
    refused = 0

    def refuse(call: Call) -> CallFailed | None:
        nonlocal refused
        refused += call.operation == "SwitchoverGlobalCluster"
        if call.operation != "SwitchoverGlobalCluster" or refused > 10:
            return None
        said = "The source cluster has replication lag that is too high"
        return CallFailed(call.region, "rds", call.operation, "InvalidDBClusterStateFault", said)

    bench.aws.refusals = [refuse]
    assert run_move(bench.aws.applications, DRILL, bench.tools()).ok
    waits = [line.waiting_for for line in bench.lines if line.step == "promote" and line.phase == "waiting for"]
    assert any("is the writer of shop-global (last answer: " in one and "lag that is too high" in one for one in waits)
    assert not any(one.count("last answer") > 1 for one in waits)


def test_a_deadline_that_passes_names_the_last_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Switchover, "deadline_seconds", 30.0)
    bench = Bench.of()

    def refuse(call: Call) -> CallFailed | None:
        bad = call.operation == "SwitchoverGlobalCluster"
        return CallFailed(call.region, "rds", call.operation, "InvalidDBClusterStateFault", "lag") if bad else None

    bench.aws.refusals = [refuse]
    problem = run_move(bench.aws.applications, DRILL, bench.tools()).problem()
    assert "after 30 s still waiting for" in problem
    assert "InvalidDBClusterStateFault: lag" in problem


SECRETS = [
    "The Canonical String should have been 'POST / host:rds x-amz-security-token:FwoGZXIvYXdzEXAMPLE x-amz-date:1'",
    "https://rds.example/?X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE&X-Amz-Date=1",
    'Failed to connect to proxy URL: "http://operator:FwoGZXIvYXdzEXAMPLE@proxy.example:3128"',
    "parameters {'MasterUserPassword': 'FwoGZXIvYXdzEXAMPLE', 'Engine': 'aurora-mysql'}",
    "aws_secret_access_key = FwoGZXIvYXdzEXAMPLE in the profile",
    "SecretString=FwoGZXIvYXdzEXAMPLE",
]


@pytest.mark.parametrize("text", SECRETS)
def test_no_error_carries_a_secret_into_a_line_the_journal_or_a_result(text: str) -> None:
    for error in (CallFailed("us-east-1", "rds", "X", "Code", text), RegionUnreachable("us-east-1", text)):
        assert "FwoGZXIvYXdzEXAMPLE" not in str(error)
        assert "(left out)" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "The security token included in the request is expired",
        "secretsmanager StopReplicationToReplica: secret shop/database is no replica",
        "https://rds.us-east-1.amazonaws.com/ answered: try again",
        "arn:aws:secretsmanager:us-west-2:123456789012:secret:shop/database-AbCdEf",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert one_line(text) == text


def test_an_endless_answer_is_cut() -> None:
    assert len(one_line("x" * 100_000)) < 1100
