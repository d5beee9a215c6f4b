"""The rooms of the house: arrows point one way, the light rooms import no torch, and the commands answer at once."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "projectkit"

# from the top to the bottom; a room may use those of the rows below its own
LAYERS = (
    {"__main__"},
    {"cli"},
    {"console"},
    {"scaffold", "poster"},
    {"evaluation"},
    {"training"},
    {"tasks"},
    {"data", "attacks"},
    {"models", "datasets", "runs"},
    {"metrics", "figures"},
    {"config"},
    {"project", "machine"},
    {"errors", "findings"},
)
# the poster reads what evaluation left in the run folder, and nothing else
NARROWER = {"poster": {"runs", "metrics", "figures", "config", "project", "errors", "findings"}}
# besides the layers: a table's form is part of what an encoder is fitted on
TORCH_FREE = (
    "cli",
    "console",
    "errors",
    "findings",
    "project",
    "machine",
    "config",
    "scaffold",
    "datasets",
    "runs",
    "metrics",
    "figures",
    "poster",
)


def rooms() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if "template" in parts or parts[0] == "__init__":
            continue
        found.setdefault(parts[0], []).append(path)
    return found


def imports(path: Path, *, run: bool = True) -> set[str]:
    """The rooms that a file imports, also inside functions; without those for type checking only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if run:
        typing_only = [
            node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ]
        for node in typing_only:
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= (
                {f"{node.module}.{alias.name}" for alias in node.names}
                if node.module == "projectkit"
                else {node.module}
            )
    return {name.split(".")[1] for name in names if name.startswith("projectkit.")} - {"__version__"}


def test_every_room_has_its_place_in_the_layers() -> None:
    assert set(rooms()) == set().union(*LAYERS)


@pytest.mark.parametrize("room", sorted(set().union(*LAYERS)))
def test_a_room_uses_only_rooms_below_it(room: str) -> None:
    level = next(index for index, layer in enumerate(LAYERS) if room in layer)
    below = set().union(*LAYERS[level + 1 :]) if level + 1 < len(LAYERS) else set()
    allowed = NARROWER.get(room, below) | {room}
    for path in rooms()[room]:
        wrong = imports(path, run=False) - allowed
        assert not wrong, f"{path.relative_to(PACKAGE)} imports {sorted(wrong)}"


@pytest.mark.parametrize("room", TORCH_FREE)
def test_importing_a_light_room_imports_nothing_heavy(room: str) -> None:
    heavy = ["torch", "pytorch_lightning", "torchvision", "wandb", "matplotlib", "sklearn", "typst", "cookiecutter"]
    program = f"import sys, projectkit.{room}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_imports_no_room() -> None:
    program = "import sys, projectkit; print([name for name in sys.modules if name.startswith('projectkit.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_of_the_package_are_there() -> None:
    import projectkit as pk

    assert pk.datasets.load("digits") is not None
    for name in ("Trainer", "train", "evaluate", "load_run"):
        assert callable(getattr(pk, name)), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pk.nothing


def test_no_file_has_two_subjects() -> None:
    long = {
        str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines())
        for paths in rooms().values()
        for path in paths
    }
    assert not {name: lines for name, lines in long.items() if lines > 400}


def test_every_file_that_is_opened_names_its_encoding() -> None:
    """Windows would read it in the console's code page."""
    for paths in rooms().values():
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in ("read_text", "write_text")
                ):
                    named = [keyword.arg for keyword in node.keywords]
                    assert "encoding" in named or (node.func.attr == "read_text" and node.args), f"{path}:{node.lineno}"


def test_the_table_of_a_room_names_every_file_in_it() -> None:
    for room in PACKAGE.rglob("__init__.py"):
        table = ast.get_docstring(ast.parse(room.read_text(encoding="utf-8"))) or ""
        if "|---|" in table:
            files = {path.name for path in room.parent.glob("*.py")} - {"__init__.py"}
            folders = {f"{path.parent.name}/" for path in room.parent.glob("*/__init__.py")}
            named = set(re.findall(r"\w+\.py\b|\w+/(?=`? \||`?,)", table))
            assert files - named == set(), f"missing from the table of {room.parent.name}"
            assert folders <= named, f"missing from the table of {room.parent.name}"
            assert {name for name in named if name.endswith(".py")} <= files, f"no longer in {room.parent.name}"
