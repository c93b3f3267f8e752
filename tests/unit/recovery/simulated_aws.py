# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small AWS of two regions on a virtual clock, for tests of decisions; the lab is the large one.

It is a ``Transport``: every request is checked against botocore's service model first. Regions hang, refuse or heal.
The application, DNS and the switch follow from the same state, so that a move can be seen from outside. The parts are
in ``simulated``; this is the name by which tests import them.
"""

from __future__ import annotations

from unit.recovery.simulated.base import ACCOUNT, ADDRESSES, EAST, WEST, Delays, Group, VirtualClock
from unit.recovery.simulated.inventory import document
from unit.recovery.simulated.requests import Call, check_request
from unit.recovery.simulated.world import Bench, Killed, SimulatedAws

__all__ = [
    "ACCOUNT",
    "ADDRESSES",
    "EAST",
    "WEST",
    "Bench",
    "Call",
    "Delays",
    "Group",
    "Killed",
    "SimulatedAws",
    "VirtualClock",
    "check_request",
    "document",
]
