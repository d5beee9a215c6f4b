"""A poster to build, and runs to build it from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.table import draw
from projectkit.poster.markup.markdown import parse
from projectkit.project import Project
from projectkit.runs import RunWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "runs"))  # the browser's driver, devtools.py

CLASSES = ["ham", "spam", "smishing"]
LAYERS = (("Embedding", "120 × 32", 3840), ("Linear", "192 → 3", 579))
MODEL = {
    "type": "TextNet",
    "parameters": 4419,
    "input": [173],
    "output": [3],
    "layers": [
        {
            "name": kind,
            "type": kind,
            "about": about,
            "input": [8],
            "output": [8],
            "parameters": parameters,
            "source": place,
        }
        for place, (kind, about, parameters) in enumerate(LAYERS)
    ],
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="200" height="100" fill="teal"/></svg>'


@pytest.fixture
def team(project: Path) -> Project:
    return Project(root=project)


@pytest.fixture
def write_poster(team: Project) -> Callable[..., Path]:
    """A function that writes a poster of one short section (or of those given) and returns its folder."""

    def write(text: str = "# What we found\n\nIt works.\n", *, yaml: str = "", **sections: str) -> Path:
        folder = team.root / "poster"
        (folder / "sections").mkdir(parents=True, exist_ok=True)
        head = "title: A title\nauthors: [Ada Lovelace]\nsize: A2\n"
        given = {line.partition(":")[0] for line in yaml.splitlines()}
        kept = [line for line in head.splitlines() if line.partition(":")[0] not in given]
        (folder / "poster.yaml").write_text("\n".join([*kept, yaml]) + "\n", encoding="utf-8")
        for name, content in (sections or {"10-found": text}).items():
            (folder / "sections" / f"{name}.md").write_text(content, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def make_run(team: Project) -> Callable[..., str]:
    """A function that leaves a finished, evaluated run and returns its id; with a seed, runs are told apart by more than their ids."""

    def make(
        name: str = "charcnn",
        *,
        f1: float = 0.834,
        evaluated: bool = True,
        status: str = "finished",
        seed: int | None = None,
        settings: str = "",
        data: dict[str, Any] | None = None,
    ) -> str:
        config = f"name: {name}\n{'' if seed is None else f'seed: {seed}'}\n{settings}\n"
        command = ["projectkit", "train"]
        known = {} if data is None else {"data": data}
        writer = RunWriter.create(
            team.runs, name, kind="train", config_yaml=config, command=command, seed=seed, **known
        )
        for step in range(0, 100, 10):
            writer.log(step, step // 50, {"train/loss": 2.0 / (1 + step), "val/loss": 2.2 / (1 + step)})
        writer.write_model(MODEL)
        if evaluated:
            interval = {"low": f1 - 0.02, "high": f1 + 0.02, "method": "bca"}
            writer.write_evaluation(
                "val",
                {
                    "n": 1194,
                    "class_names": CLASSES,
                    "metrics": {"f1_macro": {"value": f1, **interval}, "loss": {"value": 1.4 - f1}},
                    "confusion": [[90, 5, 5], [10, 80, 10], [0, 20, 80]],
                },
            )
            writer.write_figure("roc-val", SVG)
        writer.finish(status)  # type: ignore[arg-type]
        return writer.id

    return make


@pytest.fixture
def directive(team: Project) -> Callable[..., dict[str, Any]]:
    """A function that draws one directive, on line 3 of a section."""

    def build(name: str, body: str, drawn: Drawn | None = None) -> dict[str, Any]:
        (block,) = parse(f"\n\n:::{{{name}}}\n{body}\n:::\n", "s.md")
        return draw(block, "s.md", team, drawn or Drawn())

    return build
