"""`projectkit evaluate`: a run's numbers on one subset, each with its interval, and the pictures that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from projectkit import figures, metrics
from projectkit.config import load_config
from projectkit.data import DataModule
from projectkit.errors import UserError
from projectkit.evaluation.ledger import record_look
from projectkit.evaluation.predict import Predicted, predict, restore, subset_loader
from projectkit.project import Project
from projectkit.runs import Run, RunWriter, find_run, project_of, read_run
from projectkit.training import assemble, load_checkpoint
from projectkit.training.checkpoint_files import file_sha256
from projectkit.training.resolve import resolve_for_evaluation
from projectkit.training.resume import refuse_other_data


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation left behind.

    Args:
        run: with the evaluation in it.
        document: what `evaluation/<subset>.json` holds.
        files: everything that was written, the ledger's entry included.
    """

    run: Run
    document: Mapping[str, Any]
    files: tuple[Path, ...]


def evaluate(run: Run | str = "latest", subset: str = "val", *, project: Project | None = None) -> Evaluated:
    """Measure a run on a subset.

    Args:
        run: a run, or what `find_run` takes.
        subset: `val`, `test`, or a further subset of the split. Every look at anything but train and val goes into the ledger.
        project: whose run it is; unless given the one around the run's folder, else around the working directory.

    Raises:
        UserError: there is no such run, subset or checkpoint, or the team's code has changed since the run.
        WorkError: the data is not what the run was trained on, or the checkpoint is damaged.
    """
    project = project or project_of(run.path if isinstance(run, Run) else run)
    run = run if isinstance(run, Run) else find_run(run, project)
    loaded = load_config(run.path / "config.yaml")
    path = _checkpoint(run, project)
    device = resolve_for_evaluation(run.part("resolved"))
    digest = file_sha256(path)
    checkpoint = load_checkpoint(path)
    while digest != (now := file_sha256(path)):  # of a run that goes on it was replaced at this moment
        digest, checkpoint = now, load_checkpoint(path)
    encoder = checkpoint.get(DataModule.__qualname__)  # the run's, not one fitted anew
    assembly = assemble(loaded, project, encoder)
    if assembly.catalogued is not None:
        assembly.catalogued.device = device
    refuse_other_data(run, assembly.catalogued)  # before the weights, which would not fit either and blame the model
    restore(assembly, checkpoint, run.id)
    loader = subset_loader(assembly.data, subset)  # asking for a subset that is not there is no look
    look = record_look(project.ledger, run.id, subset, run.part("data"), digest)
    ids = assembly.catalogued.ids(subset) if assembly.catalogued else None
    predicted = predict(assembly, loader, device, ids)
    names = assembly.class_names or tuple(str(index) for index in range(predicted.score.shape[1]))
    document = {
        "n": len(predicted.target),
        "class_names": list(names),
        "checkpoint": {"name": path.stem, "sha256": digest},
        "metrics": _metrics(predicted),
        "confusion": _confusion(predicted).tolist(),
    }
    writer = RunWriter.open(run.path)
    files = [
        writer.write_predictions(subset, predicted.id, predicted.target, predicted.score),
        *_figures(writer, subset, predicted, names),
        writer.write_evaluation(subset, document),
    ]
    evaluated = read_run(run.path)
    return Evaluated(evaluated, evaluated.evaluation(subset) or document, (*files, *([look] if look else [])))


def _checkpoint(run: Run, project: Project) -> Path:
    names = [path.stem for path in (run.path / "checkpoints").glob("*.ckpt")]
    for name in ("best", "last"):
        if name in names:
            return run.checkpoint(name)
    if run.path.parent == project.results.resolve():
        what, remedy = "a kept run has no checkpoints", "evaluate it on the machine that trained it, and keep it again"
    elif run.status == "finished":  # its weights were taken away since, or training kept none
        what = "this finished run has no checkpoint any more"
        remedy = f"`projectkit runs rm --undo {run.id}` brings it back from the trash, `projectkit train --repeat {run.id}` trains again"
    else:
        what, remedy = f"this {run.status} run has no checkpoint", "train it to the end of an epoch first"
    raise UserError(what, where=run.id, remedy=remedy)


def _metrics(predicted: Predicted) -> dict[str, dict[str, Any]]:
    """Every number; those for which no interval is known come with the value alone."""
    values = metrics.classification_metrics(predicted.target, predicted.score)
    intervals = metrics.classification_intervals(predicted.target, predicted.score)
    return {
        name: intervals[name].as_dict() if name in intervals else {"value": value} for name, value in values.items()
    }


def _confusion(predicted: Predicted) -> Any:
    return metrics.confusion_matrix(predicted.target, np.argmax(predicted.score, axis=1), predicted.score.shape[1])


def _figures(writer: RunWriter, subset: str, predicted: Predicted, names: tuple[str, ...]) -> list[Path]:
    pictures = {
        "confusion": figures.confusion_matrix(_confusion(predicted), names),
        "roc": figures.roc(_roc_curves(predicted, names)),
    }
    return [writer.write_figure(f"{name}-{subset}", figures.svg_bytes(figure)) for name, figure in pictures.items()]


def _roc_curves(predicted: Predicted, names: tuple[str, ...]) -> dict[str, tuple[Any, Any]]:
    """The curve of each class that has samples inside and outside; of two classes, of the second."""
    sizes = np.bincount(predicted.target, minlength=len(names))
    classes = [1] if len(names) == 2 else range(len(names))
    return {
        names[index]: metrics.roc_curve(predicted.target == index, predicted.score[:, index])[:2]
        for index in classes
        if 0 < sizes[index] < len(predicted.target)
    }
