"""One small batch, learnt by heart: a network that cannot do that will not learn the whole set either."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from projectkit.findings import Finding
from projectkit.tasks import Classification, LogitsTask
from projectkit.training.check.rates import RateRange
from projectkit.training.check.subject import Subject, head_of, inputs_of, labels_of, mapped, rows_of, without_dropout
from projectkit.training.check.trial import Trial, train_copy
from projectkit.training.loop.shapes import samples_of

SAMPLES = 16
STEPS = 300, 120  # at most, at the config's rate and at each further one
FEWEST_STEPS = 60  # after which a loss that has not moved is believed
NEAR_ZERO = 0.1  # of the loss at the start, or of log C
USUAL = 1e-3, 1e-2  # rates that are tried where the range test suggests none


def check_overfit(
    subject: Subject, seconds: float, rates: RateRange | None, *, loss_is_cross_entropy: bool
) -> Iterator[Finding]:
    """Train copies on one batch, without dropout, label smoothing, class weights, adversary and schedule.

    Args:
        subject: with a batch.
        seconds: for all copies together.
        rates: of the range test, whose suggestion is tried after the config's rate.
        loss_is_cross_entropy: whether the loss has to come near to 0; any other has to fall.
    """
    batch = varied(subject.batches[0], SAMPLES, subject.pad_index)
    tried: list[tuple[float, Trial]] = []
    left, best = seconds, None
    for index, chosen in enumerate(_rates(rates)):
        task = plain_copy(subject)
        share = left * (0.5 if index == 0 else 0.4)
        trial = train_copy(
            subject,
            task,
            [batch],
            steps=STEPS[min(index, 1)],
            seconds=share,
            rate=lambda step, given, chosen=chosen: chosen or given,  # type: ignore[misc] # bound at once
            enough=lambda trial: _learnt(trial, loss_is_cross_entropy),
        )
        if trial.problem is not None:
            yield Finding(
                "overfit",
                "note",
                "task",
                f"one batch was not learnt by heart: {type(trial.problem).__name__}: {' '.join(str(trial.problem).split())[:200]}",
            )
            return
        if not trial.losses:
            yield Finding(
                "overfit",
                "note",
                "task",
                "training_step returns no loss, so it was not looked at whether one batch can be learnt by heart",
            )
            return
        tried.append((chosen or trial.rate, trial))
        left -= trial.seconds
        if best is None or _reached(trial) < _reached(best[1]):
            best = tried[-1]
        if trial.enough or left < 0.3 or (_reached(trial) < 0.3 and not trial.ended):
            break
    assert best is not None
    yield _judged(best, tried, samples_of(batch), loss_is_cross_entropy)


def _rates(found: RateRange | None) -> list[float | None]:
    """The config's, which is None, and others that are at least twice or at most half of it and of each other."""
    if found is None or not found.configured > 0:
        return [None, *USUAL]
    configured = found.configured
    others = [*([found.suggested] if found.suggested else USUAL), configured / 10, 10 * configured]
    kept = [configured]
    for rate in others:
        if all(max(rate / each, each / rate) >= 2 for each in kept):
            kept.append(rate)
    return [None, *kept[1:]]


def plain_copy(subject: Subject) -> Any:
    """A copy that learns the plain labels of plain inputs: without dropout, smoothing, weights and adversary."""
    task = subject.copy()
    without_dropout(task)
    if not isinstance(task, LogitsTask):
        return task
    if isinstance(task, Classification):
        task.label_smoothing, task.class_weights = 0.0, None
        return task
    clean: Any = Classification(task.model, task.plan).to(subject.device).train()
    return clean


def varied(batch: Any, count: int, pad_index: int | None = None) -> Any:
    """Some samples of a batch, of all its classes in turns; none of two that are alike but for their label.

    Args:
        batch: without labels its first samples are taken.
        count: at most.
        pad_index: of token sequences, (batch, length); the shortest are taken, and padding behind all of them is cut off.
    """
    y = labels_of(batch)
    x = inputs_of(batch)
    if y is None or not isinstance(x, Tensor):
        return head_of(batch, count)
    _, same = torch.unique(x.reshape(len(x), -1), dim=0, return_inverse=True)
    tokens = pad_index is not None and x.ndim == 2 and not x.is_floating_point()
    lengths = torch.ne(x, pad_index or 0).sum(dim=1) if tokens else torch.zeros(len(x), device=x.device)
    seen: dict[int, int] = {}
    by_class: dict[int, list[int]] = {}
    for row in lengths.argsort(stable=True).tolist():
        key, label = int(same[row]), int(y[row])
        if seen.setdefault(key, label) == label:
            by_class.setdefault(label, []).append(row)
    turns = [rows[place] for place in range(count) for rows in by_class.values() if place < len(rows)]
    chosen = rows_of(batch, torch.tensor(sorted(turns[:count]), dtype=torch.int64))
    if not tokens:
        return chosen
    width, kept = (
        x.shape[1],
        max(1, int(torch.ne(inputs_of(chosen), pad_index or 0).any(dim=0).nonzero().max()) + 1)
        if int(lengths.max())
        else 1,
    )
    return mapped(
        chosen, lambda each: each[:, :kept].contiguous() if each.ndim == 2 and each.shape[1] == width else each
    )


def _learnt(trial: Trial, loss_is_cross_entropy: bool) -> bool:
    """Whether the loss has come near to 0."""
    if not trial.losses or not math.isfinite(trial.losses[-1]):
        return False
    if loss_is_cross_entropy:
        return max(trial.losses[-3:]) < NEAR_ZERO * min(1.0, trial.losses[0])
    return _reached(trial) < NEAR_ZERO


def _reached(trial: Trial) -> float:
    """The lowest loss of the last steps, over that of the start; infinite where the loss is no number or begins at 0."""
    last = [loss for loss in trial.losses[-5:] if math.isfinite(loss)]
    if not last or not math.isfinite(trial.losses[0]) or trial.losses[0] <= 0:
        return math.inf if not last or trial.losses[0] != 0 else 0.0
    return min(last) / trial.losses[0]


def _judged(
    best: tuple[float, Trial], tried: list[tuple[float, Trial]], samples: int, loss_is_cross_entropy: bool
) -> Finding:
    rate, trial = best
    first, last = trial.losses[0], min(trial.losses[-5:])
    evidence = {
        "samples": samples,
        "tries": [
            {"rate": each, "steps": len(one.losses), "first": one.losses[0], "last": one.losses[-1]}
            for each, one in tried
        ],
        "losses": [float(f"{loss:.4g}") for loss in trial.losses[:: max(1, len(trial.losses) // 50)]],
    }
    seen = f"the loss of {samples} samples goes from {first:.3g} to {last:.2g} in {len(trial.losses)} steps at rate {rate:.2g}"
    if trial.enough:
        configured = tried[0][0]
        aside = "" if rate == configured else f"; at the config's {configured:.2g} it did not come so far"
        return Finding("overfit", "ok", "model", seen + aside, evidence=evidence)
    falls = _reached(trial) < (0.7 if loss_is_cross_entropy else 0.95)
    steps = max(len(one.losses) for _, one in tried)
    if not falls and steps >= FEWEST_STEPS:
        rates = ", ".join(f"{each:.2g}" for each, _ in tried)
        wrong_way = trial.losses[-1] > 1.2 * abs(first) and first > 0
        return Finding(
            "overfit",
            "error",
            "model",
            f"one batch is not learnt by heart: {seen} (rates {rates} were tried)",
            (
                "usually a loss with the wrong sign, or a rate that is far too high; "
                if wrong_way
                else "usually a gradient that is cut off, labels of other inputs, a squashed output, or a layer that throws "
                "everything away; "
            )
            + "mend what stands above first, then try the smallest model that could work, and add to it",
            evidence,
        )
    if falls:
        if loss_is_cross_entropy:
            return Finding(
                "overfit",
                "note",
                "model",
                f"{seen}; it falls, and the time or the steps were not enough for 0",
                "nothing, if the rest is in order; a longer look: --seconds 60",
                evidence,
            )
        return Finding("overfit", "ok", "model", seen, evidence=evidence)
    return Finding(
        "overfit",
        "note",
        "model",
        f"{seen}: too few steps in the time to say more",
        "a longer look: --seconds 60",
        evidence,
    )
