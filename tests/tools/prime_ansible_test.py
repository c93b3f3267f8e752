# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Spare ``ansible-test sanity`` the download of get-pip.

ansible-test fetches a get-pip script from a web site before it fills a sanity environment; where only package indexes
are reachable that fails. Python's own ensurepip does the same work, so a two-line script that calls it is put
where ansible-test keeps its copy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ansible_test


class _Interpreter:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> None:
    sys.path.insert(0, str(Path(next(iter(ansible_test.__path__))).parent))  # its own code imports it by this name
    from ansible_test._internal.python_requirements import get_venv_packages

    pip_version = get_venv_packages(_Interpreter())["pip"].replace(".", "_")
    cached = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{pip_version}.py"
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text("import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n", encoding="utf-8")


if __name__ == "__main__":
    main()
