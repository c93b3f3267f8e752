# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rto_report, run as Ansible runs it: one report in four forms that say the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from unit.measure.series import NEW, OLD, T0, event, series

from plugins.module_utils._recovery.samples import Stored, Vantage

REPORT = {
    "run_id": "20261123T020000Z-drill-abcdef",
    "application": "dr-webapp",
    "intent": "drill",
    "origin": {"place": "primary", "region": OLD},
    "target": {"place": "dr", "region": NEW},
    "objectives": {"rto_seconds": 900, "rpo_seconds": 60},
}
FILES = ("junit.xml", "report.html", "report.json", "report.md")

Report = Callable[..., dict[str, Any]]


@pytest.fixture
def report() -> Report:
    """Runs the action; in diff mode."""
    action = import_module("ansible_collections.pilotlight.aws_dr.plugins.action.rto_report")

    def run(*, check: bool = False, **arguments: Any) -> dict[str, Any]:
        task = SimpleNamespace(
            args={**REPORT, **arguments}, check_mode=check, diff=True, async_val=0, environment=None, no_log=False,
            action="pilotlight.aws_dr.rto_report", collections=[],
        )  # fmt: skip
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        plugin = action.ActionModule(task, connection, SimpleNamespace(), None, None, None)
        result: dict[str, Any] = plugin.run(task_vars={})
        return {"failed": False, **result}

    return run


@pytest.fixture
def evidence(tmp_path: Path) -> dict[str, str]:
    """A drill with an outage of ten seconds, and its journal."""
    writes = series(60, [(10, 20)])
    samples = [Vantage("me", "app.example.com", 0.25, 2.0, T0), *writes]
    stored = Stored(T0 + 70, frozenset(one.number for one in writes if one.ok), NEW)
    (tmp_path / "samples.jsonl").write_text("".join(f"{one.line()}\n" for one in [*samples, stored]))
    events = [event(9, "run-opened", detail={"mode": "planned"}), event(25, "run-closed")]
    (tmp_path / "journal.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in events))
    return {"samples": str(tmp_path / "samples.jsonl"), "journal": str(tmp_path / "journal.jsonl")}


def test_a_report_is_written_once(tmp_path: Path, evidence: dict[str, str], report: Report) -> None:
    folder = tmp_path / "report"
    planned = report(check=True, directory=str(folder), **evidence)
    assert planned["changed"]
    assert not folder.exists()
    done = report(directory=str(folder), **evidence)
    assert (done["changed"], done["verdict"]) == (True, "pass")
    assert tuple(sorted(file.name for file in folder.iterdir())) == FILES
    kept = json.loads((folder / "report.json").read_text())
    assert kept == done["report"]
    assert kept["measured"]["rto_writes_seconds"]["value"] == pytest.approx(10, abs=0.3)
    assert kept["probe"]["client"] == "me"
    assert (folder / "report.md").read_text() == done["diff"]["after"]
    assert not report(directory=str(folder), **evidence)["changed"]


def test_all_forms_say_the_same_figure(tmp_path: Path, evidence: dict[str, str], report: Report) -> None:
    done = report(directory=str(tmp_path / "report"), **evidence)
    assert set(done["files"]) == {"json", "markdown", "html", "junit", "samples", "journal"}
    rto = done["report"]["measured"]["rto_writes_seconds"]["value"]
    assert f"| RTO, writes | 900 s | {rto:.2f} s |" in Path(done["files"]["markdown"]).read_text()
    assert (
        f'<data value="{rto}" data-path="measured.rto_writes_seconds.value"' in Path(done["files"]["html"]).read_text()
    )
    cases = ElementTree.parse(done["files"]["junit"]).iter("testcase")
    assert [case.attrib["time"] for case in cases if case.attrib["name"] == "RTO"] == [f"{rto:.3f}"]


def test_a_form_that_was_lost_is_written_again(tmp_path: Path, evidence: dict[str, str], report: Report) -> None:
    done = report(directory=str(tmp_path / "report"), **evidence)
    Path(done["files"]["html"]).unlink()
    assert report(directory=str(tmp_path / "report"), **evidence)["changed"]
    assert Path(done["files"]["html"]).exists()


def test_a_page_that_cannot_be_made_costs_no_other_form(
    tmp_path: Path, evidence: dict[str, str], report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_report: Any) -> str:
        raise RuntimeError("no page")

    action = import_module("ansible_collections.pilotlight.aws_dr.plugins.action.rto_report")
    monkeypatch.setitem(action.FORMS, "html", fail)
    with pytest.raises(RuntimeError, match="no page"):
        report(directory=str(tmp_path / "report"), **evidence)
    assert [name for name in FILES if (tmp_path / "report" / name).exists()] == [
        "junit.xml",
        "report.json",
        "report.md",
    ]


def test_a_report_without_samples_measures_nothing(tmp_path: Path, report: Report) -> None:
    done = report(directory=str(tmp_path))
    assert done["verdict"] == "not measured"
    assert done["report"]["measured"]["rto_writes_seconds"]["value"] is None


def test_evidence_that_cannot_be_read_is_named(tmp_path: Path, report: Report) -> None:
    refused = report(directory=str(tmp_path), samples=str(tmp_path / "none.jsonl"))
    assert refused["failed"]
    assert "none.jsonl" in refused["msg"]
    assert not (tmp_path / "report.json").exists()


def test_other_vantage_points_are_measured_from_their_samples(
    tmp_path: Path, evidence: dict[str, str], report: Report
) -> None:
    writes = series(60, [(10, 40)])
    stored = Stored(T0 + 70, frozenset(one.number for one in writes[4:] if one.ok), NEW)
    there = tmp_path / "samples-tokyo.jsonl"
    vantage = Vantage("tokyo", "app.example.com", 0.25, 2.0, T0, "/writes")
    there.write_text("".join(f"{one.line()}\n" for one in [vantage, *writes, stored]))
    points = [{"name": "tokyo", "samples": str(there)}, {"name": "oslo", "error": "ssh: timed out"}]
    done = report(directory=str(tmp_path / "report"), vantage_points=points, **evidence)
    [tokyo, oslo] = done["report"]["vantage_points"]
    assert tokyo["measured"]["rto_writes_seconds"]["value"] == pytest.approx(30, abs=0.3)
    assert tokyo["measured"]["rpo_lost_writes"]["value"] == 4
    assert oslo["measured"]["rto_writes_seconds"] == {"value": None, "method": "ssh: timed out"}
    assert done["report"]["measured"]["rto_writes_seconds"]["value"] == pytest.approx(10, abs=0.3)
    assert done["report"]["load"]["probes"] == 2
    assert done["files"]["samples-tokyo"] == str(there)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"samples": "/none.jsonl"}, "its samples cannot be read: "),
        ({"samples": __file__}, "its samples cannot be read: line 1 is not a sample"),
        ({}, "no samples came from there"),
    ],
)
def test_samples_of_a_vantage_point_that_are_none_cost_no_report(
    tmp_path: Path, evidence: dict[str, str], report: Report, point: dict[str, str], said: str
) -> None:
    done = report(directory=str(tmp_path / "report"), vantage_points=[{"name": "tokyo", **point}], **evidence)
    assert (done["failed"], done["verdict"]) == (False, "pass")
    assert done["report"]["vantage_points"][0]["reason"].startswith(said)


def test_an_argument_that_is_wrong_is_refused(tmp_path: Path, report: Report) -> None:
    from ansible.errors import AnsibleError

    with pytest.raises(AnsibleError, match="intent must be one of: drill, failover, failback"):
        report(directory=str(tmp_path), intent="party")


def test_an_outage_that_is_still_to_begin_is_refused(tmp_path: Path, evidence: dict[str, str], report: Report) -> None:
    """It gave an RTO of nothing, within any objective."""
    refused = report(directory=str(tmp_path / "report"), outage_began_at=T0 + 4e9, **evidence)
    assert refused["failed"]
    assert "outage_began_at is 5700000000.0: expected seconds since the epoch" in refused["msg"]
    assert not (tmp_path / "report").exists()


def test_a_report_of_an_emulator_says_so(
    tmp_path: Path, evidence: dict[str, str], report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile primary]\nendpoint_url = http://127.0.0.1:4566\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for variable in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(variable, raising=False)
    emulated = report(directory=str(tmp_path / "a"), profiles=["primary"], **evidence)["report"]
    assert emulated["test_endpoints"]["urls"] == ["http://127.0.0.1:4566"]
    assert report(directory=str(tmp_path / "b"), **evidence)["report"]["test_endpoints"]["urls"] == []
