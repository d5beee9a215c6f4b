"""All checks in their order: data, model, first steps, modes, rates, one batch.

An error is told as what it is; what most likely follows from it becomes a note, and what would only take time is left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import torch

from projectkit.findings import Finding
from projectkit.training.check.budget import Budget
from projectkit.training.check.data import check_inputs
from projectkit.training.check.layers import check_flow, check_optimizers, check_reach, check_units
from projectkit.training.check.modes import check_eval_mode, check_leakage, check_padding
from projectkit.training.check.outputs import refused
from projectkit.training.check.overfit import check_overfit
from projectkit.training.check.rates import RateRange, check_rate, range_test
from projectkit.training.check.start import check_first_batch
from projectkit.training.check.subject import Subject, forward, head_of
from projectkit.training.check.trial import GRADIENT_STEPS, Trial, train_copy
from projectkit.training.check.watch import Watch
from projectkit.training.loop.shapes import samples_of

WATCHED = 256  # samples of a batch that is watched layer by layer, fewer where the model is slow:
WATCHED_SHARE = 0.02  # of the time for a pass over them
LEAST_WATCHED = 16
WATCHED_BATCHES = 3
RATES_SHARE = 0.65  # of the time that is left for the range test and one batch; what the one leaves the other has
GENTLE = 1e-3  # the highest rate of the steps whose gradients are looked at: one that is too high is another finding


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

    def __init__(self, subject: Subject, budget: Budget, seed: int) -> None:
        self.subject, self.budget, self.seed = subject, budget, seed
        self.result = Examination()
        self._watched = WATCHED
        self._cross_entropy = False

    def run(self) -> Examination:
        """All of it; what cannot be gone on with after a fault is left out with a note."""
        try:
            self.subject.copy()
        except Exception as error:  # noqa: BLE001 - whatever a team's own object raises
            self._add([_uncopied(error)])
            return self.result
        self._add(check_inputs(self.subject))
        self._watched = self._affordable()
        if not self.result.failed:
            self._begin()
            start = check_first_batch(self.subject, self._watched)
            self._cross_entropy = start.is_cross_entropy
            self._add(start.findings)
            if start.watch is not None:
                trial = self._first_steps(start.watch)
                self._modes()
                if trial is not None:
                    self._learning(trial)
        return self.result

    def _add(self, found: Iterable[Finding]) -> None:
        self.result.findings.extend(found)

    def _stopped(self, *names: str) -> bool:
        return any(finding.status == "error" and finding.id in names for finding in self.result.findings)

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
        """The range test, and one batch by heart; neither says anything new of a model with an error."""
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
        self._add(check_overfit(self.subject, seconds, self.result.rates, loss_is_cross_entropy=self._cross_entropy))
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


def _uncopied(error: Exception) -> Finding:
    return Finding(
        "copy",
        "error",
        "task",
        f"the task cannot be copied, so nothing was looked at: {type(error).__name__}: {' '.join(str(error).split())[:160]}",
        "usually an open file, a generator or a tensor with a gradient history as an attribute; keep tensors with "
        "self.register_buffer, and open "
        "what has to be open in on_fit_start. Checkpoints and averaged weights need copies too",
    )
