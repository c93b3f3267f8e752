# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The modes, each a row in a table: what it demands, and its steps in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .aurora_fencing import FencingEvents
from .aurora_global import Failover, Switchover
from .autoscaling import FenceOldSite, LowerStandby, RaiseCapacity
from .base import SOURCE, TARGET, Row
from .notify import Notify
from .secret import PromoteSecrets
from .traffic_switch import SwitchTraffic
from .write_probe import StableThroughDns, WriteProbe

BEGIN = Notify("notify-begin", "decide", "begins")
END = Notify("notify-end", "shift", "is done")


@dataclass(frozen=True)
class Mode:
    """What a kind of move demands and may do.

    - ``loses_data``: the operator must have accepted that data may be lost
    - ``depends_on``: sides whose regions must answer; any other region may cost at most its breaker's budget (R2)
    - ``asks_route53``: records may be read beforehand; never in a recovery path (R3)
    - ``needs_store``: the run stops when its journal and lease cannot be written
    - ``leases``: sides whose state table gives a lease; a call is made only while all of them last
    - ``together``: one application whose gates fail holds all of them back
    - ``may_lose``: what the application may lose by it
    - ``fencing``: whether a fence of ours is wanted before the promotion (R7)
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
    fencing="none",
    rows=(
        Row(BEGIN, required=False),
        Row(RaiseCapacity()),
        # Clients are served by the old site until the writer moves, so the new one is made ready before that.
        Row(Switchover(), needs=("raise-capacity",)),
        Row(FencingEvents(), needs=("promote",), required=False),
        Row(WriteProbe(), needs=("promote",)),
        Row(SwitchTraffic(), needs=("write-probe", "fencing-events")),
        Row(StableThroughDns(), needs=("switch-traffic",)),
        Row(LowerStandby(), needs=("stable",), required=False),
        Row(END, needs=("lower-standby", "notify-begin"), required=False),
    ),
)

UNPLANNED = Mode(
    name="unplanned",
    loses_data=True,
    depends_on=(TARGET,),
    asks_route53=False,
    needs_store=False,
    leases=(TARGET,),
    together=False,
    may_lose="what was not replicated when writes at the old site stopped; not bounded where they did not surely stop",
    fencing="ours",
    rows=(
        Row(BEGIN, required=False),
        Row(FenceOldSite(), required=False),
        Row(RaiseCapacity()),
        Row(Failover(), needs=("fence-old-site",)),
        Row(PromoteSecrets(), needs=("promote",), required=False),
        Row(FencingEvents(), needs=("promote",), required=False),
        Row(WriteProbe(), needs=("promote", "raise-capacity")),
        Row(SwitchTraffic(), needs=("write-probe", "fencing-events")),
        Row(StableThroughDns(), needs=("switch-traffic",)),
        Row(END, needs=("stable", "promote-secrets", "notify-begin"), required=False),
    ),
)

MODES: Mapping[str, Mode] = {mode.name: mode for mode in (PLANNED, UNPLANNED)}
