# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/images/report-*.png from the pages of reports, with the browser of the browser tests.

    PYTHONPATH=.:tests python tests/tools/report_screenshots.py reports/DRILL/report.html reports/FAILOVER/report.html

The drill is shown light and on a telephone, the failover dark, and its lost writes by themselves.
"""

from __future__ import annotations

import sys
from pathlib import Path

from browser.chromium import a_tab

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def main(drill: Path, failover: Path) -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    shots = (
        # file, page, width, height, dark, the heading that stands at the top
        ("report-light.png", drill, 1100, 1500, False, ""),
        ("report-dark.png", failover, 1100, 1500, True, ""),
        ("report-lost-writes.png", failover, 1100, 700, False, "loss"),
        ("report-phone.png", drill, 390, 1200, False, ""),
    )
    with a_tab() as tab:
        for name, page, width, height, dark, heading in shots:
            tab.open(page, width=width, height=height, dark=dark)
            if heading:
                tab.evaluate(f"document.getElementById('{heading}').scrollIntoView()")
            tab.screenshot(IMAGES / name)
            print(f"{IMAGES / name}: {(IMAGES / name).stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
