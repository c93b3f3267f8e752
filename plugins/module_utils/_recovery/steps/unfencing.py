# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Opens again what was shut when a site was fenced, as soon as the application moves back to that site.

First the ingress of the database, so that the site can be made ready; the schedules and event-source mappings, which
write, only after clients are served from there. What is opened is what was kept, no more.
"""

from __future__ import annotations

from ..calls import PlannedCall
from ..snapshot import Facet, Unknown, Valve
from ..valves import INGRESS, OPENED_BY, WRITERS, is_open_as_kept, kept, opened
from .base import (
    DONE,
    SOURCE,
    TARGET,
    Expects,
    Move,
    Observation,
    State,
    Step,
    Watch,
    World,
    needed,
    underway,
    watching,
)
from .fencing import keep_calls

_WATCHES = watching((Facet.FENCE_STATE, TARGET), (Facet.FENCE_STATE, SOURCE), (Facet.SHUT_VALVES, TARGET))


def _as_read(world: World, valve: Valve) -> Valve | Unknown | None:
    """How a valve that was kept stands now; None where it is there no more."""
    asked = str(valve.setting.get("FunctionName") or valve.name)
    seen = world.snapshot.valves.get((world.move.target.access, valve.kind, asked), Unknown("it was not read"))
    if isinstance(seen, Unknown):
        return seen
    return next((one for one in seen if one.name == valve.name), None)


def _kept(world: World, kinds: tuple[str, ...]) -> list[Valve]:
    everything = kept(world.snapshot, world.move.application, world.move.target)
    return [valve for valve in everything if valve.kind in kinds]


class OpenValves(Step):
    """Valves of some kinds at the target are open as they were before it was fenced."""

    deadline_seconds = 60.0
    poll_seconds = 0.5

    absolute = True

    def __init__(self, name: str, stage: str, kinds: tuple[str, ...], words: str, expects: Expects) -> None:
        self.name = name
        self.expects = expects
        self.blind = expects is not Expects.TARGET_IS_WRITER
        self.stage = stage
        self._kinds = kinds
        self.makes = tuple((OPENED_BY[kind], TARGET) for kind in kinds)
        self.deadline_reason = words

    def watches(self, move: Move) -> frozenset[Watch]:
        """What is kept, and how it stands."""
        return _WATCHES

    def observe(self, world: World) -> Observation:
        """Whether anything that was shut is still shut."""
        gone, shut = [], []
        for valve in _kept(world, self._kinds):
            now = _as_read(world, valve)
            if isinstance(now, Unknown):
                return underway(f"the state of {valve.kind} {valve.name}: {now.reason}")
            if now is None:
                gone.append(f"{valve.kind} {valve.name}")
            elif not is_open_as_kept(valve, now):
                shut.append(f"{valve.kind} {valve.name}")
        if shut:
            return needed(f"{', '.join(shut)} in {world.move.target.region} to be opened again")
        if gone:
            return Observation(State.DONE, "", {"warning": f"{', '.join(gone)} is there no more"})
        return DONE

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """One call for each that is shut."""
        calls = []
        for valve in _kept(world, self._kinds):
            now = _as_read(world, valve)
            if isinstance(now, Valve) and not is_open_as_kept(valve, now):
                calls.append(opened(world.move.target.access, valve, now, world.now))
        return tuple(calls)


RESTORE_INGRESS = OpenValves(
    "restore-ingress",
    "scale",
    (INGRESS,),
    "the database lets nobody in at the site that is moved to: look at its security groups; the item "
    "fence#<place> of the state table says what they let in before",
    Expects.AS_PLANNED,
)
RESUME_WRITERS = OpenValves(
    "resume-writers",
    "shift",
    WRITERS,
    "schedules and event-source mappings stay off until they are switched on by hand",
    Expects.TARGET_IS_WRITER,  # or they would write at a site that others have left
)


class ForgetFence(Step):
    """Nothing is kept any more once all of it is open: the next fence begins from what is open then."""

    name = "forget-fence"
    stage = "shift"
    deadline_seconds = 30.0
    deadline_reason = "the state tables still say what was shut, although it is open again"
    makes = (("dynamodb PutItem", TARGET), ("dynamodb PutItem", SOURCE))
    poll_seconds = 0.5
    absolute = True
    expects = Expects.TARGET_IS_WRITER
    blind = False

    def watches(self, move: Move) -> frozenset[Watch]:
        """What is kept, and how it stands."""
        return _WATCHES

    def observe(self, world: World) -> Observation:
        """Whether something is kept."""
        if not self.calls(world):
            return DONE
        for valve in _kept(world, (INGRESS, *WRITERS)):
            now = _as_read(world, valve)
            if isinstance(now, Unknown) or (now is not None and not is_open_as_kept(valve, now)):
                return underway(f"{valve.kind} {valve.name} to be open again")
        return needed("what was shut to be forgotten, as it is open again")

    def calls(self, world: World) -> tuple[PlannedCall, ...]:
        """PutItem in both regions' tables."""
        return keep_calls(world, world.move.target, ())
