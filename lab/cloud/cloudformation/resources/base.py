"""What a resource type is: a few calls of boto3 to make, change, remove and read one resource."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from lab.cloud.cloudformation.access import Access

_ALPHABET = string.ascii_uppercase + string.digits


@dataclass
class Handle:
    """One resource in the hands of its type."""

    access: Access
    account: str
    stack_name: str
    stack_id: str
    logical_id: str
    properties: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    """Tags of the stack, which it hands down."""
    previous: dict[str, Any] = field(default_factory=dict)
    """Properties as deployed before (updates only)."""
    previous_tags: dict[str, str] = field(default_factory=dict)
    physical_id: str = ""
    """To be set by `create` as soon as there is something that a rollback must remove."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """What `Fn::GetAtt` finds; to be set by `create` and `update`."""
    siblings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Types and properties of the stack's other resources (drift detection only)."""

    @property
    def region(self) -> str:
        """The region of the stack."""
        return self.access.region

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's region."""
        return self.access.client(service)

    def given(self, *names: str) -> dict[str, Any]:
        """Those properties that the template sets, under the same names."""
        return {name: self.properties[name] for name in names if name in self.properties}

    def changed(self, *names: str) -> bool:
        """Whether any of these properties differs from what was deployed."""
        return any(self.properties.get(name) != self.previous.get(name) for name in names)

    def name(self, limit: int, *, lower: bool = False) -> str:
        """A name for a resource that the template gives none: stack, logical id and chance, as CloudFormation does."""
        suffix = "".join(random.choice(_ALPHABET) for _ in range(12))
        room = limit - len(suffix) - 2
        stack = self.stack_name[: max(room - len(self.logical_id), room // 2)]
        name = f"{stack}-{self.logical_id[: room - len(stack)]}-{suffix}"
        return name.lower() if lower else name

    def all_tags(self) -> dict[str, str]:
        """The stack's tags, over which the resource's own (`Tags`, a list or a mapping) win."""
        return self.tags | tags_of(self.properties)

    def all_previous_tags(self) -> dict[str, str]:
        """The same as deployed before."""
        return self.previous_tags | tags_of(self.previous)

    def tag_list(self) -> list[dict[str, str]]:
        """All tags as most services want them."""
        return [{"Key": key, "Value": value} for key, value in self.all_tags().items()]

    def tag_changes(self) -> tuple[dict[str, str], list[str]]:
        """Tags to set and keys to take away."""
        old, new = self.all_previous_tags(), self.all_tags()
        return {k: v for k, v in new.items() if old.get(k) != v}, [key for key in old if key not in new]


def tags_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """A resource's own tags, from whichever form its type uses."""
    tags = properties.get("Tags") or {}
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags}


class Type:
    """A resource type.  Subclasses name it, list the properties that they honour, and make the calls."""

    name: ClassVar[str]
    handled: ClassVar[frozenset[str]]
    """Properties that the lab honours; any other one that a template sets fails, never in silence."""
    taggable: ClassVar[bool] = True
    """Whether the stack's tags reach the resource (and a change of them is an update)."""
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Properties that this lab can only change by replacement, though AWS can in place."""
    named_by: ClassVar[str | None] = None
    """The property with the resource's own name: if given, replacement needs another one."""
    delay: ClassVar[str] = "cloudformation.resource"
    """Name in lab.delays of what creation takes."""

    def create(self, it: Handle) -> None:
        """Make it; sets `it.physical_id` and `it.attributes`."""
        raise NotImplementedError

    def update(self, it: Handle) -> None:
        """Change it in place, from `it.previous` to `it.properties`."""
        raise NotImplementedError

    def delete(self, it: Handle) -> None:
        """Remove it; what is gone already is no error (see `gone`)."""
        raise NotImplementedError

    def actual(self, it: Handle) -> dict[str, Any] | None:
        """Properties as they are now, for drift detection: those of `it.properties` that can be read; None: gone."""
        raise NotImplementedError

    @property
    def drift_supported(self) -> bool:
        """Whether the type can be read."""
        return type(self).actual is not Type.actual

    @property
    def updatable(self) -> bool:
        """Whether anything can be changed in place."""
        return type(self).update is not Type.update


GONE = ("NotFound", "NoSuch", "ResourceNotFoundException", "NonExistent", "InvalidInternetGatewayID.NotFound")


def gone(error: ClientError, *more: str) -> bool:
    """Whether the error says that the thing is not there (any more)."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return any(word in code for word in (*GONE, *more))


def properties(*groups: str) -> frozenset[str]:
    """Property names, from words."""
    return frozenset(word for group in groups for word in group.split())


def pick(source: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those members that are there."""
    return {name: source[name] for name in names if source.get(name) is not None}
