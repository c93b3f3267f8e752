# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The retry table: which errors of AWS pass by themselves, and what is done about each (R27).

botocore's own retries are off (one attempt), because they sleep on a clock that is not ours and hide what they did.
A request that was refused for its rate was not carried out, so a mutation may be sent again too; whatever leaves in
doubt whether the mutation was carried out is never sent again blindly: the step observes first. A write of the state
store, which says the same however often it is made, may be: a caller that knows its write to be so says so
(``repeatable``), and it counts as a read here.
Sources: botocore/data/_retry.json (codes), AWS General Reference "Error retries and exponential backoff", DynamoDB
developer guide "Error handling with DynamoDB" (500 and 503 may be retried, also for writes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Retry:
    """How often, how far apart (seconds, doubled each time up to the longest), and whether for mutations too."""

    attempts: int
    pause_seconds: float
    mutations: bool
    longest_seconds: float = 0.5

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the attempt of that number, from 1 on."""
        return min(self.longest_seconds, self.pause_seconds * 2.0 ** (attempt - 1))


# A survey makes some fifty calls: were half of all calls throttled, six attempts would fail one of them every other
# time, and eleven every fortieth. They fit into a read's deadline.
_RATE = Retry(attempts=11, pause_seconds=0.1, mutations=True)
_PASSING = Retry(attempts=3, pause_seconds=0.25, mutations=False)

RETRIES: Mapping[str, Retry] = {
    "Throttling": _RATE,
    "ThrottlingException": _RATE,
    "ThrottledException": _RATE,
    "RequestThrottled": _RATE,
    "RequestThrottledException": _RATE,
    "RequestLimitExceeded": _RATE,
    "TooManyRequestsException": _RATE,
    "ProvisionedThroughputExceededException": _RATE,
    "LimitExceededException": _RATE,
    "BandwidthLimitExceeded": _RATE,
    "PriorRequestNotComplete": _RATE,
    "SlowDown": _RATE,
    "InternalError": _PASSING,
    "InternalFailure": _PASSING,
    "InternalServerError": _PASSING,
    "InternalServiceError": _PASSING,
    "ServiceUnavailable": _PASSING,
    "ServiceUnavailableException": _PASSING,
    "RequestTimeout": _PASSING,
    "RequestTimeoutException": _PASSING,
    "ResponseParserError": _PASSING,  # botocore: what answered is not AWS, such as a proxy with a 503
    "500": _PASSING,
    "502": _PASSING,
    "503": _PASSING,
    "504": _PASSING,
}

SERVER_SIDE = frozenset(code for code, retry in RETRIES.items() if retry is _PASSING)
"""Errors that say more about the service than about the request: the breaker counts them."""


def retry_for(code: str, mutates: bool) -> Retry | None:
    """The row for an error code, or None where trying again is of no use, or may do harm."""
    retry = RETRIES.get(code)
    return retry if retry and (retry.mutations or not mutates) else None


_PERMANENT = re.compile(
    r"AccessDenied|Unauthorized|AuthFailure|Expired|InvalidClientTokenId|UnrecognizedClient|NoCredentials|Credential"
    r"|ProfileNotFound|Validation|InvalidParameter|NotFound|NoBoto3|DataNotFound|UnknownService"
)


def is_permanent(code: str) -> bool:
    """Whether an error says that the same call will fail again, so that waiting is of no use."""
    return bool(_PERMANENT.search(code))
