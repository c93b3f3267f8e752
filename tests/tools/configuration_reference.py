# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/configuration-reference.md from the roles' argument specifications and defaults.

    python tests/tools/configuration_reference.py [--check]

Every public variable stands in exactly one specification; this page is made from them and never edited by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "configuration-reference.md"
_MARKUP = re.compile(r"\b[VCO]\(([^()]*)\)")
HEAD = REPOSITORY / "docs" / "configuration-reference.head.md"


def _text(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else str(value or "")
    text = _MARKUP.sub(r"`\1`", text)
    return " ".join(text.split()).replace("|", "\\|")


def _default(defaults: dict[str, Any], name: str) -> str:
    if name not in defaults:
        return "required"
    value = defaults[name]
    if isinstance(value, dict | list):
        value = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).strip()
    elif isinstance(value, bool):
        value = str(value).lower()
    return f"`{_text(value)}`" if value not in ("", None) else "empty"


def _role_section(role: Path) -> list[str]:
    specification = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))[
        "argument_specs"
    ]["main"]
    defaults_file = role / "defaults" / "main.yml"
    defaults = (yaml.safe_load(defaults_file.read_text(encoding="utf-8")) if defaults_file.exists() else None) or {}
    lines = [f"## {role.name}", "", _text(specification.get("short_description")), ""]
    options = specification.get("options") or {}
    if not options:
        return [*lines, "No variables.", ""]
    lines += ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, option in options.items():
        choices = option.get("choices")
        kind = option.get("type", "str") + (f": {', '.join(map(str, choices))}" if choices else "")
        lines.append(f"| `{name}` | {kind} | {_default(defaults, name)} | {_text(option.get('description'))} |")
    return [*lines, ""]


def page() -> str:
    """The whole page, as it should be."""
    lines = [HEAD.read_text(encoding="utf-8").rstrip(), ""]
    roles = sorted((REPOSITORY / "roles").iterdir(), key=lambda role: (role.name != "aws_dr", role.name))
    for role in roles:
        if (role / "meta" / "argument_specs.yml").exists():
            lines += _role_section(role)
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/configuration-reference.md is not what the roles' specifications say: run `make docs`")


if __name__ == "__main__":
    main()
