# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions about an account, and the checks that their answers make. Reads only, and every failure at once.

A question is a generator of checks over a ``Scene``. What AWS refuses to answer is a problem like any other, so one
failure hides nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .clients import Caller
from .errors import CallFailed, RecoveryError
from .model import Access
from .ports import Workers
from .resources import GLOBAL_REGION

_NOT_ALLOWED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: it holds, has a problem, or waits for something that AWS is still busy with."""

    subject: str
    found: str
    problem: str = ""
    waiting: bool = False

    @property
    def holds(self) -> bool:
        """Whether this is as it should be."""
        return not self.problem and not self.waiting


@dataclass(frozen=True)
class Scene:
    """Whom to ask, and the variables of the roles, by name, that say about what."""

    caller: Caller
    workers: Workers
    variables: Mapping[str, Any]

    def text(self, variable: str) -> str:
        """The value of a variable as text; empty where there is none."""
        value = self.variables.get(variable)
        return "" if value is None else str(value)

    def entries(self, variable: str) -> Sequence[Any]:
        """The value of a variable that is a list."""
        value = self.variables.get(variable)
        return value if isinstance(value, (list, tuple)) else ()

    def skips(self, role: str) -> bool:
        """Whether the role is told to do nothing."""
        return self.variables.get(f"{role}_mode") == "skip"

    def access(self, place: str) -> Access:
        """How a site is reached, or DNS ("traffic"), or IAM ("iam")."""
        profile = self.text(f"aws_dr_{'dr' if place == 'iam' else place}_profile") or None
        region = GLOBAL_REGION if place in ("traffic", "iam") else self.text(f"aws_dr_{place}_region")
        return Access(region, profile)

    def read(self, place: str, service: str, operation: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One read; raises CallFailed or RegionUnreachable."""
        return self.caller.call(self.access(place), service, operation, params or {})

    def found(
        self, place: str, service: str, operation: str, params: Mapping[str, Any], absent: Sequence[str]
    ) -> dict[str, Any] | None:
        """One read; nothing where AWS answers with a code that means that there is none."""
        try:
            return self.read(place, service, operation, params)
        except CallFailed as error:
            if error.code in absent:
                return None
            raise


Question = Callable[[Scene], Iterator[Check]]


def put(questions: Sequence[Question], scene: Scene) -> list[Check]:
    """Put questions side by side; return their checks in the order of the questions."""
    checks: list[Check] = []
    for answer in scene.workers.gather([partial(_put, question, scene) for question in questions]):
        if isinstance(answer, Exception):
            raise answer
        checks += answer
    return checks


def _put(question: Question, scene: Scene) -> list[Check]:
    checks: list[Check] = []
    try:
        checks.extend(question(scene))
    except RecoveryError as error:
        subject = (question.__doc__ or "").strip().split("\n")[0].rstrip(".")
        if isinstance(error, CallFailed) and error.code in _NOT_ALLOWED:
            action = f"{error.service}:{error.operation}"
            problem = f"{subject}: {error}; allow the caller {action} in {error.region}"
            checks.append(Check(subject, "not allowed", problem))
        else:
            checks.append(Check(subject, "cannot be known", f"{subject}: {error}"))
    return checks


def table(checks: Sequence[Check]) -> list[str]:
    """Return the checks as lines of a table: what was looked at, what was found."""
    width = max((len(check.subject) for check in checks), default=0)
    return [f"{check.subject:<{width}}  {check.found}" for check in checks]
