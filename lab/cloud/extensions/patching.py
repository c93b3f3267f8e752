"""How an extension replaces one of moto's methods: once per process, with the original at hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_done: set[tuple[str, str]] = set()


def wrap(owner: type, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Replace `owner.name` by the decorated function, which gets the original as its first argument."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        key = (f"{owner.__module__}.{owner.__qualname__}.{name}", function.__module__)
        if key in _done:
            return function
        _done.add(key)
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            return function(original, self, *args, **kwargs)

        setattr(owner, name, wrapper)
        return function

    return decorate


def action(response_class: type, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give moto's response class an action (snake case); replaces one that is there."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(response_class, name, function)
        return function

    return decorate
