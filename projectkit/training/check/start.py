"""The first forward pass and the first loss, before anything is trained: of the classifications of ours, and of a team's own task."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from projectkit.findings import Finding
from projectkit.training.check.data import check_labels, check_normalisation
from projectkit.training.check.layers import check_strangers
from projectkit.training.check.outputs import (
    check_finite,
    check_output,
    check_start,
    is_cross_entropy,
    refused,
    sums_over_batch,
    twice,
)
from projectkit.training.check.subject import (
    Subject,
    cloned,
    forward,
    head_of,
    inputs_of,
    labels_of,
    shapes_of,
    without_dropout,
)
from projectkit.training.check.watch import Watch
from projectkit.training.loop.shapes import samples_of

BROADCAST = "Using a target size"  # what torch's losses say of shapes that do not fit


@dataclass
class Start:
    """What the first batch gave."""

    findings: list[Finding] = field(default_factory=list)
    watch: Watch | None = None  # of the forward pass; None: there is nothing to go on with
    is_cross_entropy: bool = False  # of logits, so that it can come near to 0

    def stopped(self, *names: str) -> bool:
        """Whether one of these is an error."""
        return any(finding.status == "error" and finding.id in names for finding in self.findings)


def check_first_batch(subject: Subject, samples: int) -> Start:
    """One batch through copies in training mode.

    Args:
        subject: with batches.
        samples: of the batch that are used.
    """
    start, batch = Start(), head_of(subject.batches[0], samples)
    task = subject.copy()
    watch, output = Watch(task), None
    x, before = inputs_of(batch), inputs_of(cloned(batch))
    try:
        with watch, torch.no_grad():
            output = forward(task, batch)
    except Exception as error:  # noqa: BLE001 - whatever a team's code raises is what is to be told
        if subject.is_classification:
            start.findings.append(refused(error, "model", f"the forward pass of a batch of shape {shapes_of(batch)}"))
            return start
    if isinstance(x, Tensor) and x.shape == before.shape and not torch.equal(x, before) and bool(x.isfinite().all()):
        start.findings.append(_changed_inputs())
    start.findings += check_strangers(watch)
    last = watch.last[0] if watch.last is not None and watch.last[1] is output else ""
    batch = head_of(subject.batches[0], samples)
    of = _of_ours if subject.is_classification else _of_their_own
    start.findings += of(replace(subject, batches=[batch]), subject, start, output, last, watch)
    if not start.stopped("output-shape", "labels", "finite", "training-step"):
        start.watch = watch
        start.findings += check_normalisation(subject, watch)
    return start


def _of_ours(first: Subject, subject: Subject, start: Start, output: Any, last: str, watch: Watch) -> Iterator[Finding]:
    """The cross-entropy of clean inputs, without dropout."""
    start.is_cross_entropy = True
    found = [*check_output(first, output, last)]
    found += check_labels(subject, output.shape[1] if isinstance(output, Tensor) and output.ndim == 2 else None)
    yield from found
    if any(finding.status == "error" and finding.id in ("output-shape", "labels") for finding in found):
        return
    task, batch = subject.copy(), first.batch
    without_dropout(task)
    try:
        with torch.no_grad():
            logits = task(inputs_of(batch))
            loss = float(task.cross_entropy(batch)[0])
    except Exception as error:  # noqa: BLE001 - as above
        yield refused(error, "data", "the cross-entropy")
        return
    yield from check_finite(loss, watch)
    y = labels_of(batch)
    if y is not None and math.isfinite(loss) and not any(finding.status == "error" for finding in found):
        yield from check_start(subject, logits, y, loss)


def _of_their_own(
    first: Subject, subject: Subject, start: Start, output: Any, last: str, watch: Watch
) -> Iterator[Finding]:
    """What the loss of a team's own task is of its output, and what follows from that."""
    why = ""
    if not subject.task.automatic_optimization:
        why = "the task steps its optimisers itself"
    else:
        try:
            loss, output, said = _own_loss(subject, first.batch)
        except Exception as error:  # noqa: BLE001 - it may need its trainer; the first steps, which have one, will tell
            why = f"training_step without a trainer raises {type(error).__name__}"
        else:
            if said:
                yield _broadcast(said)
            why = "training_step returns no loss" if loss is None else ""
    if why or loss is None:
        yield from check_labels(subject, None)
        yield Finding("initial-loss", "note", "task", f"{why}, so the loss at the start was not looked at")
        return
    yield from check_finite(loss, watch)
    kind = is_cross_entropy(loss, output, first.batch)
    yield from check_labels(subject, output.shape[1] if kind is not None else None)
    yield from _reduction(subject, first.batch, loss)
    start.is_cross_entropy = kind == "logits"
    if kind == "logits":
        found = [*check_output(first, output, last)]
        yield from found
        y = labels_of(first.batch)
        if y is not None and not any(finding.status == "error" for finding in found):
            yield from check_start(first, output, y, loss)
    elif math.isfinite(loss):
        seen = f"the loss at the start is {loss:.3g}; what it should be is not known for this task"
        yield Finding("initial-loss", "ok", "task", seen, evidence={"loss": loss, "of": kind})


def _own_loss(subject: Subject, batch: Any) -> tuple[float | None, Any, str]:
    """A team's own training step without dropout: the loss, the output, and what torch's losses say of the shapes."""
    task: Any = subject.copy()
    without_dropout(task)
    state = torch.get_rng_state()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        returned = task.training_step(cloned(batch), 0)
    loss = returned.get("loss") if isinstance(returned, dict) else returned
    task = subject.copy()
    without_dropout(task)
    torch.set_rng_state(state)
    try:
        with torch.no_grad():
            output = forward(task, cloned(batch))
    except Exception:  # noqa: BLE001 - a forward with other arguments is a team's good right
        output = None
    heard = next((str(each.message) for each in said if BROADCAST in str(each.message)), "")
    return float(loss.detach()) if isinstance(loss, Tensor) else None, output, heard


def _reduction(subject: Subject, batch: Any, loss: float) -> Iterator[Finding]:
    try:
        double, _, _ = _own_loss(subject, twice(batch))
    except Exception:  # noqa: BLE001 - it may be written for one size of a batch
        return
    if double is not None and sums_over_batch(loss, double):
        samples = samples_of(batch)
        yield Finding(
            "loss-sum",
            "note",
            "task",
            f"the loss is a sum over the batch: {loss:.3g} for {samples} samples, twice that for twice as many",
            "gradients grow with data.batch_size then, and the rate has to be chosen for it; a mean over the batch has no such tie",
            {"loss": loss, "samples": samples},
        )


def _changed_inputs() -> Finding:
    return Finding(
        "changed-inputs",
        "warning",
        "model",
        "the forward pass writes into its input",
        "usually x -= mean, x[...] = ... or an in-place relu_ on the input; the loss, the next epoch or an attack then sees "
        "other inputs. "
        "Write x = x - mean",
    )


def _broadcast(said: str) -> Finding:
    return Finding(
        "broadcast",
        "error",
        "task",
        " ".join(said.split())[:240],
        "usually predictions of shape (batch, 1) against targets of shape (batch,): each prediction is then compared with every target. "
        "Write .squeeze(1)",
    )
