# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns the samples and the journal of a move into a report.

An action, because the page is rendered with the Jinja2 that ansible-core brings, and a template reaches no module.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.dns import DnsError, Resolver, normal_name
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.elsewhere import View
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.endpoint_urls import endpoints_of_others
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.evidence import availability
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.fields import ModelError
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.junit import as_junit
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.markdown import as_markdown
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.measure import (
    Lag,
    Measurement,
    Objectives,
    checked_begin,
    measure,
)
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.report import Move, as_json, to_report
from ansible_collections.pilotlight.aws_dr.plugins.module_utils._recovery.samples import (
    Balancer,
    Observation,
    parse,
    placed,
)
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.report_page.page import as_page

SITE = {
    "place": {"type": "str", "choices": ["primary", "dr"], "required": True},
    "region": {"type": "str", "required": True},
}
CHECKS = {
    "name": {"type": "str", "required": True},
    "result": {"type": "str", "required": True},
    "detail": {"type": "str"},
}
VANTAGE_POINT = {
    "name": {"type": "str", "required": True},
    "samples": {"type": "path"},
    "error": {"type": "str", "default": ""},
}
OBJECTIVES = {
    "rto_seconds": {"type": "float", "required": True},
    "rpo_seconds": {"type": "float", "required": True},
}
LAG = {
    "seconds": {"type": "float"},
    "metric": {"type": "str", "default": "AuroraGlobalDBReplicationLag"},
    "region": {"type": "str"},
    "at": {"type": "float"},
}
ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "run_id": {"type": "str", "required": True},
    "application": {"type": "str", "required": True},
    "intent": {"type": "str", "choices": ["drill", "failover", "failback"], "required": True},
    "mode": {"type": "str", "choices": ["planned", "unplanned"], "default": "planned"},
    "origin": {"type": "dict", "required": True, "options": SITE},
    "target": {"type": "dict", "required": True, "options": SITE},
    "status": {"type": "str", "default": "moved"},
    "reasons": {"type": "list", "elements": "str", "default": []},
    "notes": {"type": "list", "elements": "str", "default": []},
    "objectives": {"type": "dict", "required": True, "options": OBJECTIVES},
    "samples": {"type": "path"},
    "journal": {"type": "path"},
    "endpoints": {"type": "dict", "default": {}},
    "profiles": {"type": "list", "elements": "str", "default": [""]},
    "nameservers": {"type": "list", "elements": "str", "default": []},
    "stable_samples": {"type": "int", "default": 10},
    "lag": {"type": "dict", "options": LAG},
    "outage_began_at": {"type": "float"},
    "checklist": {"type": "list", "elements": "dict", "default": [], "options": CHECKS},
    "validation": {"type": "list", "elements": "dict", "default": [], "options": CHECKS},
    "vantage_points": {"type": "list", "elements": "dict", "default": [], "options": VANTAGE_POINT},
}
FILES = {"json": "report.json", "markdown": "report.md", "junit": "junit.xml", "html": "report.html"}
FORMS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "json": as_json,
    "markdown": as_markdown,
    "junit": as_junit,
    "html": as_page,
}
"""In the order in which they are written: what everything else is made from comes first."""


class ActionModule(ActionBase):
    """Arguments in, core, files and result out."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _outcome, given = self.validate_argument_spec(ARGUMENTS)
        paths = {kind: os.path.join(given["directory"], name) for kind, name in FILES.items()}
        files = paths | {kind: given[kind] for kind in ("samples", "journal") if given[kind]}
        files |= {f"samples-{point['name']}": point["samples"] for point in given["vantage_points"] if point["samples"]}
        try:
            report = report_of(given, files)
            before = {kind: _written(Path(paths[kind])) for kind in FORMS}
            contents: dict[str, str] = {}
            for kind, form in FORMS.items():
                contents[kind] = form(report)
                if before[kind] != contents[kind] and not self._task.check_mode:
                    _write(Path(paths[kind]), contents[kind])
        except (OSError, ValueError, KeyError, ModelError) as error:
            result.update(failed=True, msg=f"no report on {given['run_id']}: {error}")
            return result
        result.update(
            changed=before != contents,
            report=report,
            verdict=report["verdict"],
            summary=f"{report['verdict']}: {'; '.join(report['reasons'])}",
            files=files,
        )
        if self._task.diff:
            result["diff"] = {
                "before": before["markdown"],
                "after": contents["markdown"],
                "before_header": paths["markdown"],
                "after_header": paths["markdown"],
            }
        return result


def report_of(given: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Reads the two files and computes the report; ValueError, OSError and ModelError name what is wrong."""
    events = [json.loads(line) for line in _lines_of(given["journal"]) if line.strip()]
    objectives = Objectives(**given["objectives"])
    lag = Lag(**given["lag"]) if given["lag"] else None
    balancers = _balancers_of(given)
    observation = placed(parse(_lines_of(given["samples"])), balancers)
    origin, target = given["origin"], given["target"]
    began_at = checked_begin(given["outage_began_at"], observation, events, time.time())

    def measured(seen: Observation) -> Measurement:
        return measure(
            seen,
            events,
            objectives,
            target_region=target["region"],
            stable_samples=given["stable_samples"],
            lag=lag,
            outage_began_at=began_at,
        )

    move = Move(
        run_id=given["run_id"],
        application=given["application"],
        intent=given["intent"],
        mode=given["mode"],
        origin=origin["place"],
        target=target["place"],
        origin_region=origin["region"],
        target_region=target["region"],
        status=given["status"],
        reasons=tuple(given["reasons"]),
        notes=tuple(given["notes"]),
    )
    return to_report(
        move,
        measured(observation),
        objectives,
        events=events,
        lag=lag,
        files=files,
        vantage=observation.vantage,
        checklist=given["checklist"],
        validation=given["validation"],
        availability=availability(observation, origin["region"], target["region"]),
        test_endpoints=endpoints_of_others(os.environ, _aws_config(), given["profiles"]),
        elsewhere=[_view(point, balancers, measured) for point in given["vantage_points"]],
    )


def _view(point: Mapping[str, Any], balancers: list[Balancer], measured: Callable[[Observation], Measurement]) -> View:
    """What a vantage point saw. Samples that are no samples cost its own figures, never the report."""
    if not point["samples"]:
        return View(point["name"], reason=point["error"] or "no samples came from there")
    try:
        seen = placed(parse(_lines_of(point["samples"])), balancers)
    except (OSError, ValueError) as error:
        return View(point["name"], reason=f"its samples cannot be read: {error}")
    return View(point["name"], measured(seen), seen.vantage, point["error"])


def _balancers_of(given: Mapping[str, Any]) -> list[Balancer]:
    """The load balancers with their addresses, as far as DNS knows them: an alias is recognised by them alone."""
    resolver = Resolver(given["nameservers"])
    found = []
    for region, host in given["endpoints"].items():
        if host:
            try:
                addresses = resolver.resolve(host).addresses
            except DnsError:
                addresses = ()
            found.append(Balancer(region, normal_name(host), frozenset(addresses)))
    return found


def _aws_config() -> str:
    """The configuration file of AWS's SDKs; one that is not there, or is no text, says nothing."""
    try:
        return Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError):
        return ""


def _lines_of(path: str | None) -> list[str]:
    if not path:
        return []
    with open(path, encoding="utf-8") as file:
        return file.readlines()


def _written(path: Path) -> str:
    """What is there already."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
