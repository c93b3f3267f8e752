# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Holds policies against a call log: what was called and is not allowed, what is allowed and was never called (R32)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from privileges.actions import needed
from privileges.conditions import context_of, met
from privileges.policies import MANAGED_POLICY_LIMIT, Policy, Statement, granted, granting, matches
from privileges.resources import resources_of

HERE = Path(__file__).parent

ANY_NAME = "any-name-at-all"
"""Nothing is called so: only a wildcard matches it."""

LAMBDA_KEY = "ASIALABLAMBDA"
OPERATOR_KEYS = ("AKIALABPRIMARY", "AKIALABRECOVERY")
"""How callers begin in the lab's call log (lab/cloud/credentials.py): who used which access key."""


@cache
def dependents() -> frozenset[tuple[str, str]]:
    """Policy and action of what never shows as a call (dependent.yml)."""
    return _pairs("dependent.yml", "source")


@cache
def occasions() -> frozenset[tuple[str, str]]:
    """Policy and action of calls that other tests than the end-to-end story come to (occasions.yml)."""
    return _pairs("occasions.yml", "shown_by")


@cache
def unlimited() -> frozenset[tuple[str, str]]:
    """Policy and action of what is allowed on whatever there is of a kind (unlimited.yml)."""
    return _pairs("unlimited.yml", "source")


def _pairs(table: str, evidence: str) -> frozenset[tuple[str, str]]:
    rows = yaml.safe_load((HERE / table).read_text(encoding="utf-8"))
    for row in rows:
        assert row["because"].strip(), f"{table}: {row['actions']} without a reason"
        assert row[evidence].strip(), f"{table}: {row['actions']} without its {evidence}"
    return frozenset((policy, action) for row in rows for policy in row["policies"] for action in row["actions"])


@cache
def reference() -> dict[str, dict[str, Any]]:
    """What the Service Authorization Reference says of each action (see tests/tools/authorization_reference.py)."""
    return dict(json.loads((HERE / "reference.json").read_text(encoding="utf-8")))


def by_operator(call: Mapping[str, Any]) -> bool:
    """Whether a playbook made the call."""
    return str(call["caller"]).startswith(OPERATOR_KEYS)


def by_function(call: Mapping[str, Any]) -> bool:
    """Whether the orchestrator's function made the call."""
    return str(call["caller"]).startswith(LAMBDA_KEY)


def not_allowed(calls: Iterable[Mapping[str, Any]], policies: Sequence[Policy], account: str) -> list[str]:
    """Calls that the policies would refuse, one line for each kind of refusal."""
    lines: dict[str, None] = {}
    for call in calls:
        for action in needed(call):
            statements = list(granting(policies, action))
            if not statements:
                lines[f"{action}: called ({call['service']} {call['operation']}) and not allowed"] = None
                continue
            statements = [statement for statement in statements if met(statement.condition, context_of(call))]
            if not statements:
                lines[f"{action}: called with {dict(context_of(call))} and not allowed so"] = None
                continue
            for resource in _authorized_on(action, resources_of(call, account)):
                if not any(statement.covers(resource) for statement in statements):
                    lines[f"{action}: called on {resource} and not allowed there"] = None
    return sorted(lines)


def never_called(calls: Iterable[Mapping[str, Any]], policies: Iterable[Policy]) -> list[str]:
    """Actions that are allowed, were never called, and stand neither in dependent.yml nor in occasions.yml."""
    called = {action for call in calls for action in needed(call)}
    return sorted(
        f"{policy.name}: {action} is allowed and was never called"
        for policy in policies
        for action in granted([policy]) - called
        if (policy.name, action) not in dependents() | occasions()
    )


def not_granted(policies: Iterable[Policy]) -> list[str]:
    """Rows of the tables that no longer fit what is granted."""
    policies = list(policies)
    held = {(policy.name, action) for policy in policies for action in granted([policy])}
    left_open = {(policy.name, action) for policy in policies for action in _on_whatever(policy)}
    return sorted(
        [f"{policy}: {action} stands in dependent.yml and is not granted" for policy, action in dependents() - held]
        + [f"{policy}: {action} stands in unlimited.yml and is limited" for policy, action in unlimited() - left_open]
    )


def too_wide(policies: Iterable[Policy]) -> list[str]:
    """Wildcards in actions, and what is allowed on whatever there is of a kind, though IAM can name one."""
    lines = []
    for policy in policies:
        if policy.size > MANAGED_POLICY_LIMIT:
            lines.append(
                f"{policy.name}: {policy.size} characters, over the {MANAGED_POLICY_LIMIT} of a managed policy"
            )
        for statement in policy.statements:
            for action in statement.actions:
                where = f"{policy.name}, {statement.sid}: {action}"
                if "*" in action or "?" in action:
                    lines.append(f"{where} has a wildcard")
                elif action not in reference():
                    lines.append(f"{where} is no action that the Service Authorization Reference knows")
                elif (policy.name, action) not in unlimited():
                    lines += [
                        f"{where} is allowed on {one}, and could name one" for one in _whatever(statement, action)
                    ]
    return lines


def _on_whatever(policy: Policy) -> set[str]:
    """The policy's actions that are allowed on whatever there is of a kind."""
    return {
        action for statement in policy.statements for action in statement.actions if any(_whatever(statement, action))
    }


def _whatever(statement: Statement, action: str) -> list[str]:
    """Resources of a statement without a condition that leave open which one of a kind the action is about."""
    if statement.condition:
        return []
    forms = reference().get(action, {}).get("resources", [])
    return [one for one in statement.resources if any(_leaves_open(one, form) for form in forms)]


def _leaves_open(pattern: str, form: str) -> bool:
    """Whether a pattern matches what has the form, whatever it is called; partition, region and account aside."""
    if pattern == "*":
        return True
    held, something = pattern.split(":", 5), re.sub(r"\$\{\w+\}", ANY_NAME, form).split(":", 5)
    return held[2] == something[2] and matches(held[5], something[5])


def _authorized_on(action: str, resources: Iterable[str]) -> list[str]:
    """Of the resources that a call names, those that the action is authorised on."""
    forms = reference().get(action, {}).get("resources", [])
    return [resource for resource in resources if any(_is_of(resource, form) for form in forms)]


def _is_of(arn: str, form: str) -> bool:
    """Whether an ARN has a form such as arn:${Partition}:s3:::${BucketName}; a bucket's has no slash."""
    last = "[^/]+" if form.endswith(":::${BucketName}") else ".+"
    parts = re.split(r"\$\{\w+\}", form)
    return re.fullmatch(last.join(re.escape(part) for part in parts), arn) is not None
