# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can go wrong in the core, each as one clear line.

Nothing in the core ends a process or prints: it raises one of these, and the front door (a module, an action plugin,
the Lambda function) turns it into its own kind of failure.
"""

from __future__ import annotations

NO_ANSWER = "NoAnswer"
NOT_ASKED = "NotAsked"  # left alone for a while: the call was not sent
SPENT = "BudgetSpent"


class RecoveryError(Exception):
    """Everything that the core raises on purpose; ``str()`` is one line for a person."""


class CallFailed(RecoveryError):
    """AWS answered, and the answer was an error."""

    def __init__(self, region: str, service: str, operation: str, code: str, message: str) -> None:
        self.region = region
        self.service = service
        self.operation = operation
        self.code = code
        self.message = " ".join(message.split())
        super().__init__(f"{service} {operation} in {region} failed: {code}: {self.message}")


class RegionUnreachable(RecoveryError):
    """No answer within the deadline, or none at all. A request that was sent may have been carried out.

    ``code`` tells one that was not sent because the region's budget is spent (``SPENT``): no later one will be either.
    """

    def __init__(self, region: str, reason: str, code: str = NO_ANSWER) -> None:
        self.region = region
        self.code = code
        self.reason = " ".join(reason.split())
        super().__init__(f"{region} is unreachable: {self.reason}")


class LeaseLost(RecoveryError):
    """Somebody else moves this application, or may do so by now."""
