# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of S3 replication: merging ours with what a bucket has, and saying what a rule leaves out (R24).

``PutBucketReplication`` replaces the whole configuration and a bucket has one role, so rules are merged by id, those of
others are sent back as they are, and a role that others' rules depend on is never replaced.

Sources: S3 user guide, "What does Amazon S3 replicate?", "Replication configuration file elements", "Using S3
Replication Time Control", "Replicating objects created with server-side encryption (SSE-C, SSE-S3, SSE-KMS, DSSE-KMS)".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .declared import Api, Call, Change, Refused

ABSENT = ("ReplicationConfigurationNotFoundError",)
# Replication Time Control accepts no other threshold (API reference of ReplicationTimeValue).
RTC_MINUTES = 15


@dataclass(frozen=True)
class Rule:
    """One rule of ours, complete by default: whatever S3 can replicate of new objects is replicated."""

    id: str
    destination_bucket: str
    replica_key_arn: str | None = None
    prefix: str = ""
    priority: int | None = None
    enabled: bool = True
    delete_markers: bool = True
    replica_modifications: bool = True
    time_control: bool = True
    partition: str = "aws"


def observe(api: Api, bucket: str) -> dict[str, Any] | None:
    """The replication configuration of a bucket, or None."""
    found = api.read_or_none("GetBucketReplication", {"Bucket": bucket}, ABSENT)
    return dict(found["ReplicationConfiguration"]) if found else None


def versioned(api: Api, bucket: str) -> bool:
    """Whether a bucket keeps versions, which replication needs at both ends."""
    return api.read("GetBucketVersioning", {"Bucket": bucket}).get("Status") == "Enabled"


def exists(api: Api, bucket: str) -> bool:
    """Whether the bucket exists and is ours to see."""
    return api.read_or_none("HeadBucket", {"Bucket": bucket}, ("404", "NoSuchBucket")) is not None


def to_aws(rule: Rule, priority: int) -> dict[str, Any]:
    """A rule as ``PutBucketReplication`` takes it (the second version of the schema: with Filter)."""
    destination: dict[str, Any] = {"Bucket": f"arn:{rule.partition}:s3:::{rule.destination_bucket}"}
    selection: dict[str, Any] = {"ReplicaModifications": {"Status": _status(rule.replica_modifications)}}
    if rule.time_control:
        destination["ReplicationTime"] = {"Status": "Enabled", "Time": {"Minutes": RTC_MINUTES}}
        destination["Metrics"] = {"Status": "Enabled", "EventThreshold": {"Minutes": RTC_MINUTES}}
    if rule.replica_key_arn:
        destination["EncryptionConfiguration"] = {"ReplicaKmsKeyID": rule.replica_key_arn}
        selection["SseKmsEncryptedObjects"] = {"Status": "Enabled"}
    return {
        "ID": rule.id,
        "Priority": priority,
        "Status": _status(rule.enabled),
        "Filter": {"Prefix": rule.prefix},
        "SourceSelectionCriteria": selection,
        "DeleteMarkerReplication": {"Status": _status(rule.delete_markers)},
        "Destination": destination,
    }


def _status(on: bool) -> str:
    return "Enabled" if on else "Disabled"


def normal(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule in one form, so that two that mean the same compare as equal."""
    clean = {key: value for key, value in rule.items() if value not in (None, {})}
    if clean.get("Filter") is None and "Prefix" not in clean:
        clean["Filter"] = {"Prefix": ""}
    if "Filter" in clean:
        # S3 answers an empty filter as {}, as an empty prefix, or without it.
        clean["Filter"] = {"Prefix": "", **clean["Filter"]} if set(clean["Filter"]) <= {"Prefix"} else clean["Filter"]
    if "Priority" in clean:
        clean["Priority"] = int(clean["Priority"])
    return clean


def decide_present(
    bucket: str, current: Mapping[str, Any] | None, role: str, rules: Sequence[Rule], purge: bool = False
) -> Change:
    """The configuration with ``rules`` merged by id into what the bucket has; ``purge`` drops rules of others."""
    theirs = [] if purge else [rule for rule in _rules(current) if rule.get("ID") not in {ours.id for ours in rules}]
    held_role = (current or {}).get("Role")
    if theirs and held_role != role:
        raise Refused(
            f"bucket {bucket} replicates with the role {held_role}, on which {_names(theirs)} depends; a bucket has "
            f"one role, so it is not replaced by {role}: let that role replicate to our bucket too and name it here, "
            "or move those rules first"
        )
    old_schema = [rule for rule in theirs if "Filter" not in rule]
    if old_schema:
        raise Refused(
            f"bucket {bucket} has {_names(old_schema)} in the first version of the schema (Prefix without Filter), "
            "which cannot stand beside newer rules: write it anew with a Filter first"
        )
    merged = sorted(
        [*theirs, *_with_priorities(rules, theirs, _rules(current))], key=lambda rule: rule.get("Priority", 0)
    )
    return _put(bucket, current, role, [normal(rule) for rule in merged])


def decide_absent(bucket: str, current: Mapping[str, Any] | None, ids: Sequence[str]) -> Change:
    """The configuration without the rules of those ids; those of others stay."""
    rest = [rule for rule in _rules(current) if rule.get("ID") not in ids]
    if current is None or len(rest) == len(_rules(current)):
        return Change(describe(current), describe(current))
    if rest:
        return _put(bucket, current, current["Role"], [normal(rule) for rule in rest])
    return Change(describe(current), {}, (Call("DeleteBucketReplication", {"Bucket": bucket}),))


def _put(bucket: str, current: Mapping[str, Any] | None, role: str, rules: list[dict[str, Any]]) -> Change:
    after = {"Role": role, "Rules": rules}
    before = [normal(rule) for rule in _rules(current)]
    same = current is not None and current.get("Role") == role and _by_id(before) == _by_id(rules)
    call = Call("PutBucketReplication", {"Bucket": bucket, "ReplicationConfiguration": after})
    return Change(describe(current), describe(after), () if same else (call,))


def _with_priorities(
    ours: Sequence[Rule], theirs: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Our rules with priorities that nobody else has: S3 refuses two rules of one priority."""
    taken = {int(rule["Priority"]) for rule in theirs if "Priority" in rule}
    had = {rule.get("ID"): int(rule["Priority"]) for rule in held if "Priority" in rule}
    placed = []
    for rule in ours:
        priority = rule.priority if rule.priority is not None else had.get(rule.id)
        if rule.priority is not None and rule.priority in taken:
            raise Refused(
                f"priority {rule.priority} of rule {rule.id} belongs to another rule: leave it out, or name a free one"
            )
        if priority is None or priority in taken:
            priority = max(taken, default=0) + 1
        taken.add(priority)
        placed.append(to_aws(rule, priority))
    return placed


def _rules(current: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return list((current or {}).get("Rules") or [])


def _by_id(rules: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(rule.get("ID")): rule for rule in rules}


def _names(rules: Sequence[Mapping[str, Any]]) -> str:
    return "rule " + ", ".join(str(rule.get("ID", "without an id")) for rule in rules)


def describe(current: Mapping[str, Any] | None) -> dict[str, Any]:
    """What diff mode shows and both modules return: the role, and every rule with what it leaves out."""
    if not current:
        return {}
    return {"role": current.get("Role"), "rules": [_describe_rule(normal(rule)) for rule in _rules(current)]}


def _describe_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    destination = rule.get("Destination", {})
    return {
        "id": rule.get("ID"),
        "priority": rule.get("Priority"),
        "enabled": rule.get("Status") == "Enabled",
        "prefix": _prefix(rule),
        "destination_bucket": str(destination.get("Bucket", "")).rpartition(":")[2],
        "replica_key_arn": destination.get("EncryptionConfiguration", {}).get("ReplicaKmsKeyID"),
        "delete_markers": rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled",
        "replica_modifications": _selected(rule, "ReplicaModifications"),
        "time_control": destination.get("ReplicationTime", {}).get("Status") == "Enabled",
        "not_covered": not_covered(rule),
    }


def _selected(rule: Mapping[str, Any], criterion: str) -> bool:
    return bool(rule.get("SourceSelectionCriteria", {}).get(criterion, {}).get("Status") == "Enabled")


def _prefix(rule: Mapping[str, Any]) -> str:
    chosen = rule.get("Filter", {})
    return str(chosen.get("Prefix") or chosen.get("And", {}).get("Prefix") or rule.get("Prefix") or "")


def not_covered(rule: Mapping[str, Any]) -> list[str]:
    """What a rule (as AWS returns it) leaves out, as sentences, from the most to the least surprising (R24)."""
    if rule.get("Status") != "Enabled":
        return ["everything: the rule is disabled"]
    destination, chosen = rule.get("Destination", {}), rule.get("Filter", {})
    tagged = "Tag" in chosen or "Tags" in chosen.get("And", {})
    found = ["objects written before the rule was made: S3 Batch Replication copies them"]
    if _prefix(rule):
        found.append(f"objects outside the prefix {_prefix(rule)}")
    if tagged:
        found.append("objects without the tags of the filter, and every delete marker")
    elif rule.get("DeleteMarkerReplication", {}).get("Status") != "Enabled":
        found.append("delete markers: an object deleted here stays there")
    if not _selected(rule, "ReplicaModifications"):
        found.append("changes of metadata made on replicas")
    if not _selected(rule, "SseKmsEncryptedObjects"):
        found.append("objects encrypted under SSE-KMS")
    if destination.get("ReplicationTime", {}).get("Status") != "Enabled":
        found.append(f"any promise of time: Replication Time Control ({RTC_MINUTES} minutes) is off")
    found.append("deletions of a named version, and what lifecycle rules do: never replicated by S3")
    return found
