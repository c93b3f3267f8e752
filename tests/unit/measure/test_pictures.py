# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pictures of a report show what the report says, and nothing leaves them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.measure import reports

from plugins.plugin_utils.report_page.availability_picture import availability_picture
from plugins.plugin_utils.report_page.drawing import NARROW, WIDE, Scale, fitting, round_step, seconds_text
from plugins.plugin_utils.report_page.timeline_picture import timeline_picture
from plugins.plugin_utils.report_page.waterfall_picture import waterfall_picture

Picture = Callable[..., Any]
ALL = (waterfall_picture, timeline_picture, availability_picture)
HOSTILE = "<script>alert(1)</script>"


def drawn(picture: Picture, report: dict[str, Any], width: int = WIDE) -> ElementTree.Element:
    """The picture, which is well-formed."""
    return ElementTree.fromstring(str(picture(report, width)))


def bars(root: ElementTree.Element, style: str) -> list[tuple[float, float]]:
    """Left edge and width of the bars of a style."""
    return [
        (float(one.attrib["x"]), float(one.attrib["width"]))
        for one in root.iter("rect")
        if style in one.attrib["class"].split()
    ]


def test_a_part_of_the_waterfall_is_as_long_as_its_share_of_the_rto() -> None:
    root = drawn(waterfall_picture, reports.drill())
    [(left, promote)], [(verify_left, verify)] = bars(root, "promote"), bars(root, "verify")
    assert promote / verify == pytest.approx(7.0 / 0.5, rel=0.02)
    assert left + promote == pytest.approx(verify_left, abs=0.2), "the next part begins where the one before it ends"
    assert "promote 7.000 s" in (root.findtext("desc") or "")


def test_the_waterfall_fills_the_whole_of_the_outage() -> None:
    root = drawn(waterfall_picture, reports.loss())
    found = sorted(bars(root, "part"))
    assert sum(width for _, width in found) == pytest.approx(WIDE - 80 - 90, abs=3)


def test_the_timeline_marks_the_critical_path_and_links_it() -> None:
    root = drawn(timeline_picture, reports.drill())
    assert len(bars(root, "critical")) == 4
    assert len(bars(root, "beside")) == 3
    assert len([one for one in root.iter("path") if one.attrib["class"] == "link"]) == 3
    [outage] = bars(root, "outage")
    assert outage[1] > 0


def test_a_step_that_failed_is_seen() -> None:
    assert len(bars(drawn(timeline_picture, reports.loss()), "failed")) == 2


def test_each_failed_sample_has_a_stroke_of_its_own() -> None:
    root = drawn(availability_picture, reports.drill())
    bad = [one.attrib["d"].count("M") for one in root.iter("path") if "bad" in one.attrib["class"].split()]
    assert bad == [40, 20]


def test_a_single_failure_among_many_samples_is_not_covered() -> None:
    report = reports.drill()
    report["availability"]["kinds"] = {"write": "l" * 9000 + "x" + "n" * 9000}
    styles = [one.attrib["class"] for one in drawn(availability_picture, report).iter("path")]
    assert styles == ["sample left", "sample new", "sample bad"], "what is drawn last lies on top"


@pytest.mark.parametrize("picture", ALL)
def test_without_evidence_there_is_no_picture(picture: Picture) -> None:
    report = reports.unseen()
    report["steps"] = []
    assert picture(report) is None


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("picture", ALL)
@pytest.mark.parametrize("made", [reports.drill, reports.loss])
def test_nothing_leaves_the_picture(picture: Picture, width: int, made: Callable[[], dict[str, Any]]) -> None:
    root = drawn(picture, made(), width)
    _x, _y, across, down = map(float, root.attrib["viewBox"].split())
    assert across == width
    for one in root.iter("rect"):
        assert float(one.attrib["x"]) >= 0
        assert float(one.attrib["x"]) + float(one.attrib["width"]) <= width + 1.5
    for one in root.iter("text"):
        length, x = 7.4 * len(one.text or ""), float(one.attrib["x"])
        left = {"start": x, "middle": x - length / 2, "end": x - length}[one.attrib["text-anchor"]]
        assert left >= -4, one.text
        assert left + length <= width + 4, one.text
        assert float(one.attrib["y"]) <= down


@pytest.mark.parametrize("picture", [waterfall_picture, timeline_picture])
def test_a_hostile_step_is_text(picture: Picture) -> None:
    report = reports.drill()
    for one in (*report["steps"], *report["waterfall"]["segments"]):
        one.update({name: HOSTILE for name in ("name", "step", "reason", "stage", "part") if name in one})
    text = str(picture(report))
    assert "<script" not in text
    assert ElementTree.fromstring(text) is not None


@given(span=st.floats(0.001, 1e6), room=st.floats(100, 960))
def test_ticks_are_round_and_leave_room_for_their_words(span: float, room: float) -> None:
    ticks = Scale(0, span, 0, room).ticks()
    assert 1 <= len(ticks) <= room / 90 + 2
    assert ticks[0] == 0
    assert ticks[-1] <= span * (1 + 1e-6)


@pytest.mark.parametrize(("least", "step"), [(0.3, 0.5), (0.5, 0.5), (3, 5), (7, 10), (11, 15), (40, 60), (5000, 7200)])
def test_steps_of_an_axis_are_round(least: float, step: float) -> None:
    assert round_step(least) == pytest.approx(step)


def test_words_of_an_axis_are_short() -> None:
    assert [seconds_text(one) for one in (0.5, 45, 60, 90, 600)] == ["0.5 s", "45 s", "1 min", "90 s", "10 min"]
    assert fitting("a-name-that-is-far-too-long", 77) == "a-name-th…"
    assert re.fullmatch("short", fitting("short", 70))


def test_who_does_not_see_colours_can_tell_the_strokes_apart() -> None:
    report = reports.drill()
    report["availability"]["kinds"] = {"write": "lnax"}
    strokes = [one.attrib["d"] for one in drawn(availability_picture, report).iter("path")]
    assert len({stroke.partition(" ")[2] for stroke in strokes}) == 4, "each has its own top and height"
