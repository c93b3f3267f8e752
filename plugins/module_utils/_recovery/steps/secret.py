# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Makes replicated secrets writable in the target's region; off by default, as a replica can be read (R22).

Source: Secrets Manager API reference, StopReplicationToReplica: called in the replica's region, it breaks the link.
"""

from __future__ import annotations

from ..calls import PlannedCall
from ..snapshot import Facet, Secret, Unknown
from .base import DONE, TARGET, Expects, Move, Observation, Step, Watch, World, impossible, needed, underway, watching


class PromoteSecrets(Step):
    """Each secret of the target is no longer a replica, where the application wants that in unplanned moves."""

    name = "promote-secrets"
    stage = "promote"
    deadline_seconds = 60.0
    makes = (("secretsmanager StopReplicationToReplica", TARGET),)
    expects = Expects.TARGET_IS_WRITER
    deadline_reason = "secrets in the target region cannot be changed until they are promoted by hand"

    def watches(self, move: Move) -> frozenset[Watch]:
        """The target's secrets, where it matters."""
        return watching((Facet.SECRETS, TARGET)) if self._wanted(move) else frozenset()

    def observe(self, world: World) -> Observation:
        """Whether any is still a replica."""
        if not self._wanted(world.move):
            return DONE
        for name in world.move.target.secrets:
            replica = world.snapshot.secrets.get((world.move.target.access, name), Unknown("not read"))
            if isinstance(replica, Unknown):
                return underway(f"the state of secret {name}: {replica.reason}")
            if replica is None:
                return impossible(f"there is no secret {name} in {world.move.target.region}")
        return needed("secrets in the target region are replicas") if self.calls(world) else DONE

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """StopReplicationToReplica for each replica."""
        target = world.move.target
        if not self._wanted(world.move):
            return ()
        return tuple(
            PlannedCall("secretsmanager", "StopReplicationToReplica", target.access, name, {"SecretId": name})
            for name in target.secrets
            if isinstance(secret := world.snapshot.secrets.get((target.access, name)), Secret) and secret.replica_of
        )

    @staticmethod
    def _wanted(move: Move) -> bool:
        return not move.planned and move.application.secrets_promote == "unplanned"
