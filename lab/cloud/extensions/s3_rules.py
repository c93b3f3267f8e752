"""S3 replication configurations: kept whole, and refused where S3 refuses them (R24).

S3 API reference, PutBucketReplication; S3 user guide, "Replication configuration file elements".  moto keeps them
without a check, and gives back half of what it got.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import ReplicationConfigurationNotFoundError, S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap

_RTC_MINUTES = 15
_SCHEMA = "for this version of Cross Region Replication configuration schema."


def install(world: worlds.World) -> None:
    """Patch the configuration."""

    @wrap(S3Backend, "put_bucket_replication")
    def put(original: Any, self: Any, bucket_name: str, replication: Any) -> None:
        rules = [_rule(raw) for raw in _many(replication.get("Rule") or replication.get("Rules"))]
        _validate(self, replication.get("Role"), rules)
        original(self, bucket_name, {"Role": replication["Role"], "Rule": rules})

    @wrap(S3Response, "get_bucket_replication")
    def get(original: Any, self: Any) -> Any:
        self.data["Action"] = "GetBucketReplication"
        replication = self.backend.get_bucket_replication(self.bucket_name)
        if not replication:
            raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
        shown = {"Role": replication["Role"], "Rules": replication["Rule"]}
        return self.serialized(ActionResult({"ReplicationConfiguration": shown}))

    @wrap(S3Backend, "put_bucket_versioning")
    def put_bucket_versioning(original: Any, self: Any, bucket_name: str, status: str) -> None:
        if status != "Enabled" and getattr(self.get_bucket(bucket_name), "replication", None):
            raise S3ClientError(
                "InvalidBucketState",
                "A replication configuration is present on this bucket, so you cannot change the versioning state. To "
                "change the versioning state, first delete the replication configuration.",
            )
        original(self, bucket_name, status)


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _rule(raw: dict[str, Any]) -> dict[str, Any]:
    """A rule as the API shows it, from XML: numbers are numbers, lists are lists."""
    rule = {key: value for key, value in raw.items() if not key.startswith("@")}
    if "Priority" in rule:
        rule["Priority"] = int(rule["Priority"])
    if "Filter" in rule:
        rule["Filter"] = _filter(rule["Filter"] or {})
    if "Prefix" in rule:
        rule["Prefix"] = rule["Prefix"] or ""
    destination = dict(rule["Destination"])
    for name, inner in (("ReplicationTime", "Time"), ("Metrics", "EventThreshold")):
        if destination.get(name):
            part = dict(destination[name])
            if part.get(inner):
                part[inner] = {"Minutes": int(part[inner]["Minutes"])}
            destination[name] = part
    rule["Destination"] = destination
    return rule


def _filter(raw: dict[str, Any]) -> dict[str, Any]:
    if "And" in raw:
        both = raw["And"] or {}
        shown = {"Tags": _many(both.get("Tag") or both.get("Tags"))}
        if both.get("Prefix") is not None:
            shown["Prefix"] = both["Prefix"]
        return {"And": shown}
    if raw.get("Tag"):
        return {"Tag": raw["Tag"]}
    return {"Prefix": raw.get("Prefix") or ""}


def matches(rule: dict[str, Any], key: str, tags: dict[str, str]) -> bool:
    """Whether an enabled rule selects an object of that name and tags."""
    if rule.get("Status") != "Enabled":
        return False
    chosen = rule.get("Filter") or {"Prefix": rule.get("Prefix", "")}
    both = chosen.get("And", chosen)
    wanted = both.get("Tags") or ([both["Tag"]] if both.get("Tag") else [])
    return key.startswith(both.get("Prefix") or "") and all(tags.get(tag["Key"]) == tag["Value"] for tag in wanted)


def has_tag_filter(rule: dict[str, Any]) -> bool:
    """Whether the rule selects by tags, which excludes delete markers."""
    chosen = rule.get("Filter") or {}
    return bool(chosen.get("Tag") or (chosen.get("And") or {}).get("Tags"))


def destination_bucket(rule: dict[str, Any]) -> str:
    """Name of the bucket to which the rule replicates."""
    return str(rule["Destination"]["Bucket"]).rsplit(":::", 1)[-1]


def _refuse(message: str, code: str = "InvalidRequest") -> None:
    raise S3ClientError(code, message)


def _validate(backend: Any, role: str | None, rules: list[dict[str, Any]]) -> None:
    if not role or ":role/" not in role:
        _refuse("Invalid role ARN: Role must be specified in the replication configuration", "InvalidArgument")
    if not rules:
        raise S3ClientError("MalformedXML", "The XML you provided was not well-formed")
    identifiers = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(identifiers) != len(set(identifiers)):
        _refuse("Rule Id must be unique. Found same Id for more than one rule", "InvalidArgument")
    priorities = [(rule.get("Priority"), destination_bucket(rule)) for rule in rules if "Filter" in rule]
    if len(priorities) != len(set(priorities)):
        _refuse(f"Found duplicate priority {priorities[0][0]}")
    for rule in rules:
        _validate_schema(rule)
        _validate_destination(backend, rule)


def _validate_schema(rule: dict[str, Any]) -> None:
    marker = (rule.get("DeleteMarkerReplication") or {}).get("Status")
    if "Filter" in rule:
        if "Priority" not in rule:
            _refuse(f"Priority must be specified {_SCHEMA}")
        if marker is None:
            _refuse(f"DeleteMarkerReplication must be specified {_SCHEMA}")
        if has_tag_filter(rule) and marker == "Enabled":
            _refuse("Delete marker replication is not supported if any Tag filter is specified.")
    elif "Prefix" not in rule:
        raise S3ClientError("MalformedXML", "The XML you provided was not well-formed")
    selection = rule.get("SourceSelectionCriteria") or {}
    encrypted = (selection.get("SseKmsEncryptedObjects") or {}).get("Status") == "Enabled"
    key = (rule["Destination"].get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if encrypted and not key:
        _refuse("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")


def _validate_destination(backend: Any, rule: dict[str, Any]) -> None:
    target = backend.buckets.get(destination_bucket(rule))
    if target is None:
        _refuse("Destination bucket must exist.")
    if not target.is_versioned:
        _refuse("Destination bucket must have versioning enabled.")
    time = rule["Destination"].get("ReplicationTime") or {}
    metrics = rule["Destination"].get("Metrics") or {}
    for part, inner in ((time, "Time"), (metrics, "EventThreshold")):
        minutes = (part.get(inner) or {}).get("Minutes", _RTC_MINUTES)
        if minutes != _RTC_MINUTES:
            _refuse(
                f"{inner} has the value {minutes}, but only {_RTC_MINUTES} minutes are supported.", "InvalidArgument"
            )
    if time.get("Status") == "Enabled" and metrics.get("Status") != "Enabled":
        _refuse("Metrics must be specified and enabled if ReplicationTime is enabled.")
