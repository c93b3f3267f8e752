"""A stack's outputs and exports."""

from __future__ import annotations

from lab.cloud.cloudformation.errors import Refused
from lab.cloud.cloudformation.functions import Evaluator
from lab.cloud.cloudformation.template import Template


def evaluate_outputs(template: Template, evaluator: Evaluator) -> dict[str, dict[str, str]]:
    """Outputs whose conditions hold: value, description, export name."""
    outputs: dict[str, dict[str, str]] = {}
    for name, output in template.outputs.items():
        if not evaluator.included(output):
            continue
        value = evaluator.value(output["Value"])
        if isinstance(value, (list, dict)):
            raise Refused(f"Template format error: The Value field of Outputs member {name} must be a String.")
        entry = {"OutputKey": name, "OutputValue": str(value).lower() if isinstance(value, bool) else str(value)}
        if output.get("Description"):
            entry["Description"] = str(output["Description"])
        if output.get("Export"):
            entry["ExportName"] = str(evaluator.value(output["Export"]["Name"]))
        outputs[name] = entry
    return outputs
