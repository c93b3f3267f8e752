"""Exports of stacks, and who imports them."""

from __future__ import annotations

from typing import Any

from lab.cloud.cloudformation.access import Access
from lab.cloud.cloudformation.functions import Evaluator
from lab.cloud.cloudformation.scope import StackScope
from lab.cloud.cloudformation.stack import Stack


def exports_of(stack: Stack) -> dict[str, str]:
    """Names and values that a stack exports."""
    outputs = stack.outputs.values()
    return {output["ExportName"]: output["OutputValue"] for output in outputs if "ExportName" in output}


def imports_of(stack: Stack, access: Access) -> set[str]:
    """Names that a stack's template imports."""
    scope = StackScope(stack, access, lambda name: name, planning=True)
    evaluator = Evaluator(stack.template, stack.parameters, scope)
    parts = [*stack.template.resources.values(), *stack.template.outputs.values()]
    return {str(evaluator.value(name)) for part in parts for name in _named(part)}


def _named(node: Any) -> list[Any]:
    if isinstance(node, list):
        return [name for item in node for name in _named(item)]
    if not isinstance(node, dict):
        return []
    own = [node["Fn::ImportValue"]] if "Fn::ImportValue" in node else []
    return own + [name for item in node.values() for name in _named(item)]
