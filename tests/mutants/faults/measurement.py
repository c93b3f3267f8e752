# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Figures that say more than was measured."""

from __future__ import annotations

from ..patching import Rewritten

FAULTS = (
    (
        "lag-taken-as-a-bound",
        "R10",
        "the last lag is reported as the most that can be lost, whatever the old writer did afterwards",
        Rewritten("measure:_bound", "lag.seconds + stop.at - lag.at,", "lag.seconds,"),
    ),
    (
        "bound-without-a-stop",
        "R10",
        "a loss is bounded although nobody has confirmed that the old writer stopped",
        Rewritten(
            "measure:_bound",
            "if stop is None:\n",
            "if stop is None:\n        return Figure(lag.seconds, source)\n    if stop is None:\n",
        ),
    ),
    (
        "fence-given-up-taken-as-a-stop",
        "R10",
        "a fence that was given up counts as a confirmed stop of writes",
        Rewritten(
            "measure:_stop_of_writes",
            'event["kind"] == "step-done" and step in STOPS',
            'event["kind"] in ("step-done", "step-failed") and step in STOPS',
        ),
    ),
    (
        "what-was-begun-is-forgotten",
        "R25",
        "schedules and mappings that were switched off are taken as a stop of writes, whatever they had begun",
        Rewritten("measure:_goes_on", "step == SWITCHED_OFF and", "False and"),
    ),
    (
        "stop-of-an-earlier-promotion",
        "R10",
        "writes that were blocked for a promotion before this one bound the loss of this one",
        Rewritten("measure:_stop_of_writes", "told_at >= asked_at - EVENT_SKEW_SECONDS", "True"),
    ),
    (
        "stale-fence-taken-as-a-stop",
        "R10",
        "a fence that an interrupted process had put up counts, though the site was opened since",
        Rewritten("measure:_stop_of_writes", "stopped.pop(step, None)", "pass"),
    ),
    (
        "fencing-time-out-taken-as-a-stop",
        "R7",
        "Aurora could not block writes, and the loss is bounded all the same",
        Rewritten("measure:_stop_of_writes", 'detail.get("outcome") == "confirmed"', "True"),
    ),
    (
        "failover-bounded-like-a-switchover",
        "R1",
        "an unplanned move is said to lose nothing",
        Rewritten("measure:_is_switchover", '(event.get("detail") or {}).get("mode") == "planned"', "True"),
    ),
    (
        "zero-where-nothing-was-read-back",
        "figures",
        "an RPO of zero is reported where nobody could look at what is stored",
        Rewritten(
            "measure:_loss",
            "return Figure(None, reason), Figure(None, reason)\n    counted",
            "return Figure(0, reason), Figure(0.0, reason)\n    counted",
        ),
    ),
    (
        "first-good-sample-is-the-recovery",
        "R19",
        "the outage ends with the first good write, though the series breaks again",
        Rewritten(
            "measure:_outage",
            "first, last = failed[0], failed[-1]\n",
            "first, last = failed[0], next(one for one in failed if one + 1 not in failed)\n",
        ),
    ),
    (
        "dns-outage-taken-for-a-write-outage",
        "figures",
        "an RTO is reported from failed DNS queries while every write succeeded",
        Rewritten(
            "measure:measure",
            'writes = _outage("write", observation.of("write"),',
            'writes = _outage("write", observation.of("dns") or observation.of("write"),',
        ),
    ),
    (
        "not-measured-passes",
        "figures",
        "a figure that could not be had meets its objective",
        Rewritten(
            "measure:judge",
            'words.append("fail" if failed else "not measured")',
            'words.append("fail" if failed else "pass")',
        ),
    ),
    (
        "deaf-probe-hears-silence",
        "figures",
        "a time in which nobody looked counts as one without an outage",
        Rewritten("measure:_no_outage", "if gap > _patience(interval):", "if False:"),
    ),
    (
        "deaf-probe-knows-the-edges",
        "figures",
        "an outage, or a change of DNS, that began or ended while nobody looked is told as if somebody had",
        Rewritten("measure:_outage", "> _patience(interval):", "> float('inf'):"),
        Rewritten("measure:_dns", "> _patience(interval):", "> float('inf'):"),
    ),
    (
        "outage-begins-with-the-run",
        "figures",
        "the RTO leaves out the time before somebody decided to move",
        Rewritten(
            "measure:_outage",
            "return Figure(max(0.0, end - begin), method,",
            "return Figure(max(0.0, end - max(begin, opened_at or 0.0)), method,",
        ),
    ),
    (
        "dns-counted-from-the-opening",
        "figures",
        "the time until DNS leads to the new region leaves out the time before somebody decided to move",
        Rewritten(
            "measure:_counted_from",
            "return began if began is not None or writes.begins_unseen else opened_at",
            "return opened_at",
        ),
    ),
    (
        "lost-only-after-the-last-stored",
        "figures",
        "writes that are missing count as lost only where nothing later is stored",
        Rewritten(
            "measure:_missing", "sample.number not in stored.numbers", "sample.number > max(stored.numbers, default=-1)"
        ),
    ),
    (
        "vantage-point-that-saw-nothing-saw-no-outage",
        "figures",
        "a place that measured nothing is compared as one that was never out",
        Rewritten("elsewhere:_least", "return -1.0 if value is None", "return 0.0 if value is None"),
    ),
    (
        "load-of-the-main-probe-alone",
        "figures",
        "the stated load leaves out the probes elsewhere",
        Rewritten("elsewhere:load", "if vantage is not None]", "if vantage is not None][:1]"),
    ),
    (
        "shared-address-told-as-one-regions",
        "figures",
        "a DNS answer is told as one region's although both regions answer behind its address",
        Rewritten("samples:_said", "if len(regions) == 1", "if regions"),
    ),
    (
        "given-time-shortens-an-outage",
        "figures",
        "a time that was given later than the first failure makes the RTO shorter",
        Rewritten("measure:_outage", "min(given, seen_at)", "given"),
    ),
    (
        "stored-in-the-region-that-was-left",
        "figures",
        "what the region that was left has stored is taken for what the new one has",
        Rewritten("measure:_unread", "stored.region != target", "not target"),
    ),
    (
        "earlier-failures-denied",
        "figures",
        "none of the writes is said to have failed though some had before the move",
        Rewritten("measure:_no_outage", "if failed:", "if False:"),
    ),
    (
        "lost-number-read-for-ever",
        "figures",
        "reads are said to fail for ever, as the number that is read was lost",
        Rewritten("sampling:Sampler._read_another", "and not lags:", "and not told_by and lags:"),
    ),
    (
        "lagging-replica-taken-for-a-loss",
        "figures",
        "reads run after the newest number, which a replica that lags never has",
        Rewritten("sampling:Sampler._read_another", "told_by is not None and told_by == self._read_number_of", "False"),
    ),
)
