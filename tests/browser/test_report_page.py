# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report's page as a reader meets it: on a desk, on a telephone, in the dark, on paper, by keyboard and by ear."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from browser.chromium import Tab
from browser.conftest import PAGES, Made

Pages = dict[str, Made]

FIGURES = "[...document.querySelectorAll('[data-path]')].map(e => [e.dataset.path, e.dataset.decimals, e.textContent])"
OUTSIDE = """
[...document.querySelectorAll('body *')]
  .filter(e => { const box = e.getBoundingClientRect();
    return box.width > 0 && !e.closest('.unseen, .skip, thead') && (box.right > innerWidth + 1 || box.left < -1); })
  .map(e => e.tagName + ' ' + (e.className.baseVal ?? e.className) + ': ' + e.textContent.slice(0, 40))
"""
WORDS_OUTSIDE_THEIR_PICTURE = """
[...document.querySelectorAll('svg text')].filter(e => e.getBoundingClientRect().width > 0).filter(e => {
  const box = e.getBoundingClientRect(), all = e.ownerSVGElement.getBoundingClientRect();
  return box.left < all.left - 1 || box.right > all.right + 1 || box.bottom > all.bottom + 1 || box.top < all.top - 1;
}).map(e => e.textContent)
"""
SMALLEST_LETTER_OF_A_PICTURE = """
Math.min(...[...document.querySelectorAll('svg text')].filter(e => e.getBoundingClientRect().width > 0)
  .map(e => parseFloat(getComputedStyle(e).fontSize) * e.ownerSVGElement.getBoundingClientRect().width
            / e.ownerSVGElement.viewBox.baseVal.width))
"""
# WCAG 2.2, 1.4.3: relative luminance and the contrast of text with the nearest ground that is painted behind it.
LOW_CONTRAST = """
(() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const e of document.querySelectorAll('body *')) {
    const words = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!words || !e.getBoundingClientRect().width || e.closest('title, desc')) continue;
    const style = getComputedStyle(e), ink = numbers(e.closest('svg') ? style.fill : style.color);
    const pair = [light(ink), light(ground(e))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) found.add(`${e.tagName} ${style.color} ${contrast.toFixed(2)} ${e.textContent.slice(0, 30)}`);
  }
  return [...found];
})()
"""
UNITS_TORN_OFF = """
[...document.querySelectorAll('data')].filter(e => e.nextSibling?.textContent.trim()).filter(e => {
  const unit = document.createRange();
  unit.selectNode(e.nextSibling);
  return Math.abs(unit.getBoundingClientRect().bottom - e.getBoundingClientRect().bottom) > 4;
}).map(e => e.dataset.path)
"""
TORN_WORDS = """
[...document.querySelectorAll('h1, h2, h3, thead th, .short, dt, .card p')].flatMap(e => {
  const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), torn = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    for (const word of node.textContent.matchAll(/[\\w.:]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) torn.push(word[0]);
    }
  return torn;
})
"""
GROUND = "getComputedStyle(document.body).backgroundColor"


def at(report: Any, path: str) -> Any:
    """What stands at a dotted path of the JSON."""
    for key in path.split("."):
        report = report[int(key)] if isinstance(report, list) else report.get(key)
    return report


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_complaint_and_asks_for_nothing(tab: Tab, made: Pages, name: str, dark: bool) -> None:
    tab.open(made[name].page, dark=dark)
    assert tab.complaints() == []
    assert tab.requests() == []
    assert tab.evaluate("document.title").startswith(("Drill of", "Failover of"))


@pytest.mark.parametrize("name", PAGES)
def test_the_figures_on_the_page_equal_the_json(tab: Tab, made: Pages, name: str) -> None:
    tab.open(made[name].page)
    shown = tab.evaluate(FIGURES)
    assert {"measured.rto_writes_seconds.value", "measured.rpo_seconds.value", "objectives.rto_seconds"} <= {
        path for path, _decimals, _text in shown
    }
    for path, decimals, text in shown:
        value = at(made[name].report, path)
        if value is None:
            assert text == "not measured", path
        else:
            assert abs(float(text) - value) <= 0.5001 / 10 ** int(decimals), path
            assert int(decimals) >= 2 or value == int(value), "a rounded figure would say something else"


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows(tab: Tab, made: Pages, name: str, width: int) -> None:
    tab.open(made[name].page, width=width)
    assert tab.evaluate("innerWidth") == width
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(OUTSIDE) == []
    assert tab.evaluate(WORDS_OUTSIDE_THEIR_PICTURE) == []
    assert tab.evaluate(UNITS_TORN_OFF) == []


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("name", ["drill", "loss", "unseen"])
def test_no_word_of_ours_is_torn(tab: Tab, made: Pages, name: str, width: int) -> None:
    tab.open(made[name].page, width=width)
    assert tab.evaluate(TORN_WORDS) == []


@pytest.mark.parametrize("width", [360, 1440])
def test_each_picture_is_shown_once_and_its_words_can_be_read(tab: Tab, made: Pages, width: int) -> None:
    tab.open(made["loss"].page, width=width)
    shown = "[...document.querySelectorAll('svg')].filter(e => e.getBoundingClientRect().width > 0)"
    assert tab.evaluate(f"{shown}.length") == 3
    assert tab.evaluate(SMALLEST_LETTER_OF_A_PICTURE) >= 10


@pytest.mark.parametrize("width", [360, 1440])
def test_pictures_have_a_name_and_a_text_for_those_who_do_not_see_them(tab: Tab, made: Pages, width: int) -> None:
    tab.open(made["loss"].page, width=width)
    nodes = tab.command("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    pictures = [node for node in nodes if not node["ignored"] and node["role"]["value"] in ("image", "img")]
    assert len(pictures) == 3
    for picture in pictures:
        assert len(picture["name"]["value"]) > 60, "the name is the title and what is seen"
    assert {"table", "columnheader", "rowheader", "cell", "main", "navigation", "heading"} <= set(roles)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["drill", "loss", "unseen"])
def test_text_stands_out_from_its_ground(tab: Tab, made: Pages, name: str, dark: bool) -> None:
    tab.open(made[name].page, dark=dark)
    assert tab.evaluate(LOW_CONTRAST) == []


def test_light_is_light_and_dark_is_dark(tab: Tab, made: Pages) -> None:
    grounds = []
    for dark in (False, True):
        tab.open(made["drill"].page, dark=dark)
        grounds.append(tab.evaluate(f"Math.max(...{GROUND}.match(/[0-9]+/g).map(Number))"))
    assert grounds[0] > 240
    assert grounds[1] < 50


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_paper_it_is_dark_on_white_without_what_only_a_screen_needs(tab: Tab, made: Pages, dark: bool) -> None:
    tab.open(made["loss"].page, width=794, dark=dark, media="print")
    assert tab.evaluate(GROUND) == "rgb(255, 255, 255)"
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert tab.evaluate(LOW_CONTRAST) == []
    printed = base64.b64decode(tab.command("Page.printToPDF", printBackground=True)["data"])
    assert printed.startswith(b"%PDF")


def test_a_keyboard_reaches_the_report_past_the_navigation(tab: Tab, made: Pages) -> None:
    tab.open(made["drill"].page)
    tab.press("Tab", 9)
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().top") >= 0, "what has the focus is seen"
    tab.evaluate("document.activeElement.click()")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_every_link_of_the_navigation_leads_somewhere(tab: Tab, made: Pages) -> None:
    tab.open(made["drill"].page)
    lost = "[...document.querySelectorAll('nav a')].filter(a => !document.querySelector(a.hash)).map(a => a.hash)"
    assert tab.evaluate(lost) == []
    assert tab.evaluate("document.querySelectorAll('nav a').length") >= 8
