# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How the core calls AWS: what callers may ask for, what a transport does, and what is kept of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .model import Access

READ_DEADLINE_SECONDS = 5.0
MUTATION_DEADLINE_SECONDS = 20.0

_READS = re.compile(r"^(Describe|Get|List|BatchGet|Query|Scan|Head|Lookup|Search)")
_SECRETS = re.compile(r"(secret|password|token|credential)", re.IGNORECASE)
_PAYLOADS = {"Input"}
"""What a schedule hands to its target (EventBridge Scheduler API reference, Target): anything may be in it."""


class Caller(Protocol):
    """What steps, stores and readers need of ``Clients``."""

    def call(
        self,
        at: Access | str,
        service: str,
        operation: str,
        params: Mapping[str, Any] | None = None,
        *,
        mutates: bool | None = None,
        repeatable: bool = False,
        deadline_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Send one request; raises CallFailed or RegionUnreachable.

        ``repeatable``: a change that does no harm when it is made twice, so that it is tried again as a read is (R27).
        """


class Transport(Protocol):
    """Sends one request, once, within its deadline; raises CallFailed or RegionUnreachable."""

    def send(
        self, access: Access, service: str, operation: str, params: Mapping[str, Any], deadline_seconds: float
    ) -> dict[str, Any]:
        """One attempt."""


@dataclass(frozen=True)
class CallRecord:
    """One request as it was made; parameters are kept without values that may be secret."""

    at: float
    region: str
    service: str
    operation: str
    mutates: bool
    params: Mapping[str, Any]
    seconds: float
    error: str | None = None


def without_secrets(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters fit for a journal: values under telling names are left out, and payloads, however deep they are."""
    return {key: "(left out)" if _is_secret(key) else _without_secrets(value) for key, value in params.items()}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_secrets(value)
    return [_without_secrets(one) for one in value] if isinstance(value, (list, tuple)) else value


def _is_secret(name: str) -> bool:
    return name in _PAYLOADS or (bool(_SECRETS.search(name)) and not name.endswith(("Id", "Arn")))


def is_read(operation: str) -> bool:
    """Whether an operation only reads, by AWS's naming."""
    return bool(_READS.match(operation))
