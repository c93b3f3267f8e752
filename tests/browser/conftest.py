# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One browser for the folder, and the pages that it looks at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browser.chromium import NoBrowser, Tab, a_tab
from unit.measure import reports

from plugins.plugin_utils.report_page.page import as_page

LONG = "an-application-whose-name-is-longer-than-any-line-of-a-telephone-" * 3
HOSTILE = "<script>console.error('here')</script><img src=x onerror=\"console.error('here')\">"


@dataclass(frozen=True)
class Made:
    """A page, and the JSON that lies beside it."""

    page: Path
    report: dict[str, Any]


def long_names() -> dict[str, Any]:
    """Names as long as AWS allows them, and lines without a blank."""
    report = reports.drill(application=LONG, notes=(LONG,), status="failed", reasons=(LONG,))
    for one in (*report["steps"], *report["calls"], *report["gates"]):
        one.update(
            {name: LONG for name in ("name", "target", "gate", "reason", "detail") if isinstance(one.get(name), str)}
        )
    return report


def long_watch() -> dict[str, Any]:
    """An hour, flapping, with many lost writes."""
    report = reports.loss()
    report["availability"]["kinds"] = dict.fromkeys(("write", "read", "dns"), "llxnx.nn" * 1800)
    report["lost_writes"] = report["lost_writes"] * 100
    return report


PAGES: dict[str, Callable[[], dict[str, Any]]] = {
    "drill": reports.drill,
    "loss": reports.loss,
    "unseen": reports.unseen,
    "hostile": lambda: reports.drill(application=HOSTILE, notes=(HOSTILE,), run_id=HOSTILE),
    "long-names": long_names,
    "long-watch": long_watch,
}


@pytest.fixture(scope="session")
def tab() -> Iterator[Tab]:
    try:
        with a_tab() as found:
            yield found
    except NoBrowser as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """All pages, each from the JSON as it is read back."""
    folder = tmp_path_factory.mktemp("pages")
    pages = {}
    for name, report in PAGES.items():
        read = json.loads(json.dumps(report()))
        pages[name] = Made(folder / f"{name}.html", read)
        pages[name].page.write_text(as_page(read), encoding="utf-8")
    return pages
