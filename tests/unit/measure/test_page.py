# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of a move: one file, nothing from elsewhere, everything escaped, every figure the JSON's."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from unit.measure import reports

from plugins.plugin_utils.report_page.page import LOST_SHOWN, as_page, beside, number

MADE = {
    "drill": reports.drill,
    "loss": reports.loss,
    "unseen": reports.unseen,
    "elsewhere": reports.watched_from_elsewhere,
}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}"
VOID = {"meta", "link", "br", "img"}


class Reader(HTMLParser):
    """The elements of a page with their attributes and text, and whether each is closed where it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[tuple[str, str, str]] = []
        self.text = ""
        self._figure: tuple[str, str] | None = None
        self.feed(page)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if "data-path" in found:
            self._figure = (str(found["data-path"]), str(found.get("data-decimals", "")))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._figure:
            self.figures.append((*self._figure, data))
            self._figure = None

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def at(report: Any, path: str) -> Any:
    """What stands at a dotted path of the JSON."""
    for key in path.split("."):
        report = report[int(key)] if isinstance(report, list) else report.get(key)
    return report


@pytest.mark.parametrize("name", MADE)
def test_every_figure_of_the_page_is_the_jsons(name: str) -> None:
    report = json.loads(json.dumps(MADE[name]()))
    figures = Reader(as_page(report)).figures
    assert len(figures) > 15
    for path, decimals, shown in figures:
        value = at(report, path)
        if value is None:
            assert shown == "not measured", path
        else:
            assert float(shown) == pytest.approx(value, abs=0.5001 / 10 ** int(decimals)), path


@pytest.mark.parametrize("name", MADE)
def test_a_page_needs_nothing_from_elsewhere(name: str) -> None:
    page = as_page(MADE[name]())
    read = Reader(page)
    assert len(page.encode()) < 1_000_000
    assert read.of("script") == []
    assert [link["href"] for link in read.of("link")] == ["data:,"]
    assert not re.search(r"url\(|@import|https?://", page)
    assert "default-src 'none'" in page
    for anchor in read.of("a"):
        href = str(anchor["href"])
        assert href in ("samples.jsonl", "report.json") or href[1:] in {
            attributes.get("id") for _, attributes in read.elements
        }


@pytest.mark.parametrize("name", MADE)
def test_a_page_can_be_read_by_ear(name: str) -> None:
    read = Reader(as_page(MADE[name]()))
    ids = [attributes["id"] for _tag, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(read.of("h1")) == 1
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for picture in read.of("svg"):
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= set(ids)
    assert len(read.of("table")) == len(read.of("caption"))
    heads = read.of("th")
    assert heads
    assert {head["scope"] for head in heads} == {"col", "row"}
    assert read.of("html")[0]["lang"] == "en"


def test_pictures_have_a_table_beside_them() -> None:
    read = Reader(as_page(reports.drill()))
    assert len(read.of("svg")) == 6, "each picture is drawn for a desk and for a telephone"
    for caption in ("The parts of the RTO", "Samples of the probe", "The steps of the move"):
        assert caption in read.text


@pytest.mark.parametrize(
    "change",
    [
        {"application": HOSTILE},
        {"status": "failed", "reasons": (HOSTILE,)},
        {"notes": (HOSTILE,)},
        {"origin_region": HOSTILE},
        {"run_id": HOSTILE},
    ],
)
def test_a_hostile_name_is_text(change: dict[str, Any]) -> None:
    page = as_page(reports.drill(**change))
    read = Reader(page)
    assert (read.of("script"), read.of("img")) == ([], [])
    assert "<script" not in page
    assert HOSTILE in read.text
    assert "{{ 7 * 7 }}" in page, "what comes from outside is no template"


@pytest.mark.parametrize("kind", ["gate", "step", "call", "lost", "check", "place"])
def test_hostile_evidence_is_text(kind: str) -> None:
    report = reports.watched_from_elsewhere() if kind == "place" else reports.loss()
    if kind == "gate":
        report["gates"][0].update(gate=HOSTILE, reason=HOSTILE)
    elif kind == "step":
        report["steps"][0].update(name=HOSTILE, reason=HOSTILE, stage=HOSTILE)
        report["waterfall"]["segments"][0].update(step=HOSTILE)
    elif kind == "call":
        report["calls"][0].update(target=HOSTILE, result=HOSTILE)
    elif kind == "lost":
        report["lost_writes"][0].update(region=HOSTILE)
    elif kind == "place":
        report["vantage_points"][1].update(name=HOSTILE, reason=HOSTILE)
        report.update(worst=HOSTILE)
    else:
        report["validation"][0].update(detail=HOSTILE)
    page = as_page(report)
    read = Reader(page)
    assert (read.of("script"), read.of("img")) == ([], [])
    assert HOSTILE in read.text
    assert all("onerror" not in attributes for _tag, attributes in read.elements)


def test_what_was_seen_from_elsewhere_stands_beside_what_the_main_probe_saw() -> None:
    read = Reader(as_page(reports.watched_from_elsewhere()))
    assert "Worst of what was measured: RTO of writes 30.01 s, from tokyo" in read.text
    assert ("vantage_points.0.measured.rto_writes_seconds.value", "2", "30.01") in read.figures
    assert ("vantage_points.1.measured.rto_writes_seconds.value", "", "not measured") in read.figures
    assert "ssh: connection timed out" in read.text
    assert "The load of 2 probes together, at most" not in Reader(as_page(reports.drill())).text


def test_lost_writes_are_listed_up_to_a_number_and_the_rest_is_pointed_at() -> None:
    few = Reader(as_page(reports.loss()))
    assert "Lost writes, one by one" in few.text
    report = reports.loss()
    report["lost_writes"] = report["lost_writes"] * 30
    text = Reader(as_page(report)).text
    assert f"{240 - LOST_SHOWN} more stand in reports/run/report.json" in text


def test_what_was_not_measured_says_so_with_its_reason() -> None:
    text = Reader(as_page(reports.unseen())).text
    assert "not measured" in text
    assert "The RTO was not measured: the probe made no writes." in text
    assert "Not measured: nothing probed the application." in text


def test_a_page_of_a_long_watch_stays_small() -> None:
    """An hour at four samples a second of each kind, flapping all the time."""
    report = reports.drill()
    report["availability"]["kinds"] = dict.fromkeys(("write", "read", "dns"), "lxn." * 3600)
    report["lost_writes"] = [{"number": n, "sent_at": 1.0, "acknowledged_at": 2.0, "region": None} for n in range(5000)]
    assert len(as_page(report).encode()) < 1_000_000


def test_files_beside_the_page_are_linked_and_others_are_named() -> None:
    files = {"html": "/r/run/report.html", "json": "/r/run/report.json", "samples": "/elsewhere/samples.jsonl"}
    assert [one["link"] for one in beside(files)] == ["report.html", "report.json", ""]


def test_a_journal_that_says_little_of_gates_and_calls_makes_a_page_too() -> None:
    events = reports.drill_events()
    for one in events:
        one.pop("call", None)
        if one["kind"] == "gate":
            one["detail"] = {}
    page = as_page(reports.report_on(reports.DRILL, reports.watched((10, 20), 19), events))
    assert "replication-lag" in Reader(page).text


def test_a_count_has_no_decimals_and_seconds_have() -> None:
    assert [number(8), number(0.0), number(1.518), number(1.518, 3)] == ["8", "0.00", "1.52", "1.518"]


def test_an_objective_of_half_a_second_is_no_zero() -> None:
    text = Reader(as_page({**reports.drill(), "objectives": {"rto_seconds": 900.0, "rpo_seconds": 0.5}})).text
    assert "objective 900\xa0s" in text
    assert "objective 0.50\xa0s" in text


def emulated() -> dict[str, Any]:
    return {**reports.drill(), "test_endpoints": {"urls": ["http://emulator:4566"], "statement": EMULATED}}


EMULATED = "These figures come from a test endpoint (http://emulator:4566), not from AWS."


def test_a_page_says_where_its_figures_do_not_come_from_aws() -> None:
    assert EMULATED in Reader(as_page(emulated())).text
    assert "test endpoint" not in as_page(reports.drill())


def test_an_rpo_says_whose_writes_it_counts_and_what_it_leaves_open() -> None:
    """A drill bounds what others lost; after a failover out of a region that is not fenced nothing does."""
    drill, loss = Reader(as_page(reports.drill())).text, Reader(as_page(reports.loss())).text
    for page in (drill, loss):
        assert "of the probe's own acknowledged writes lost" in page
    assert "others may have lost more" not in drill
    assert "not bounded: others may have lost more" in loss
    assert "RPO: Not fenced in us-east-1: groups, other writers." in loss


def test_figures_from_elsewhere_stand_with_their_methods() -> None:
    report = reports.watched_from_elsewhere()
    page = Reader(as_page(report)).text
    assert "RTO, writes, seen from tokyo" in page
    assert page.count(report["vantage_points"][0]["measured"]["rto_writes_seconds"]["method"]) == 1


def test_the_legend_of_what_clients_saw_names_more_than_colours() -> None:
    page = Reader(as_page(reports.drill())).text
    for words in ("by us-east-1 (lower half)", "by us-west-2 (full height)", "failed (reaching below the others)"):
        assert words in page
