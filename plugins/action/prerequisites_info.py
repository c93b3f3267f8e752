# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hands the module what only the controller knows: the roles' variables, ansible-core and the collections."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.release import __version__ as ansible_version
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.asking import AskingAction
from ansible_collections.pilotlight.aws_dr.plugins.plugin_utils.role_variables import COLLECTION


class ActionModule(AskingAction):
    """Gathers, then runs the module of the same name."""

    def more_arguments(self) -> dict[str, Any]:
        return {"tools": list(self._tools())}

    def _tools(self) -> Iterator[dict[str, str]]:
        runtime = self._loader.load_from_file(str(COLLECTION / "meta" / "runtime.yml"))
        yield {"name": "ansible-core", "found": ansible_version, "needed": str(runtime["requires_ansible"])}
        for name, needed in self._dependencies().items():
            yield {"name": str(name), "found": _collection_version(str(name)), "needed": str(needed)}

    def _dependencies(self) -> dict[str, str]:
        """Return the collections that ours needs: a built one says so in its manifest, a checkout in galaxy.yml."""
        manifest = COLLECTION / "MANIFEST.json"
        if manifest.exists():
            return dict(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["dependencies"])
        return dict(self._loader.load_from_file(str(COLLECTION / "galaxy.yml"))["dependencies"])


def _collection_version(name: str) -> str:
    """Return the version of the collection that Ansible would use, or nothing."""
    try:
        package = importlib.import_module(f"ansible_collections.{name}")
        manifest = Path(next(iter(package.__path__))) / "MANIFEST.json"
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    except (ImportError, StopIteration, OSError, KeyError, ValueError):
        return ""
