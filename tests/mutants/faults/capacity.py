# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity that is raised by half, too early or too late."""

from __future__ import annotations

from ..patching import Rewritten, Row

FAULTS = (
    (
        "min-not-raised",
        "R20",
        "only the desired capacity is raised, so target tracking scales the group in again",
        Rewritten("steps.autoscaling:_raised", "max(state.min, least)", "state.min"),
    ),
    (
        "capacity-lowered-by-raising",
        "R20",
        "a group that somebody has made larger beforehand is made smaller by the move",
        Rewritten("steps.autoscaling:_raised", "max(state.desired, desired)", "desired"),
    ),
    (
        "old-values-not-kept",
        "R20",
        "the journal does not hold the capacity as it was",
        Rewritten("steps.autoscaling:group_calls", '"min": state.min, "desired": state.desired, "max": state.max', ""),
    ),
    (
        "foreign-capacity-overwritten",
        "compare and set",
        "limits that somebody has changed since the plan are overwritten",
        Rewritten("guards:_compare", "for name in thing.kept:", "for name in ():"),
    ),
    (
        "standby-lowered-before-stable",
        "order of a move",
        "the old site is made small while clients are still led there",
        Row("planned", "lower-standby", {"needs": ("promote",)}),
    ),
    (
        "launching-taken-for-in-service",
        "R21",
        "instances that were asked for count as capacity before they are in service",
        Rewritten("steps.autoscaling:RaiseCapacity._waiting", "state.in_service < wanted", "state.instances < wanted"),
        Rewritten("steps.autoscaling:RaiseCapacity._waiting", "healthy < wanted", "False"),
        Rewritten("steps.autoscaling:RaiseCapacity._waiting", "isinstance(healthy, Unknown)", "False"),
    ),
    (
        "unhealthy-targets-accepted",
        "R21",
        "instances that the load balancer holds for unhealthy count as capacity",
        Rewritten("steps.autoscaling:RaiseCapacity._waiting", "healthy < wanted", "False"),
    ),
    (
        "capacity-over-the-maximum",
        "R20",
        "more is asked for than the group's maximum, which AWS refuses",
        Rewritten("snapshot:GroupState.at_most", "max(self.max, 1)", "99"),
    ),
)
