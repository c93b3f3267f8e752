# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A fault that is seeded on disk is in the file, in one place, and nothing else is changed."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

import pytest
from mutants.on_disk import REPOSITORY, faulty, rewritten, seeded
from mutants.patching import Rewritten, TargetGone

from lab.gameday.scenario import load, names

NAMED = sorted({fault for name in names() for fault in load(name).fails_for})


@pytest.mark.parametrize("name", NAMED)
def test_every_fault_that_a_scenario_names_can_be_seeded_on_disk(name: str) -> None:
    files = faulty(name)
    assert files
    for path, text in files.items():
        assert text != (REPOSITORY / path).read_text(encoding="utf-8")
        compile(text, str(path), "exec")


def test_a_fault_in_a_table_is_there_when_the_core_is_loaded(tmp_path: Path) -> None:
    collection = seeded("lost-region-holds-the-fence", tmp_path)
    program = (
        "from plugins.module_utils._recovery.steps.registry import MODES, FENCES\n"
        "print({row.forgiven.__name__ for row in MODES['unplanned'].rows if row.step.name in FENCES})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=collection, capture_output=True, text=True)
    assert done.stdout.strip() == "{'never'}", done.stderr


def test_only_the_function_that_is_meant_is_rewritten() -> None:
    text = "class A:\n    def f(self):\n        return 1\n\n\ndef f():\n    return 1\n"
    found = rewritten(text, "A.f", Rewritten("module:A.f", "return 1", "return 2"))
    lines = [line for line in difflib.ndiff(text.splitlines(), found.splitlines()) if line[0] in "+-"]
    assert lines == ["-         return 1", "+         return 2"]


def test_a_core_that_has_changed_under_a_fault_is_an_error() -> None:
    with pytest.raises(TargetGone, match="stands there 0 times"):
        rewritten("def f():\n    return 1\n", "f", Rewritten("module:f", "return 3", "return 2"))
