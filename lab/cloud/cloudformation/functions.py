"""Intrinsic functions: from what a template says to the values that a resource is given."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lab.cloud.cloudformation import parameters as parameter_values
from lab.cloud.cloudformation.errors import Refused
from lab.cloud.cloudformation.template import Template

NO_VALUE = object()
"""`AWS::NoValue`: the property is left out."""

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What CloudFormation shows in a change set for a value that exists only after the change."""

VARIABLE = re.compile(r"\$\{([^!][^}]*)\}")
_LITERAL = re.compile(r"\$\{!([^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")


class Scope(Protocol):
    """What lies outside the template: the stack's resources, other stacks' exports, the region."""

    def reference(self, logical_id: str) -> Any:
        """What `Ref` to that resource gives."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """What `Fn::GetAtt` gives."""

    def imported(self, name: str) -> str:
        """The value exported under that name in this region."""

    def zones(self, region: str) -> list[str]:
        """Names of the region's Availability Zones."""

    def pseudo(self) -> Mapping[str, Any]:
        """`AWS::Region` and its kin."""


class Evaluator:
    """Evaluates one template with one set of parameters."""

    def __init__(self, template: Template, parameters: Mapping[str, str], scope: Scope) -> None:
        self._template = template
        self._scope = scope
        self._plain: dict[str, Any] = {
            name: parameter_values.typed(template.parameters[name], text) for name, text in parameters.items()
        }
        self._plain |= scope.pseudo()
        self._plain["AWS::NoValue"] = NO_VALUE
        self._conditions: dict[str, bool] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::GetAZs": self._get_azs,
            "Fn::Cidr": self._cidr,
            "Fn::Base64": lambda value: base64.b64encode(str(self.value(value)).encode()).decode(),
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": lambda value: self._scope.imported(str(self.value(value))),
            "Fn::If": self._if,
        }

    def value(self, node: Any) -> Any:
        """The value of a part of the template; members that are `AWS::NoValue` are gone."""
        if isinstance(node, dict):
            if len(node) == 1:
                ((name, argument),) = node.items()
                if name in self._functions:
                    return self._functions[name](argument)
                if isinstance(name, str) and name.startswith("Fn::"):
                    raise Refused(f"Template error: the lab does not emulate the function {name}")
            pairs = ((key, self.value(item)) for key, item in node.items())
            return {key: item for key, item in pairs if item is not NO_VALUE}
        if isinstance(node, list):
            return [item for item in map(self.value, node) if item is not NO_VALUE]
        if isinstance(node, str) and _DYNAMIC.search(node):
            raise Refused(f"Template error: the lab does not emulate the dynamic reference in {node}")
        return node

    def condition(self, name: str) -> bool:
        """Whether the condition of that name holds."""
        if name not in self._conditions:
            if name not in self._template.conditions:
                raise Refused(f"Template format error: Unresolved condition dependency {name}")
            self._conditions[name] = self._test(self._template.conditions[name])
        return self._conditions[name]

    def included(self, part: Mapping[str, Any]) -> bool:
        """Whether a resource or an output is there at all."""
        return "Condition" not in part or self.condition(str(part["Condition"]))

    def _test(self, node: Any) -> bool:
        if isinstance(node, dict) and len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Condition":
                return self.condition(argument)
            if name == "Fn::Equals":
                left, right = (self.value(item) for item in argument)
                return _text(left) == _text(right) if not isinstance(left, list) else bool(left == right)
            if name == "Fn::And":
                return all(self._test(item) for item in argument)
            if name == "Fn::Or":
                return any(self._test(item) for item in argument)
            if name == "Fn::Not":
                return not self._test(argument[0])
        raise Refused(f"Template format error: not a condition: {node}")

    def _ref(self, name: Any) -> Any:
        if name in self._plain:
            return self._plain[name]
        return self._scope.reference(str(name))

    def _get_att(self, argument: Any) -> Any:
        logical_id, attribute = attribute_of(argument)
        return self._scope.attribute(logical_id, str(self.value(attribute)))

    def _sub(self, argument: Any) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
        own = {key: self.value(item) for key, item in extra.items()}

        def one(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name in own:
                return _text(own[name])
            if "." in name and name not in self._plain:
                return _text(self._get_att(name))
            return _text(self._ref(name))

        return _LITERAL.sub(r"${\1}", VARIABLE.sub(one, text))

    def _join(self, argument: Any) -> str:
        items = self.value(argument[1])
        if not isinstance(items, list):
            return _text(items)
        return str(self.value(argument[0])).join(_text(item) for item in items)

    def _split(self, argument: Any) -> list[str]:
        return _text(self.value(argument[1])).split(str(argument[0]))

    def _select(self, argument: Any) -> Any:
        index, items = int(self.value(argument[0])), self.value(argument[1])
        if items == UNKNOWN:
            return UNKNOWN
        if not isinstance(items, list) or not 0 <= index < len(items):
            raise Refused(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[index]

    def _get_azs(self, argument: Any) -> list[str]:
        return self._scope.zones(str(self.value(argument) or self._plain["AWS::Region"]))

    def _cidr(self, argument: Any) -> Any:
        """Fn::Cidr [block, count, host bits]: the first `count` blocks of `2 ** bits` addresses."""
        block, count = self.value(argument[0]), int(self.value(argument[1]))
        bits = int(self.value(argument[2])) if len(argument) > 2 else 8
        if block == UNKNOWN:
            return UNKNOWN
        network = ipaddress.ip_network(str(block))
        prefix = network.max_prefixlen - bits
        if prefix < network.prefixlen or 2 ** (prefix - network.prefixlen) < count:
            raise Refused(f"Template error: Fn::Cidr: {block} does not hold {count} blocks of {bits} bits")
        blocks = network.subnets(new_prefix=prefix)
        return [str(next(blocks)) for _ in range(count)]

    def _find_in_map(self, argument: Any) -> Any:
        keys = [str(self.value(item)) for item in argument[:3]]
        found: Any = self._template.mappings
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                raise Refused(f"Template error: Unable to get mapping for {'::'.join(keys)}")
            found = found[key]
        return found

    def _if(self, argument: Any) -> Any:
        return self.value(argument[1] if self.condition(str(argument[0])) else argument[2])


def attribute_of(argument: Any) -> tuple[str, Any]:
    """Logical id and attribute of a `Fn::GetAtt`, written as a list or as text."""
    if isinstance(argument, str):
        logical_id, _, attribute = argument.partition(".")
        return logical_id, attribute
    return str(argument[0]), argument[1]


def _text(value: Any) -> str:
    if value is NO_VALUE:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
