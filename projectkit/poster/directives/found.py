"""What directives have in common: the runs and evaluations that they name, found or refused with file and line; how numbers are printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projectkit.errors import UserError, did_you_mean
from projectkit.poster.markup.markdown import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project
from projectkit.runs import Run, find_run, list_runs

_LABELS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1_macro": "Macro F1",
    "mcc": "MCC",
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "ece": "ECE",
    "loss": "Loss",
    "tpr_at_fpr_1e-2": "TPR at 1% FPR",
    "tpr_at_fpr_1e-3": "TPR at 0.1% FPR",
    "f1": "F1",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "spearman": "Spearman’s ρ",
}
_SUBSETS = {"train": "training set", "val": "validation set", "test": "test set"}
_DECIMALS = 3


class NoRunYetError(Exception):
    """`latest` or `best` in a project without a finished run."""


def named_runs(fields: Fields, project: Project) -> dict[str, Run]:
    """Label -> run; a run without a label is called by its name, or by its id where two share a name."""
    value = fields.take("runs")
    if isinstance(value, Mapping):
        return {str(label): _find(str(ref), "runs", fields, project) for label, ref in value.items()}
    refs = [value] if isinstance(value, str) else value
    if not isinstance(refs, list) or not refs:
        raise fields.error("runs", "names no runs", "write runs: [latest]")
    found = {run.id: run for run in (_find(str(ref), "runs", fields, project) for ref in refs)}
    names = [run.name for run in found.values()]
    return {run.name if names.count(run.name) == 1 else run.id: run for run in found.values()}


def named_run(fields: Fields, project: Project) -> Run:
    ref = fields.text("run")
    if not ref:
        raise fields.error("run", "names no run", "write run: latest")
    return _find(ref, "run", fields, project)


def _find(ref: str, key: str, fields: Fields, project: Project) -> Run:
    if "/" in ref or "\\" in ref or ref.startswith((".", "~")):
        raise fields.error(
            key, f"{ref!r} is a path", "name a run of this project by its id; see `projectkit runs list`"
        )
    if ref in ("latest", "best") and not any(
        run.status == "finished" and run.kind == "train" for run in list_runs(project)
    ):
        raise NoRunYetError
    try:
        return find_run(ref, project)
    except UserError as error:
        raise UserError(error.what, where=fields.where(key), remedy=error.remedy) from error


def evaluation_of(run: Run, subset: str, fields: Fields) -> dict[str, Any]:
    document = run.evaluation(subset)
    if document is None:
        chosen = "" if subset == "val" else f" --subset {subset}"
        raise fields.error(
            "subset",
            f"the run {run.id} has not been evaluated on {subset}",
            f"type `projectkit evaluate {run.id}{chosen}`",
        )
    if run.outdated(document):
        raise fields.error(
            "subset",
            f"the run {run.id} was trained further after it had been evaluated on {subset}",
            f"type `projectkit evaluate {run.id}{'' if subset == 'val' else f' --subset {subset}'}`",
        )
    return document


def cell(metric: str, document: Mapping[str, Any], run: Run, fields: Fields) -> dict[str, Any]:
    metrics = document.get("metrics", {})
    entry = metrics.get(metric)
    if not isinstance(entry, Mapping) or entry.get("value") is None:
        raise fields.error("metrics", f"the evaluation of {run.id} has no {metric!r}", did_you_mean(metric, metrics))
    low, high = entry.get("low"), entry.get("high")
    interval = f"{printed(float(low))}–{printed(float(high))}" if low is not None and high is not None else ""
    value = float(entry["value"])
    return {"number": value, "value": printed(value), "interval": interval, "best": False}


def history_of(run: Run, metric: str, fields: Fields) -> tuple[list[int], list[float]]:
    try:
        return run.history(metric)
    except UserError as error:
        raise UserError(
            f"the run {run.id} never logged {metric!r}", where=fields.where("metrics"), remedy=error.remedy
        ) from error


def label(metric: str) -> str:
    return _LABELS.get(metric, metric.replace("_", " "))


def printed(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"


def source_of(runs: Mapping[str, Run], subset: str, documents: Mapping[str, Mapping[str, Any]]) -> Node:
    """What the numbers were taken from: subset and its size, intervals, runs."""
    sizes = sorted({int(document["n"]) for document in documents.values() if "n" in document})
    counted = f", n = {' / '.join(f'{size:,}'.replace(',', ' ') for size in sizes)}" if sizes else ""
    has_intervals = any(
        "low" in entry for document in documents.values() for entry in document.get("metrics", {}).values()
    )
    return named_source(
        runs, f"{subset_words(subset).capitalize()}{counted}{', 95% intervals' if has_intervals else ''}. "
    )


def subset_words(name: str) -> str:
    return _SUBSETS.get(name, name.replace("_", " "))


def named_source(runs: Mapping[str, Run], words: str = "") -> Node:
    ids = list(dict.fromkeys(run.id for run in runs.values()))
    return {"words": f"{words}{'Run' if len(ids) == 1 else 'Runs'} ", "runs": ids}
