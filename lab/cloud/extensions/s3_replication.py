"""S3 replication that replicates.

S3 user guide, "What does Amazon S3 replicate?" (R24): new objects that a rule selects, with version id, metadata and
tags; delete markers where the rule says so; never what existed before, what is a replica itself, or the deletion of a
version; objects under SSE-KMS only where selected, with a key of the other region.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from moto.kms.models import kms_backends
from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import wrap
from lab.cloud.extensions.s3_rules import destination_bucket, has_tag_filter, matches

log = logging.getLogger("lab.cloud")

_replicating = threading.local()


def install(world: worlds.World) -> None:
    """Hook every write of objects and markers."""

    @wrap(S3Backend, "put_object")
    def put_object(original: Any, self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
        key = original(self, bucket_name, *args, **kwargs)
        if not getattr(_replicating, "now", False) and _configured(self, bucket_name):
            key.lab_replication = "PENDING"
            _later(lambda: _replicate(self, bucket_name, key))
        return key

    @wrap(S3Backend, "_set_delete_marker")
    def set_delete_marker(original: Any, self: Any, bucket_name: str, key_name: str) -> Any:
        marker = original(self, bucket_name, key_name)
        if _configured(self, bucket_name):
            _later(lambda: _replicate_marker(self, bucket_name, marker))
        return marker

    @wrap(S3Backend, "put_object_tagging")
    def put_object_tagging(original: Any, self: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, key, *args, **kwargs)
        if isinstance(key, FakeKey) and getattr(key, "lab_replication", None) in ("COMPLETED", "REPLICA"):
            _later(lambda: _replicate_tags(self, key))
        return answer

    if not getattr(FakeKey, "lab_headers", False):
        plain = FakeKey.response_dict

        def response_dict(self: Any) -> Any:
            """With x-amz-replication-status."""
            headers = plain.fget(self)  # type: ignore[attr-defined]
            status = getattr(self, "lab_replication", None)
            return headers if status is None else headers | {"x-amz-replication-status": status}

        FakeKey.response_dict = property(response_dict)  # type: ignore[method-assign,assignment]
        FakeKey.lab_headers = True  # type: ignore[attr-defined]


def _configured(backend: Any, bucket_name: str) -> bool:
    return bool(getattr(backend.buckets.get(bucket_name), "replication", None))


def _later(action: Any) -> None:
    world = worlds.current()
    world.after(world.delay("s3.replicate"), action, "S3 replication")


def _tags(backend: Any, key: Any) -> dict[str, str]:
    return dict(backend.tagger.get_tag_dict_for_resource(key.arn))


def _chosen(bucket: Any, name: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    """For each destination the matching rule of the highest priority."""
    best: dict[str, dict[str, Any]] = {}
    for rule in (getattr(bucket, "replication", None) or {}).get("Rule", ()):
        if matches(rule, name, tags):
            place = destination_bucket(rule)
            if place not in best or rule.get("Priority", 0) > best[place].get("Priority", 0):
                best[place] = rule
    return list(best.values())


def _reachable(source: Any, target: Any) -> bool:
    return not {source.region_name, target.region_name} & worlds.current().down


def _replicate(backend: Any, bucket_name: str, key: Any) -> None:
    source = backend.buckets.get(bucket_name)
    if source is None or key.lab_replication != "PENDING":
        return
    rules = _chosen(source, key.name, _tags(backend, key))
    status = None
    for rule in rules:
        target = backend.buckets.get(destination_bucket(rule))
        if target is None or not target.is_versioned:
            status = "FAILED"
            continue
        if not _reachable(source, target):
            _later(lambda: _replicate(backend, bucket_name, key))
            return
        outcome = _copy(backend, rule, target, key)
        status = outcome if outcome is not None else status
    key.lab_replication = status


def _copy(backend: Any, rule: dict[str, Any], target: Any, key: Any) -> str | None:
    encryption: dict[str, Any] = {"encryption": key.encryption}
    if key.encryption == "aws:kms":
        selection = (rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}
        if selection.get("Status") != "Enabled":
            return None  # not selected: not replicated, and no status
        replica_key = rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"]
        if not _usable(replica_key, target.region_name):
            return "FAILED"
        encryption["kms_key_id"] = replica_key
    if any(str(one.version_id) == str(key.version_id) for one in target.keys.getlist(key.name, [])):
        return "COMPLETED"
    storage = rule["Destination"].get("StorageClass") or key.storage_class
    _replicating.now = True
    try:
        copy = backend.put_object(
            target.name,
            key.name,
            key.value,
            storage=storage,
            etag=key.etag.strip('"'),
            multipart=key.multipart,
            **encryption,
        )
    finally:
        _replicating.now = False
    copy._version_id = key.version_id
    copy.last_modified = key.last_modified
    copy.set_metadata(dict(key.metadata), replace=True)  # it takes from what it is given
    copy.checksum_algorithm, copy.checksum_value = key.checksum_algorithm, key.checksum_value
    copy.acl = key.acl
    backend.tagger.copy_tags(key.arn, copy.arn)
    copy.lab_replication = "REPLICA"
    return "COMPLETED"


def _usable(key_id: str, region: str) -> bool:
    backend = kms_backends[worlds.ACCOUNT][region]
    try:
        return bool(backend.describe_key(key_id).key_state == "Enabled")
    except Exception:
        return False


def _replicate_marker(backend: Any, bucket_name: str, marker: Any) -> None:
    source = backend.buckets.get(bucket_name)
    if source is None:
        return
    for rule in _chosen(source, marker.name, {}):
        status = (rule.get("DeleteMarkerReplication") or {}).get("Status")
        legacy = "Filter" not in rule  # the first schema always replicates delete markers
        if (status != "Enabled" and not legacy) or has_tag_filter(rule):
            continue
        target = backend.buckets.get(destination_bucket(rule))
        if target is None or marker.name not in target.keys:
            continue
        if not _reachable(source, target):
            _later(lambda: _replicate_marker(backend, bucket_name, marker))
            return
        if any(str(one.version_id) == marker.version_id for one in target.keys.getlist(marker.name, [])):
            continue
        copy = FakeDeleteMarker(key=target.keys[marker.name])
        copy._version_id = marker.version_id
        copy.last_modified = marker.last_modified
        target.keys[marker.name] = copy


def _replicate_tags(backend: Any, key: Any) -> None:
    """Tags that change go after their object; those of a replica only under ReplicaModifications."""
    source = backend.buckets.get(key.bucket_name)
    if source is None:
        return
    for rule in _chosen(source, key.name, _tags(backend, key)):
        modifications = (rule.get("SourceSelectionCriteria") or {}).get("ReplicaModifications") or {}
        if key.lab_replication == "REPLICA" and modifications.get("Status") != "Enabled":
            continue
        target = backend.buckets.get(destination_bucket(rule))
        for other in target.keys.getlist(key.name, []) if target is not None else []:
            if str(other.version_id) == str(key.version_id) and _tags(backend, other) != _tags(backend, key):
                backend.tagger.delete_all_tags_for_resource(other.arn)
                backend.tagger.copy_tags(key.arn, other.arn)
