"""Secrets Manager replicas: in progress for a while, read-only, and promoted by StopReplicationToReplica (R22).

Secrets Manager user guide, "Replicate an AWS Secrets Manager secret across Regions" and "Promote a replica secret".  A
replica in moto shares its source's versions and cannot be promoted.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.secretsmanager.exceptions import InvalidParameterException, SecretNotFoundException
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend
from moto.secretsmanager.responses import SecretsManagerResponse

from lab.cloud import world as worlds
from lab.cloud.extensions.patching import action, wrap


def install(world: worlds.World) -> None:
    """Patch the life of a replica."""

    @wrap(FakeSecret, "create_replicas")
    def create_replicas(original: Any, self: Any, replica_regions: Any, force_overwrite: bool) -> Any:
        present = {replica.region for replica in getattr(self, "replicas", ())}
        wanted = [one for one in replica_regions if one["Region"] not in present]
        made = original(self, wanted, force_overwrite=force_overwrite)
        keys = {one["Region"]: one.get("KmsKeyId") for one in wanted}
        for replica in made:
            replica.config["KmsKeyId"] = keys.get(replica.region) or SecretsManagerBackend.DEFAULT_KMS_KEY_ALIAS
            if replica.has_replica:
                _in_progress(replica)
        return made

    @wrap(ReplicaSecret, "to_dict")
    def to_dict(original: Any, self: Any) -> Any:
        """A replica names its primary region and has no replicas of its own."""
        shown = original(self)
        shown.pop("ReplicationStatus", None)
        shown["KmsKeyId"] = self.config["KmsKeyId"]
        return shown

    @wrap(SecretsManagerResponse, "replicate_secret_to_regions")
    def replicate(original: Any, self: Any) -> str:
        """The answer names the ARN, also when the name was given."""
        shown = json.loads(original(self))
        shown["ARN"] = self.backend.describe_secret(self._get_param("SecretId")).arn
        return json.dumps(shown)

    @action(SecretsManagerResponse, "stop_replication_to_replica")
    def stop_replication_to_replica(self: Any) -> str:
        identifier = self._get_param("SecretId")
        replica = self.backend.secrets.get(identifier)
        if replica is None:
            raise SecretNotFoundException()
        if not isinstance(replica, ReplicaSecret):
            raise InvalidParameterException("You can't stop replication on a secret that isn't a replica.")
        promoted = _promote(self.backend, replica)
        return json.dumps({"ARN": promoted.arn})


def _in_progress(replica: Any) -> None:
    world = worlds.current()
    replica.status = replica.config["Status"] = "InProgress"
    replica.config["StatusMessage"] = "Replication in progress"

    def in_sync() -> None:
        if {replica.region, replica.source.region} & world.down:
            world.after(world.delay("secretsmanager.replicate"), in_sync, "replica")
            return
        replica.status = replica.config["Status"] = "InSync"
        replica.config["StatusMessage"] = "Replication succeeded"

    world.after(world.delay("secretsmanager.replicate"), in_sync, "replica")


def _promote(backend: Any, replica: Any) -> Any:
    """A secret of its own, with the versions it had; the link to the source is gone."""
    promoted = copy.copy(replica.source)
    promoted.arn = replica.arn
    promoted.region = replica.region
    promoted.kms_key_id = replica.config["KmsKeyId"]
    promoted.versions = copy.deepcopy(replica.source.versions)
    promoted.tags = copy.deepcopy(replica.source.tags)
    promoted.replicas = []
    replica.source.replicas = [one for one in replica.source.replicas if one is not replica]
    dict.pop(backend.secrets, replica.arn, None)
    backend.secrets[promoted.secret_id] = promoted
    return promoted
