# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM policy documents: what they allow, on what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANAGED_POLICY_LIMIT = 6144
"""Characters of a managed policy, white space not counted (IAM user guide, "IAM and AWS STS quotas")."""


@dataclass(frozen=True)
class Statement:
    """One statement that allows something."""

    policy: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any]

    def covers(self, resource: str) -> bool:
        """Whether the resource, an ARN, is one of the statement's."""
        return any(matches(pattern, resource) for pattern in self.resources)


@dataclass(frozen=True)
class Policy:
    """A policy document under its name."""

    name: str
    statements: tuple[Statement, ...]
    size: int

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any]) -> Policy:
        """From its JSON."""
        found = []
        for statement in _list(document["Statement"]):
            assert statement["Effect"] == "Allow", f"{name}: only statements that allow are understood"
            assert not {"NotAction", "NotResource"} & statement.keys(), f"{name}: {statement} allows all but something"
            found.append(
                Statement(
                    name,
                    statement.get("Sid", ""),
                    tuple(_list(statement["Action"])),
                    tuple(_list(statement["Resource"])),
                    statement.get("Condition", {}),
                )
            )
        return cls(name, tuple(found), len(re.sub(r"\s", "", json.dumps(document))))

    @classmethod
    def read(cls, path: Path) -> Policy:
        """From a file."""
        return cls.of(path.stem, json.loads(path.read_text(encoding="utf-8")))


def granting(policies: Iterable[Policy], action: str) -> Iterator[Statement]:
    """The statements that name the action."""
    for policy in policies:
        for statement in policy.statements:
            if any(one.lower() == action.lower() for one in statement.actions):
                yield statement


def granted(policies: Iterable[Policy]) -> set[str]:
    """Every action that is named."""
    return {action for policy in policies for statement in policy.statements for action in statement.actions}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def matches(pattern: str, arn: str) -> bool:
    """IAM's wildcards: * is any text, ? any one character (IAM user guide, "Resource")."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), arn) is not None
