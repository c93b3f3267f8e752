# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A copy of the collection with a seeded fault in its files, for what runs in processes of its own.

    PYTHONPATH=.:tests python -m mutants.on_disk no-allow-data-loss build/faulty

Real playbooks then run faulty with ``ANSIBLE_COLLECTIONS_PATH=build/faulty:...``, the modules that Ansible sends away
included. It is how a game day shows that a scenario fails for the faults that its file names.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import sys
import textwrap
from pathlib import Path
from types import FunctionType

from .patching import Fault, Rewritten, Row, Table, TargetGone
from .registry import MUTANTS

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = Path("plugins/module_utils/_recovery")
PARTS = ("galaxy.yml", "meta", "playbooks", "plugins", "roles", "files")


def seeded(name: str, folder: Path) -> Path:
    """Writes the faulty collection below ``folder``, in the place where Ansible looks for one, and returns that."""
    collection = folder / "ansible_collections" / "pilotlight" / "aws_dr"
    if collection.exists():
        shutil.rmtree(collection)
    collection.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, collection / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, collection / part)
    for path, text in faulty(name).items():
        (collection / path).write_text(text, encoding="utf-8")
    return collection


def faulty(name: str) -> dict[Path, str]:
    """The files that the fault is in, by their place in the collection, as they would be with it."""
    found: dict[Path, str] = {}
    for fault in MUTANTS[name].faults:
        module, names = _place(fault)
        path = CORE / (module.replace(".", "/") + ".py")
        text = found.get(path) or (REPOSITORY / path).read_text(encoding="utf-8")
        found[path] = rewritten(text, names, fault) if isinstance(fault, Rewritten) else text + changed(fault)
    return found


def _place(fault: Fault) -> tuple[str, str]:
    """The module of the core that a fault is in, and what is faulty there."""
    path = "steps.registry:MODES" if isinstance(fault, Row) else fault.path  # type: ignore[attr-defined]
    module, _colon, names = path.partition(":")
    return module, names


def changed(fault: Fault) -> str:
    """Lines for the end of a module, which change fields of a frozen thing in one of its tables."""
    if isinstance(fault, Row):
        found = f"next(row for row in MODES[{fault.mode!r}].rows if row.step.name == {fault.step!r})"
    elif isinstance(fault, Table):
        found = f"{_place(fault)[1]}[{fault.key!r}]"
    else:
        raise TargetGone(f"{fault!r} fits in no file")
    lines = ["", "", "import importlib as _importlib  # a seeded fault"]
    for name, value in fault.values.items():
        lines += [f"assert hasattr({found}, {name!r})", f"object.__setattr__({found}, {name!r}, {_written(value)})"]
    return "\n".join(lines) + "\n"


def _written(value: object) -> str:
    """A value as Python; a function of the core by its name."""
    if not isinstance(value, FunctionType):
        return repr(value)
    module = value.__module__.partition("._recovery.")[2]
    package = "__name__.partition('._recovery.')[0] + '._recovery.'"
    return f"getattr(_importlib.import_module({package} + {module!r}), {value.__name__!r})"


def rewritten(text: str, names: str, fault: Rewritten) -> str:
    """The text of a module, with the fault in the function ``names`` (``function`` or ``Class.method``)."""
    node: ast.AST = ast.parse(text)
    for name in names.split("."):
        inside = [one for one in ast.iter_child_nodes(node) if getattr(one, "name", None) == name]
        if not inside:
            raise TargetGone(f"{fault.path} is not there")
        node = inside[-1]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef), fault.path
    lines = text.splitlines(keepends=True)
    first, last = node.lineno - 1, node.end_lineno
    source = "".join(lines[first:last])
    plain = textwrap.dedent(source)
    if plain.count(fault.old) != 1:
        raise TargetGone(f"{fault.path}: {fault.old!r} stands there {plain.count(fault.old)} times")
    indent = " " * (len(lines[first]) - len(lines[first].lstrip()))
    return "".join([*lines[:first], textwrap.indent(plain.replace(fault.old, fault.new), indent), *lines[last:]])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mutant", metavar="NAME")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.mutant not in MUTANTS:
        parser.error(f"{arguments.mutant!r} is no seeded fault: {', '.join(sorted(MUTANTS))}")
    try:
        print(seeded(arguments.mutant, arguments.folder))
    except TargetGone as gone:
        print(gone, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
