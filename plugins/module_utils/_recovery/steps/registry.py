# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The modes, each a row in a table: what it demands, and its steps in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..valves import INGRESS, WRITERS
from .aurora_fencing import FencingEvents
from .aurora_global import Failover, Switchover
from .autoscaling import LowerStandby, RaiseCapacity
from .base import RECONCILE, SOURCE, TARGET, Move, Row
from .fencing import FenceOldSite, KeepFence, OldSiteEmpty, ShutValves
from .leave_job import LeaveJob
from .lost_writes import CopyLostWrites
from .notify import Notify
from .reconciliation import CloseJob, ReportExposure
from .secret import PromoteSecrets
from .secret_links import RelinkSecrets
from .traffic_switch import SettleSwitches, SwitchTraffic
from .unfencing import RESTORE_INGRESS, RESUME_WRITERS, ForgetFence
from .write_probe import StableThroughDns, WriteProbe

BEGIN = Notify("notify-begin", "decide", "begins")
END = Notify("notify-end", "shift", "is done")
STOP_WRITERS = ShutValves(
    "stop-writers", WRITERS, "schedules or event-source mappings of the old site still write (R25)"
)
REVOKE_INGRESS = ShutValves("revoke-ingress", (INGRESS,), "the old site's database still lets its clients in")
FENCES = ("fence-old-site", "stop-writers", "revoke-ingress")
STOPS = (*FENCES, "old-site-empty")
"""Steps that tell together, once they are done, that nothing at the old site writes any more."""
SAVED = ("copy-lost-writes", "relink-secrets", "settle-switches")

PATIENCE_SECONDS = 300.0
"""How long an unplanned move waits for the whole capacity: an instance takes 60 to 120 s (observed)."""

NO_FENCE = "none: a switchover stops the old writer itself"
FENCE_OR_ACCEPT = "ours; where it cannot be had, accept_unfenced. Aurora's own comes after it, and is reported"
FENCE = "ours, of the region that is back"


def _accepted(move: Move) -> bool:
    return move.accept_unfenced


@dataclass(frozen=True)
class Mode:
    """What a kind of move demands and may do.

    - ``loses_data``: the operator must have accepted that data may be lost
    - ``depends_on``: sides whose regions must answer; any other region may cost at most its breaker's budget (R2)
    - ``asks_route53``: gates may ask Route 53 and what else is prepared beforehand; never in a recovery path (R3)
    - ``needs_store``: the run stops when its journal and lease cannot be written
    - ``leases``: sides whose state table gives a lease; a call is made only while all of them last. A mode that does
      not need the store goes without the lease of a region that does not answer
    - ``together``: one application whose gates fail holds all of them back
    - ``may_lose``: what the application may lose by it
    - ``fencing``: whether a fence of ours is wanted before anything else is done, and what else counts for it (R7)
    - ``moves``: False where nothing changes places, so that the run is none to go by
    """

    name: str
    loses_data: bool
    depends_on: tuple[str, ...]
    asks_route53: bool
    needs_store: bool
    leases: tuple[str, ...]
    together: bool
    may_lose: str
    fencing: str
    rows: tuple[Row, ...]
    moves: bool = True

    def row(self, name: str) -> Row:
        """The row of a step."""
        return next(row for row in self.rows if row.step.name == name)


PLANNED = Mode(
    name="planned",
    loses_data=False,
    depends_on=(TARGET, SOURCE),
    asks_route53=True,
    needs_store=True,
    leases=(TARGET, SOURCE),
    together=True,
    may_lose="nothing: Aurora lets the target take over once it has every write (RPO 0)",
    fencing=NO_FENCE,
    rows=(
        Row(BEGIN, required=False),
        Row(RESTORE_INGRESS),
        Row(RaiseCapacity()),
        # Clients are served by the old site until the writer moves, so the new one is made ready before that.
        Row(Switchover(), needs=("raise-capacity", "restore-ingress")),
        Row(FencingEvents(), needs=("promote",), required=False),
        Row(WriteProbe(), needs=("promote",)),
        Row(SwitchTraffic(), needs=("write-probe", "fencing-events")),
        Row(StableThroughDns(), needs=("switch-traffic",)),
        Row(RESUME_WRITERS, needs=("stable",), required=False),
        Row(LowerStandby(), needs=("stable",), required=False),
        Row(ForgetFence(), needs=("restore-ingress", "resume-writers"), required=False),
        Row(END, needs=("lower-standby", "notify-begin", "forget-fence"), required=False),
    ),
)

UNPLANNED = Mode(
    name="unplanned",
    loses_data=True,
    depends_on=(TARGET,),
    asks_route53=False,
    needs_store=False,
    leases=(TARGET, SOURCE),
    together=False,
    may_lose="what was not replicated when writes at the old site stopped; not bounded where they did not surely stop",
    fencing=FENCE_OR_ACCEPT,
    rows=(
        Row(BEGIN, required=False),
        Row(KeepFence(), required=False),
        Row(FenceOldSite(), forgiven=_accepted),
        Row(OldSiteEmpty(), needs=("fence-old-site",), required=False),
        Row(RESTORE_INGRESS, required=False),
        # Some capacity is better than none: the write probe says whether what came can serve.
        Row(RaiseCapacity(PATIENCE_SECONDS), required=False),
        Row(STOP_WRITERS, needs=("keep-fence",), forgiven=_accepted),
        Row(REVOKE_INGRESS, needs=("keep-fence",), forgiven=_accepted),
        # Begins with the promotion, and its call is made before it: who dies in between leaves one job too many.
        Row(LeaveJob(), needs=FENCES, required=False),
        Row(Failover(), needs=FENCES),
        Row(PromoteSecrets(), needs=("promote",), required=False),
        Row(FencingEvents(), needs=("promote",), required=False),
        Row(WriteProbe(), needs=("promote", "raise-capacity")),
        Row(SwitchTraffic(), needs=("write-probe", "fencing-events")),
        Row(StableThroughDns(), needs=("switch-traffic",)),
        Row(RESUME_WRITERS, needs=("stable",), required=False),
        Row(ForgetFence(), needs=("restore-ingress", "resume-writers"), required=False),
        Row(END, needs=("stable", "promote-secrets", "notify-begin", "leave-job", "forget-fence"), required=False),
    ),
)

RECONCILIATION = Mode(
    name=RECONCILE,
    loses_data=False,
    depends_on=(TARGET, SOURCE),
    asks_route53=False,
    needs_store=True,
    leases=(TARGET, SOURCE),
    together=False,
    may_lose="nothing: it saves what an unplanned move has lost",
    fencing=FENCE,
    rows=(
        Row(KeepFence()),
        Row(FenceOldSite()),
        Row(STOP_WRITERS, needs=("keep-fence",)),
        Row(REVOKE_INGRESS, needs=("keep-fence",)),
        Row(CopyLostWrites(), needs=FENCES, required=False),
        Row(RelinkSecrets(), needs=FENCES, required=False),
        Row(SettleSwitches(), needs=FENCES, required=False),
        Row(ReportExposure(), needs=SAVED, required=False),
        Row(CloseJob(), needs=SAVED, required=False),
    ),
    moves=False,
)

MODES: Mapping[str, Mode] = {mode.name: mode for mode in (PLANNED, UNPLANNED, RECONCILIATION)}


def is_move(run: Mapping[str, Any]) -> bool:
    """Whether a run as it is kept moves its application, and does not reconcile it."""
    mode = MODES.get(str(run.get("mode")))
    return mode is None or mode.moves
