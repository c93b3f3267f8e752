# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A pytest plugin: the whole session runs on a core into which the mutant named in ``MUTANT`` was put."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

VARIABLE = "MUTANT"


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected: what tests import is faulty already."""
    from .registry import MUTANTS

    name = os.environ.get(VARIABLE)
    if not name:
        return
    if name not in MUTANTS:
        raise pytest.UsageError(f"{VARIABLE}={name}: there is no such mutant")
    stack = ExitStack()
    stack.enter_context(MUTANTS[name].apply())
    config.add_cleanup(stack.close)
