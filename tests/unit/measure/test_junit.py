# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A CI shows a move as it shows tests, and nothing that was not measured as a success."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from unit.measure import reports

from plugins.module_utils._recovery.junit import as_junit
from plugins.module_utils._recovery.measure import Objectives


def cases(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Outcome and message of each test case, by group and name."""
    found = {}
    for case in ElementTree.fromstring(as_junit(report)).iter("testcase"):
        outcome = next(iter(case), None)
        group = case.attrib["classname"].rpartition(".")[2]
        said = ("passed", "") if outcome is None else (outcome.tag, outcome.attrib["message"])
        found[f"{group}/{case.attrib['name']}"] = said
    return found


def test_a_good_drill_passes_and_its_waived_gate_is_skipped() -> None:
    found = cases(reports.drill())
    assert found["objectives/RTO"] == found["objectives/RPO"] == found["move/moved"] == ("passed", "")
    assert found["validation/DNS and health"] == found["gates/target-region"] == ("passed", "")
    assert found["gates/replication-lag"] == ("skipped", "waived by night shift: unknown: no sample")


def test_the_suite_counts_what_it_holds() -> None:
    suite = ElementTree.fromstring(as_junit(reports.unseen()))[0]
    assert suite.attrib == {
        "name": "drill of dr-webapp", "tests": "6", "failures": "0", "errors": "2", "skipped": "1", "time": "17.500",
        "timestamp": "2023-11-14T22:13:25",
    }  # fmt: skip


def test_what_was_not_measured_is_an_error() -> None:
    outcome, message = cases(reports.unseen())["objectives/RTO"]
    assert (outcome, message) == ("error", "not measured, objective 900 s: the probe made no writes")


def test_an_objective_that_was_missed_fails() -> None:
    slow = reports.report_on(reports.DRILL, reports.watched((10, 20), 19), reports.drill_events(), Objectives(5, 60))
    outcome, message = cases(slow)["objectives/RTO"]
    assert outcome == "failure"
    assert message.startswith("10.010 s, objective 5 s: from the first failed write")


def test_an_outage_that_was_cut_short_and_is_over_the_objective_already_fails() -> None:
    short = reports.report_on(reports.DRILL, reports.watched((10, 99), 19), reports.drill_events(), Objectives(5, 60))
    assert cases(short)["objectives/RTO"][0] == "failure"


def test_a_failed_move_fails_with_its_reasons() -> None:
    found = cases(reports.drill(status="failed", reasons=("promote: too late",)))
    assert found["move/moved"][0] == "failure"
    assert "promote: too late" in found["move/moved"][1]


def test_what_xml_cannot_hold_and_what_it_would_take_for_markup_is_text() -> None:
    hostile = '<script>alert("1")</script> & \x00\x1b]]>'
    found = cases(reports.drill(application=hostile, status="failed", reasons=(hostile,)))
    assert (
        '<script>alert("1")</script> & \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}]]>' in found["move/moved"][1]
    )
