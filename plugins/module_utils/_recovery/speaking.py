# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Progress, told live: a line for each application and stage, with the time and what is being waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .course import Course, Phase, Progress
from .steps.base import Move

HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True)
class Line:
    """One line of progress."""

    application: str
    stage: str
    step: str
    phase: str
    elapsed_seconds: float
    waiting_for: str

    def __str__(self) -> str:
        """As people see it."""
        waiting = f": {self.waiting_for}" if self.waiting_for else ""
        return f"{self.application} | {self.stage} | {self.step} | {self.elapsed_seconds:.0f} s | {self.phase}{waiting}"


def silent(line: Line) -> None:
    """Where nobody listens."""
    del line


@dataclass
class Speaker:
    """Says what is new, and from time to time what has not changed."""

    say: Callable[[Line], None]
    now: Callable[[], float]
    spoken: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def note(self, move: Move, step: str, text: str) -> None:
        """Something of the time before the first step."""
        self.say(Line(move.application.name, "decide", step, "note", self.now() - move.opened_at, text))

    def look_at(self, courses: Iterable[Course]) -> None:
        """A line for each step that has something new to say, or has had nothing new for long."""
        now = self.now()
        for course in courses:
            for name, progress in course.steps.items():
                if progress.phase is Phase.WAITING:
                    continue
                key, said = (course.move.application.name, name), f"{progress.phase.value} {progress.reason}"
                before = self.spoken.get(key)
                if before is not None and before[0] == said:
                    recent = now - before[1] < HEARTBEAT_SECONDS
                    if recent or progress.phase is not Phase.RUNNING:
                        continue
                self.spoken[key] = (said, now)
                self.say(self._line(course, progress, now))

    @staticmethod
    def _line(course: Course, progress: Progress, now: float) -> Line:
        return Line(
            course.move.application.name,
            progress.step.stage,
            progress.step.name,
            "waiting for" if progress.phase is Phase.RUNNING else progress.phase.value,
            now - course.move.opened_at,
            progress.reason,
        )
