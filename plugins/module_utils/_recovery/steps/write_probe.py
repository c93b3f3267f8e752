# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A numbered write that the new site accepts and gives back: directly first, then through DNS (R14, R16).

AWS can say "available" minutes before clients can write; so no move is a success that was not seen here.
"""

from __future__ import annotations

from ..calls import APPLICATION, WRITE_AND_READ_BACK, CallOutcome, PlannedCall
from ..snapshot import Facet, Unknown
from .base import DONE, TARGET, Expects, Move, Observation, Step, Watch, World, needed, watching


def client_name(run_id: str) -> str:
    """The name under which a run's own writes are stored, apart from those of the clients."""
    return f"move-{run_id}"


def _write(world: World, number: int, host: str, connect: str, port: int, journaled: bool = True) -> PlannedCall:
    move = world.move
    return PlannedCall(
        APPLICATION,
        WRITE_AND_READ_BACK,
        move.target.access,
        host,
        {"client": client_name(move.run_id), "number": number, "connect": connect, "port": port},
        deadline_seconds=2 * move.application.probe.timeout_seconds,
        journaled=journaled,
    )


class WriteProbe(Step):
    """One write, straight to the target's load balancer, under the application's own name."""

    name = "write-probe"
    stage = "verify"
    deadline_seconds = 900.0
    deadline_reason = "the new site takes no writes, so clients are not sent there"
    poll_seconds = 0.5
    repeat_seconds = 0.5
    accompanies = True
    remembered = False
    makes = ((f"{APPLICATION} {WRITE_AND_READ_BACK}", TARGET),)
    expects = Expects.NOTHING

    def watches(self, move: Move) -> frozenset[Watch]:
        """Addresses of the target."""
        return watching((Facet.HOSTS, TARGET), (Facet.DNS, TARGET))

    def observe(self, world: World) -> Observation:
        """Whether the last one succeeded."""
        if world.last is None:
            return needed("a write that the new site accepts and gives back")
        return DONE if world.last.ok else needed(f"a write that the new site accepts (last answer: {world.last.error})")

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """The next numbered write."""
        call = direct_write(world, len(world.outcomes) + 1)
        return (call,) if call else ()


def direct_write(world: World, number: int) -> PlannedCall | None:
    """A numbered write straight to the target's load balancer; None while its name is not known."""
    host = world.snapshot.host(world.move.target)
    if isinstance(host, Unknown):
        return None
    addresses = world.snapshot.addresses(host)
    connect = host if isinstance(addresses, Unknown) else addresses[0]
    return _write(world, number, host, connect, world.move.target.endpoint.port)


STABLE_FROM = 1_000_000
"""Numbers of writes through DNS begin here, apart from those made directly."""


class StableThroughDns(Step):
    """N good writes running, by the way that clients take."""

    name = "stable"
    stage = "shift"
    deadline_seconds = 900.0
    deadline_reason = "clients that ask DNS do not get to a site that takes their writes"
    poll_seconds = 0.25
    repeat_seconds = 0.25
    accompanies = True
    remembered = False
    makes = ((f"{APPLICATION} {WRITE_AND_READ_BACK}", TARGET),)
    expects = Expects.NOTHING

    def watches(self, move: Move) -> frozenset[Watch]:
        """What clients are told."""
        return watching((Facet.DNS, TARGET))

    def observe(self, world: World) -> Observation:
        """The good samples at the end of the row."""
        application = world.move.application
        wanted = application.probe.stable_samples
        if good_run(world.outcomes, world.move.target.region) >= wanted:
            return DONE
        last = world.last
        error = f" (last answer: {last.error})" if last is not None and last.error else ""
        return needed(f"{wanted} good writes running through DNS{error}")

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """A write to the address that DNS gives now."""
        probe = world.move.application.probe
        addresses = world.snapshot.addresses(probe.host)
        if isinstance(addresses, Unknown):
            return ()
        number = STABLE_FROM + len(world.outcomes)
        return (_write(world, number, probe.host, addresses[0], probe.port, journaled=False),)


def good_run(outcomes: tuple[CallOutcome, ...], region: str) -> int:
    """How many samples at the end are good; one that another region answered is not."""
    count = 0
    for outcome in reversed(outcomes):
        if not outcome.ok or outcome.answer.get("region") not in (None, region):
            break
        count += 1
    return count
