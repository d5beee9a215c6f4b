"""The learning-rate range test: a short training whose rate rises from far too low to far too high.

Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3. The suggested rate is a tenth of that of the
lowest loss, as fastai has it; the fastest is where the loss falls most steeply over the logarithm of the rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from projectkit.findings import Finding
from projectkit.training.check.subject import Subject, head_of
from projectkit.training.check.trial import Trial, train_copy
from projectkit.training.loop.shapes import samples_of

LOWEST, HIGHEST = 1e-6, 10.0
STEPS = 105  # 15 a decade
FEWEST = 42  # 6 a decade: fewer say nothing
SMOOTHING = 0.7  # of the exponential average over the losses
BLOWN_UP = 3.0  # times the loss's fall above its lowest, or this many times the start: the test ends
NEAR_LOWEST = 0.05  # of the fall, above the lowest loss
RUN = 5  # steps in a row above it: the loss grows
GROWN = 0.5  # of the loss at the start, above it: the loss grows
TOO_HIGH = 2.0  # the config's rate over that from which the loss grows: a warm-up allows for something
TOO_FAR = 100.0  # between the suggested rate and the config's: warned of; above it where the loss is no better there than at the start


@dataclass(frozen=True)
class RateRange:
    """What a range test gave.

    Args:
        rates: of the steps, rising, (n,).
        losses: as they came, (n,).
        smooth: their exponential average, (n,).
        suggested: a tenth of the rate of the lowest loss; None where the loss did not fall.
        fastest: where the loss falls most steeply.
        diverges: from which the loss is far above that of the start; None: up to the highest that was tried it is not.
        configured: the highest rate of the config's optimiser and schedule.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]
    suggested: float | None
    fastest: float | None
    diverges: float | None
    configured: float

    def undone(self, rate: float) -> bool:
        """Whether the loss at a rate, which the test came to, is about that of the start, after it had fallen."""
        after = [loss for each, loss in zip(self.rates, self.smooth, strict=True) if each >= rate][:RUN]
        begin, lowest = self.smooth[RUN], min(self.smooth)
        return len(after) == RUN and min(after) > begin - 0.1 * (begin - lowest)


def range_test(subject: Subject, seconds: float, step_s: float) -> tuple[RateRange | None, list[Finding]]:
    """Train one copy through all rates.

    Args:
        subject: whose batches are taken in turns.
        seconds: for all of it.
        step_s: of a step with whole batches, as measured before.

    Returns:
        The curve, None where there is none, and what is to be said of it.
    """
    batches = list(subject.batches)
    size, notes = samples_of(batches[0]), []
    steps = STEPS
    affordable = seconds / max(step_s, 1e-6)
    if affordable < STEPS:
        steps = max(FEWEST, int(affordable))
    if affordable < FEWEST:
        smaller = int(size * affordable / FEWEST)
        if smaller < min(16, size):
            what = f"the learning-rate range test was left out: {FEWEST} steps of {step_s:.2g} s do not fit into {seconds:.1f} s"
            return None, [
                Finding(
                    "learning-rate",
                    "note",
                    "optimizer",
                    what,
                    "a longer look: --seconds 60",
                    {"step_s": step_s, "seconds": seconds},
                )
            ]
        batches = [head_of(batch, smaller) for batch in batches]
        notes = [
            Finding(
                "learning-rate",
                "note",
                "optimizer",
                f"the range test has batches of {smaller} in place of {size}, to fit into the time",
            )
        ]
    trial = train_copy(
        subject,
        subject.copy(),
        batches,
        steps=steps,
        seconds=seconds,
        rate=lambda step, configured: _rate_of(step, steps, configured),
        enough=_blown_up,
    )
    if len(trial.losses) < (FEWEST // 2 if trial.problem is None else FEWEST):
        why = (
            f"{type(trial.problem).__name__}: {' '.join(str(trial.problem).split())[:160]}"
            if trial.problem
            else f"{len(trial.losses)} losses"
        )
        return None, [
            *notes,
            Finding("learning-rate", "note", "optimizer", f"the learning-rate range test gave no curve: {why}"),
        ]
    return read_curve(trial), [*notes, *([] if trial.ended else [_cut_short(trial, seconds)])]


def read_curve(trial: Trial) -> RateRange:
    """Smooth the losses and read the rates off."""
    losses = np.array(trial.losses, dtype=np.float64)
    count = min(len(losses), len(trial.rates))
    losses, rates = losses[:count], np.array(trial.rates[:count])
    finite = np.isfinite(losses)
    worst = losses[finite].max() if finite.any() else 0.0
    bounded = np.where(finite, losses, worst)
    smooth = _smoothed(np.minimum(bounded, 20 * max(abs(float(bounded[0])), 1e-12)))
    early = bounded[
        : max(5, count // 5)
    ]  # at rates that are too low to change anything: what is left is the batches' noise
    begin, noise = float(np.median(early)), float(early.std())
    fall = begin - float(smooth.min())
    # the first that is about as low as the lowest: a set that is learnt by heart has no lowest
    lowest = int((smooth <= smooth.min() + NEAR_LOWEST * max(fall, 0.0)).argmax())
    limit = begin + max(GROWN * abs(begin), 3 * noise)
    # the losses themselves where the test ended for them: their average had no time to follow
    above = ((bounded if trial.enough else smooth) > limit) | ~finite
    runs = (
        at
        for at in range(lowest, count)
        if above[at : at + RUN].all() and (count - at >= RUN or trial.enough or not finite[-1])
    )
    diverges = next((float(rates[at]) for at in runs), None)
    if fall < max(0.02 * abs(begin), 1.5 * noise) or lowest < RUN:
        return RateRange(
            tuple(rates.tolist()), tuple(losses.tolist()), tuple(smooth.tolist()), None, None, diverges, trial.rate
        )
    slope = np.gradient(smooth, np.log10(rates))
    fastest = float(rates[int(slope[: lowest + 1].argmin())])
    return RateRange(
        tuple(rates.tolist()),
        tuple(losses.tolist()),
        tuple(smooth.tolist()),
        float(rates[lowest]) / 10,
        fastest,
        diverges,
        trial.rate,
    )


def check_rate(found: RateRange) -> Iterator[Finding]:
    """The config's rate against the curve."""
    rate = found.configured
    evidence = {
        "configured": rate,
        "suggested": found.suggested,
        "fastest": found.fastest,
        "diverges": found.diverges,
        "rates": [float(f"{each:.3g}") for each in found.rates],
        "losses": [float(f"{each:.4g}") for each in found.smooth],
    }
    if found.diverges is not None and rate >= TOO_HIGH * found.diverges:
        better = f"; try {_round(found.suggested)}" if found.suggested else ""
        yield Finding(
            "learning-rate",
            "warning",
            "optimizer",
            f"the config's highest rate is {rate:.2g}, and from {found.diverges:.2g} on the loss grows",
            f"usually a rate that is right for another optimiser (SGD's 0.1 is far too high for Adam){better}, or a warm-up "
            "and trainer.gradient_clip_val=1.0",
            evidence,
        )
    elif found.suggested is None:
        yield Finding(
            "learning-rate",
            "note",
            "optimizer",
            f"in {len(found.losses)} steps the loss fell at no rate by more than 2%, so none is suggested; the config's "
            f"highest is {rate:.2g}",
            "usually data that is hard to learn from, or a model that something above keeps from learning",
            evidence,
        )
    elif rate > TOO_FAR * found.suggested and found.undone(rate):
        yield Finding(
            "learning-rate",
            "warning",
            "optimizer",
            f"the config's highest rate is {rate:.2g}; the range test suggests {found.suggested:.1g}, and at the config's the "
            "loss is that of the start",
            "usually a rate that is right for another optimiser (SGD's 0.1 is far too high for Adam): steps are so long that "
            "what was learnt is "
            f"lost; try {_round(found.suggested)}",
            evidence,
        )
    elif rate * TOO_FAR < found.suggested:
        yield Finding(
            "learning-rate",
            "warning",
            "optimizer",
            f"the config's highest rate is {rate:.2g}; the range test suggests {found.suggested:.1g}, "
            f"{found.suggested / rate:.0f} times as high",
            f"usually a rate for fine-tuning; training will be slow. Try {_round(found.suggested)}",
            evidence,
        )
    else:
        limit = f", the loss grows from {found.diverges:.2g} on" if found.diverges else ""
        yield Finding(
            "learning-rate",
            "ok",
            "optimizer",
            f"the config's highest rate is {rate:.2g}; the range test suggests about {found.suggested:.1g}{limit}",
            evidence=evidence,
        )


def _rate_of(step: int, steps: int, configured: float) -> float:
    known = configured if math.isfinite(configured) and configured > 0 else 1e-3
    low, high = min(LOWEST, known / 3), max(HIGHEST, 3 * known)
    return float(low * (high / low) ** (step / max(1, steps - 1)))


def _blown_up(trial: Trial) -> bool:
    losses = trial.losses
    if len(losses) < 5:
        return False
    begin, lowest = float(np.median(losses[:5])), min(losses)
    recent = min(losses[-3:])
    return recent > begin + BLOWN_UP * max(abs(begin), begin - lowest)


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """The exponential average, corrected for its start."""
    average, found = 0.0, []
    for step, loss in enumerate(losses, start=1):
        average = SMOOTHING * average + (1 - SMOOTHING) * float(loss)
        found.append(average / (1 - SMOOTHING**step))
    return np.array(found)


def _cut_short(trial: Trial, seconds: float) -> Finding:
    highest = trial.rates[-1] if trial.rates else math.nan
    return Finding(
        "learning-rate",
        "note",
        "optimizer",
        f"the range test ended at rate {highest:.2g}: its {seconds:.1f} s were up",
        "a longer look: --seconds 60",
    )


def _round(rate: float | None) -> str:
    return f"{rate:.1g}" if rate is not None else ""
