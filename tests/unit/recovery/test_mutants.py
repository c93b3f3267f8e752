# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seeded faults can still be seeded: none has lost its place in the core, and each is taken out without a trace."""

from __future__ import annotations

import pytest
from mutants.killers import KILLERS
from mutants.patching import Rewritten, TargetGone
from mutants.registry import MUTANTS


@pytest.mark.parametrize("name", MUTANTS)
def test_every_fault_finds_its_place_in_the_core(name: str) -> None:
    with MUTANTS[name].apply():
        pass
    with MUTANTS[name].apply():  # it was taken out again: else its place would be gone
        pass


def test_every_fault_has_a_test_that_is_expected_to_catch_it() -> None:
    assert set(MUTANTS) == set(KILLERS)


def test_a_fault_whose_place_is_gone_is_an_error_and_not_a_fault_that_does_nothing() -> None:
    fault = Rewritten("gates.database:target_instance", "no such text", "")
    with pytest.raises(TargetGone, match="stands there 0 times"), fault.apply():
        pass
