"""A run's network over one subset: probabilities, targets and ids, in the split's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.utilities import move_data_to_device
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor

from projectkit.data import DataModule
from projectkit.errors import UserError, WorkError
from projectkit.training import Assembly


@dataclass(frozen=True)
class Predicted:
    """What a network said about a subset: `id` (n,), `target` (n,), `score` (n, classes) float32 probabilities."""

    id: NDArray[Any]
    target: NDArray[np.int64]
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

    A module's own `predict_step` is used where it has one, else `forward(x)` as logits.

    Args:
        assembly: with the weights restored.
        loader: of the subset; see `subset_loader`.
        device: to compute on.
        ids: of the samples, in the loader's order; None numbers the rows.

    Raises:
        WorkError: the module gives something that is not one row of scores for each sample.
    """
    task = assembly.task.to(device).eval()
    predict_step = task.predict_step if is_overridden("predict_step", task) else None
    move = _mover(assembly, device)
    scores, targets = [], []
    with torch.inference_mode():
        for index, loaded in enumerate(loader):
            batch = move(loaded)
            score = task(batch[0]) if predict_step is None else predict_step(batch, index)
            # stays on the device: a copy of each batch to the host would make a GPU wait for it
            scores.append(_checked(score, len(batch[1])).float())
            targets.append(batch[1])
    score = _probabilities(torch.cat(scores).cpu()).numpy()
    target = torch.cat(targets).cpu().numpy().astype(np.int64, copy=False)
    return Predicted(np.arange(len(target)).astype(str) if ids is None else ids, target, score)


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
    loader: Iterable[Any] = getattr(data, f"{subset}_dataloader")()
    return loader


def _mover(assembly: Assembly, device: torch.device) -> Callable[[Any], Any]:
    """The transfer hooks in Lightning's order: the module's where it has them, else the data module's; looked up once."""

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


def _checked(score: Any, rows: int) -> Tensor:
    if not isinstance(score, Tensor) or score.ndim != 2 or score.shape != (rows, score.shape[1]):
        seen = tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__
        raise WorkError(
            f"the module gives {seen} where (batch, classes) scores are expected",
            where="predict_step or forward",
            remedy="return logits or probabilities of shape (batch, classes)",
        )
    return score


def _probabilities(score: Tensor) -> Tensor:
    """Scores that already are probabilities stay as they are; anything else is taken as logits."""
    sums_to_one = float((score.sum(dim=1) - 1).abs_().max()) <= 1e-3  # False of scores that are not numbers
    if sums_to_one and float(score.min()) >= 0:
        return score
    return torch.softmax(score, dim=1)
