"""What comes out of the model before any training: its shape, what was done to it last, and the loss at the start."""

from __future__ import annotations

import math
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

import projectkit
from projectkit.errors import ProjectkitError
from projectkit.findings import Finding
from projectkit.training.check.subject import Subject, labels_of, rows_of
from projectkit.training.check.watch import Watch
from projectkit.training.loop.shapes import samples_of

SQUASHED = {
    "sigmoid": "a sigmoid, which keeps every logit in 0 to 1",
    "tanh": "a tanh, which keeps every logit in -1 to 1",
    "relu": "a ReLU, which lets no logit go below 0",
    "relu_": "a ReLU, which lets no logit go below 0",
}
CONFIDENT = 0.7, 0.4  # above log C by so much, or so much of it: warned of
ABSURD = 3.0, 2.0


def check_output(subject: Subject, output: Any, last: str) -> Iterator[Finding]:
    """Logits of shape (batch, classes), in floating point, not squashed.

    Args:
        subject: what is said of logits is said of the classifications of ours, and of own tasks whose loss was found to be one.
        output: of the first batch.
        last: name of the function that gave it, empty where it is not known.
    """
    count = samples_of(subject.batches[0])
    seen = (
        f"{tuple(output.shape)} {str(output.dtype).removeprefix('torch.')}"
        if isinstance(output, Tensor)
        else type(output).__name__
    )
    evidence: dict[str, Any] = {"output": seen, "samples": count, "classes": subject.classes}
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != count or not output.is_floating_point():
        yield Finding(
            "output-shape",
            "error",
            "model",
            f"the model gives {seen} for a batch of {count} samples",
            f"usually a missing flatten or pooling before the last layer, or a squeeze; its forward must return logits of "
            f"shape ({count}, classes)",
            evidence,
        )
        return
    classes = output.shape[1]
    if subject.classes is not None and classes != subject.classes:
        few = classes < subject.classes
        yield Finding(
            "output-shape",
            "error" if few else "warning",
            "model",
            f"the model gives {classes} logits and the labels have {subject.classes} classes",
            "usually a number that was written into the model; take num_classes as an argument, it is filled from the data"
            + ("" if few else ". The logits that are too many cost little, but no label ever asks for them"),
            evidence,
        )
        return
    if not bool(torch.isfinite(output).all()):
        return  # said by the loss
    squashed = _squashed(output, last)
    if squashed is not None:
        identity, what = squashed
        yield Finding(
            identity,
            "error",
            "model",
            f"the model's output went through {what}, and the loss is the cross-entropy of logits",
            "usually a habit from another framework; cross_entropy has the softmax inside, and with a second function before "
            "it gradients are small "
            "and the loss cannot reach 0. Return the last linear layer's result",
            {**evidence, "lowest": float(output.min()), "highest": float(output.max())},
        )
        return
    yield Finding("output-shape", "ok", "model", f"the model gives {seen}, one logit a class", evidence=evidence)


def check_start(subject: Subject, logits: Tensor, y: Tensor, loss: float) -> Iterator[Finding]:
    """Is the loss of an untrained network that of one that knows nothing?

    With logits near 0 it is log C, whatever the classes' shares, their weights or the label smoothing; the entropy of the shares is what
    the bias of the last layer learns first.

    Args:
        subject: for the shares of the classes.
        logits: of a batch in training mode, (batch, classes).
        y: its labels, (batch,).
        loss: that the task gives for it.
    """
    classes = logits.shape[1]
    uniform = math.log(classes)
    counts = torch.bincount(y[y >= 0].cpu(), minlength=classes).double()
    if subject.class_counts is not None and len(subject.class_counts) == classes:
        counts = torch.tensor(subject.class_counts, dtype=torch.float64)
    share = counts / counts.sum()
    prior = float(-(share * share.clamp(min=1e-12).log()).sum())
    spread = float(logits.float().std())
    evidence = {"loss": loss, "log_classes": uniform, "prior_entropy": prior, "logit_std": spread, "classes": classes}
    seen = f"the loss at the start is {loss:.3g}; log {classes} = {uniform:.3g}, the classes' entropy {prior:.3g}, logits' std {spread:.2g}"
    above = loss - uniform
    if above > max(CONFIDENT[0], CONFIDENT[1] * uniform):
        absurd = above > max(ABSURD[0], ABSURD[1] * uniform)
        yield Finding(
            "initial-loss",
            "error" if absurd else "warning",
            "model",
            seen,
            "usually a last layer with weights that are too large, or inputs that are not standardised: the network is sure "
            "of itself and wrong, "
            "and spends its first epoch unlearning that. Keep torch's default initialisation, or make the last layer's weights smaller",
            evidence,
        )
    elif loss < 0.8 * min(uniform, prior):
        yield Finding(
            "initial-loss",
            "note",
            "model",
            f"{seen}: lower than that of a network that knows nothing",
            "fine where the weights are trained already; else the label is among the inputs, or the loss is divided by too much",
            evidence,
        )
    else:
        yield Finding("initial-loss", "ok", "model", seen, evidence=evidence)


def check_finite(loss: float, watch: Watch) -> Iterator[Finding]:
    """A loss that is a number."""
    if not math.isfinite(loss):
        place = f"; {watch.broken} is the first layer to give one" if watch.broken else ""
        yield Finding(
            "finite",
            "error",
            watch.broken or "model",
            f"the loss of the untrained model is {loss}{place}",
            "usually a logarithm or a root of 0, a division by 0, or weights that are too large; add a small number below the "
            "root, and use "
            "log_softmax and cross_entropy in place of log(softmax)",
            {"layer": watch.broken},
        )


def refused(error: Exception, where: str, what: str) -> Finding:
    """A step that raises: what it says, as a finding."""
    if isinstance(error, ProjectkitError):
        remedy, place = error.remedy or "", error.where or where
        return Finding("training-step", "error", place, error.what, remedy, {"exception": type(error).__name__})
    text = " ".join(str(error).split())[:300]
    return Finding(
        "training-step",
        "error",
        _own_line(error) or where,
        f"{what} raises {type(error).__name__}: {text}",
        "usually shapes or types that do not fit; print x.shape and x.dtype at the top of forward, and after each layer",
        {"exception": type(error).__name__, "text": text},
    )


def is_cross_entropy(loss: float, output: Any, batch: Any) -> str | None:
    """What a team's own loss is of its output, where it is one of the field's: `logits`, `probabilities`, `log_probabilities`.

    Args:
        loss: of the training step in evaluation mode, where nothing is drawn.
        output: of the forward pass in that mode.
        batch: with labels.
    """
    y = labels_of(batch)
    if y is None or not isinstance(output, Tensor) or output.ndim != 2 or len(output) != len(y) or output.shape[1] < 2:
        return None
    if not output.is_floating_point() or int(y.min()) < 0 or int(y.max()) >= output.shape[1]:
        return None
    with torch.no_grad():
        rows, y = output.float(), y.long()
        candidates = {
            "logits": functional.cross_entropy(rows, y),
            "log_probabilities": functional.nll_loss(rows, y),
            "probabilities": functional.nll_loss(rows.clamp(min=1e-12).log(), y),
        }
    found = [name for name, value in candidates.items() if abs(float(value) - loss) <= 1e-3 * max(1.0, abs(loss))]
    return found[0] if found else None


def sums_over_batch(loss_of_half: float, loss: float) -> bool:
    """Whether a batch that holds its samples twice has twice the loss."""
    return abs(loss_of_half) > 1e-6 and abs(loss / loss_of_half - 2.0) < 1e-3


def twice(batch: Any) -> Any:
    """Each sample of a batch two times."""
    count = samples_of(batch)
    return rows_of(batch, torch.cat([torch.arange(count)] * 2))


def _own_line(error: Exception) -> str:
    """File and line of the team's code that an error came through last; empty where there is none."""
    others = (
        str(Path(projectkit.__file__).parent),
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    )
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith((*others, "<"))
    ]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _squashed(output: Tensor, last: str) -> tuple[str, str] | None:
    """The finding's id and what the output went through, where it was squashed."""
    rows = output.detach().float()
    if float(rows.min()) >= 0 and bool(((rows.sum(dim=1) - 1).abs() < 1e-3).all()):
        return "softmax", "a softmax (its rows are above 0 and sum to 1)"
    return ("bounded-output", SQUASHED[last]) if last in SQUASHED else None
