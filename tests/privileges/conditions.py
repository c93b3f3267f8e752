# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a call meets a statement's condition, as far as the call itself says.

Condition keys: Service Authorization Reference, "Condition keys for" the service; operators: IAM user guide, "IAM JSON
policy elements: Condition operators". What a call log does not tell (the tags and aliases that a resource has, who is
passed to which service) is taken as it has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from privileges.policies import matches

Context = Mapping[str, list[str]]
"""Condition key, in lower case -> its values."""


def context_of(call: Mapping[str, Any]) -> Context:
    """The condition keys that the call's parameters fill."""
    reader = _READERS.get((call["service"], call["operation"]))
    return {key.lower(): values for key, values in reader(call["request"]).items()} if reader else {}


def met(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether every key of the condition that the context has is as it is wanted."""
    return all(
        _compare(operator, [wanted] if isinstance(wanted, str) else list(wanted), context[key.lower()])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
        if key.lower() in context
    )


def _compare(operator: str, wanted: list[str], values: list[str]) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    same = _SAME[plain.removesuffix("IfExists")]
    fits = [any(same(pattern, value) for pattern in wanted) for value in values]
    return any(fits) if quantifier == "ForAnyValue" else all(fits) and (bool(fits) or quantifier == "ForAllValues")


_SAME: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": matches,
    "ArnLike": matches,
}


def _record_changes(request: Mapping[str, Any]) -> Context:
    """Route 53 developer guide, "Using IAM policy conditions for fine-grained access control": names are normalised."""
    changes = request["ChangeBatch"]["Changes"]
    records = [change["ResourceRecordSet"] for change in changes]
    return {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": [
            record["Name"].lower().rstrip(".") for record in records
        ],
        "route53:ChangeResourceRecordSetsRecordTypes": [record["Type"] for record in records],
        "route53:ChangeResourceRecordSetsActions": [change["Action"] for change in changes],
    }


def _key_tags(request: Mapping[str, Any]) -> Context:
    """Without tags a key is none of ours: an empty list meets no condition."""
    tags = {tag["TagKey"]: tag["TagValue"] for tag in request.get("Tags") or ()}
    return {"aws:RequestTag/Project": [], **{f"aws:RequestTag/{key}": [value] for key, value in tags.items()}}


_READERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Context]] = {
    ("cloudwatch", "PutMetricData"): lambda request: {"cloudwatch:namespace": [request["Namespace"]]},
    ("kms", "CreateKey"): _key_tags,
    ("route53", "ChangeResourceRecordSets"): _record_changes,
}
