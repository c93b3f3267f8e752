# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Versions against requirements."""

from __future__ import annotations

import pytest

from plugins.module_utils._recovery.versions import satisfies


@pytest.mark.parametrize(
    ("version", "requirement", "met"),
    [
        ("10.1.2", ">=10.1.0,<11.0.0", True),
        ("11.0.0", ">=10.1.0,<11.0.0", False),
        ("10.0.9", ">=10.1.0,<11.0.0", False),
        ("2.19", ">=2.19.0", True),
        ("2.19.0rc1", ">=2.19.0", True),
        ("1.34", "==1.34.0", True),
        ("3.9.18", ">=3.11", False),
        ("1.2.3", "!=1.2.3", False),
        ("1.2.3", "*", True),
        ("", ">=1.0", False),
    ],
)
def test_a_version_meets_a_requirement(version: str, requirement: str, met: bool) -> None:
    assert satisfies(version, requirement) is met


def test_what_is_no_requirement() -> None:
    with pytest.raises(ValueError, match="no requirement"):
        satisfies("1.0", "about 1")
