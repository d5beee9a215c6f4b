"""Are inputs and labels what a network can learn from?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from projectkit.findings import Finding
from projectkit.training.check.subject import Subject, inputs_of, labels_of
from projectkit.training.check.watch import Watch
from projectkit.training.loop.shapes import samples_of, tensors_of

LARGE, SMALL, OFF_CENTRE = (
    10.0,
    0.01,
    4.0,
)  # standard deviations; an image in 0..1 has .2 to .4, and its mean is 2 of them off
UNEVEN = 1e3  # largest over smallest deviation of a table's columns
SORTED = 0.8  # of neighbouring labels are the same beyond what chance gives


def check_inputs(subject: Subject) -> Iterator[Finding]:
    """Values that are numbers, and samples that differ."""
    parts = [each for batch in subject.batches for each in tensors_of(inputs_of(batch)) if isinstance(each, Tensor)]
    if not parts:
        yield Finding("inputs", "note", "data", "the batches hold no tensors, so their values were not looked at")
        return
    bad = sum(int((~torch.isfinite(each)).sum()) for each in parts if each.is_floating_point())
    if bad:
        share = bad / sum(each.numel() for each in parts)
        yield Finding(
            "inputs",
            "error",
            "data",
            f"{bad} values of the inputs ({share:.2%}) are NaN or infinite",
            "usually missing values or a division by a deviation of 0; fill them in or drop the rows before batches are made, "
            "one such value "
            "makes every weight NaN",
            {"values": bad, "share": share},
        )
        return
    first = next(each for each in tensors_of(inputs_of(subject.batches[0])) if isinstance(each, Tensor))
    if len(first) > 1 and bool((first == first[:1]).all()):
        yield Finding(
            "inputs",
            "error",
            "data",
            f"all {len(first)} samples of the first batch are the same",
            "usually a loader that gives the same row again and again, or a transform that clips everything to one value; "
            "look at a few inputs "
            "with print(batch)",
            {"samples": len(first), "value": float(first.flatten()[0])},
        )
        return
    shape = ", ".join(
        f"{tuple(each.shape)} {_name(each)}" for each in tensors_of(subject.batches[0]) if isinstance(each, Tensor)
    )
    yield Finding(
        "inputs",
        "ok",
        "data",
        f"a batch is {shape}; {len(subject.batches)} batches looked at",
        evidence={"batches": len(subject.batches)},
    )


def check_labels(subject: Subject, logits: int | None) -> Iterator[Finding]:
    """Labels in range, of a type that the loss takes, more than one class, and not sorted.

    Args:
        subject: of a classification, or of a team's own task.
        logits: how many the model gives; None where it is not known to give logits.
    """
    y = subject.labels
    if y is None:
        if subject.is_classification:
            yield from _odd_labels(subject.batches[0])
        return
    classes = subject.classes or logits
    low, high = int(y.min()), int(y.max())
    evidence: dict[str, Any] = {"lowest": low, "highest": high, "classes": classes, "samples": len(y)}
    if classes is not None and (low < 0 or high >= classes):
        shifted = low == 1 and high == classes
        usual = (
            "usually classes that are numbered from 1; subtract 1 from the labels"
            if shifted
            else "usually a class that was added, or a mark for 'unknown'; map labels to 0 ... classes - 1, or give the model more logits"
        )
        yield Finding(
            "labels",
            "error",
            "data",
            f"labels go from {low} to {high}, and there are {classes} classes, numbered from 0",
            usual,
            evidence,
        )
        return
    if low == high:
        yield Finding(
            "labels",
            "error",
            "data",
            f"all {len(y)} labels that were looked at are {low}",
            "usually a loader that is sorted by class and not shuffled, or the wrong column; write shuffle=True, and look at the labels",
            evidence,
        )
        return
    repeated, expected = _repeated(subject)
    evidence |= {"neighbours_alike": repeated, "expected_by_chance": expected}
    if expected < 1 and (repeated - expected) / (1 - expected) > SORTED:
        yield Finding(
            "label-order",
            "warning",
            "data",
            f"{repeated:.0%} of neighbouring training samples have the same label, {expected:.0%} would by chance: the batches "
            "are sorted by class",
            "usually a training loader without shuffle=True; each batch then teaches one class and forgets the last one. "
            "Shuffle the training "
            "loader",
            evidence,
        )
    yield _balance(subject, y, classes, evidence)


def check_normalisation(subject: Subject, watch: Watch) -> Iterator[Finding]:
    """Is what the first layer with weights is given about standardised?

    Args:
        subject: whose inputs are floating point, or nothing is said.
        watch: of a forward pass of the first batch.
    """
    x = watch.first_input
    raw = next((each for each in tensors_of(inputs_of(subject.batches[0])) if isinstance(each, Tensor)), None)
    if x is None or raw is None or not raw.is_floating_point() or watch.normalised_first or x.ndim < 2 or not x.numel():
        return
    values = x.float()
    mean, deviation = float(values.mean()), float(values.std())
    evidence: dict[str, Any] = {
        "layer": watch.first_layer,
        "mean": mean,
        "std": deviation,
        "largest": float(values.abs().max()),
    }
    seen = f"the first layer, {watch.first_layer}, is given values with mean {mean:.3g} and standard deviation {deviation:.3g}"
    if deviation > LARGE or deviation < SMALL or abs(mean) > OFF_CENTRE * max(deviation, SMALL):
        yield Finding(
            "normalisation",
            "warning",
            "data",
            seen,
            "usually raw pixels (0 to 255) or raw columns; steps along large inputs are too long, along the rest too short. "
            "Standardise with mean "
            "and deviation of the training subset",
            evidence,
        )
        return
    if x.ndim == 2 and len(values) > 1:
        columns = values.std(dim=0)
        varying = columns[columns > 0]
        ratio = float(varying.max() / varying.min()) if len(varying) else 1.0
        large, odd = float(varying.max()) if len(varying) else 0.0, float(columns.median())
        evidence["column_ratio"] = ratio
        if ratio > UNEVEN and large > LARGE * max(odd, SMALL) and large > 5.0:
            yield Finding(
                "normalisation",
                "warning",
                "data",
                f"the columns that {watch.first_layer} is given differ {ratio:.1e}-fold in their standard deviation",
                "usually columns in their own units; the largest drowns the others. Standardise each column with the training "
                "subset's mean and "
                "deviation, a skewed one after its logarithm",
                evidence,
            )
            return
    yield Finding("normalisation", "ok", "data", seen, evidence=evidence)


def _balance(subject: Subject, y: Tensor, classes: int | None, evidence: dict[str, Any]) -> Finding:
    """The classes' shares: no fault, but what accuracy has to be measured against."""
    counts = torch.bincount(y[y >= 0].cpu(), minlength=classes or 0).tolist()  # below 0 are marks, such as -100
    if subject.class_counts is not None:
        counts = list(subject.class_counts)
    share = max(counts) / sum(counts)
    empty = [index for index, count in enumerate(counts) if not count] if subject.class_counts is not None else []
    evidence |= {"largest_share": share, "classes_without_samples": empty}
    if empty:
        return Finding(
            "labels",
            "note",
            "data",
            f"{len(empty)} of {len(counts)} classes have no training sample: {', '.join(map(str, empty[:5]))}",
            "usually rare classes that the split put elsewhere; they cannot be learnt, so say so, or choose another split",
            evidence,
        )
    if share > 0.9:
        return Finding(
            "labels",
            "note",
            "data",
            f"{share:.1%} of the training samples are of one class, so guessing it has that accuracy",
            "watch val/f1_macro or val/average_precision; data.balanced=true, or class_weights: balanced, has the rare class count more",
            evidence,
        )
    seen = f"labels from {evidence['lowest']} to {evidence['highest']}" + (f" of {classes} classes" if classes else "")
    return Finding("labels", "ok", "data", f"{seen}; the largest has {share:.1%}", evidence=evidence)


def _odd_labels(batch: Any) -> Iterator[Finding]:
    """A classification of ours wants one class index a sample, or probabilities."""
    if not isinstance(batch, list | tuple) or len(batch) != 2 or not isinstance(batch[1], Tensor):
        seen = f"{len(batch)} parts" if isinstance(batch, list | tuple) else type(batch).__name__
        what, remedy = f"a batch is {seen}, not a pair (x, y)", "let the loader give (x, y)"
    else:
        y = batch[1]
        if y.ndim == 2 and y.is_floating_point():
            return
        what = f"the labels of a batch are {_name(y)} of shape {tuple(y.shape)}"
        remedy = "give one class index for each sample: y.long(), shape (batch,)"
    yield Finding(
        "labels",
        "error",
        "data",
        what,
        f"usually labels that were read as numbers, or one-hot; {remedy}",
        {"samples": samples_of(batch)},
    )


def _repeated(subject: Subject) -> tuple[float, float]:
    """How often two samples that follow each other in a batch have one label, and how often they would by chance."""
    same = pairs = 0
    for batch in subject.batches:
        y = labels_of(batch)
        if y is not None and len(y) > 1:
            same += int((y[1:] == y[:-1]).sum())
            pairs += len(y) - 1
    labels = subject.labels
    if not pairs or labels is None:
        return 0.0, 0.0
    counts = torch.unique(labels.cpu(), return_counts=True)[1].double()
    if subject.class_counts is not None:
        counts = torch.tensor(subject.class_counts, dtype=torch.float64)
    chance = float(((counts / counts.sum()) ** 2).sum())
    return same / pairs, chance if math.isfinite(chance) else 0.0


def _name(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")
