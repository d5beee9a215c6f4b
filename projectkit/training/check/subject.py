"""What is checked: a task, its training batches, and what is known about both. Everything is done on copies of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from projectkit.tasks import AnomalyDetection, LogitsTask
from projectkit.training.assemble import Assembly
from projectkit.training.loop.shapes import samples_of, tensors_of

MOST_BATCHES = 50  # that are taken from the training loader, and no more than so many bytes:
MOST_BYTES = 256 * 2**20
LABELLED = 2  # parts of a batch that is inputs and labels


@dataclass(frozen=True)
class Subject:
    """A task with training batches.

    Args:
        task: it is copied and stays as it is.
        batches: of the training, without augmentation, on the device.
        trainer: Lightning's arguments for the short trainings: device, precision, clipping.
        classes: how many the labels have, where that is known.
        class_counts: training samples of each class, where they are known.
        pad_index: the token that fills up a batch, where there is one.
    """

    task: pl.LightningModule
    batches: Sequence[Any]
    trainer: Mapping[str, Any]
    classes: int | None = None
    class_counts: tuple[int, ...] | None = None
    pad_index: int | None = None
    own_data: bool = False

    @property
    def batch(self) -> Any:
        """The first, as a copy that may be written to."""
        return cloned(self.batches[0])

    @property
    def device(self) -> torch.device:
        """Where the batches are."""
        return next(
            (each.device for each in tensors_of(self.batches[0]) if isinstance(each, Tensor)), torch.device("cpu")
        )

    @property
    def is_classification(self) -> bool:
        """Whether the task is one of ours that optimises the cross-entropy of logits."""
        return isinstance(self.task, LogitsTask)

    @property
    def labels(self) -> Tensor | None:
        """One whole number a sample over all batches, (n,); None where the batches have none, or nothing is learnt from them."""
        if isinstance(self.task, AnomalyDetection):
            return None
        found = [labels_of(batch) for batch in self.batches]
        known = [each for each in found if each is not None]
        return torch.cat(known) if known and len(known) == len(found) else None

    def copy(self) -> Any:
        """The task with weights and buffers of its own, on the device, in training mode; it logs nowhere."""
        task: Any = copy.deepcopy(self.task).to(self.device).train()
        for name in ("log", "log_dict"):
            setattr(task, name, _nothing)
        task.configure_callbacks = list  # one of them might write files
        return task


def inputs_of(batch: Any) -> Any:
    """What a network is given: of a pair (x, y) its x, of a mapping its inputs, else the batch."""
    if isinstance(batch, Mapping):
        return next(iter(batch.values()))
    return batch[0] if isinstance(batch, list | tuple) and len(batch) else batch


def labels_of(batch: Any) -> Tensor | None:
    """The class indices of a pair (x, y), (batch,) of a whole type; None where there are none."""
    if not isinstance(batch, list | tuple) or len(batch) != LABELLED or not isinstance(batch[1], Tensor):
        return None
    y = batch[1]
    whole = not y.is_floating_point() and not y.is_complex() and y.dtype != torch.bool
    return y if y.ndim == 1 and whole and len(y) == samples_of(batch) else None


def mapped(batch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The batch with each of its tensors changed; tuples, lists and mappings are kept."""
    if isinstance(batch, Tensor):
        return change(batch)
    if isinstance(batch, Mapping):
        return {name: mapped(each, change) for name, each in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(mapped(each, change) for each in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(mapped(each, change) for each in batch)
    return batch


def cloned(batch: Any) -> Any:
    """With memory of its own."""
    return mapped(batch, torch.clone)


def rows_of(batch: Any, rows: Tensor) -> Any:
    """The samples of these rows, of every tensor that has as many rows as the batch.

    Args:
        batch: of n samples.
        rows: (m,) int64.
    """
    count = samples_of(batch)
    return mapped(
        batch,
        lambda each: each.index_select(0, rows.to(each.device)) if each.ndim and len(each) == count else each.clone(),
    )


def head_of(batch: Any, count: int) -> Any:
    """The first samples."""
    return rows_of(batch, torch.arange(min(count, samples_of(batch))))


def shapes_of(batch: Any) -> str:
    """Of its tensors, for a message."""
    return ", ".join(str(tuple(each.shape)) for each in tensors_of(batch) if isinstance(each, Tensor))


def without_dropout(task: nn.Module) -> None:
    """Set the probability of every dropout layer to 0, in place; what a forward draws by itself stays."""
    for module in task.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) or type(module).__name__ in (
            "StochasticDepth",
            "DropPath",
        ):
            for name in ("p", "drop_prob"):
                if isinstance(getattr(module, name, None), float):
                    setattr(module, name, 0.0)
        elif isinstance(getattr(module, "dropout", None), float):
            setattr(module, "dropout", 0.0)  # noqa: B010 - recurrent layers and attention have it as a number


def forward(task: Any, batch: Any) -> Any:
    """What a task gives for a batch: its forward, or its prediction where it has no forward of its own."""
    if type(task).forward is pl.LightningModule.forward:
        return task.predict_step(batch, 0)
    return task(inputs_of(batch))


def subject_of(assembly: Assembly, trainer: Mapping[str, Any], seconds: float) -> Subject:
    """Take batches of the training, and what is known of the data.

    Args:
        assembly: what a config stands for.
        trainer: Lightning's arguments, without those of output.
        seconds: after which no further batch is taken.
    """
    at = pl.Trainer(
        **{name: trainer[name] for name in ("accelerator", "devices") if name in trainer},
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data, known = assembly.data, assembly.catalogued
    before, augment = getattr(data, "trainer", None), known.augment if known is not None else ()
    data.trainer = at
    try:
        if known is not None:
            known.augment = ()
        else:
            data.prepare_data()
            data.setup("fit")
        batches = _taken(data.train_dataloader(), at.strategy.root_device, seconds)
    finally:
        data.trainer = before
        if known is not None:
            known.augment = augment
    logits = isinstance(assembly.task, LogitsTask)
    return Subject(
        assembly.task,
        batches,
        trainer,
        classes=known.spec.num_classes if known is not None and logits else None,
        class_counts=known.class_counts if known is not None and logits else None,
        pad_index=known.spec.pad_index if known is not None else None,
        own_data=known is None,
    )


def _taken(loader: Any, device: torch.device, seconds: float) -> list[Any]:
    ends, found, size = time.perf_counter() + seconds, [], 0
    for batch in loader:
        found.append(mapped(batch, lambda each: each.to(device, copy=True)))
        size += sum(each.nbytes for each in tensors_of(batch) if isinstance(each, Tensor))
        if len(found) >= MOST_BATCHES or size > MOST_BYTES or time.perf_counter() > ends:
            break
    return found


def _nothing(*_: Any, **__: Any) -> None:
    """In the place of a log."""
