# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keys and secrets: AWS describes one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import CallFailed
from ..model import Access
from ..snapshot import Cluster, Secret, Snapshot
from .parts import Asker, Reading, Wanted


def keys(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """The state of the key of each cluster."""
    clusters = [known.cluster(wish.site) for wish in wanted]
    keys = sorted({cluster.key for cluster in clusters if isinstance(cluster, Cluster) and cluster.key})
    return [_key(asker, access, key) for key in keys]


def _key(asker: Asker, access: Access, key: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        answer = asker.caller.call(access, "kms", "DescribeKey", {"KeyId": key})
        return {(access, key): str(answer["KeyMetadata"].get("KeyState", "unknown"))}

    return Reading("keys", ((access, key),), read)


def secrets(asker: Asker, access: Access, wanted: Sequence[Wanted], _known: Snapshot) -> list[Reading]:
    """Where each secret was made, and how its replicas fare (R22)."""
    names = sorted({name for wish in wanted for name in wish.site.secrets})
    return [_secret(asker, access, name) for name in names]


def _secret(asker: Asker, access: Access, name: str) -> Reading:
    def read() -> Mapping[Any, Any]:
        try:
            answer = asker.caller.call(access, "secretsmanager", "DescribeSecret", {"SecretId": name})
        except CallFailed as error:
            if error.code != "ResourceNotFoundException":
                raise
            return {(access, name): None}
        source = answer.get("PrimaryRegion")
        stages = answer.get("VersionIdsToStages") or {}
        secret = Secret(
            name=name,
            replica_of=source if source != access.region else None,
            replicas={one["Region"]: str(one.get("Status", "")) for one in answer.get("ReplicationStatus") or []},
            version=next((version for version, labels in stages.items() if "AWSCURRENT" in labels), None),
            key=answer.get("KmsKeyId"),
        )
        return {(access, name): secret}

    return Reading("secrets", ((access, name),), read)
