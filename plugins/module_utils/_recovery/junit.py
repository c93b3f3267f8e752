# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report as JUnit XML, so that a CI shows a move as it shows tests.

Test cases are the move itself, its objectives, what was checked after it, and its gates. What was not measured is an
error and no success; what was waived, or could not be known and did not hold the move up, is skipped with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from .results import MOVED

FAILURE, ERROR, SKIPPED = "failure", "error", "skipped"

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


@dataclass(frozen=True)
class _Case:
    """One test case: without an outcome it passed."""

    group: str
    name: str
    seconds: float = 0.0
    outcome: str = ""
    message: str = ""


def as_junit(report: Mapping[str, Any]) -> str:
    """For CI servers."""
    cases = [_move(report), *_objectives(report), *_validation(report), *_gates(report)]
    began, ended = report["opened_at"], report["closed_at"]
    suite = Element(
        "testsuite",
        {
            "name": _clean(f"{report['intent']} of {report['application']}"),
            "tests": str(len(cases)),
            "failures": str(sum(case.outcome == FAILURE for case in cases)),
            "errors": str(sum(case.outcome == ERROR for case in cases)),
            "skipped": str(sum(case.outcome == SKIPPED for case in cases)),
            "time": f"{ended - began:.3f}" if began is not None and ended is not None else "0.000",
        },
    )
    if began is not None:
        suite.set("timestamp", datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    for case in cases:
        _add(suite, case, f"{report['application']}.{report['intent']}")
    whole = Element("testsuites")
    whole.append(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(whole, encoding="unicode") + "\n"


def _add(suite: Element, case: _Case, prefix: str) -> None:
    said = {"classname": _clean(f"{prefix}.{case.group}"), "name": _clean(case.name), "time": f"{case.seconds:.3f}"}
    element = SubElement(suite, "testcase", said)
    if case.outcome:
        SubElement(element, case.outcome, {"message": _clean(case.message)})


def _move(report: Mapping[str, Any]) -> _Case:
    if report["status"] == MOVED:
        return _Case("move", "moved")
    return _Case("move", "moved", outcome=FAILURE, message="; ".join(report["reasons"]))


def _objectives(report: Mapping[str, Any]) -> Iterator[_Case]:
    figures = (("RTO", "rto_writes_seconds", "rto_seconds"), ("RPO", "rpo_seconds", "rpo_seconds"))
    for name, figure_name, objective_name in figures:
        figure, wanted = report["measured"][figure_name], report["objectives"][objective_name]
        value, method = figure["value"], figure["method"]
        if value is None:
            over = figure.get("at_least", 0.0) > wanted
            message = f"not measured, objective {wanted:g} s: {method}"
            yield _Case("objectives", name, outcome=FAILURE if over else ERROR, message=message)
        else:
            message = "" if value <= wanted else f"{value:.3f} s, objective {wanted:g} s: {method}"
            yield _Case("objectives", name, value, FAILURE if message else "", message)


def _validation(report: Mapping[str, Any]) -> Iterator[_Case]:
    for check in report["validation"]:
        bad = check["result"] == "failed"
        yield _Case("validation", check["name"], outcome=FAILURE if bad else "", message=str(check.get("detail") or ""))


def _gates(report: Mapping[str, Any]) -> Iterator[_Case]:
    for gate in report["gates"]:
        said = gate.get("detail") or {}
        answer, reason = said.get("answer"), str(gate.get("reason") or "")
        outcome, message = "", ""
        if answer not in (None, "holds"):
            outcome = FAILURE if said.get("blocks") else SKIPPED
            message = f"{answer}: {reason}"
            if said.get("waived"):
                message = f"waived by {said.get('waived_by') or 'the operator'}: {message}"
        yield _Case("gates", str(gate["gate"]), outcome=outcome, message=message)


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
