# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The seeded faults, as data: each has a name, the rule that it breaks, what is wrong, and how it gets in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from .faults import capacity, clients, gates, lease, measurement, promotion, reporting, run, traffic
from .patching import Fault


@dataclass(frozen=True)
class Mutant:
    """One deliberate fault."""

    name: str
    rule: str
    wrong: str
    faults: tuple[Fault, ...]

    @contextmanager
    def apply(self) -> Iterator[None]:
        """The core is wrong inside the block. Raises ``TargetGone`` where the core has changed under the mutant."""
        with ExitStack() as stack:
            for fault in self.faults:
                stack.enter_context(fault.apply())
            yield


def _all() -> Mapping[str, Mutant]:
    found: dict[str, Mutant] = {}
    for family in (gates, promotion, capacity, traffic, lease, run, clients, measurement, reporting):
        for name, rule, wrong, *faults in family.FAULTS:
            if name in found:
                raise ValueError(f"two mutants are called {name}")
            found[name] = Mutant(name, rule, wrong, tuple(faults))
    return found


MUTANTS = _all()
