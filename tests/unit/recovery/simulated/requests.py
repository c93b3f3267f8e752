# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Requests to the simulated AWS: each is held against botocore's service model, and stands in a call log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from plugins.module_utils._recovery.clients import is_read


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def check_request(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Hold a request against botocore's model; raises AssertionError with all that is wrong."""
    shape = _model(service).operation_model(operation).input_shape
    if shape is None:
        assert not params, f"{service} {operation} takes no parameters"
        return
    report = ParamValidator().validate(params, shape)
    assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"
    for value, allowed in _enums(shape, params):
        assert value in allowed, f"{service} {operation}: {value!r} is none of {allowed}"


def _enums(shape: Any, value: Any) -> list[tuple[Any, list[str]]]:
    if shape.type_name == "structure":
        return [pair for name, one in value.items() for pair in _enums(shape.members[name], one)]
    if shape.type_name == "list":
        return [pair for one in value for pair in _enums(shape.member, one)]
    return [(value, shape.enum)] if getattr(shape, "enum", None) else []


@dataclass
class Call:
    """One line of the call log."""

    at: float
    region: str
    service: str
    operation: str
    params: Mapping[str, Any]
    outcome: str = "ok"

    @property
    def mutates(self) -> bool:
        return not is_read(self.operation)


def snake(operation: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower().replace("d_bc", "dbc")
