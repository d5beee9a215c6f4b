"""One number of two results: how large the difference is, how sure, and how much more would be needed to tell the two apart.

| what is compared | what the difference rests on |
|---|---|
| one run and one run | the samples: paired tests on predictions of the same ids; without predictions the two intervals |
| several seeds each | the seeds: a t test of their numbers, and beside it how much the draw of the samples adds |
| one run and several seeds | whether the one could be a further seed of the others |
| folds of the same split | the folds: a t test that knows that their training sets overlap |
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

from projectkit.errors import ProjectkitError
from projectkit.runs.difference import LEVEL, of_intervals, one_and_seeds, regressed
from projectkit.runs.evidence import Evidence, matched, two_columns
from projectkit.runs.replicates import Result, fold_of, seed_of

if TYPE_CHECKING:
    from projectkit.metrics import Difference

_CLASSIFIED = ("accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "average_precision", "ece", "loss")
_REGRESSED = ("mae", "rmse", "r2")

RestsOn = Literal["samples", "intervals", "seeds", "one and seeds", "folds"]


@dataclass(frozen=True)
class Versus:
    """One number of two results.

    Args:
        subset: val, test ...
        metric: f1_macro ...
        first: index of a result.
        second: index of the other one.
        difference: of the first minus the second, with its interval and p.
        rests_on: what the interval and p are about.
        counts: how many samples there are, or how many seeds or folds of each.
        less: whether less is better.
        with_samples: the interval over both seeds (or folds) and samples; None where it is one over samples, or predictions are missing.
        p_holm: p, corrected for how many pairs were tested; None with one pair.
        seeds_needed: of each result to tell the two apart four times in five, if the difference is what it seems.
        samples_needed: the same in samples.
    """

    subset: str
    metric: str
    first: int
    second: int
    difference: Difference
    rests_on: RestsOn
    counts: tuple[int, int]
    less: bool
    with_samples: tuple[float, float] | None = None
    p_holm: float | None = None
    seeds_needed: int | None = None
    samples_needed: int | None = None

    @property
    def key(self) -> str:
        """`val/f1_macro`."""
        return f"{self.subset}/{self.metric}"

    @property
    def test(self) -> str:
        """How p was found, in a few words."""
        return self.difference.test.partition(" (")[0]

    @property
    def p(self) -> float | None:
        """The p that decides: the corrected one where several pairs were tested."""
        return self.p_holm if self.p_holm is not None else self.difference.p

    @property
    def better(self) -> int | None:
        """Which result is better, as its index; None where the two cannot be told apart.

        That needs an interval without 0, p < .05 where there is a p, and also an interval without 0 where samples are drawn anew as well:
        a test that disagrees with the interval beside it, as McNemar's exact one may, proves nothing to a reader.
        """
        p, ends = self.p, (self.difference.low, self.difference.high)
        apart = ends[0] < ends[1] and _without_zero(*ends) and (p is None or p < 1 - LEVEL)
        if not apart or (self.with_samples is not None and not _without_zero(*self.with_samples)):
            return None
        return self.first if (self.difference.value < 0) == self.less else self.second

    def as_dict(self, results: Sequence[Result]) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "metric": self.key,
            "first": results[self.first].label,
            "second": results[self.second].label,
            "value": self.difference.value,
            "low": self.difference.low,
            "high": self.difference.high,
            "p": self.difference.p,
            "p_holm": self.p_holm,
            "method": self.difference.method,
            "test": self.difference.test,
            "rests_on": self.rests_on,
            "counts": list(self.counts),
            "with_samples": list(self.with_samples) if self.with_samples else None,
            "better": None if self.better is None else results[self.better].label,
            "seeds_needed": self.seeds_needed if self.better is None else None,
            "samples_needed": self.samples_needed if self.better is None else None,
        }


class Test:
    """One number of two results, tested by what there is of both of them.

    Args:
        one: the first result.
        other: what is subtracted from it.
        evidence: of each run, by its id.
        subset: val, test ...
        metric: f1_macro ...

    Attributes:
        notes: why a better test could not be made, a line each.
    """

    def __init__(
        self,
        one: Result,
        other: Result,
        evidence: Mapping[str, Evidence],
        subset: str,
        metric: str,
    ) -> None:
        self.one, self.other, self.evidence, self.subset, self.metric = one, other, evidence, subset, metric
        self.notes: list[str] = []

    def versus(self, first: int, second: int) -> Versus | None:
        """The difference, of the results with these indices; None where the two have nothing that could be compared."""
        kinds = {self.one.kind, self.other.kind}
        if "folds" in kinds:
            made = self._on_folds() if len(kinds) == 1 else None
            if len(kinds) > 1:
                self.notes.append(f"{self.one.label} and {self.other.label}: folds are compared with folds alone")
        elif len(kinds) == 1 and "run" in kinds:
            made = self._on_samples()
        else:
            made = self._on_seeds()
        if made is None:
            return None
        return replace(made, first=first, second=second, less=less_is_better(self.metric, (self.one, self.other)))

    def _on_samples(self) -> Versus | None:
        """Two runs: paired where predictions can be matched, else by the two intervals."""
        from projectkit.metrics import samples_needed

        one, other = self._evidence(self.one)[0], self._evidence(self.other)[0]
        entries = [each.entry(self.subset, self.metric) for each in (one, other)]
        if not all(entries):
            return None
        numbers = (each.samples(self.subset)[1] for each in (one, other))
        counts = tuple(number if isinstance(number, int) else 0 for number in numbers)
        if one.samples(self.subset) == other.samples(self.subset):
            difference = self._paired(one, other)
            if difference is not None:
                made = self._made(difference, "samples", counts)
                return replace(made, samples_needed=samples_needed(difference, counts[0]))
        apart = of_intervals(*entries)
        return None if apart is None else self._made(apart, "intervals", counts)

    def _paired(self, one: Evidence, other: Evidence) -> Difference | None:
        """On the same samples; None, and a note, where that cannot be."""
        from projectkit.metrics import paired_difference

        if self.metric not in (*_CLASSIFIED, *_REGRESSED):
            return None
        pair = matched([one, other], self.subset)
        if isinstance(pair, str):
            self.notes.append(f"no paired test on {self.subset}: {pair}")
            return None
        try:
            if self.metric in _REGRESSED:
                return regressed(pair, self.metric)
            first, second = map(two_columns, pair.scores)
            return paired_difference(pair.target, first, second, self.metric, groups=pair.group)
        except ProjectkitError as error:
            self.notes.append(f"no paired test of {self.subset}/{self.metric}: {error}")
            return None

    def _on_seeds(self) -> Versus | None:
        """Several seeds of at least one of the two."""
        from projectkit.metrics import seeds_difference, seeds_needed

        found = self._numbers()
        if found is None:
            return None
        numbers = [list(each.values()) for each in found]
        counts = (len(numbers[0]), len(numbers[1]))
        if min(counts) == 1:
            single = (self.one if counts[0] == 1 else self.other).runs[0]
            difference, rests_on = one_and_seeds(*numbers, fixed=single.kind == "baseline"), "one and seeds"
        else:
            # two models that start from one seed share no more than the order of their batches, which pairs nothing
            difference, rests_on = seeds_difference(*numbers, paired=False), "seeds"
            if 2 / math.comb(sum(counts), min(counts)) > 1 - LEVEL:
                self.notes.append(_few(*counts))
        made = self._made(difference, rests_on, counts)
        made = replace(made, with_samples=self._with_samples(difference))
        return made if min(counts) == 1 else replace(made, seeds_needed=seeds_needed(*numbers))

    def _on_folds(self) -> Versus | None:
        """Folds that both were trained on; several seeds of one fold count as their mean."""
        from projectkit.metrics import folds_difference

        found = self._numbers()
        if found is None:
            return None
        by_fold = [_mean_of_folds(each) for each in found]
        folds = [fold for fold in by_fold[0] if fold in by_fold[1]]
        if len(folds) < 2:
            self.notes.append(f"{self.one.label} and {self.other.label} have no two folds in common")
            return None
        if len(folds) < max(map(len, by_fold)):
            self.notes.append(f"{self.one.label} and {self.other.label} are compared on folds {_list(folds)} alone")
        share = self._test_share()
        if share is None:
            self.notes.append(f"how large the folds of {self.one.label} are is not recorded, so they are not tested")
            return None
        first, second = ([each[fold] for fold in folds] for each in by_fold)
        difference = folds_difference(first, second, share)
        return self._made(difference, "folds", (len(folds), len(folds)))

    def _made(self, difference: Difference, rests_on: Any, counts: Sequence[int]) -> Versus:
        return Versus(self.subset, self.metric, 0, 1, difference, rests_on, (counts[0], counts[1]), less=False)

    def _evidence(self, result: Result) -> list[Evidence]:
        return [self.evidence[run.id] for run in result.runs]

    def _numbers(self) -> tuple[dict[tuple[int, int], float], dict[tuple[int, int], float]] | None:
        """The values of both by (fold, seed): evaluated where all runs are, else as training logged them, else of those that are."""
        every = len(self.one.runs) + len(self.other.runs)
        best: tuple[dict[tuple[int, int], float], dict[tuple[int, int], float]] | None = None
        for evaluated in (True, False):
            one, other = (self._known(result, evaluated=evaluated) for result in (self.one, self.other))
            if one and other and (best is None or len(one) + len(other) > len(best[0]) + len(best[1])):
                best = one, other
        if best is not None and len(best[0]) + len(best[1]) < every:
            known = len(best[0]) + len(best[1])
            self.notes.append(
                f"{self.subset}/{self.metric} is known of {known} of {every} runs; the others are left out"
            )
        return best

    def _known(self, result: Result, *, evaluated: bool) -> dict[tuple[int, int], float]:
        found = {}
        for run in result.runs:
            value = self.evidence[run.id].value(self.subset, self.metric, evaluated=evaluated)
            if value is not None and math.isfinite(value):
                fold = fold_of(run)
                found[-1 if fold is None else fold, seed_of(run) or 0] = value
        return found

    def _test_share(self) -> float | None:
        """Samples that a fold is measured on for each that it is trained on, the mean of the folds."""
        shares = []
        for evidence in self._evidence(self.one):
            samples = evidence.run.part("data").get("samples") or {}
            if samples.get("train") and samples.get(self.subset):
                shares.append(samples[self.subset] / samples["train"])
        return sum(shares) / len(shares) if shares else None

    def _with_samples(self, difference: Difference) -> tuple[float, float] | None:
        """The interval over seeds, widened by what another draw of the samples would add.

        The two sources are independent, so that the squares of their distances to the ends add up.

        Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general approach" (MOVER).
        """
        from projectkit.metrics import spread_over_samples

        if self.metric not in _CLASSIFIED:
            return None  # a dash says so: it is no number of which the spread over samples can be had
        one, other = self._evidence(self.one), self._evidence(self.other)
        if any(self.subset not in each.evaluations for each in (*one, *other)):
            return None  # which is said once, with what to type
        pair = matched([*one, *other], self.subset)
        unknown = f"what another draw of the samples of {self.subset} adds is not known"
        if isinstance(pair, str):
            self.notes.append(f"{unknown}: {pair}")
            return None
        try:
            scores = [two_columns(score) for score in pair.scores]
            spread = spread_over_samples(
                pair.target, scores[: len(one)], scores[len(one) :], self.metric, groups=pair.group
            )
        except ProjectkitError as error:
            self.notes.append(f"{unknown}: {error}")
            return None
        if spread is None:
            return None
        half = NormalDist().inv_cdf((1 + LEVEL) / 2) * spread
        low, high = difference.value - difference.low, difference.high - difference.value
        return difference.value - math.hypot(low, half), difference.value + math.hypot(high, half)


def less_is_better(metric: str, results: Iterable[Result] = ()) -> bool:
    """Whether less of a metric is better: what the runs monitor it for decides, else its name."""
    from projectkit import metrics

    for result in results:
        for run in result.runs:
            if run.monitor.get("metric", "").rpartition("/")[2] == metric.rpartition("/")[2] and run.monitor.get(
                "mode"
            ):
                return run.monitor["mode"] == "min"
    return metrics.less_is_better(metric)


def _mean_of_folds(values: Mapping[tuple[int, int], float]) -> dict[int, float]:
    folds: dict[int, list[float]] = {}
    for (fold, _seed), value in values.items():
        folds.setdefault(fold, []).append(value)
    return {fold: sum(of_fold) / len(of_fold) for fold, of_fold in sorted(folds.items())}


def _few(one: int, other: int) -> str:
    """With so few seeds p is one of the t distribution alone: no test that looks at the order of the numbers could find a difference."""
    permuted, flipped = 2 / math.comb(one + other, min(one, other)), 2.0 ** (1 - min(one, other))
    seeds = f"{one} seeds" if one == other else f"{one} and {other} seeds"
    bounds = f"p = {flipped:.2g} by sign flips, {permuted:.2g} by permutation".replace(" 0.", " .")
    return f"{seeds}: p rests on the t distribution alone; tests that do without it cannot go under {bounds}: train more seeds"


def _without_zero(low: float, high: float) -> bool:
    return low > 0 or high < 0


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
