# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The zip of the function: the same bytes for the same code, and code that runs from it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from plugins.module_utils._recovery.package import code_sha256, collected, packed

REPOSITORY = Path(__file__).resolve().parents[3]
SOURCES = [
    (str(REPOSITORY / "plugins/module_utils/_recovery"), "_recovery"),
    (str(REPOSITORY / "roles/orchestrator/files/failover_handler.py"), "failover_handler.py"),
]


def test_touching_files_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    for name in ("b.py", "a.py"):
        (folder / name).write_text(f"# {name}\n")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"bytes")
    first = packed(collected([(str(folder), "package")]))
    for name in ("a.py", "b.py"):
        os.utime(folder / name, (1, 1))
        os.chmod(folder / name, 0o600)
    assert packed(collected([(str(folder), "package")])) == first
    (folder / "a.py").write_text("# changed\n")
    assert code_sha256(packed(collected([(str(folder), "package")]))) != code_sha256(first)


def test_it_holds_the_core_and_the_handler_and_nothing_else(tmp_path: Path) -> None:
    zipped = tmp_path / "function.zip"
    zipped.write_bytes(packed(collected(SOURCES)))
    names = zipfile.ZipFile(zipped).namelist()
    assert names == sorted(names)
    assert {"failover_handler.py", "_recovery/__init__.py", "_recovery/steps/__init__.py"} <= set(names)
    assert not [name for name in names if not name.endswith(".py")]


def test_the_handler_is_imported_from_the_zip_without_ansible(tmp_path: Path) -> None:
    zipped = tmp_path / "function.zip"
    zipped.write_bytes(packed(collected(SOURCES)))
    code = (
        f"import sys; sys.path.insert(0, {str(zipped)!r}); import failover_handler; "
        "assert not [name for name in sys.modules if name.startswith('ansible')]; "
        "print(failover_handler.lambda_handler.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == "lambda_handler", done.stderr


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Python file"):
        collected([(str(tmp_path), "package")])
