"""Lightning's private names: those that the loop touches are written down."""

from __future__ import annotations

import ast
from pathlib import Path

from projectkit.training import loop
from projectkit.training.loop.lightning_names import TOUCHED

FOLDER = Path(loop.__file__).parent
OF_TORCH = {"_version"}  # of a tensor


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_each_private_name_of_lightning_that_the_loop_touches_is_written_down() -> None:
    touched: set[str] = set()
    ours: set[str] = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                ours.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                ours.add(node.id)  # among them attributes that a class of ours replaces
            elif isinstance(node, ast.Attribute) and private(node.attr):
                of_self = isinstance(node.value, ast.Name) and node.value.id == "self"
                (ours if of_self and isinstance(node.ctx, ast.Store) else touched).add(node.attr)
    listed = {name for names in TOUCHED.values() for name in names}
    assert touched - ours - OF_TORCH <= listed
    assert listed <= touched | ours, "a name that nothing touches any more"


def test_private_names_of_lightning_are_imported_in_one_file() -> None:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("pytorch_lightning", "lightning_")):
                assert path.name == "lightning_names.py" or not any(private(each.name) for each in node.names), path
