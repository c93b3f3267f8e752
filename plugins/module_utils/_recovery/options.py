# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the operator said of a move."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .fields import ModelError, Problem
from .gates.ruling import check_waivers
from .journal import INTENTS
from .model import PLACES
from .steps.base import RECONCILE
from .steps.registry import MODES


@dataclass(frozen=True)
class Options:
    """What the operator said. ``intent`` only says what for: drill, failover or failback; ``operator``, who it was.

    ``break_lease`` is the id of the run whose lease may be taken away from it: named, so that none is broken by chance.
    """

    target: str
    mode: str
    intent: str = ""
    accept_data_loss: bool = False
    waive: tuple[str, ...] = ()
    break_lease: str = ""
    accept_unfenced: bool = False
    overwrite_secrets: tuple[str, ...] = ()
    without_job: bool = False
    operator: str = ""

    def checked(self) -> Options:
        """The same with its default intent; raises ModelError or RecoveryError."""
        intent = self.intent or ("failback" if self.target == "primary" else "failover")
        problems = []
        for name, value, choices in (
            ("target", self.target, PLACES),
            ("mode", self.mode, tuple(MODES)),
            ("intent", intent, INTENTS),
        ):
            if value not in choices:
                problems.append(Problem(name, value, "one of " + ", ".join(choices)))
        if intent == "drill" and self.mode == "unplanned":
            problems.append(Problem("mode", self.mode, "planned: a drill is a switchover"))
        if (intent == RECONCILE) != (self.mode == RECONCILE):
            problems.append(Problem("intent", intent, f"{RECONCILE} with mode {RECONCILE}, and with no other"))
        if problems:
            raise ModelError(problems)
        check_waivers(self.waive)
        return replace(self, intent=intent)
