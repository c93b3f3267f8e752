# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""By fault: the test that is expected to catch it. One that does not any more is found by ``make mutants``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

KILLERS: Mapping[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
