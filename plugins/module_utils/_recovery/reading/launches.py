# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Auto Scaling groups launch: template, image, instance types and where those are offered (R21).

Sources: EC2 API reference, DescribeLaunchTemplateVersions, DescribeImages, DescribeInstanceTypeOfferings,
DescribeInstanceTypes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import CallFailed
from ..instance_types import resolved_at_launch
from ..model import Access
from ..portions import batches
from ..snapshot import GroupState, Snapshot, Template, TemplateUse
from .parts import Asker, Reading, Wanted, pages

IDENTIFIERS_LIMIT = 200
"""Values of one EC2 filter (EC2 user guide, "Filter resources")."""
ABSENT = (
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateId.VersionNotFound",
    "InvalidLaunchTemplateName.NotFoundException",
)


def templates(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """The version that each group uses; groups that share one ask once."""
    used = {state.template: None for state in _states(wanted, known) if state.template}
    return [_template(asker, access, use) for use in used]


def _template(asker: Asker, access: Access, use: TemplateUse) -> Reading:
    def read() -> Mapping[Any, Any]:
        by = "LaunchTemplateId" if use.identifier.startswith("lt-") else "LaunchTemplateName"
        params = {by: use.identifier, "Versions": [use.version]}
        try:
            answer = asker.caller.call(access, "ec2", "DescribeLaunchTemplateVersions", params)
        except CallFailed as error:
            if error.code not in ABSENT:
                raise
            return {(access, use): None}
        found = answer.get("LaunchTemplateVersions") or []
        data = found[0].get("LaunchTemplateData") or {} if found else {}
        return {(access, use): Template(data.get("ImageId"), data.get("InstanceType")) if found else None}

    return Reading("templates", ((access, use),), read)


def images(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """The state of each image. A filter is used, as one that is not there would fail a call that names it."""
    named = {
        template.image
        for state in _states(wanted, known)
        if isinstance(template := known.templates.get((access, state.template)), Template) and template.image
    }
    identifiers = sorted(name for name in named if not resolved_at_launch(name))
    return [_image_batch(asker, access, batch) for batch in batches(identifiers, IDENTIFIERS_LIMIT)]


def _image_batch(asker: Asker, access: Access, identifiers: tuple[str, ...]) -> Reading:
    keys = tuple((access, one) for one in identifiers)

    def read() -> Mapping[Any, Any]:
        params = {"Filters": [{"Name": "image-id", "Values": list(identifiers)}]}
        found = pages(asker.caller, access, "ec2", "DescribeImages", params, "Images", "NextToken")
        states = {one["ImageId"]: str(one.get("State", "")) for one in found}
        return {key: states.get(key[1]) for key in keys}

    return Reading("images", keys, read)


def offerings(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """The zones in which each instance type is offered."""
    types = _types(access, wanted, known)
    return [_offering_batch(asker, access, batch) for batch in batches(types, IDENTIFIERS_LIMIT)]


def _offering_batch(asker: Asker, access: Access, types: tuple[str, ...]) -> Reading:
    keys = tuple((access, one) for one in types)

    def read() -> Mapping[Any, Any]:
        params = {
            "LocationType": "availability-zone",
            "Filters": [{"Name": "instance-type", "Values": list(types)}],
        }
        zones: dict[str, set[str]] = {}
        for one in pages(
            asker.caller, access, "ec2", "DescribeInstanceTypeOfferings", params, "InstanceTypeOfferings", "NextToken"
        ):
            zones.setdefault(one["InstanceType"], set()).add(one["Location"])
        return {key: frozenset(zones.get(key[1], ())) for key in keys}

    return Reading("offerings", keys, read)


def vcpus(asker: Asker, access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[Reading]:
    """The virtual processors of each instance type, which the quota counts."""
    types = _types(access, wanted, known)
    return [_vcpu_batch(asker, access, batch) for batch in batches(types, IDENTIFIERS_LIMIT)]


def _vcpu_batch(asker: Asker, access: Access, types: tuple[str, ...]) -> Reading:
    keys = tuple((access, one) for one in types)

    def read() -> Mapping[Any, Any]:
        params = {"Filters": [{"Name": "instance-type", "Values": list(types)}]}
        found = pages(asker.caller, access, "ec2", "DescribeInstanceTypes", params, "InstanceTypes", "NextToken")
        return {
            (access, one["InstanceType"]): int(one["VCpuInfo"]["DefaultVCpus"])
            for one in found
            if one["InstanceType"] in types
        }

    return Reading("vcpus", keys, read)


def _states(wanted: Sequence[Wanted], known: Snapshot) -> Iterable[GroupState]:
    for wish in wanted:
        for group in wish.site.groups:
            state = known.group(wish.site, group.name)
            if isinstance(state, GroupState):
                yield state


def _types(access: Access, wanted: Sequence[Wanted], known: Snapshot) -> list[str]:
    return sorted({one for state in _states(wanted, known) for one in known.instance_types(access, state)})
