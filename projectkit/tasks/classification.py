"""Classification: one label for each sample, over any network that gives logits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from projectkit.errors import UserError
from projectkit.metrics import classification_metrics
from projectkit.tasks.optimisation import OptimizerPlan
from projectkit.tasks.planned import Batch, PlannedTask, PureStep, pair


class LogitsTask(PlannedTask):
    """Cross-entropy over the logits of a network, but for the training step: `Classification` and its kin write that.

    Training logs `train/loss` and `train/accuracy`, see `PlannedTask`. Validation gathers the probabilities of all samples and computes
    every number once, with the functions that `projectkit evaluate` uses.

    Args:
        model: maps x to logits (batch, num_classes).
        plan: optimiser and scheduler; AdamW with a rate of 1e-3 unless given.
        label_smoothing: share of the target's probability that is spread over all classes, in [0, 1).
        class_weights: how much a sample of each class counts in the training's loss: None, all the same; numbers above 0, one a class;
            `balanced`, n / (classes * count), as scikit-learn has it, so that every class counts the same. The loss is then a weighted
            mean. Validation is never weighted: its loss stays the plain mean of -log p.
        class_counts: samples of each class in the training subset, needed for `balanced`.

    Raises:
        UserError: weights that do not fit the classes, or `balanced` without counts.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        model: nn.Module,
        plan: OptimizerPlan | None = None,
        *,
        label_smoothing: float = 0.0,
        class_weights: Literal["balanced"] | Sequence[float] | None = None,
        class_counts: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model, plan)
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing is {label_smoothing}, not in [0, 1)")
        self.label_smoothing = label_smoothing
        # not in the checkpoint: it follows from config and data
        self.register_buffer("class_weights", _class_weights(class_weights, class_counts), persistent=False)
        self._scores: list[Tensor] = []
        self._targets: list[Tensor] = []

    def cross_entropy(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean loss of a batch, and under `hits` how many samples were classified right."""
        x, y = pair(batch)
        logits = self(x)
        try:
            loss = functional.cross_entropy(logits, y, self.class_weights, label_smoothing=self.label_smoothing)
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            raise _misfit(logits, y, self.class_weights, error) from error
        labels = y
        if y.ndim == 2:  # probabilities, as MixUp makes them: the likeliest class is the one to hit
            labels = y.argmax(dim=1)
            if (
                self.class_weights is not None
            ):  # torch divides by the samples here, and by their weights where y is indices
                loss = loss * (len(y) / (y @ self.class_weights).sum())
        return loss, {"hits": (logits.detach().argmax(dim=1) == labels).sum()}

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Lightning's hook: keep the scores on the device."""
        x, y = pair(batch)
        if y.ndim != 1 or y.is_floating_point():
            raise UserError(
                f"the labels of a validation batch are {str(y.dtype).removeprefix('torch.')} of shape {tuple(y.shape)}",
                where="data",
                remedy="give one class index for each sample, shape (batch,); of probabilities y.argmax(dim=1)",
            )
        self._scores.append(functional.softmax(self(x).float(), dim=1))
        self._targets.append(y)

    def on_validation_epoch_end(self) -> None:
        """Lightning's hook: every number of the epoch, once."""
        score, target = torch.cat(self._scores), torch.cat(self._targets)
        self._scores, self._targets = [], []
        if self.trainer.sanity_checking:  # two batches say nothing about the whole
            return
        values = classification_metrics(target.cpu().numpy(), score.cpu().numpy())
        self.log_dict({f"val/{name}": value for name, value in values.items()})

    def predict_step(self, batch: Batch, batch_idx: int = 0) -> Tensor:
        """Lightning's hook: probabilities in float32, (batch, num_classes)."""
        return functional.softmax(self(batch[0]).float(), dim=1)


class Classification(PureStep, LogitsTask):
    """Cross-entropy over the logits of a network, on the batches as they come; arguments and logs are those of `LogitsTask`."""

    def loss_of(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The pure half of `training_step`, see `LogitsTask.cross_entropy`."""
        return self.cross_entropy(batch)

    def note_step(self, loss: Tensor, noted: Mapping[str, Tensor], samples: int) -> None:
        """The other half of `training_step`: what the logs are made of."""
        self._sums.add(loss, noted["hits"], samples)


def _class_weights(wanted: Literal["balanced"] | Sequence[float] | None, counts: Sequence[int] | None) -> Tensor | None:
    """(classes,) float32, or None where all classes count the same."""
    where = "task.init_args.class_weights"
    if wanted is None:
        return None
    if isinstance(wanted, str):
        if counts is None:
            remedy = "write a list of numbers, one a class, or name data of the catalogue"
            raise UserError("the classes' counts are not known for data of your own", where=where, remedy=remedy)
        present = sum(count > 0 for count in counts)
        # a class that training does not have never asks for its weight
        wanted = [sum(counts) / (present * count) if count else 0.0 for count in counts]
    elif not wanted or any(not (math.isfinite(weight) and weight > 0) for weight in wanted):
        raise UserError("a weight is not above 0", where=where, remedy="write one number above 0 for each class")
    if counts is not None and len(wanted) != len(counts):
        raise _other_number(len(wanted), len(counts))
    return torch.tensor(wanted, dtype=torch.float32)


def _other_number(weights: int, classes: int) -> UserError:
    return UserError(
        f"{weights} weights for {classes} classes",
        where="task.init_args.class_weights",
        remedy=f"write {classes} numbers, in the order of the classes, or balanced",
    )


def _misfit(logits: Any, y: Tensor, weights: Tensor | None, error: Exception) -> Exception:
    """What is wrong with logits or labels that the loss refuses; looked for only then, since reading labels waits for the device."""
    seen = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(y):
        return UserError(
            f"the model gives {seen} for a batch of {len(y)} samples",
            where="model",
            remedy=f"its forward must return logits of shape (batch, classes), here ({len(y)}, <classes>)",
        )
    if y.ndim == 2 and y.is_floating_point() and y.shape != logits.shape:
        return UserError(
            f"the labels of a batch are probabilities of {y.shape[1]} classes, but the model gives {logits.shape[1]}",
            where="data",
            remedy="let the model give as many logits as there are classes",
        )
    if y.ndim != 1 or y.dtype != torch.int64:
        return UserError(
            f"the labels of a batch are {str(y.dtype).removeprefix('torch.')} of shape {tuple(y.shape)}",
            where="data",
            remedy="give one class index for each sample: y.long(), shape (batch,)",
        )
    outside = y[(y < 0) | (y >= logits.shape[1])]
    if len(outside):
        return UserError(
            f"a label is {int(outside[0])}, but the model gives {logits.shape[1]} classes, numbered from 0",
            where="data",
            remedy="mend the labels, or let the model give as many logits as there are classes",
        )
    if weights is not None and len(weights) != logits.shape[1]:
        return _other_number(len(weights), logits.shape[1])
    return error
