# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the core is handed from outside: time, name resolution, the application's HTTP side, threads.

Small protocols, so that the same code runs under Ansible, in Lambda and on a virtual clock in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Time as seen by the core; nothing in it sleeps by itself."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""

    def wait(self, seconds: float) -> None:
        """Return after ``seconds``."""


@dataclass(frozen=True)
class DnsAnswer:
    """One answer of the domain name system."""

    name: str
    chain: tuple[str, ...] = ()  # canonical names in the order met, lower case, without the last dot
    addresses: tuple[str, ...] = ()  # IPv4 or IPv6, as text
    ttl: int | None = None  # seconds, the least of the chain


class Resolver(Protocol):
    """Implemented by ``dns.resolve``."""

    def __call__(self, name: str, nameservers: Sequence[str], timeout_seconds: float) -> DnsAnswer:
        """Ask ``nameservers`` ("address[:port]"; none: the system's resolver). Raises OSError where nobody answers."""


@dataclass(frozen=True)
class HttpAnswer:
    """What came of one request: a status, or the reason why there is none."""

    status: int | None
    document: Mapping[str, Any] | None = None  # the body, where it is a JSON object
    error: str | None = None
    address: str | None = None


class ApplicationClient(Protocol):
    """Implemented in ``probe``: a new connection for each request, never raises for what the network does."""

    def __call__(
        self,
        method: str,
        *,
        scheme: str,
        host: str,
        port: int,
        path: str,
        connect: str | None,
        body: Mapping[str, Any] | None,
        timeout_seconds: float,
        ca_file: str | None,
    ) -> HttpAnswer:
        """Send one request to ``connect`` (an address; None: resolve ``host``), under the name ``host``."""


class Workers(Protocol):
    """Runs independent pieces of work side by side."""

    def gather(self, tasks: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """Run all tasks; an exception takes the place of a result, so that one lost region hides nothing of another."""
