"""A run's network over one subset: scores, targets and ids, in the split's order.

What a module gives says what it does: a row of scores for each sample is a classification, one number for each sample an anomaly score
where the targets are 0 and 1, else a regression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.utilities import move_data_to_device
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor

from projectkit.data import DataModule
from projectkit.errors import UserError, WorkError
from projectkit.metrics.checks import check_finite, checked_target
from projectkit.training import Assembly

Kind = Literal["classification", "anomaly", "regression"]
Batch = Any  # (x, y, ...) as the loader gives it, on the device


@dataclass(frozen=True)
class Predicted:
    """What a model said about a subset.

    Args:
        id: of the samples, (n,).
        target: class indices (n,) int64, or numbers (n,) float64.
        score: float32; probabilities (n, classes), or one number a sample (n,).
    """

    id: NDArray[Any]
    target: NDArray[Any]
    score: NDArray[np.float32]


def restore(assembly: Assembly, checkpoint: dict[str, Any], where: str) -> None:
    """Put a checkpoint's weights into the task, and its fitted encoder into the data module.

    Raises:
        UserError: the weights do not fit: the team's code has changed since the run.
    """
    data_state = checkpoint.get(assembly.data.__class__.__qualname__)
    if data_state:
        assembly.data.load_state_dict(data_state)
    try:
        assembly.task.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        first = " ".join(str(error).split())[:160]
        raise UserError(
            f"the weights do not fit the model ({first})",
            where=where,
            remedy="the model's code has changed since this run: check out the commit in its run.json, or train again",
        ) from error


def predict(
    assembly: Assembly, loader: Iterable[Any], device: torch.device, ids: NDArray[Any] | None = None
) -> Predicted:
    """Run the network over a subset without gradients.

    Args:
        assembly: with the weights restored.
        loader: of the subset; see `subset_loader`.
        device: to compute on.
        ids: of the samples, in the loader's order; None numbers the rows.

    Raises:
        UserError: the subset is empty, a score or a target is NaN or infinite, a class is out of range.
        WorkError: the module gives something that is neither a row of scores nor a number for each sample.
    """
    score_of, move = scorer(assembly, device), mover(assembly, device)
    scores, targets = [], []
    with torch.inference_mode():
        for index, loaded in enumerate(loader):
            batch = move(loaded)
            wanted = _checked_target(batch[1])
            # stays on the device: a copy of each batch to the host would make a GPU wait for it
            scores.append(_checked_score(score_of(batch, index), len(wanted)))
            targets.append(wanted)
    if not targets:
        raise UserError("the subset is empty", where="--subset", remedy="choose one whose loader gives batches")
    score = torch.cat(scores).cpu()
    target: NDArray[Any] = torch.cat(targets).cpu().numpy()
    if target.dtype == np.bool_:  # numpy takes them for a choice of samples, not for classes
        target = target.astype(np.int64)
    check_finite(target, "target", "data")
    if score.ndim == 2:
        score = _probabilities(score)
        if np.issubdtype(target.dtype, np.floating) and (target != np.floor(target)).any():
            raise WorkError(
                f"the targets are numbers such as {float(target[target != np.floor(target)][0]):.4g}, "
                f"and the module gives a row of {score.shape[1]} scores for each",
                where="predict_step or forward",
                remedy="return one number for each sample, (batch,), or give class indices as targets",
            )
        target = target.astype(np.int64, copy=False)
    # what no number can be had from is refused before it counts as a look at the labels
    check_finite(score.numpy(), "score", "predict_step or forward")
    if score.ndim == 2:
        checked_target(target, num_classes=score.shape[1])
    number = np.arange(len(target)).astype(str)
    return Predicted(number if ids is None else ids, target, score.numpy())


def kind_of(predicted: Predicted, *, classes: int | None) -> Kind:
    """What the scores are, see the top of this file.

    Args:
        predicted: as `predict` gives it.
        classes: how many the target has, where the data set says so; None for data of the team's own.

    Raises:
        UserError: one number for each sample of a target with more than two classes.
    """
    if predicted.score.ndim == 2:
        return "classification"
    if classes is not None and classes > 2:
        raise UserError(
            f"the module gives one number for each sample, and the target has {classes} classes",
            where="predict_step or forward",
            remedy=f"return logits or probabilities of shape (batch, {classes}), or choose a target of two classes as data.target",
        )
    return "anomaly" if classes == 2 or np.isin(predicted.target, (0, 1)).all() else "regression"


def scorer(assembly: Assembly, device: torch.device) -> Callable[[Batch, int], Any]:
    """The network in evaluation mode on the device: a batch and its number in, scores out.

    A module's own `predict_step` is used where it has one, else `forward(x)` as logits.
    """
    task = assembly.task.to(device).eval()
    if is_overridden("predict_step", task):
        return task.predict_step
    return lambda batch, index: task(batch[0])


def subset_loader(data: pl.LightningDataModule, subset: str) -> Iterable[Any]:
    """The batches of a subset, in its own order.

    Raises:
        UserError: the data module has no such subset.
    """
    if isinstance(data, DataModule):
        return data.subset_dataloader(subset)
    # a module that was trained with has its validation data after "fit"; many tutorials' modules have it only then
    stages = {"val": "fit", "test": "test"}
    if subset not in stages or not is_overridden(f"{subset}_dataloader", data):
        raise UserError(
            f"{type(data).__name__} has no subset '{subset}'",
            where="--subset",
            remedy="choose val, or test where it has a test_dataloader",
        )
    data.prepare_data()
    data.setup(stages[subset])
    loader: Any = getattr(data, f"{subset}_dataloader")()
    given = list(loader.values()) if isinstance(loader, dict) else loader
    if isinstance(given, list | tuple) and len(given) == 1 and not _is_batch(given[0]):
        (loader,) = given  # Lightning takes a list of one loader for that one
    elif loader is None or (isinstance(given, list | tuple) and not (given and all(map(_is_batch, given)))):
        seen = "nothing" if loader is None else f"{len(given)} loaders" if given else "no loader"
        raise UserError(
            f"{subset}_dataloader of {type(data).__name__} gives {seen}",
            where="data",
            remedy="return one DataLoader; of several, ConcatDataset makes one",
        )
    found: Iterable[Any] = loader
    return found


def _is_batch(part: Any) -> bool:
    """Whether a list of such parts is a list of batches, and not one of loaders."""
    return isinstance(part, list | tuple | dict | Tensor)


def mover(assembly: Assembly, device: torch.device) -> Callable[[Any], Any]:
    """What brings a loader's batch to the device: the transfer hooks in Lightning's order, the module's before the data module's."""

    def hook(name: str) -> Callable[..., Any] | None:
        owner = assembly.task if is_overridden(name, assembly.task) else assembly.data
        return getattr(owner, name) if is_overridden(name, owner) else None

    before, transfer, after = map(
        hook, ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
    )

    def move(batch: Any) -> Any:
        batch = batch if before is None else before(batch, 0)
        if transfer is not None:
            batch = transfer(batch, device, 0)
        elif not isinstance(batch, list | tuple) or not all(
            isinstance(part, Tensor) and part.device == device for part in batch
        ):
            batch = move_data_to_device(batch, device)  # 20 us for a pair that is there already
        batch = batch if after is None else after(batch, 0)
        if not isinstance(batch, list | tuple) or len(batch) < 2:
            raise WorkError(
                "a batch is not a pair (x, y)", where="data", remedy="let the loader give (x, y), or write predict_step"
            )
        return batch

    return move


def _checked_score(score: Any, rows: int) -> Tensor:
    """(rows, classes) or (rows,), in float32."""
    if isinstance(score, Tensor) and score.is_floating_point() and score.ndim and len(score) == rows:
        if score.ndim == 1 or (score.ndim == 2 and score.shape[1] == 1):
            return score.reshape(rows).float()
        if score.ndim == 2:
            return score.float()
    seen = tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__
    whole = " whole numbers" if isinstance(score, Tensor) and not score.is_floating_point() else ""
    raise WorkError(
        f"the module gives {seen}{whole} where (batch, classes) scores are expected",
        where="predict_step or forward",
        remedy="return logits or probabilities of shape (batch, classes), or one score for each sample, (batch,)",
    )


def _checked_target(target: Any) -> Tensor:
    """(rows,)."""
    if isinstance(target, Tensor) and target.ndim == 2 and target.shape[1] == 1:
        return target[:, 0]
    if not isinstance(target, Tensor) or target.ndim != 1:
        seen = f"of shape {tuple(target.shape)}" if isinstance(target, Tensor) else type(target).__name__
        raise WorkError(
            f"the targets of a batch are {seen}, not one for each sample",
            where="data",
            remedy="give y of shape (batch,): class indices, or numbers",
        )
    return target


def _probabilities(score: Tensor) -> Tensor:
    """Scores that already are probabilities stay as they are; anything else is taken as logits."""
    sums_to_one = float((score.sum(dim=1) - 1).abs_().max()) <= 1e-3  # False of scores that are not numbers
    if sums_to_one and float(score.min()) >= 0:
        return score
    return torch.softmax(score, dim=1)
