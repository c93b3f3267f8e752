# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can go wrong in the core, each as one clear line.

Nothing in the core ends a process or prints: it raises one of these, and the front door (a module, an action plugin,
the Lambda function) turns it into its own kind of failure.
"""

from __future__ import annotations

import re

LONGEST_LINE = 1000

_SECRETS = (
    re.compile(r"(?i)\b((?:x-amz-)?(?:security-?token|signature)\s*[:=]\s*)[^\s&,;\"']+"),
    re.compile(
        r"(?i)\b([\w-]*(?:password|secret_?(?:access_?)?key|secret_?string|session_?token)[\"']?\s*[:=]\s*[\"']?)[^\s&,;\"']+"
    ),
    re.compile(r"(://[^/\s:@]+:)[^/\s@]+(?=@)"),  # a proxy's URL may carry a password
)


def one_line(text: str) -> str:
    """What a service or a library said, fit for a log: one line, not endless, and without a secret.

    AWS's SignatureDoesNotMatch shows the canonical request with the session token, and botocore a proxy's URL.
    """
    line = " ".join(text.split())
    for secret in _SECRETS:
        line = secret.sub(r"\1(left out)", line)
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..."


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
        self.message = one_line(message)
        super().__init__(f"{service} {operation} in {region} failed: {code}: {self.message}")


class RegionUnreachable(RecoveryError):
    """No answer within the deadline, or none at all. A request that was sent may have been carried out.

    ``code`` tells one that was not sent because the region's budget is spent (``SPENT``): no later one will be either.
    """

    def __init__(self, region: str, reason: str, code: str = NO_ANSWER) -> None:
        self.region = region
        self.code = code
        self.reason = one_line(reason)
        super().__init__(f"{region} is unreachable: {self.reason}")


class LeaseLost(RecoveryError):
    """Somebody else moves this application, or may do so by now."""
