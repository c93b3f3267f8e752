# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity: may the target launch what it needs (R20, R21)?"""

from __future__ import annotations

from collections.abc import Iterator

from ..instance_types import quota_code, resolved_at_launch
from ..model import Group
from ..snapshot import GroupState, Snapshot, Template, Unknown
from ..steps.base import Move
from .answers import Answer, summed_up


def group_limits(move: Move, snapshot: Snapshot) -> Answer:
    """The target's groups exist and may grow to the active capacity (R20)."""
    problems, silent = list[str](), list[str]()
    for group in move.target.groups:
        state = snapshot.group(move.target, group.name)
        if isinstance(state, Unknown):
            silent.append(state.reason)
        elif state is None:
            problems.append(f"there is no Auto Scaling group {group.name} in {move.target.region}")
        elif state.max < group.active.desired:
            problems.append(f"{group.name} may grow to {state.max}, and {group.active.desired} are needed")
    return summed_up(problems, silent)


def _groups(move: Move, snapshot: Snapshot) -> Iterator[tuple[Group, GroupState | Unknown]]:
    """The target's groups, as far as they are there: one that is not is the matter of ``group-limits``."""
    for group in move.target.groups:
        state = snapshot.group(move.target, group.name)
        if state is not None:
            yield group, state


def _template(move: Move, snapshot: Snapshot, state: GroupState) -> Template | Unknown | None:
    if state.template is None:
        return Unknown(f"{state.name} uses no launch template")
    return snapshot.templates.get((move.target.access, state.template), Unknown("it was not read"))


def launch_template(move: Move, snapshot: Snapshot) -> Answer:
    """The launch template of each group is there (R21)."""
    problems, silent = list[str](), list[str]()
    for group, state in _groups(move, snapshot):
        template = state if isinstance(state, Unknown) else _template(move, snapshot, state)
        if isinstance(template, Unknown):
            silent.append(f"the launch template of {group.name}: {template.reason}")
        elif template is None and isinstance(state, GroupState) and state.template:
            used = state.template
            problems.append(
                f"there is no launch template {used.identifier} (version {used.version}) in {move.target.region}, "
                f"which {group.name} uses"
            )
    return summed_up(problems, silent)


def launch_image(move: Move, snapshot: Snapshot) -> Answer:
    """The image of each group is there and available (R21)."""
    problems, silent = list[str](), list[str]()
    for group, state in _groups(move, snapshot):
        template = state if isinstance(state, Unknown) else _template(move, snapshot, state)
        if isinstance(template, Unknown):
            silent.append(f"the image of {group.name}: {template.reason}")
            continue
        image = template.image if template else None
        if not image or resolved_at_launch(image):
            silent.append(f"the image of {group.name}: {image or 'no launch template names it'}")
            continue
        found = snapshot.images.get((move.target.access, image), Unknown("it was not read"))
        if isinstance(found, Unknown):
            silent.append(f"image {image}: {found.reason}")
        elif found != "available":
            problems.append(f"image {image} of {group.name} is {found or 'not there'} in {move.target.region}")
    return summed_up(problems, silent)


def instance_type(move: Move, snapshot: Snapshot) -> Answer:
    """The zones of each group offer an instance type that it may launch (R21)."""
    access = move.target.access
    problems, silent, said = list[str](), list[str](), list[str]()
    for group, state in _groups(move, snapshot):
        if isinstance(state, Unknown):
            silent.append(f"the instance type of {group.name}: {state.reason}")
            continue
        types = snapshot.instance_types(access, state)
        offered = [snapshot.offerings.get((access, one), Unknown("it was not read")) for one in types]
        silent += [
            f"where {one} is offered: {found.reason}"
            for one, found in zip(types, offered, strict=True)
            if isinstance(found, Unknown)
        ]
        if not types:
            silent.append(f"the instance type of {group.name}: no launch template names it")
        zones = {zone for found in offered if not isinstance(found, Unknown) for zone in found}
        without = sorted(set(state.zones) - zones)
        if types and without and not any(isinstance(found, Unknown) for found in offered):
            problems.append(f"{' or '.join(types)} of {group.name} is not offered in {', '.join(without)}")
        said += [f"{' or '.join(types)} in {', '.join(state.zones)}"] if types else []
    return summed_up(problems, silent, "; ".join(dict.fromkeys(said)))


def quota(move: Move, snapshot: Snapshot) -> Answer:
    """The account may run what the applications that are read together still have to launch (R21)."""
    access = move.target.access
    problems, silent, said = list[str](), list[str](), list[str]()
    for group, state in _groups(move, snapshot):
        if isinstance(state, Unknown):
            silent.append(f"what {group.name} has: {state.reason}")
            continue
        counted = snapshot.processors(access, state, quota_code)
        if not counted:
            silent.append(f"what an instance of {group.name} counts for: its type is not known")
        for code in counted:
            found = snapshot.quotas.get((access, code), Unknown("it was not read"))
            if isinstance(found, Unknown):
                silent.append(f"quota {code}: {found.reason}")
                continue
            text = f"{found.name} in {move.target.region}: {found.asked} virtual processors are to be launched"
            if found.asked + (found.used or 0) > found.limit:
                problems.append(f"{text}, {found.used or 0:g} run, and the limit is {found.limit:g}")
            elif found.used is None and found.asked:
                silent.append(f"{text}, the limit is {found.limit:g}; how many run is not published")
            else:
                said.append(f"{text}, {found.used or 0:g} run, and the limit is {found.limit:g}")
    return summed_up(list(dict.fromkeys(problems)), silent, "; ".join(dict.fromkeys(said)))
