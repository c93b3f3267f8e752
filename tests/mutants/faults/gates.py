# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gates that let through what they are there to stop."""

from __future__ import annotations

from ..patching import Rewritten

FAULTS = (
    (
        "headless-target-accepted",
        "R5",
        "a target without an instance is taken for one that can be promoted",
        Rewritten("gates.database:target_instance", "if not cluster.instances:", "if False:"),
    ),
    (
        "unknown-lets-a-planned-move-through",
        "R11",
        "what cannot be known is taken for something that holds",
        Rewritten(
            "gates.ruling:evaluate",
            "answer.verdict in gate.blocks[mode]",
            "answer.verdict is Verdict.FAILS and bool(gate.blocks[mode])",
        ),
    ),
    (
        "lag-gate-always-holds",
        "R11",
        "no lag is too long for a switchover",
        Rewritten("gates.database:lag", "if found.seconds <= objective", "if True"),
    ),
    (
        "other-operation-ignored",
        "R14",
        "a move begins while another one of the global cluster is under way",
        Rewritten("gates.database:at_rest", "if view.at_rest:", "if True:"),
    ),
    (
        "unknown-failover-state-taken-as-rest",
        "R14",
        "a FailoverState whose status nobody knows counts as none",
        Rewritten(
            "snapshot:GlobalCluster.at_rest",
            "self.failover_status is None",
            "self.failover_status not in ('pending', 'failing-over', 'cancelling')",
        ),
    ),
    (
        "disabled-key-accepted",
        "R23",
        "a cluster is promoted whose key is disabled",
        Rewritten("gates.database:target_key", 'if state == "Enabled"', "if True"),
    ),
    (
        "engine-versions-not-compared",
        "R6",
        "versions that differ go through to AWS, which refuses",
        Rewritten("gates.database:engine_version", "versions[0] != versions[1]", "False"),
    ),
    (
        "resynchronising-target-accepted",
        "R9",
        "the old primary is promoted while it still joins again",
        Rewritten("gates.database:synchronised", 'not in (None, "connected")', "is Snapshot"),
    ),
    (
        "data-loss-not-asked-for",
        "R1",
        "an unplanned move begins though nobody has accepted a loss",
        Rewritten("gates.state:data_loss", "if move.accept_data_loss:", "if True:"),
        Rewritten("steps.aurora_global:Failover.calls", " or not world.move.accept_data_loss", ""),
    ),
    (
        "everything-can-be-waived",
        "R5",
        "a gate that nobody may waive is waived",
        Rewritten("gates.ruling:check_waivers", "if not gates[name].waivable:", "if False:"),
        Rewritten("gates.ruling:evaluate", "blocks and gate.waivable and", "blocks and"),
    ),
    (
        "begins-although-a-gate-blocks",
        "R5",
        "a move whose gates are in the way begins all the same",
        Rewritten("runner:_Run.go", "elif one.blocking:", "elif one.blocking and check:"),
    ),
    (
        "others-go-without-the-refused-one",
        "modes",
        "a planned move takes some of its applications along and leaves the refused ones behind",
        Rewritten("runner:_Run.go", "held_back = self.mode.together and", "held_back = False and"),
    ),
    (
        "only-the-first-reason-is-told",
        "gates",
        "of all that stands in the way only the first is reported",
        Rewritten("gates.ruling:in_the_way", "for ruling in blocking\n", "for ruling in blocking[:1]\n"),
    ),
    (
        "open-move-may-be-turned-back",
        "R19",
        "a move that moved the writer and did not end is turned back at once",
        Rewritten("gates.state:block_period", "elif site == move.source and", "elif False and"),
    ),
    (
        "outage-takes-readiness-away",
        "R29",
        "a look during an outage overwrites what an unplanned move goes by with what it could not know",
        Rewritten("readiness:store", ".remembering(before[place])", ""),
    ),
    (
        "remembered-answer-as-young-as-its-snapshot",
        "R29",
        "an answer that is an earlier look's is shown with the age of the newest look",
        Rewritten("gates.memory:remembered", "found.age_of(gate, snapshot.at)", "found.age(snapshot.at)"),
    ),
    (
        "writer-kept-from-its-own-site",
        "R8",
        "a site that a refused failover has shut cannot be opened while a job waits, although it has the writer",
        Rewritten("gates.state:reconciled", "if left == serving == move.target:", "if False:"),
    ),
    (
        "job-of-the-other-site-passed",
        "R8",
        "whoever goes to where the writer is may leave a job of the other site undone",
        Rewritten("gates.state:reconciled", "if left == serving == move.target:", "if serving == move.target:"),
    ),
    (
        "readiness-of-the-other-direction",
        "R29",
        "what readiness said of a move there is taken for the way back",
        Rewritten("gates.memory:remembered", "if found.target != move.place:", "if False:"),
    ),
    (
        "unseen-switch-taken-for-open",
        "R17",
        "a failover goes on although the switch of dr, which nobody can read any more, was seen closed",
        Rewritten(
            "gates.traffic:switch_position", 'if move.place == "dr" and isinstance(of_dr, Unknown):', "if False:"
        ),
    ),
    (
        "failing-readiness-not-said",
        "R29",
        "what failed in the last readiness snapshot is told to nobody, as long as that is fresh",
        Rewritten("gates.state:readiness", "fails(said) if failing else holds(said)", "holds(said)"),
    ),
    (
        "fence-not-seen-is-no-problem",
        "R7",
        "readiness passes although a failover could not see what it has to fence",
        Rewritten("gates.regions:fenceable", "[reason] if reason else []", "[]"),
    ),
    (
        "misspelt-fence-is-no-problem",
        "R25",
        "readiness passes although what is listed to be fenced is not there",
        Rewritten(
            "gates.regions:fenceable", "missing += absent(snapshot, move.application, site, (*WRITERS, INGRESS))", ""
        ),
    ),
    (
        "fence-without-groups-promised",
        "R7",
        "a failover begins although no group of the old site is known, and ends at its fence",
        Rewritten("steps.fencing:unknown_fence", "if not site.groups:", "if False:"),
    ),
    (
        "snapshot-that-is-not-kept-is-no-problem",
        "R29",
        "a scheduler is not told that the region that would live has no readiness snapshot",
        Rewritten("readiness:Kept.problems", "if self.error else []", "if False else []"),
    ),
    (
        "check-beside-the-switch-accepted",
        "R17",
        "readiness passes although a record's health check follows something that no move turns",
        Rewritten("gates.traffic:_beside_the_switch", "if application.traffic.policy != ORCHESTRATED:", "if True:"),
    ),
    (
        "failure-hidden-by-the-unknown",
        "R20",
        "a group that is too small is not told where another one cannot be read",
        Rewritten("gates.capacity:group_limits", "silent.append(state.reason)", "return summed_up([], [state.reason])"),
    ),
    (
        "guessed-direction-takes-the-known-one-away",
        "R29",
        "a look that cannot tell where the writer is overwrites what was kept of the move that would be made",
        Rewritten(
            "readiness_document:ReadinessDocument.remembering",
            "return before if guessed and",
            "return before if False and",
        ),
    ),
    (
        "bucket-without-its-other-half",
        "R24",
        "a bucket or a secret that one site alone lists is declared, and no gate ever looks at it",
        Rewritten("model:parse_application", "    _matched(fields, application.primary, application.dr)\n", ""),
    ),
)
