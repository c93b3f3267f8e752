# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Calls as data: a step says which it would make, the plan prints them, and the runner makes exactly these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .calling import MUTATION_DEADLINE_SECONDS, without_secrets
from .errors import NO_ANSWER
from .model import Access

APPLICATION = "application"
"""In place of an AWS service: a request to the protected application itself."""

WRITE_AND_READ_BACK = "WriteAndReadBack"

PLANES: Mapping[str, str] = {
    # R3, and the "control planes and data planes" appendix of AWS Fault Isolation Boundaries
    "rds": "regional",
    "autoscaling": "regional",
    "secretsmanager": "regional",
    "cloudwatch": "data",
    "dynamodb": "data",
    "sns": "data",
    "scheduler": "regional",
    "lambda": "regional",
    "ec2": "regional",
    APPLICATION: "data",
    "route53": "global",
    "iam": "global",
}


@dataclass(frozen=True)
class PlannedCall:
    """One call that a step makes. ``target`` is the main thing it is about, for people and for the journal."""

    service: str
    operation: str
    access: Access
    target: str
    params: Mapping[str, Any]
    mutates: bool = True
    optional: bool = False  # its failure holds neither the step nor the calls after it
    deadline_seconds: float = MUTATION_DEADLINE_SECONDS
    journaled: bool = True  # False: one of many samples
    before: Mapping[str, Any] = field(default_factory=dict)  # what it changes, as it was (R20)

    @property
    def region(self) -> str:
        """Where it is sent."""
        return self.access.region

    @property
    def plane(self) -> str:
        """data, regional or global."""
        return PLANES[self.service]

    def summary(self) -> dict[str, Any]:
        """As the journal and the plan name it."""
        return {
            "service": self.service,
            "operation": self.operation,
            "region": self.region,
            "plane": self.plane,
            "target": self.target,
        }

    def described(self) -> dict[str, Any]:
        """The summary with its parameters, for the plan."""
        return {**self.summary(), "params": without_secrets(self.params), "optional": self.optional}


@dataclass(frozen=True)
class CallOutcome:
    """What came of a call: an answer or an error in one line. ``reached`` is False where nobody answered."""

    call: PlannedCall
    at: float
    error: str | None = None
    code: str | None = None
    reached: bool = True
    answer: Mapping[str, Any] = field(default_factory=dict)
    earlier: bool = False
    """Made by an earlier process of the same run."""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.error is None

    @property
    def in_doubt(self) -> bool:
        """Whether it was sent and may have been carried out, although nobody answered."""
        return not self.reached and self.code == NO_ANSWER
