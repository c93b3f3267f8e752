# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tells people, through the SNS topic of the living region; a notification that fails never holds a move."""

from __future__ import annotations

from ..calls import PlannedCall
from ..model import Site
from ..snapshot import Facet, GlobalCluster, Snapshot
from .base import DONE, TARGET, Expects, Move, Observation, Step, Watch, World, impossible, needed, watching


def topic_arn(snapshot: Snapshot, move: Move, site: Site) -> str | None:
    """The topic's ARN; account and partition are those of the global cluster's members."""
    if not site.notification_topic or site.notification_topic.startswith("arn:"):
        return site.notification_topic
    view = snapshot.global_cluster(move.application, move.target, move.source)
    if not isinstance(view, GlobalCluster) or not view.members:
        return None
    member = view.members[0]
    return f"arn:{member.partition}:sns:{site.region}:{member.account}:{site.notification_topic}"


class Notify(Step):
    """One message per run."""

    deadline_seconds = 30.0
    deadline_reason = "nobody was notified"
    accompanies = True
    repeat_seconds = 5.0
    makes = (("sns Publish", TARGET),)
    expects = Expects.NOTHING

    def __init__(self, name: str, stage: str, words: str) -> None:
        self.name = name
        self.stage = stage
        self._words = words

    def watches(self, move: Move) -> frozenset[Watch]:
        """The account, which the members' ARNs tell."""
        return watching((Facet.GLOBAL, TARGET))

    def observe(self, world: World) -> Observation:
        """Sent or not; an application without a topic needs none."""
        if not world.move.target.notification_topic or any(outcome.ok for outcome in world.outcomes):
            return DONE
        if world.outcomes:
            return impossible(str(world.outcomes[-1].error))
        return needed("the notification to be sent")

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """One Publish."""
        move = world.move
        arn = topic_arn(world.snapshot, move, move.target)
        if not arn:
            return ()
        kind = "switchover" if move.planned else "failover"
        subject = f"{move.application.name}: {kind} to {move.target.region} {self._words}"[:100]
        message = f"{subject}\nintent: {move.intent}\nrun: {move.run_id}\nenvironment: {move.application.environment}\n"
        params = {"TopicArn": arn, "Subject": subject, "Message": message}
        return (PlannedCall("sns", "Publish", move.target.access, arn, params, optional=True),)
