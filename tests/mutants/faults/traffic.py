# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clients that are led away too early, to the wrong place, or not at all."""

from __future__ import annotations

from ..patching import Rewritten, Row, Table

FAULTS = (
    (
        "traffic-before-the-write-probe",
        "R14",
        "clients are moved before the new site has taken a write",
        Row("planned", "switch-traffic", {"needs": ("promote",)}),
        Row("unplanned", "switch-traffic", {"needs": ("promote",)}),
    ),
    (
        "traffic-before-the-promotion",
        "R16",
        "clients are moved to a region whose database is still read-only",
        Row("planned", "switch-traffic", {"needs": ()}),
        Row("unplanned", "switch-traffic", {"needs": ()}),
    ),
    (
        "write-not-read-back",
        "R14",
        "a write that was acknowledged is believed without being read",
        Rewritten("performer:Performer._write_and_read_back", "if read.status != 200:", "if False:"),
    ),
    (
        "probe-of-an-earlier-process-counts",
        "R14",
        "a run that is taken up again does not probe anew before it moves clients",
        Rewritten("course:Course.remember", "not progress.step.remembered or", "False or"),
        Row("planned", "switch-traffic", {"needs": ("promote", "fencing-events")}),
    ),
    (
        "switch-published-in-the-lost-region",
        "R17",
        "a record's position is kept and published in the region that it is to be moved away from",
        Rewritten("switch:keeper", "application.other(record)", "application.site(record)"),
    ),
    (
        "position-not-stored",
        "R17",
        "a position is published and not kept, so the publisher undoes it within a minute",
        Rewritten("steps.traffic_switch:SwitchTraffic.calls", "calls.append(store_call(", "repr(store_call("),
    ),
    (
        "position-not-published",
        "R17",
        "a position is kept and left to the publisher, which comes a minute later",
        Rewritten("steps.traffic_switch:SwitchTraffic.calls", "calls.append(publish_call(", "repr(publish_call("),
    ),
    (
        "dns-not-checked-after-publishing",
        "R17",
        "clients count as moved when the switch was published",
        Rewritten("steps.traffic_switch:led_astray", "if not led:", "if False:"),
    ),
    (
        "stable-with-one-sample",
        "R19",
        "one good write through DNS counts as stable",
        Rewritten(
            "steps.write_probe:StableThroughDns.observe", "wanted = application.probe.stable_samples", "wanted = 1"
        ),
    ),
    (
        "stable-counts-all-good-samples",
        "R19",
        "good writes are counted over failures in between",
        Rewritten("steps.write_probe:good_run", "            break\n", "            continue\n"),
    ),
    (
        "samples-of-the-old-region-count",
        "R16",
        "a write that the old region took counts as a good one of the new region",
        Rewritten("steps.write_probe:good_run", 'or outcome.answer.get("region") not in (None, region)', ""),
    ),
    (
        "route53-asked-in-an-unplanned-move",
        "R3",
        "a recovery path depends on Route 53's control plane",
        Table("steps.registry:MODES", "unplanned", {"asks_route53": True}),
    ),
    (
        "switches-not-settled",
        "R16",
        "reconciling leaves a switch closed that an unplanned move could not open",
        Rewritten(
            "steps.traffic_switch:SettleSwitches.observe",
            "SwitchTraffic.observe(self, world) if nothing is None else nothing",
            "DONE",
        ),
    ),
)
