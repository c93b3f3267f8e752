# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replicas of a secret, without ever reading or writing its value.

community.aws.secretsmanager_secret can replicate too, but it compares and rewrites the value, and takes away rotation,
resource policy and replicas that it is not told of.

Sources: Secrets Manager user guide, "Replicate AWS Secrets Manager secrets across Regions"; API reference,
ReplicateSecretToRegions, DescribeSecret (ReplicationStatus).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .declared import Api, Call, Change, Refused

IN_SYNC = "InSync"
FAILED = "Failed"


@dataclass(frozen=True)
class Wanted:
    """A replica as it is declared. ``kms_key`` is of the replica's region; empty: the account's own key there."""

    secret: str
    region: str
    kms_key: str = ""


def observe(api: Api, wanted: Wanted) -> dict[str, Any]:
    """The secret's description; refuses when it is not there, is being deleted, or is itself a replica."""
    secret = api.read_or_none("DescribeSecret", {"SecretId": wanted.secret}, ("ResourceNotFoundException",))
    if secret is None:
        raise Refused(
            f"there is no secret {wanted.secret} in {api.region}: make it there first, or take it off the list"
        )
    if secret.get("DeletedDate"):
        raise Refused(f"secret {wanted.secret} in {api.region} is scheduled for deletion: restore it first")
    primary = secret.get("PrimaryRegion")
    if primary and primary != api.region:
        raise Refused(f"secret {wanted.secret} in {api.region} is a replica of {primary}'s: replicate it from there")
    return secret


def replica(secret: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The state of the secret's replica in a region; empty when there is none."""
    return next((dict(one) for one in secret.get("ReplicationStatus", []) if one["Region"] == region), {})


def decide(secret: Mapping[str, Any], wanted: Wanted) -> Change:
    """The calls that replicate the secret. A key of a replica cannot be changed, so another key means a new replica."""
    held = replica(secret, wanted.region)
    target = {"Region": wanted.region, **({"KmsKeyId": wanted.kms_key} if wanted.kms_key else {})}
    add = Call(
        "ReplicateSecretToRegions",
        {"SecretId": wanted.secret, "AddReplicaRegions": [target], "ForceOverwriteReplicaSecret": False},
    )
    drop = Call("RemoveRegionsFromReplication", {"SecretId": wanted.secret, "RemoveReplicaRegions": [wanted.region]})
    before = {key: held[key] for key in ("Region", "KmsKeyId", "Status") if key in held}
    after = {**target, "Status": IN_SYNC}
    if not held:
        return Change({}, after, (add,))
    if held.get("Status") == FAILED or (wanted.kms_key and held.get("KmsKeyId") != wanted.kms_key):
        return Change(before, after, (drop, add))
    return Change(before, before)


def unfinished(secret: Mapping[str, Any], wanted: Wanted) -> str | None:
    """What is still missing until the replica can be used."""
    held = replica(secret, wanted.region)
    if held.get("Status") == IN_SYNC:
        return None
    state = held.get("Status", "missing")
    message = held.get("StatusMessage", "")
    line = f"the replica of {wanted.secret} in {wanted.region} is {state}{': ' + message if message else ''}"
    if state == FAILED:
        raise Refused(line)
    return line
