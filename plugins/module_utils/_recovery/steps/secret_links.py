# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links the secrets of both regions again after those of the living one were promoted (R22).

A promotion leaves two secrets of one name that know nothing of each other. Where both still have the same version, the
old region's is the source again, and the other becomes its replica: nothing is lost, as a version's id goes with its
value. Where they differ, one value would be lost, and which one is not for us to say: it is reported, and only a secret
that the operator names is overwritten, the old region's by the living one's, which the application has been using.
Values are never read.

Sources: Secrets Manager API reference, ReplicateSecretToRegions (ForceOverwriteReplicaSecret) and
StopReplicationToReplica; user guide, "Promote a replica secret to a standalone secret".
"""

from __future__ import annotations

from dataclasses import dataclass

from ..calls import PlannedCall
from ..model import Site
from ..snapshot import Facet, Secret, Unknown
from .base import (
    DONE,
    SOURCE,
    TARGET,
    Move,
    Observation,
    Step,
    Watch,
    World,
    impossible,
    needed,
    underway,
    watching,
)
from .pending_job import pending_job


@dataclass(frozen=True)
class _Pair:
    """One secret in both regions."""

    name: str
    old: Secret | None
    living: Secret | None


class RelinkSecrets(Step):
    """Each secret of the application is replicated between both regions, in whichever direction."""

    name = "relink-secrets"
    stage = "verify"
    deadline_seconds = 120.0
    deadline_reason = "a secret is not replicated: look at its replication status in Secrets Manager"
    poll_seconds = 1.0
    repeat_seconds = 30.0
    makes = tuple(("secretsmanager ReplicateSecretToRegions", side) for side in (SOURCE, TARGET))
    accompanies = True

    def watches(self, move: Move) -> frozenset[Watch]:
        """Both regions' secrets."""
        return watching((Facet.SECRETS, TARGET), (Facet.SECRETS, SOURCE))

    def observe(self, world: World) -> Observation:
        """Linked, being linked, or in need of a word of the operator."""
        if pending_job(world.snapshot, world.move) is None:
            return DONE
        pairs = self._pairs(world)
        if isinstance(pairs, Unknown):
            return underway(pairs.reason)
        if self.calls(world):
            return needed("secrets of both regions to be linked again")
        problems = [problem for pair in pairs if (problem := self._problem(world.move, pair))]
        if problems:
            return impossible("; ".join(problems))
        waiting = [pair.name for pair in pairs if _link_state(world.move, pair) not in ("InSync", None)]
        return underway(f"the replicas of {', '.join(waiting)}") if waiting else DONE

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """ReplicateSecretToRegions for each pair that may be linked."""
        pairs = self._pairs(world) if pending_job(world.snapshot, world.move) is not None else ()
        if isinstance(pairs, Unknown):
            return ()
        return tuple(call for pair in pairs if (call := self._call(world.move, pair)) is not None)

    def _call(self, move: Move, pair: _Pair) -> PlannedCall | None:
        if pair.old is None or pair.living is None or _link_state(move, pair) is not None:
            return None
        if pair.old.version and pair.old.version == pair.living.version:
            return _replicate(pair, move.source, move.target, pair.living)
        if pair.name in move.overwrite_secrets:
            return _replicate(pair, move.target, move.source, pair.old)
        return None

    @staticmethod
    def _problem(move: Move, pair: _Pair) -> str | None:
        for secret, site in ((pair.old, move.source), (pair.living, move.target)):
            if secret is None:
                return f"there is no secret {pair.name} in {site.region}: replicate it from the other region"
        state = _link_state(move, pair)
        if state == "Failed":
            return f"the replication of secret {pair.name} has failed: Secrets Manager says why"
        if state is not None:
            return None
        return (
            f"secret {pair.name} differs between {move.source.region} and {move.target.region}, and neither is "
            f"overwritten unasked: name it in overwrite_secrets to replace the one in {move.source.region}"
        )

    @staticmethod
    def _pairs(world: World) -> tuple[_Pair, ...] | Unknown:
        move, pairs = world.move, []
        for name in dict.fromkeys((*move.target.secrets, *move.source.secrets)):
            both = [
                world.snapshot.secrets.get((site.access, name), Unknown("it was not read"))
                for site in (move.source, move.target)
            ]
            for one in both:
                if isinstance(one, Unknown):
                    return Unknown(f"secret {name}: {one.reason}")
            old, living = (one if isinstance(one, Secret) else None for one in both)
            pairs.append(_Pair(name, old, living))
        return tuple(pairs)


def _link_state(move: Move, pair: _Pair) -> str | None:
    """The state of the replica, whichever region's it is; None where there is no link."""
    if pair.old is None or pair.living is None:
        return None
    for source, replica_in in ((pair.old, move.target.region), (pair.living, move.source.region)):
        if replica_in in source.replicas:
            return source.replicas[replica_in]
    linked = move.source.region == pair.living.replica_of or move.target.region == pair.old.replica_of
    return "InSync" if linked else None


def _replicate(pair: _Pair, origin: Site, to: Site, overwritten: Secret) -> PlannedCall:
    replica = {"Region": to.region, **({"KmsKeyId": overwritten.key} if overwritten.key else {})}
    return PlannedCall(
        "secretsmanager",
        "ReplicateSecretToRegions",
        origin.access,
        pair.name,
        {"SecretId": pair.name, "AddReplicaRegions": [replica], "ForceOverwriteReplicaSecret": True},
        optional=True,
        before={"version": overwritten.version, "region": to.region},
    )
