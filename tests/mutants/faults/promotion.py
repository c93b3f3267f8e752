# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Promotions that are asked for in the wrong way, in the wrong place or at the wrong time."""

from __future__ import annotations

from plugins.module_utils._recovery.steps.base import never
from plugins.module_utils._recovery.steps.registry import FENCES

from ..patching import Rewritten, Row

FAULTS = (
    (
        "switchover-asked-for-without-end",
        "R11",
        "a switchover that AWS begins and gives up is begun again and again, and stops writes each time",
        Rewritten("steps.aurora_global:Switchover.observe", "begun >= SWITCHOVERS", "False"),
    ),
    (
        "switchover-asked-for-at-the-target",
        "R1",
        "SwitchoverGlobalCluster is sent to the region of the target",
        Rewritten("steps.aurora_global:Switchover.calls", "writer_site.access", "world.move.target.access"),
    ),
    (
        "failover-asked-for-at-the-source",
        "R1",
        "FailoverGlobalCluster is sent to the region that may be lost",
        Rewritten("steps.aurora_global:Failover.calls", "world.move.target.access", "world.move.source.access"),
    ),
    (
        "no-allow-data-loss",
        "R1",
        "FailoverGlobalCluster goes without AllowDataLoss and is a switchover, which a disaster makes fail",
        Rewritten("steps.aurora_global:failover_params", ', "AllowDataLoss": True', ""),
    ),
    (
        "planned-move-by-failover",
        "R1",
        "a planned move is done with a failover that loses what was not replicated yet",
        Rewritten("steps.aurora_global:Switchover.calls", '"SwitchoverGlobalCluster"', '"FailoverGlobalCluster"'),
        Rewritten(
            "steps.aurora_global:Switchover.calls", "switchover_params(view, member)", "failover_params(view, member)"
        ),
        Rewritten("steps.aurora_global:Switchover.calls", "writer_site.access", "world.move.target.access"),
    ),
    (
        "no-compare-and-set",
        "compare and set",
        "another writer than the one on which the plan was made does not stop the run",
        Rewritten("steps.aurora_global:observe_writer", "if expected and view.writer.arn != expected:", "if False:"),
        Rewritten("guards:judge", "if not call.mutates or step.expects is Expects.NOTHING:", "if True:"),
    ),
    (
        "not-looked-at-before-the-call",
        "compare and set",
        "a call is sent on what was read when it was decided, however long ago that is",
        Rewritten("guards:judge", "if not call.mutates or step.expects is Expects.NOTHING:", "if True:"),
    ),
    (
        "traffic-follows-a-writer-that-is-gone",
        "compare and set",
        "clients are led to a site that is no longer the writer when the switch is published",
        Rewritten("guards:_cluster", "return SEND if target.writer else", "return SEND if target else"),
    ),
    (
        "promoted-when-accepted",
        "R14",
        "a promotion counts as done when AWS has accepted the call",
        Rewritten(
            "steps.aurora_global:_MoveWriter.observe",
            "last = world.last\n",
            "last = world.last\n    if last is not None and last.ok:\n        return DONE\n",
        ),
    ),
    (
        "lost-answer-taken-for-not-done",
        "R2",
        "a promotion whose answer was lost is asked for again although nobody has looked whether it goes on",
        Rewritten("steps.aurora_global:_MoveWriter.observe", "(last.ok or last.in_doubt)", "last.ok"),
        Rewritten("course:Course._may_act", "not last.ok and not last.in_doubt", "not last.ok"),
        Rewritten("steps.aurora_global:observe_writer", "if not view.at_rest:", "if False:"),
        Rewritten("guards:_cluster", "if step.expects is Expects.AS_PLANNED else", "if view else"),
    ),
    (
        "planned-promotion-before-capacity",
        "order of a move",
        "the writer moves to a region that has no instances yet",
        Row("planned", "promote", {"needs": ()}),
    ),
    (
        "promotion-before-our-fence",
        "R7",
        "an unplanned promotion does not wait for our own fence of the old site",
        Row("unplanned", "promote", {"needs": ()}),
    ),
    (
        "job-left-after-the-promotion",
        "R8",
        "a failover that dies once it was asked for leaves no job, and its lost writes are never looked for",
        Row("unplanned", "leave-job", {"needs": ("promote",)}),
    ),
    (
        "fencing-events-undo-a-promotion",
        "R7",
        "events of fencing that are not seen fail a move whose writer is promoted",
        Row("unplanned", "fencing-events", {"required": True}),
        Row("planned", "fencing-events", {"required": True}),
    ),
    (
        "fencing-time-out-taken-as-confirmed",
        "R7",
        "Aurora says that it could not block writes, and that is read as a confirmation",
        Rewritten("steps.aurora_fencing:fencing_outcome", 'match["outcome"].lower() == "succeeded"', "True"),
    ),
    (
        "fencing-of-another-cluster",
        "R7",
        "an event about another cluster counts as a fence of the old writer",
        Rewritten("steps.aurora_fencing:fencing_outcome", "if not match or", "if not match or False and"),
    ),
    (
        "lost-region-holds-the-fence",
        "R7",
        "our own fence of a region that cannot be reached fails the move",
        *(Row("unplanned", fence, {"forgiven": never}) for fence in FENCES),
    ),
    (
        "fence-done-while-instances-run",
        "R7",
        "our own fence counts as done while the old site's instances are still in service",
        Rewritten(
            "steps.fencing:FenceOldSite.observe",
            "isinstance(state, GroupState) and state.in_service",
            "isinstance(state, GroupState) and state.in_service < 0",
        ),
    ),
    (
        "unfenced-promotion-that-nobody-accepted",
        "R7",
        "a region that cannot be fenced is left without the operator's word",
        Rewritten("gates.regions:fence", "if move.accept_unfenced:", "if True:"),
        Rewritten("steps.fencing:not_fenced", "move.accept_unfenced or", "True or"),
        *(Row("unplanned", fence, {"required": False}) for fence in FENCES),
    ),
    (
        "fence-forgets-what-it-shut",
        "R25",
        "the ingress of the old database is revoked and nowhere written down",
        Rewritten("steps.fencing:keep_calls", "if same or", "if True or"),
    ),
    (
        "late-sight-is-not-kept",
        "R25",
        "what the fence sees only after its first look is shut and nowhere written down",
        Rewritten("steps.fencing:_kept_late", "for call in calls)", "for call in ())"),
    ),
    (
        "schedule-begins-in-the-past",
        "R25",
        "a schedule is handed back to AWS with a beginning that AWS takes no more",
        Rewritten("valves:_turned", "<= now", "> now"),
    ),
    (
        "serving-site-is-fenced",
        "R7",
        "reconciling fences a site that serves again",
        Rewritten("steps.fencing:applies", "return serving == move.target", "return True"),
    ),
    (
        "unknown-writer-taken-for-the-old-site",
        "R7",
        "reconciling takes a fence for done while nobody can say which site serves",
        Rewritten("steps.fencing:spared", "return underway(wanted.reason)", "return DONE"),
    ),
    (
        "unreadable-job-taken-for-none",
        "R7",
        "reconciling takes a fence for done while the job cannot be read",
        Rewritten("steps.fencing:applies", "stored_job(world.snapshot, move), Unknown", "None, Unknown"),
    ),
    (
        "job-closed-while-nobody-knows-who-serves",
        "R7",
        "a job is closed although the fence was not looked at, as nobody can say which site serves",
        Rewritten("steps.reconciliation:CloseJob.observe", "return underway(wanted.reason)", "wanted = False"),
    ),
    (
        "old-region-believed-on-who-serves",
        "R7",
        "a region that was lost and still takes itself for the writer is not fenced",
        Rewritten(
            "steps.fencing:applies",
            "global_cluster(move.application, move.target)",
            "global_cluster(move.application, move.source)",
        ),
    ),
    (
        "reason-of-an-open-job-left-out",
        "R7",
        "a job that stays pending does not say what of it is left",
        Rewritten("reconcile:_reconciliation", 'if step["outcome"] == "given up"', 'if step["step"] == "promote"'),
    ),
    (
        "absent-valve-taken-for-fenced-in-the-job",
        "R25",
        "the job says that a site is fenced where what is listed is not there",
        Rewritten("steps.fencing:unfenced", "if names:", "if False:"),
    ),
    (
        "reconcile-told-to-promote",
        "R7",
        "a fence that is late while reconciling asks for a word that only a promotion takes",
        Rewritten("steps.fencing:Fence.when_late", "AGAIN if move.mode == RECONCILE else NEXT", "NEXT"),
    ),
    (
        "silent-old-region-waited-for",
        "R2",
        "a switchover waits for an hour for a region that does not answer",
        Rewritten(
            "steps.aurora_global:Switchover._silent_since",
            "return since if isinstance(view, Unknown) else None",
            "return None",
        ),
    ),
    (
        "draining-instances-taken-as-gone",
        "R10",
        "instances that left service and still run are taken for gone",
        Rewritten("steps.fencing:OldSiteEmpty.observe", "left += state.instances", "left += state.in_service"),
    ),
    (
        "misspelt-valve-taken-as-shut",
        "R25",
        "what is listed to be fenced and is not there is taken for fenced",
        Rewritten("steps.fencing:_shut_but_for", "if not missing:", "if True:"),
    ),
)
