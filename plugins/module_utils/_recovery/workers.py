# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two ways to run independent tasks: side by side in threads, or one after the other (virtual clock); and one task
under a wall-clock deadline.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def _outcome(task: Callable[[], T]) -> T | Exception:
    try:
        return task()
    except Exception as error:  # pylint: disable=broad-except  # handed to the caller, which must look at it
        return error


class NotInTime(TimeoutError):
    """The time was over before the task was."""


def in_time(task: Callable[[], T], seconds: float, name: str) -> T:
    """What a task returns or raises, if that comes within so many seconds; raises NotInTime.

    It runs in a daemon thread of that name, which is left behind when its time is over.
    """
    done = threading.Event()
    outcome: list[T | Exception] = []

    def work() -> None:
        outcome.append(_outcome(task))
        done.set()

    threading.Thread(target=work, daemon=True, name=name).start()
    if not done.wait(seconds):
        raise NotInTime
    result = outcome[0]
    if isinstance(result, Exception):
        raise result
    return result


class InlineWorkers:
    """One after the other, in the caller's thread: deterministic, for tests and for a single call."""

    def gather(self, tasks: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """See ``ports.Workers``."""
        return [_outcome(task) for task in tasks]


class ThreadWorkers:
    """Side by side in daemon threads, so that a thread that hangs never keeps the process alive."""

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit

    def gather(self, tasks: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """See ``ports.Workers``. Every task is bounded by its own deadline, so waiting for all of them is bounded."""
        if len(tasks) <= 1:
            return [_outcome(task) for task in tasks]
        todo: queue.SimpleQueue[tuple[int, Callable[[], T]]] = queue.SimpleQueue()
        results: dict[int, T | Exception] = {}
        for item in enumerate(tasks):
            todo.put(item)

        def work() -> None:
            while True:
                try:
                    index, task = todo.get_nowait()
                except queue.Empty:
                    return
                results[index] = _outcome(task)

        threads = [threading.Thread(target=work, daemon=True) for _unused in range(min(self._limit, len(tasks)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [results[index] for index in range(len(tasks))]
