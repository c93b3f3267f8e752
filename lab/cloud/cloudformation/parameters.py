"""Parameters of a template: what was given, checked against what is declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.cloud.cloudformation.errors import Refused

PLAIN_TYPES = ("String", "Number", "CommaDelimitedList", "List<Number>", "List<String>")
_TYPED = re.compile(r"^(List<)?AWS::[A-Za-z0-9]+::[A-Za-z0-9]+(::[A-Za-z]+)?>?$")


def bind(declared: Mapping[str, dict[str, Any]], given: Mapping[str, str]) -> dict[str, str]:
    """Values of all parameters, as text: given ones, else defaults.  Raises `Refused` as CloudFormation words it."""
    foreign = [name for name in given if name not in declared]
    if foreign:
        raise Refused(f"Parameters: [{', '.join(foreign)}] do not exist in the template")
    missing = [name for name, spec in declared.items() if name not in given and "Default" not in spec]
    if missing:
        raise Refused(f"Parameters: [{', '.join(missing)}] must have values")
    values: dict[str, str] = {}
    for name, spec in declared.items():
        values[name] = given[name] if name in given else _text(spec["Default"])
        _check(name, spec, values[name])
    return values


def typed(spec: Mapping[str, Any], text: str) -> Any:
    """What `Ref` to the parameter gives: text, or a list of texts for list types."""
    kind = str(spec.get("Type", "String"))
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in text.split(",")] if text else []
    return text


def shown(spec: Mapping[str, Any], text: str) -> str:
    """The value as DescribeStacks gives it."""
    return "****" if _text(spec.get("NoEcho", False)) == "true" else text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return str(value)


def _check(name: str, spec: Mapping[str, Any], text: str) -> None:
    kind = spec.get("Type")
    if kind not in PLAIN_TYPES and not (isinstance(kind, str) and _TYPED.match(kind)):
        raise Refused(f"Template format error: Unrecognized parameter type: {kind}")
    if "AWS::SSM::" in kind:
        raise Refused(f"Template format error: the lab does not emulate the parameter type {kind}")
    if kind == "Number" and not _is_number(text):
        raise Refused(f"Parameter '{name}' must be a number.")
    allowed = [_text(item) for item in spec.get("AllowedValues", [])]
    value = typed(spec, text)
    if allowed and any(item not in allowed for item in (value if isinstance(value, list) else [value])):
        raise _unsatisfied(name, spec, "must be one of AllowedValues")
    if "AllowedPattern" in spec and not re.fullmatch(str(spec["AllowedPattern"]), text):
        raise _unsatisfied(name, spec, f"must match pattern {spec['AllowedPattern']}")
    _check_bounds(name, spec, text)


def _unsatisfied(name: str, spec: Mapping[str, Any], otherwise: str) -> Refused:
    """The template's own explanation comes first."""
    own = spec.get("ConstraintDescription")
    text = f"Parameter {name} failed to satisfy constraint: {own}" if own else f"Parameter '{name}' {otherwise}"
    return Refused(text)


def _check_bounds(name: str, spec: Mapping[str, Any], text: str) -> None:
    size = float(text) if spec.get("Type") == "Number" else 0.0
    if "MinLength" in spec and len(text) < int(spec["MinLength"]):
        raise Refused(f"Parameter '{name}' must contain at least {spec['MinLength']} characters")
    if "MaxLength" in spec and len(text) > int(spec["MaxLength"]):
        raise Refused(f"Parameter '{name}' must contain at most {spec['MaxLength']} characters")
    if "MinValue" in spec and size < float(spec["MinValue"]):
        raise Refused(f"Parameter '{name}' must be a number not less than {spec['MinValue']}")
    if "MaxValue" in spec and size > float(spec["MaxValue"]):
        raise Refused(f"Parameter '{name}' must be a number not greater than {spec['MaxValue']}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
