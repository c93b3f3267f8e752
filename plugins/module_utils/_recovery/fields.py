# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads typed fields out of plain dictionaries, and gathers every problem before it complains.

A problem names the field by its path, the value that was found, and what would be right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import RecoveryError

ABSENT: Any = object()


@dataclass(frozen=True)
class Problem:
    """One wrong field."""

    field: str
    value: Any
    expected: str

    def __str__(self) -> str:
        found = "is missing" if self.value is ABSENT else f"is {self.value!r}"
        return f"{self.field} {found}: expected {self.expected}"


class ModelError(RecoveryError):
    """The description of an application is wrong; ``problems`` holds every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class Fields:
    """One dictionary under reading. Children share the list of problems."""

    def __init__(self, document: Any, path: str, problems: list[Problem], expected: str = "a dictionary") -> None:
        self.path = path
        self.problems = problems
        self._known: set[str] = set()
        self._document: Mapping[str, Any] = {}
        if isinstance(document, Mapping):
            self._document = document
        else:
            problems.append(Problem(path, document, expected))

    def problem(self, name: str, value: Any, expected: str) -> None:
        """Note one wrong field of this dictionary."""
        self.problems.append(Problem(f"{self.path}.{name}", value, expected))

    def raw(self, name: str, default: Any = ABSENT) -> Any:
        """The value as it stands; null counts as absent."""
        self._known.add(name)
        value = self._document.get(name)
        return default if value is None else value

    def text(self, name: str, expected: str, default: Any = ABSENT) -> str:
        """A text that is not empty (an empty one counts as absent)."""
        value = self.raw(name, default)
        if value == "" and default is not ABSENT:
            return str(default)
        if not isinstance(value, str) or (value == "" and default is ABSENT):
            self.problem(name, value, expected)
            return ""
        return value

    def optional_text(self, name: str, expected: str) -> str | None:
        """A text, or None where it is absent or empty."""
        return self.text(name, expected, default="") or None

    def choice(self, name: str, choices: Sequence[str], default: Any = ABSENT) -> str:
        """One of ``choices``."""
        value = self.raw(name, default)
        if value not in choices:
            self.problem(name, value, "one of " + ", ".join(choices))
            return choices[0]
        return str(value)

    def number(self, name: str, expected: str, minimum: float, default: Any = ABSENT) -> float:
        """A number, not below ``minimum``; numbers written as text are taken, as templates make them."""
        value = self.raw(name, default)
        try:
            result = float(value) if not isinstance(value, bool) else float("nan")
        except (TypeError, ValueError):
            result = float("nan")
        if not result >= minimum or result == float("inf"):
            self.problem(name, value, f"{expected}, at least {minimum:g}")
            return minimum
        return result

    def integer(self, name: str, expected: str, minimum: int, default: Any = ABSENT) -> int:
        """A whole number, not below ``minimum``."""
        result = self.number(name, expected, minimum, default)
        if result != int(result):
            self.problem(name, result, f"{expected}, a whole number")
        return int(result)

    def texts(self, name: str, expected: str, default: Any = ABSENT, least: int = 0) -> tuple[str, ...]:
        """A list of texts; empty ones, as templates make them of what is not set, are left out."""
        value = self.raw(name, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            self.problem(name, value, expected)
            return ()
        value = [one for one in value if one]
        if len(value) < least:
            self.problem(name, value, f"{expected}, at least {least}")
        return tuple(value)

    def child(self, name: str, expected: str, default: Any = ABSENT) -> Fields:
        """A dictionary within this one."""
        return Fields(self.raw(name, default), f"{self.path}.{name}", self.problems, expected)

    def children(self, name: str, expected: str, default: Any = ABSENT, least: int = 0) -> list[Fields]:
        """A list of dictionaries within this one."""
        value = self.raw(name, default)
        if not isinstance(value, (list, tuple)) or len(value) < least:
            self.problem(name, value, expected)
            return []
        path = f"{self.path}.{name}"
        return [Fields(one, f"{path}[{index}]", self.problems) for index, one in enumerate(value)]

    def finish(self) -> None:
        """Complain about what nobody asked for: most likely a slip of the pen."""
        for name in sorted(set(map(str, self._document)) - self._known):
            known = ", ".join(sorted(self._known))
            self.problem(name, self._document.get(name), f"no such field here; known are {known}")
