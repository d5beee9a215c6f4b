"""All checks in their order: data, model, first steps, modes, one batch, rates. The first fault is told as what it is, what follows from it as a note."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from projectkit.findings import Finding
from projectkit.training.check.budget import Budget
from projectkit.training.check.data import check_inputs, check_labels, check_normalisation
from projectkit.training.check.layers import check_flow, check_optimizers, check_reach, check_strangers, check_units
from projectkit.training.check.modes import check_eval_mode, check_leakage, check_padding
from projectkit.training.check.outputs import (
    check_finite,
    check_output,
    check_start,
    is_cross_entropy,
    refused,
    sums_over_batch,
    twice,
)
from projectkit.training.check.overfit import check_overfit
from projectkit.training.check.rates import RateRange, check_rate, range_test
from projectkit.training.check.subject import Subject, forward, head_of, inputs_of, labels_of, without_dropout
from projectkit.training.check.trial import GRADIENT_STEPS, Trial, train_copy
from projectkit.training.check.watch import Watch
from projectkit.training.loop.shapes import samples_of, tensors_of

WATCHED = 256  # samples of a batch that is watched layer by layer, fewer where the model is slow:
WATCHED_SHARE = 0.02  # of the time for a pass over them
LEAST_WATCHED = 16
WATCHED_BATCHES = 3
RATES_SHARE = 0.5  # of the time that is left for the range test and one batch; what the one leaves the other has
GENTLE = 1e-3  # the highest rate of the steps whose gradients are looked at: one that is too high is another finding
BROADCAST = "Using a target size"  # what torch's losses say of shapes that do not fit


@dataclass
class Examination:
    """What was found, and the curve of the range test where there is one."""

    findings: list[Finding] = field(default_factory=list)
    rates: RateRange | None = None

    @property
    def failed(self) -> bool:
        """Whether there is an error among them."""
        return any(finding.status == "error" for finding in self.findings)


class Examiner:
    """Goes through the checks of one subject.

    Args:
        subject: it is copied for each check, and stays as it is.
        budget: of the whole.
        seed: with which each short training begins.
    """

    def __init__(self, subject: Subject, budget: Budget, seed: int = 0) -> None:
        self.subject, self.budget, self.seed = subject, budget, seed
        self.result = Examination()
        self._watched = WATCHED
        self._last = ""  # the function that gave the output
        self._loss = "cross-entropy" if subject.is_classification else None  # of logits; None: not known to be one

    def run(self) -> Examination:
        """All of it; what cannot be gone on with after a fault is left out with a note."""
        self._add(check_inputs(self.subject))
        self._watched = self._affordable()
        if not self.result.failed:
            watch = self._forward()
            if watch is not None and not self._stopped("labels", "output-shape", "finite", "training-step"):
                trial = self._first_steps(watch)
                self._modes()
                if trial is not None:
                    self._learning(trial)
        return self.result

    def _add(self, found: Iterable[Finding]) -> None:
        self.result.findings.extend(found)

    def _stopped(self, *names: str) -> bool:
        return any(finding.status == "error" and finding.id in names for finding in self.result.findings)

    def _forward(self) -> Watch | None:
        """One batch through a copy in training mode, watched; what is said of shapes, labels, units and the loss at the start."""
        task, batch = self.subject.copy(), head_of(self.subject.batches[0], self._watched)
        self._begin()
        x = inputs_of(batch)
        before = x.clone() if isinstance(x, Tensor) else None
        watch = Watch(task)
        try:
            with watch, torch.no_grad():
                output = forward(task, batch)
        except Exception as error:  # noqa: BLE001 - whatever a team's code raises is what is to be told
            if self.subject.is_classification:
                self._add([refused(error, "model", f"the forward pass of a batch of shape {_shape(batch)}")])
                return None
            output = None
        if before is not None and isinstance(x, Tensor) and x.shape == before.shape and not torch.equal(x, before):
            self._add([_changed_inputs()])
        self._last = watch.last[0] if watch.last is not None and watch.last[1] is output else ""
        self._add(check_strangers(watch))
        loss = self._start(output, watch, batch)
        if loss is None:
            return None
        self._add(check_normalisation(self.subject, watch))
        return watch

    def _start(self, output: Any, watch: Watch, batch: Any) -> float | None:
        """The loss of the first batch, clean and without dropout; own tasks are asked what it is of their output."""
        if self.subject.is_classification:
            small = replace(self.subject, batches=[batch])
            self._add(check_output(small, output, self._last))
            logits = output.shape[1] if isinstance(output, Tensor) and output.ndim == 2 else None
            self._add(check_labels(self.subject, logits))
            if self._stopped("output-shape", "labels"):
                return None
            task = self.subject.copy()
            without_dropout(task)
            with torch.no_grad():
                logits_now = task(inputs_of(batch))
                loss = float(task.cross_entropy(batch)[0])
            self._add(check_finite(loss, watch))
            y = labels_of(batch)
            if y is not None and math.isfinite(loss) and not self._stopped("softmax", "bounded-output"):
                self._add(check_start(self.subject, logits_now, y, loss))
            return loss
        return self._own_start(watch, batch)

    def _own_start(self, watch: Watch, batch: Any) -> float | None:
        task = self.subject.copy()
        if not task.automatic_optimization:
            self._add(check_labels(self.subject, None))
            self._add(
                [
                    Finding(
                        "initial-loss",
                        "note",
                        "task",
                        "the task steps its optimisers itself, so its loss at the start was not looked at",
                    )
                ]
            )
            return 0.0
        try:
            loss, output, said = self._own_loss(batch)
        except Exception as error:  # noqa: BLE001 - as above
            self._add(check_labels(self.subject, None))
            if not self.result.failed:
                self._add([refused(error, "task", f"training_step on a batch of shape {_shape(batch)}")])
            return None
        if said:
            self._add([_broadcast(said)])
        if loss is None:
            self._add(
                [
                    Finding(
                        "initial-loss",
                        "note",
                        "task",
                        "training_step returns no loss, so the loss at the start was not looked at",
                    )
                ]
            )
            return 0.0
        self._add(check_finite(loss, watch))
        kind = is_cross_entropy(loss, output, batch)
        logits = output.shape[1] if kind is not None else None
        self._add(check_labels(self.subject, logits))
        self._own_reduction(loss, batch)
        if kind == "logits":
            self._loss = "cross-entropy"
            known = replace(self.subject, classes=None, batches=[batch])
            self._add(check_output(known, output, self._last))
            y = labels_of(batch)
            if y is not None and math.isfinite(loss) and not self._stopped("softmax", "bounded-output"):
                self._add(check_start(known, output, y, loss))
        elif math.isfinite(loss):
            self._add(
                [
                    Finding(
                        "initial-loss",
                        "ok",
                        "task",
                        f"the loss at the start is {loss:.3g}; what it should be is not known for a loss of your own",
                        evidence={"loss": loss},
                    )
                ]
            )
        return loss

    def _own_loss(self, batch: Any) -> tuple[float | None, Any, str]:
        """A team's own training step where nothing is drawn: the loss, the output, and what torch's losses say of the shapes."""
        task = self.subject.copy()
        task.eval()
        self._begin()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            returned = task.training_step(batch, 0)
        loss = returned.get("loss") if isinstance(returned, dict) else returned
        try:
            with torch.no_grad():
                output = forward(task, batch)
        except Exception:  # noqa: BLE001 - a forward with other arguments is a team's good right
            output = None
        heard = next((str(each.message) for each in said if BROADCAST in str(each.message)), "")
        return float(loss.detach()) if isinstance(loss, Tensor) else None, output, heard

    def _own_reduction(self, loss: float, batch: Any) -> None:
        try:
            double, _, _ = self._own_loss(twice(batch))
        except Exception:  # noqa: BLE001 - a batch of another size than it is written for
            return
        if double is not None and sums_over_batch(loss, double):
            self._add([_summed(loss, samples_of(batch))])

    def _first_steps(self, watch: Watch) -> Trial | None:
        """Some steps at the config's rate, then the layers once more: optimiser, gradients, units."""
        task = self.subject.copy()
        self._begin()
        share = self.budget.share(0.25)
        batches = [head_of(batch, self._watched) for batch in self.subject.batches[: GRADIENT_STEPS * 2]]
        trial = train_copy(
            self.subject, task, batches, steps=GRADIENT_STEPS, seconds=share, rate=lambda _, given: min(given, GENTLE)
        )
        if trial.problem is not None and len(trial.rates) < 2:
            if not self.result.failed:
                self._add([refused(trial.problem, "task", "training")])
            return None
        fresh = self.subject.copy()
        units = Watch(fresh)
        try:
            with units, torch.no_grad():
                for batch in self.subject.batches[:WATCHED_BATCHES]:
                    units.again()
                    forward(fresh, head_of(batch, self._watched))
        except Exception:  # noqa: BLE001 - said where it was tried first
            units = watch
        used = Watch(fresh)
        self._begin()
        try:
            with used:
                fresh.training_step(head_of(self.subject.batches[0], self._watched), 0)
        except Exception:  # noqa: BLE001 - a step that needs its trainer; the forward pass says nearly as much
            used = units
        self._add(check_optimizers(trial))
        before = self.result.failed
        self._add(check_units(units))
        if not self._stopped("dead-units", "saturated-units"):
            self._add(check_flow(fresh, trial, units))
        reach = list(check_reach(fresh, trial, used))
        # behind dead units there is no gradient, and no optimiser's gradients are looked at where its parameters are not the task's
        weaker = before or self._stopped("dead-units", "vanishing")
        self._add(_weaker(reach) if weaker and not any(finding.status == "error" for finding in reach) else reach)
        return trial

    def _modes(self) -> None:
        task = self.subject.copy()
        self._begin()
        try:
            found = list(check_eval_mode(self.subject, task))
            if not any(finding.status in ("error", "warning") for finding in found):
                found += check_leakage(self.subject, self.subject.copy())
                found += check_padding(self.subject, self.subject.copy())
        except Exception as error:  # noqa: BLE001 - a forward with other arguments is a team's good right
            text = " ".join(str(error).split())[:160]
            found = [
                Finding(
                    "eval-mode",
                    "note",
                    "model",
                    f"evaluation mode could not be looked at: {type(error).__name__}: {text}",
                    "write a forward(x), or a predict_step(batch, batch_idx)",
                )
            ]
        self._add(found)

    def _learning(self, trial: Trial) -> None:
        """One batch by heart, and the range test: minutes of a person who would look for a fault that is known already are not spent on it."""
        if self.result.failed:
            self._add(
                [
                    Finding(
                        "overfit",
                        "note",
                        "model",
                        "whether one batch can be learnt by heart was left out, and the range test too",
                        "mend the errors above and check again",
                    )
                ]
            )
            return
        self._begin()
        # of whole batches; the first steps had smaller ones
        whole = samples_of(self.subject.batches[0])
        step_s = trial.step_s * whole / min(self._watched, whole)
        self.result.rates, said = range_test(self.subject, self.budget.share(RATES_SHARE), step_s)
        self._begin()
        seconds = self.budget.share(0.9)
        self._add(check_overfit(self.subject, seconds, self.result.rates, loss_is_cross_entropy=self._loss is not None))
        if self.result.rates is not None:
            rated = list(check_rate(self.result.rates))
            said += _weaker(rated) if self.result.failed else rated
        self._add(said)

    def _affordable(self) -> int:
        """How many samples are watched: a large model has a few of them looked at, a small one many."""
        few = head_of(self.subject.batches[0], LEAST_WATCHED)
        task, seconds = self.subject.copy(), []
        try:
            for _ in range(2):  # the first warms up
                began = time.perf_counter()
                with torch.no_grad():
                    forward(task, few)
                seconds.append(time.perf_counter() - began)
        except Exception:  # noqa: BLE001 - said where it is watched
            return LEAST_WATCHED
        return max(
            LEAST_WATCHED,
            min(WATCHED, int(samples_of(few) * self.budget.share(WATCHED_SHARE) / max(min(seconds), 1e-9))),
        )

    def _begin(self) -> None:
        torch.manual_seed(self.seed)


def _weaker(findings: Iterable[Finding]) -> list[Finding]:
    """As notes: what most likely follows from an error that stands above."""
    return [
        replace(finding, status="note", advice="most likely follows from the error above; mend that first")
        if finding.status in ("error", "warning")
        else finding
        for finding in findings
    ]


def _changed_inputs() -> Finding:
    return Finding(
        "changed-inputs",
        "warning",
        "model",
        "the forward pass writes into its input",
        "usually x -= mean, x[...] = ... or an in-place relu_ on the input; the loss, the next epoch or an attack then sees other inputs. Write x = x - mean",
    )


def _broadcast(said: str) -> Finding:
    return Finding(
        "broadcast",
        "error",
        "task",
        " ".join(said.split())[:240],
        "usually predictions of shape (batch, 1) against targets of shape (batch,): each prediction is then compared with every target. Write .squeeze(1)",
    )


def _summed(loss: float, samples: int) -> Finding:
    return Finding(
        "loss-sum",
        "note",
        "task",
        f"the loss is a sum over the batch: {loss:.3g} for {samples} samples, twice that for twice as many",
        "gradients grow with data.batch_size then, and the rate has to be chosen for it; a mean over the batch has no such tie",
        {"loss": loss, "samples": samples},
    )


def _shape(batch: Any) -> str:
    return ", ".join(str(tuple(each.shape)) for each in tensors_of(batch) if isinstance(each, Tensor))
