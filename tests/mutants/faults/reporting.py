# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reports that tell the time, or what it means, otherwise than it was."""

from __future__ import annotations

from ..patching import Rewritten

FAULTS = (
    (
        "what-ran-beside-is-counted",
        "figures",
        "the waterfall follows the step that ended first, not the one that was waited for",
        Rewritten("waterfall:critical_path", "current = max(needed,", "current = min(needed,"),
    ),
    (
        "seconds-lost-by-rounding",
        "figures",
        "the parts of the RTO are cut off to milliseconds each by itself and do not make up the whole",
        Rewritten("waterfall:_ms", "round(round(seconds, 3) * 1000)", "int(seconds * 1000)"),
    ),
    (
        "pause-between-steps-hidden",
        "figures",
        "time in which no step ran is called deciding",
        Rewritten("waterfall:_cuts", "UNASSIGNED if number or opened_at is None else DECIDE", "DECIDE"),
    ),
    (
        "unplanned-move-leaves-a-standby",
        "R9",
        "after an unplanned move the report says that the old site stands by",
        Rewritten("aftermath:exposed", 'if report["mode"] != UNPLANNED:', "if True:"),
    ),
    (
        "junit-passes-what-was-not-measured",
        "figures",
        "a CI shows an RTO that nobody measured as a success",
        Rewritten("junit:_objectives", "outcome=FAILURE if over else ERROR", 'outcome=FAILURE if over else ""'),
    ),
    (
        "unmeasured-drill-counts",
        "figures",
        "a drill whose RTO was not measured still counts",
        Rewritten(
            "drill_status:_figures",
            "if value is None:\n",
            "if value is None:\n            continue\n        if value is None:\n",
        ),
    ),
    (
        "old-drill-counts",
        "figures",
        "a drill counts for ever",
        Rewritten("drill_status:_age", "if days <= demands.days:", "if True:"),
    ),
    (
        "emulator-taken-for-aws",
        "figures",
        "a report does not say that its figures come from an emulator",
        Rewritten("endpoint_urls:_shown", "if not host or host.endswith(OF_AWS):", "if True:"),
    ),
    (
        "unbounded-loss-not-told",
        "R10",
        "a measured RPO stands beside a pass, though nothing bounds what other clients lost",
        Rewritten("aftermath:limits_of_the_rpo", 'if bound["value"] is None:', "if False:"),
    ),
    (
        "reads-of-a-silent-application-not-judged",
        "figures",
        "an application without numbered writes cannot fail by the reads of its clients",
        Rewritten("measure:judge_reads", '"fail" if over else "not measured"', '"not measured"'),
    ),
    (
        "writes-asked-of-who-offers-none",
        "figures",
        "a drill of an application without numbered writes can never count",
        Rewritten("drill_status:_demanded", 'FIGURES if move["offers_writes"] else FIGURES_OF_READS', "FIGURES"),
    ),
    (
        "standstill-not-said",
        "R7",
        "nobody is told that the old site is shut while the writer was not moved",
        Rewritten("standstill:nobody_serves", "if moved or not is_shut(events):", "if True:"),
    ),
    (
        "promotion-in-doubt-taken-as-refused",
        "R14",
        "a promotion that may have been carried out is told as one that was not",
        Rewritten("standstill:has_moved", "not in IN_DOUBT", "is not None"),
    ),
    (
        "roles-changed-without-a-promotion",
        "R28",
        "the report says that the regions have changed their roles although the writer was not moved",
        Rewritten("report:to_report", "True if move.status == MOVED else has_moved(events)", "True"),
    ),
    (
        "writer-said-to-have-its-new-volume",
        "R8",
        "a site from which no failover took place is said to have its new volume",
        Rewritten("steps.lost_writes:CopyLostWrites._none", "view.writer_among((site,))", "False"),
    ),
    (
        "report-lost-with-its-region",
        "R29",
        "the report of a move whose target is dead is kept nowhere",
        Rewritten("archive:keep", "for site in sites:", "for site in list(sites)[:1]:"),
    ),
)
