# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a fault gets into the core: one text in one function is replaced, or one value in a table.

The function keeps its identity and only its code is exchanged, so that every module that has imported it is faulty too.
A target that is no longer there is an error, never a fault that quietly does nothing.
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Protocol

CORE = "plugins.module_utils._recovery."

_SOURCES: dict[CodeType, str] = {}
"""What functions that are faulty now were made of: one mutant may rewrite a function in two places."""


class TargetGone(AssertionError):
    """The core has changed under a mutant: it must be written anew, or it proves nothing."""


class Fault(Protocol):
    """Something wrong that can be put into the core and taken out again."""

    def apply(self) -> AbstractContextManager[None]:
        """Wrong inside the block, right after it."""


def located(path: str) -> Any:
    """What ``module:Name.attribute`` stands for, in the core."""
    module, _colon, names = path.partition(":")
    try:
        found: Any = importlib.import_module(CORE + module)
        for name in names.split("."):
            found = inspect.getattr_static(found, name) if inspect.isclass(found) else getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise TargetGone(f"{path}: {error}") from error
    return getattr(found, "fget", None) or getattr(found, "__func__", None) or found


@dataclass(frozen=True)
class Rewritten:
    """``old`` stands exactly once in the function's source and is replaced by ``new``."""

    path: str
    old: str
    new: str

    @contextmanager
    def apply(self) -> Iterator[None]:
        """See ``Fault``."""
        function = located(self.path)
        if not isinstance(function, FunctionType):
            raise TargetGone(f"{self.path} is no function")
        right = function.__code__
        source = _SOURCES.get(right) or textwrap.dedent(inspect.getsource(function))
        if source.count(self.old) != 1:
            raise TargetGone(f"{self.path}: {self.old!r} stands there {source.count(self.old)} times")
        wrong = source.replace(self.old, self.new)
        wrong = wrong[wrong.index("def ") :]  # decorators were applied already
        module = inspect.getmodule(function)
        made: dict[str, Any] = {}
        flags = __future__.annotations.compiler_flag
        exec(compile(wrong, f"<mutant of {self.path}>", "exec", flags), vars(module), made)
        function.__code__ = made[function.__name__].__code__
        _SOURCES[function.__code__] = wrong
        try:
            yield
        finally:
            del _SOURCES[function.__code__]
            function.__code__ = right


@dataclass(frozen=True)
class Row:
    """Fields of a step's row in a mode's table are replaced."""

    mode: str
    step: str
    values: dict[str, Any]

    @contextmanager
    def apply(self) -> Iterator[None]:
        """See ``Fault``."""
        modes = located("steps.registry:MODES")
        row = next((row for row in modes[self.mode].rows if row.step.name == self.step), None)
        if row is None:
            raise TargetGone(f"mode {self.mode} has no step {self.step}")
        with _fields(row, self.values):
            yield


@dataclass(frozen=True)
class Table:
    """Fields of a frozen thing that stands at a path, or under a key there, are replaced."""

    path: str
    key: str
    values: dict[str, Any]

    @contextmanager
    def apply(self) -> Iterator[None]:
        """See ``Fault``."""
        table = located(self.path)
        if self.key not in table:
            raise TargetGone(f"{self.path} has no {self.key}")
        with _fields(table[self.key], self.values):
            yield


@contextmanager
def _fields(thing: Any, values: dict[str, Any]) -> Iterator[None]:
    before = {}
    for name in values:
        if not hasattr(thing, name):
            raise TargetGone(f"{thing!r} has no {name}")
        before[name] = getattr(thing, name)
        if before[name] == values[name]:
            raise TargetGone(f"{name} of {thing!r} is {values[name]!r} already: the fault changes nothing")
    for name, value in values.items():
        object.__setattr__(thing, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            object.__setattr__(thing, name, value)
