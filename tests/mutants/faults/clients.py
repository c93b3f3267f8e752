# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Requests that hold a run, hammer AWS or are made twice."""

from __future__ import annotations

from ..patching import Rewritten

FAULTS = (
    (
        "slow-down-taken-for-a-lost-region",
        "R27",
        "S3 asks for fewer requests in an answer without a body, and is taken for broken",
        Rewritten("clients:_told_by_status", '"SlowDown" if', '"503" if'),
    ),
    (
        "lost-sts-taken-for-a-refusal",
        "R2",
        "an STS that refuses connections or answers 503 counts as an answer, so its region is asked again and again",
        Rewritten(
            "clients:_Door._open",
            '_invoke(sts, "AssumeRole", {"RoleArn": role, "RoleSessionName": "pilotlight"})',
            'sts.assume_role(RoleArn=role, RoleSessionName="pilotlight")',
        ),
    ),
    (
        "refused-role-asked-for-twice",
        "R27",
        "a role that STS refuses with credentials that have expired is asked for a second time",
        Rewritten(
            "clients:_Door.invoke",
            "    client = self._client(service)\n    try:\n",
            "    try:\n        client = self._client(service)\n",
        ),
    ),
    (
        "breaker-never-opens",
        "R2",
        "a region that does not answer is asked again and again",
        Rewritten("breaker:Breaker.refusal", "with self._lock:", "return None\n    with self._lock:"),
        Rewritten("breaker:Breaker.allowance", "min(deadline_seconds, self._remaining())", "deadline_seconds"),
    ),
    (
        "budget-per-call",
        "R2",
        "a lost region costs its budget anew with each call",
        Rewritten("breaker:Breaker._spend", "self._lost_seconds +=", "self._lost_seconds ="),
    ),
    (
        "mutation-repeated-in-doubt",
        "R27",
        "a mutation that may have been carried out is sent again without looking",
        Rewritten("retries:retry_for", "(retry.mutations or not mutates)", "True"),
    ),
    (
        "mutation-repeated-without-an-answer",
        "R2",
        "a call that brought no answer is sent again at once",
        Rewritten(
            "clients:Clients.call",
            "return self._once(access, service, operation, params or {}, mutation, ends)",
            "try:\n"
            "                return self._once(access, service, operation, params or {}, mutation, ends)\n"
            "            except RegionUnreachable:\n"
            "                return self._once(access, service, operation, params or {}, mutation, ends)",
        ),
    ),
    (
        "resolver-waited-for-without-end",
        "R2",
        "a write to a load balancer whose name the system resolves takes as long as its resolver likes",
        Rewritten("probe:_addresses", "in_time(resolve, _left(deadline),", "in_time(resolve, 3600.0,"),
    ),
    (
        "write-of-the-state-store-given-up",
        "R27",
        "a server error of DynamoDB ends a planned move, although the write may be made twice",
        Rewritten("clients:Clients.call", "mutation and not repeatable", "mutation"),
    ),
    (
        "throttled-call-given-up",
        "R27",
        "a call that was refused for its rate is not made again",
        Rewritten(
            "retries:retry_for", "RETRIES.get(code)", "None if RETRIES.get(code) is _RATE else RETRIES.get(code)"
        ),
    ),
    (
        "throttled-call-taken-as-refused",
        "R27",
        "a call that was refused for its rate is not made again, and ends its step as if it were not allowed",
        Rewritten(
            "retries:retry_for", "RETRIES.get(code)", "None if RETRIES.get(code) is _RATE else RETRIES.get(code)"
        ),
        Rewritten("retries:is_permanent", "bool(_PERMANENT.search(code))", '"Throttl" in code'),
    ),
    (
        "refusal-waited-for",
        "R27",
        "a call that is not allowed is repeated until the step's deadline",
        Rewritten("retries:is_permanent", "bool(_PERMANENT.search(code))", "False"),
    ),
    (
        "unreachable-read-as-absent",
        "R2",
        "what could not be read counts as not there",
        Rewritten(
            "reading.reader:WorldReader._gather",
            "found.update({key: Unknown(str(outcome)) for key in reading.keys})",
            "found.update({key: None for key in reading.keys})",
        ),
    ),
)
