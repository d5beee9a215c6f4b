"""`projectkit evaluate`: a run's numbers on one subset, each with its interval, and the pictures that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from projectkit.config import load_config
from projectkit.data import DataModule
from projectkit.errors import UserError
from projectkit.evaluation.analysis import analyse
from projectkit.evaluation.cost import cost_of
from projectkit.evaluation.ledger import record_look
from projectkit.evaluation.predict import Predicted, kind_of, predict, restore, subset_loader
from projectkit.evaluation.report import FITTED_ON, Measured, Options, checked_options, report
from projectkit.project import Project
from projectkit.runs import Run, RunWriter, find_run, project_of, read_run
from projectkit.training import Assembly, assemble, load_checkpoint
from projectkit.training.assemble import Assembler
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


def evaluate(
    run: Run | str = "latest", subset: str = "val", *, project: Project | None = None, options: Options | None = None
) -> Evaluated:
    """Measure a run on a subset.

    Args:
        run: a run, or what `find_run` takes.
        subset: `val`, `test`, or a further subset of the split. Every look at anything but train and val goes into the ledger.
        project: whose run it is; unless given the one around the run's folder, else around the working directory.
        options: what is asked for beside the numbers.

    Raises:
        UserError: there is no such run, subset or checkpoint, or the team's code has changed since the run.
        WorkError: the data is not what the run was trained on, or the checkpoint is damaged.
    """
    project = project or project_of(run.path if isinstance(run, Run) else run)
    run = run if isinstance(run, Run) else find_run(run, project)
    options = checked_options(options or Options())
    ask = _baseline if run.kind == "baseline" else _network
    asked = ask(run, subset, project, options)
    writer = RunWriter.open(run.path)
    # nothing has set the predictions against the labels yet: what failed until here was no look, and from here on no failure hides one
    look = record_look(project.ledger, run.id, subset, run.part("data"), asked.checkpoint_sha256)
    document, files = report(writer, subset, asked.measured)
    # the numbers are there before the inputs are looked at, which takes a team's own code through gradients
    found, more = analyse(writer, subset, asked.assembly, asked.measured, options, data=asked.data)
    writer.write_evaluation(subset, {**document, **found})
    evaluated = read_run(run.path)
    looked = [look] if look else []
    return Evaluated(evaluated, evaluated.evaluation(subset) or document, (*files, *more, *looked))


@dataclass(frozen=True)
class _Asked:
    """What a model said, the network if it is one, the weights that said it, and a baseline's data set if it is catalogued."""

    measured: Measured
    assembly: Assembly | None
    checkpoint_sha256: str
    data: DataModule | None = None


def _network(run: Run, subset: str, project: Project, options: Options) -> _Asked:
    """A trained run, by its checkpoint."""
    path = _checkpoint(run, project)
    device = resolve_for_evaluation(run.part("resolved"))
    assembly, digest = _restored(run, path, project, device)
    predicted = predict(assembly, subset_loader(assembly.data, subset), device, _ids(assembly, subset))
    kind = kind_of(predicted, classes=len(assembly.class_names) if assembly.class_names else None)
    measured = Measured(
        kind=kind,
        predicted=predicted,
        class_names=assembly.class_names or _numbered(kind, predicted),
        checkpoint={"name": path.stem, "sha256": digest},
        fitted=predicted if subset == FITTED_ON else _fitted(assembly, device),
        cost=cost_of(assembly, subset, device) if options.cost else None,
        options=options,
        **(columns(assembly.catalogued, subset) if assembly.catalogued else {}),
    )
    return _Asked(measured, assembly, digest)


def _baseline(run: Run, subset: str, project: Project, options: Options) -> _Asked:
    """A baseline, fitted again; what it says about val is what was kept, or this is an error."""
    from projectkit.evaluation.baseline import predict_baseline  # which reports by way of this file

    predicted = predict_baseline(run, subset, project)
    kept, document = run.predictions(FITTED_ON), run.evaluation(FITTED_ON) or {}
    checkpoint = document.get("checkpoint") or {}
    data = Assembler(load_config(run.path / "config.yaml"), project).data()
    catalogued = data if isinstance(data, DataModule) else None
    names = tuple(map(str, document.get("class_names") or ()))
    kind = kind_of(predicted, classes=len(names) or None)
    measured = Measured(
        kind=kind,
        predicted=predicted,
        class_names=names or _numbered(kind, predicted),
        checkpoint=checkpoint,
        fitted=Predicted(kept.id, kept.target, kept.score),
        options=options,
        **(columns(catalogued, subset) if catalogued else {}),
    )
    return _Asked(measured, None, str(checkpoint.get("sha256", "")), catalogued)


def columns(data: DataModule, subset: str) -> dict[str, Any]:
    """What a catalogued data set knows of a subset's samples, under the names that `Measured` has for it."""
    samples, rows = data.samples, data.split.subsets[subset]
    known = {"groups": samples.group, "time": samples.time, "source": samples.source}
    found = {name: None if column is None else column[rows] for name, column in known.items()}
    return {**found, "groups_of_train": None if samples.group is None else samples.group[data.split.subsets["train"]]}


def _restored(run: Run, path: Path, project: Project, device: torch.device) -> tuple[Assembly, str]:
    """The run's network with its weights, its data as it was, and the SHA-256 of the checkpoint."""
    loaded = load_config(run.path / "config.yaml")
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
    return assembly, digest


def _fitted(assembly: Assembly, device: torch.device) -> Predicted | None:
    """What the same weights say about `val`: no look, as the weights were chosen by it; None where there is no val."""
    try:
        loader = subset_loader(assembly.data, FITTED_ON)
    except UserError:
        return None
    return predict(assembly, loader, device, _ids(assembly, FITTED_ON))


def _ids(assembly: Assembly, subset: str) -> NDArray[Any] | None:
    return assembly.catalogued.ids(subset) if assembly.catalogued else None


def _numbered(kind: str, predicted: Predicted) -> tuple[str, ...]:
    """Names of classes that the team's own data does not name."""
    if kind == "classification":
        return tuple(str(index) for index in range(predicted.score.shape[1]))
    return ("normal", "anomalous") if kind == "anomaly" else ()


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
