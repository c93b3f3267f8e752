# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The calls that a plan printed, and those that a run made, in one form."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_PRINTED = re.compile(
    r"^[\s+|]*\d+ +(?P<step>[a-z-]+) +(?P<region>[a-z0-9-]+) +(?P<plane>data|regional|global) +"
    r"(?P<service>[a-z0-9-]+) (?P<operation>[A-Za-z]+) (?P<target>.+?)\s*$",
    re.M,
)

# What a move writes about itself: lease, run and journal, kept in the state table and bucket.
_OWN_ITEMS = ("lease", "run", "journal#", "lag")


class Call(NamedTuple):
    """One call that changes something."""

    region: str
    service: str
    operation: str
    target: str


def calls_printed(output: str) -> list[Call]:
    """The plan as `--check --diff` shows it; requests to the application itself are no calls to AWS."""
    return [
        Call(found["region"], found["service"], found["operation"], _name(found["service"], found["target"]))
        for found in _PRINTED.finditer(output)
        if found["service"] != "application"
    ]


def calls_made(calls: list[dict[str, Any]]) -> list[Call]:
    """What the lab's AWS was asked to change, without what the move writes about itself."""
    return [
        Call(call["region"], call["service"], call["operation"], _name(call["service"], str(call["target"]), call))
        for call in calls
        if not _of_its_own(call)
    ]


def _of_its_own(call: dict[str, Any]) -> bool:
    if call["service"] == "s3":
        return True
    if call["service"] != "dynamodb":
        return False
    if call["operation"] != "PutItem":
        return True
    item = call["request"].get("Item", {}).get("item", {}).get("S", "")
    return any(str(item).startswith(own) for own in _OWN_ITEMS)


def _name(service: str, target: str, call: dict[str, Any] | None = None) -> str:
    """The thing that a call is about, spelt alike in both lists."""
    if service == "dynamodb":
        return str(call["request"]["Item"]["item"]["S"]) if call else target.rsplit("/", 1)[-1]
    if service == "cloudwatch":
        if call is None:
            return target.rsplit("/", 1)[-1]
        [datum] = call["request"]["MetricData"]
        record = next(one["Value"] for one in datum["Dimensions"] if one["Name"] == "Record")
        return f"{record}={float(datum['Value']):g}"
    return target.rsplit(":", 1)[-1]
