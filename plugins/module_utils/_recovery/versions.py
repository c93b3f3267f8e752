# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a version meets a requirement such as ``>=10.1.0,<11.0.0``, as galaxy.yml and meta/runtime.yml write them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

_COMPARE: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def satisfies(version: str, requirement: str) -> bool:
    """Return whether ``version`` meets every part of ``requirement``; ``*`` and nothing are met by all."""
    return all(_holds(version, part.strip()) for part in requirement.split(",") if part.strip() not in ("", "*"))


def _holds(version: str, part: str) -> bool:
    match = re.fullmatch(r"(>=|<=|==|!=|>|<)?\s*([0-9][0-9.]*)\S*", part)
    if not match:
        raise ValueError(f"{part!r} is no requirement on a version: expected something like >=1.2.3")
    left, right = _numbers(version), _numbers(match[2])
    width = max(len(left), len(right))
    return _COMPARE[match[1] or "=="](_padded(left, width), _padded(right, width))


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release numbers; what follows them (``rc1``, ``.dev0``) says nothing about what an API can do."""
    match = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def _padded(numbers: tuple[int, ...], width: int) -> tuple[int, ...]:
    return numbers + (0,) * (width - len(numbers))
