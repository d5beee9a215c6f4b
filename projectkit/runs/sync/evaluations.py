"""Evaluations as they are looked for on W&B: numbers in the summary, a table, a confusion matrix, the figures.

Used by the child process alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projectkit.runs.reader import Run

_ALL_CELLS = 50  # classes up to which a confusion matrix is sent with its zeros


def evaluation_numbers(subset: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """`evaluation/<subset>/<metric>`, with `_low` and `_high` where there is an interval."""
    numbers: dict[str, Any] = {f"evaluation/{subset}/n": document.get("n")}
    for name, entry in (document.get("metrics") or {}).items():
        numbers[f"evaluation/{subset}/{name}"] = entry.get("value")
        for end in ("low", "high"):
            if entry.get(end) is not None:
                numbers[f"evaluation/{subset}/{name}_{end}"] = entry[end]
    return numbers


def evaluation_media(wandb: Any, run: Run, subset: str) -> dict[str, Any]:
    """The table of metrics, the confusion matrix as a chart, and the figures of one subset."""
    document = run.evaluation(subset) or {}
    media: dict[str, Any] = {}
    columns = ["metric", "value", "low", "high", "method", "n"]
    rows = [
        [name, entry.get("value"), entry.get("low"), entry.get("high"), entry.get("method"), document.get("n")]
        for name, entry in (document.get("metrics") or {}).items()
    ]
    if rows:
        media[f"evaluation/{subset}/metrics"] = wandb.Table(columns=columns, data=rows)
    names, matrix = document.get("class_names"), document.get("confusion")
    if names and matrix:
        media[f"evaluation/{subset}/confusion"] = _confusion(wandb, list(map(str, names)), matrix)
    for path in sorted((run.path / "evaluation" / "figures").glob(f"*-{subset}.svg")):
        # W&B shows no SVG as a picture, but any page
        media[f"evaluation/{subset}/{path.stem}"] = wandb.Html(path.read_text(encoding="utf-8"), inject=False)
    return media


def _confusion(wandb: Any, names: list[str], matrix: list[list[int]]) -> Any:
    cells = [
        [names[actual], names[predicted], count]
        for actual, counts in enumerate(matrix)
        for predicted, count in enumerate(counts)
        if count or len(names) <= _ALL_CELLS
    ]
    columns = ["Actual", "Predicted", "nPredictions"]
    # the chart that wandb.plot.confusion_matrix draws, which would want every single prediction
    return wandb.plot_table(
        "wandb/confusion_matrix/v1",
        wandb.Table(columns=columns, data=cells),
        {name: name for name in columns},
        {"title": "Confusion matrix"},
    )
