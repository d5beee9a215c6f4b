"""`make bench`: how often the intervals hold the true value and the tests find what is not there, as the section "Intervals and tests".

Samples are drawn from models whose true numbers are known (from 400,000 samples), 2,000 times each. A 95% interval should hold the true
value in 93 to 97 of 100 draws, a test of two equal classifiers should give p < 0.05 in at most 6 (two standard errors of 2,000 draws are
one point). `--draws 200` prints a quick look without touching RESULTS.md.

The file is not called statistics.py: a script's folder is searched first, and the standard library's `statistics` would be hidden.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from results import markdown_table, measured_on, write_section
from simulated_folds import folds_drawn
from threadpoolctl import threadpool_limits

from projectkit.metrics import (
    bootstrap,
    classification_intervals,
    classification_metrics,
    folds_difference,
    mean_of_seeds,
    paired_difference,
    seeds_difference,
)

DRAWS = 2000
BOOTSTRAPS = 4  # draws of the generic bootstrap are as many times fewer
LARGE = 400_000
_MEAN_T5 = 0.9490  # mean absolute value of Student's t with 5 degrees of freedom
NAMES = ("accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "average_precision", "ece", "loss")
RARE = (0.28, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.04, 0.025, 0.015)


@dataclass(frozen=True)
class Case:
    """A classifier whose logits are normal: the class's own is higher by `strength`.

    Args:
        name: as the table names it.
        n: samples of a draw.
        prior: share of each class.
        strength: how far the logit of the true class lies above the others, in their standard deviations.
        sharp: 1 is calibrated, more is too sure of itself, less too unsure.
        members: samples of a group, which share class and half of the noise; 1 is independent samples.
        uneven: whether that is their mean, and some groups have one sample, some four times as many as the mean.
    """

    name: str
    n: int
    prior: tuple[float, ...]
    strength: float = 1.5
    sharp: float = 1.0
    members: int = 1
    uneven: bool = False

    def groups(self) -> Any:
        """The group of each sample, or None."""
        return None if self.members == 1 else np.repeat(np.arange(self.n // self.members), self.sizes())

    def sizes(self) -> Any:
        """Samples of each group; uneven ones are the quantiles of an exponential distribution."""
        count = self.n // self.members
        if not self.uneven:
            return np.full(count, self.members)
        return np.ceil(-self.members * np.log((np.arange(count) + 0.5) / count)).astype(int)

    def draw(self, rng: np.random.Generator, strengths: Sequence[float]) -> tuple[Any, list[Any]]:
        """Targets (n,) and the probabilities (n, classes) of one classifier a strength; they share half of the noise."""
        classes = len(self.prior)
        sizes = self.sizes()
        target = np.repeat(rng.choice(classes, len(sizes), p=self.prior), sizes)
        of_group = np.repeat(rng.normal(size=(len(sizes), classes)), sizes, axis=0)
        common = of_group if self.members > 1 else rng.normal(size=(len(target), classes))
        scores = []
        for strength in strengths:
            logits = np.sqrt(0.5) * common + np.sqrt(0.5) * rng.normal(size=(len(target), classes))
            logits[np.arange(len(target)), target] += strength
            logits = self.sharp * (strength * logits + np.log(self.prior))
            share = np.exp(logits - logits.max(axis=1, keepdims=True))
            scores.append(share / share.sum(axis=1, keepdims=True))
        return target, scores

    def truth(self, strengths: Sequence[float]) -> list[dict[str, float]]:
        """The numbers of infinitely many samples, nearly; of a calibrated classifier the calibration error is 0."""
        target, scores = replace(self, n=LARGE, members=1, uneven=False).draw(np.random.default_rng(7), strengths)
        found = [classification_metrics(target, score) for score in scores]
        return [each | ({"ece": 0.0} if self.sharp == 1 else {}) for each in found]


SINGLE = (
    Case("2 classes, n = 100", 100, (0.5, 0.5)),
    Case("2 classes, n = 500", 500, (0.5, 0.5)),
    Case("2 classes, too sure, n = 300, 20% positive", 300, (0.8, 0.2), 1.2, 2.0),
    Case("2 classes, n = 500, 5% positive", 500, (0.95, 0.05), 2.0),
    Case("2 classes, n = 200, 5% positive", 200, (0.95, 0.05), 2.0),
    Case("2 classes, n = 100, 5% positive", 100, (0.95, 0.05), 2.0),
    Case("5 classes, too sure, n = 300", 300, (0.2,) * 5, 2.0, 1.5),
    Case("10 classes, 1.5 to 28%, n = 500", 500, RARE, 2.5),
    Case("20 classes, n = 400", 400, (0.05,) * 20, 3.0, 1.3),
    Case("2 classes, too sure, 80 groups of 5", 400, (0.5, 0.5), 1.5, 1.5, 5),
    Case("2 classes, too sure, 50 groups of 6", 300, (0.5, 0.5), 1.5, 1.5, 6),
    Case("2 classes, too sure, 25 groups of 8", 200, (0.5, 0.5), 1.5, 1.5, 8),
    Case("2 classes, too sure, 60 groups of 1 to 24", 300, (0.5, 0.5), 1.5, 1.5, 5, uneven=True),
)
PAIRED = (
    Case("2 classes, n = 200", 200, (0.5, 0.5), sharp=1.5),
    Case("2 classes, n = 300, 10% positive", 300, (0.9, 0.1)),
    Case("3 classes, n = 200", 200, (0.5, 0.3, 0.2), sharp=1.5),
    Case("2 classes, 60 groups of 5", 300, (0.5, 0.5), 1.5, 1.5, 5),
)


def covered(case: Case, truth: Mapping[str, float], draws: range) -> dict[str, list[int]]:
    """Draws that count for each metric: intervals that hold the truth, that lie above it, and how many there were."""
    found = {name: [0, 0, 0] for name in NAMES}
    for seed in draws:
        target, (score,) = case.draw(np.random.default_rng((seed, 1)), [case.strength])
        for name, each in classification_intervals(target, score, groups=case.groups(), seed=seed).items():
            found[name][0] += each.low <= truth[name] <= each.high
            found[name][1] += truth[name] < each.low
            found[name][2] += 1
    return found


def paired(case: Case, strengths: Sequence[float], truth: Mapping[str, float], draws: range) -> dict[str, list[int]]:
    """Of each metric: intervals of the difference that hold the truth, p below 0.05, and how many there were."""
    found = {name: [0, 0, 0] for name in NAMES}
    for seed in draws:
        target, scores = case.draw(np.random.default_rng((seed, 2)), strengths)
        if len(np.unique(target)) < 2:
            continue
        for name in NAMES:
            each = paired_difference(target, *scores, name, groups=case.groups(), seed=seed)
            found[name][0] += each.low <= truth[name] <= each.high
            found[name][1] += each.p is not None and each.p < 0.05
            found[name][2] += 1
    return found


def replicates(draws: range) -> dict[str, list[int]]:
    """Seeds, folds and the generic bootstrap: how often each holds the truth, or finds what is not there."""
    found: dict[str, list[int]] = {}

    def count(name: str, hit: bool) -> None:
        entry = found.setdefault(name, [0, 0, 0])
        entry[0] += bool(hit)
        entry[2] += 1

    for seed in draws:
        rng = np.random.default_rng((seed, 3))
        for k in (3, 5):
            each = mean_of_seeds(list(rng.normal(0.9, 0.01, k)))
            count(f"interval: mean of {k} seeds", each.low <= 0.9 <= each.high)
            a, b = rng.normal(0.9, 0.01, k), rng.normal(0.9, 0.02, k)
            count(f"test: {k} seeds, other spread (Welch)", bool((seeds_difference(a, b, paired=False).p or 0) < 0.05))
            common = rng.normal(0, 0.02, k)
            count(
                f"test: {k} pairs of seeds", bool((seeds_difference(a + common, b + common, paired=True).p or 0) < 0.05)
            )
        a, b, share = folds_drawn(rng)
        count("test: 15 random splits, corrected", bool((folds_difference(a, b, share).p or 0) < 0.05))
        count("test: 15 random splits, as if independent", bool((seeds_difference(a, b, paired=True).p or 0) < 0.05))
    return found


def bootstraps(draws: range) -> dict[str, list[int]]:
    """The generic bootstrap: how often it holds the truth. 2,000 calls of a function a draw, so that fewer draws are made."""
    found: dict[str, list[int]] = {}

    def count(name: str, low: float, truth: float, high: float) -> None:
        entry = found.setdefault(name, [0, 0, 0])
        entry[0] += low <= truth <= high
        entry[2] += 1

    for seed in draws:
        rng = np.random.default_rng((seed, 4))
        x = rng.normal(size=150)
        y = 0.6 * x + 0.8 * rng.normal(size=150)
        each = bootstrap(_correlation, (x, y), seed=seed)
        count("bootstrap of a correlation, n = 150", each.low, 0.6, each.high)
        each = bootstrap(np.mean, (np.abs(rng.standard_t(5, size=150)),), seed=seed)
        count("bootstrap of a mean absolute error, n = 150", each.low, _MEAN_T5, each.high)
        grouped = np.repeat(rng.normal(size=40), 5) + rng.normal(size=200)
        each = bootstrap(np.mean, (grouped,), groups=np.arange(200) // 5, seed=seed)
        count("bootstrap of a mean, 40 groups of 5", each.low, 0, each.high)
        each = bootstrap(np.mean, (grouped,), seed=seed)
        count("the same, groups not told", each.low, 0, each.high)
    return found


def _correlation(x: Any, y: Any) -> float:
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def _single_thread(work: Callable[[range], dict[str, list[int]]], draws: range) -> dict[str, list[int]]:
    with threadpool_limits(1):  # one process a core
        return work(draws)


def summed(
    pool: ProcessPoolExecutor, work: Callable[[range], dict[str, list[int]]], draws: int
) -> dict[str, list[int]]:
    """The counts of all draws, in parts of 100."""
    parts = [range(start, min(start + 100, draws)) for start in range(0, draws, 100)]
    found: dict[str, list[int]] = {}
    for part in pool.map(partial(_single_thread, work), parts):
        for name, counts in part.items():
            found[name] = [old + new for old, new in zip(found.get(name, [0, 0, 0]), counts, strict=True)]
    return found


def percent(counts: Sequence[int], low: float, high: float, *, which: int = 0) -> str:
    """A share in percent, bold where it is outside what was aimed at."""
    if not counts[2]:
        return "-"
    share = 100 * counts[which] / counts[2]
    return f"{share:.1f}" if low <= share <= high else f"**{share:.1f}**"


def measure(draws: int) -> str:
    """The body of the section."""
    single, held, level = [], [], []
    with ProcessPoolExecutor() as pool:
        for case in SINGLE:
            counts = summed(pool, partial(covered, case, case.truth([case.strength])[0]), draws)
            single.append([case.name, *(percent(counts[name], 93, 97) for name in NAMES)])
            print(*single[-1], "| too high:", *(percent(counts[name], 0, 3.5, which=1) for name in NAMES), flush=True)
        for case in PAIRED:
            for strengths, rows in (((case.strength, 0.75 * case.strength), held), ((case.strength,) * 2, level)):
                first, second = case.truth(strengths)
                truth = {name: (first[name] - second[name]) if rows is held else 0.0 for name in NAMES}
                counts = summed(pool, partial(paired, case, strengths, truth), draws)
                if rows is level:
                    level.append([case.name, *(percent(counts[name], 0, 6, which=1) for name in NAMES)])
                    held.append([f"{case.name}, equal", *(percent(counts[name], 93, 97) for name in NAMES)])
                else:
                    held.append([f"{case.name}, one weaker", *(percent(counts[name], 93, 97) for name in NAMES)])
                print(*held[-1], "| p < 0.05:", *(percent(counts[name], 0, 6, which=1) for name in NAMES), flush=True)
        others = summed(pool, replicates, draws)
        booted = summed(pool, bootstraps, draws // BOOTSTRAPS)
    rest = [
        [name, percent(counts, 93, 97) if name.startswith("interval") else percent(counts, 0, 6)]
        for name, counts in others.items()
    ]
    rest += [
        [f"interval: {name} ({draws // BOOTSTRAPS} draws)", percent(counts, 93, 97)] for name, counts in booted.items()
    ]
    parts = [
        f"{measured_on()}, {draws} draws a row. "
        + __doc__.split("\n\n")[1].replace("\n", " ").split(" `--draws")[0]
        + " Bold: outside that.",
        "### 95% intervals of a classifier: of 100, how many hold the true value",
        markdown_table(["case", *NAMES], single),
        "### 95% intervals of the difference of two classifiers on the same samples: of 100, how many hold the true one",
        markdown_table(["case", *NAMES], held),
        "### Tests of two equal classifiers on the same samples: of 100, how many find p < 0.05",
        markdown_table(["case", *NAMES], level),
        "### Seeds, folds, and the bootstrap of any number",
        markdown_table(
            ["what", "of 100 intervals, how many hold the true value; of 100 tests, how many find p < 0.05"], rest
        ),
    ]
    return "\n\n".join(parts)


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, help=f"how many; {DRAWS} and the section is written unless given")
    draws = parser.parse_args().draws
    body = measure(draws or DRAWS)
    print(body if draws else write_section("Intervals and tests", body))


if __name__ == "__main__":
    main()
