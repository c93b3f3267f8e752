# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What may happen in a random world, as data: a failing world is a list of these, to be replayed and shortened."""

from __future__ import annotations

from dataclasses import dataclass

PLACES = ("primary", "dr")
OUTAGES = ("hang", "refuse", "5xx")
FENCING = ("succeeded", "timed out", "not seen")


@dataclass(frozen=True)
class Pass:
    """Time passes."""

    seconds: float


@dataclass(frozen=True)
class ClientWrites:
    """Clients write through DNS, so many times, so many seconds apart."""

    count: int
    gap: float


@dataclass(frozen=True)
class Outage:
    """A place's AWS endpoints stop answering; ``clients_too``: so does the application there."""

    place: str
    kind: str
    clients_too: bool


@dataclass(frozen=True)
class Heal:
    """A place answers again."""

    place: str


@dataclass(frozen=True)
class Throttle:
    """Every n-th request to AWS is refused for its rate; 0: none."""

    every: int


@dataclass(frozen=True)
class ReplicationLag:
    """The standby is so many seconds behind from now on, and whether the metric tells."""

    seconds: float
    told: bool


@dataclass(frozen=True)
class Key:
    """The state of the clusters' keys."""

    state: str


@dataclass(frozen=True)
class Launches:
    """How long an instance takes to launch; very long: there is no capacity."""

    seconds: float


@dataclass(frozen=True)
class InstancesLost:
    """All instances of a place fail, and others are launched."""

    place: str


@dataclass(frozen=True)
class MovedByHand:
    """Somebody switches the writer over to a place, past every mover."""

    place: str


@dataclass(frozen=True)
class DnsDelay:
    """How long health checks take to follow the switch."""

    seconds: float


@dataclass(frozen=True)
class Promotion:
    """How long a promotion takes, and what comes of Aurora's fencing in an unplanned one."""

    seconds: float
    fencing: str
    resynchronise: float


@dataclass(frozen=True)
class Kill:
    """The mover dies: before its next call is sent, or when AWS has carried that out."""

    after: bool


@dataclass(frozen=True)
class LoseAnswer:
    """The next call is carried out, and its answer never arrives."""


@dataclass(frozen=True)
class Abort:
    """The operator stops the mover: Ctrl-C."""


@dataclass(frozen=True)
class Move:
    """A mover moves all applications, or reconciles what a failover left (``reconcile``: the target is what lives).

    ``meanwhile`` says at which moment of its run (a call or a wait) what happens; another mover goes on beside it.
    ``strikes``: what strikes it at which of its calls that change something. ``breaks_lease``: the operator names the
    run that holds the lease when the mover begins.
    """

    target: str
    mode: str
    accept_data_loss: bool = True
    accept_unfenced: bool = True
    breaks_lease: bool = False
    stop_after: float | None = None
    meanwhile: tuple[tuple[int, Step], ...] = ()
    strikes: tuple[tuple[int, Step], ...] = ()


Step = (
    Pass
    | ClientWrites
    | Outage
    | Heal
    | Throttle
    | ReplicationLag
    | Key
    | Launches
    | InstancesLost
    | MovedByHand
    | DnsDelay
    | Promotion
    | Kill
    | LoseAnswer
    | Abort
    | Move
)
