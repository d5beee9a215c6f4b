"""How a plain model is measured on a data set: on a split of its card, on a careless one, over draws or folds, by hours or traces.

Each function gives a measurement, samples to metric -> interval. Models are fitted on train and val together: nothing is tuned, so val is
not needed for itself, and the bars were taken that way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from data_models import isolation, key_ranks, reconstruction_error
from numpy.typing import NDArray

from projectkit import datasets
from projectkit.datasets.copies.duplicates import copies
from projectkit.datasets.samples import Samples
from projectkit.datasets.splits import policies
from projectkit.metrics import Interval, classification_intervals
from projectkit.metrics.intervals import wilson

Measured = dict[str, Interval]
DRAWS = 5
_T_DRAWS = 2.776  # Student's t for 95% with DRAWS - 1 degrees of freedom
_BLOCK_HOURS = 72  # longer than most of the attacks of batadal
_RESAMPLES = 1000


def on_split(
    data: str,
    fit: Any,
    policy: str | None = None,
    target: str | None = None,
    subset: str = "test",
    *,
    twins: bool = False,
) -> Any:
    """Fit on train and val of a split, measure on a subset; with `twins`, training keeps what nearly equals a test sample."""

    def measure(samples: Samples, seed: int = 0) -> Measured:
        card = datasets.card(data)
        if twins:
            samples = replace(samples, copies=copies(samples.x))
        split = datasets.split(data, policy, seed, target=target, samples=samples)
        return _measured(fit, samples, split.subsets, target or card.default_target, card, subset)

    return measure


def on_careless(data: str, fit: Any, target: str | None = None, source: str | None = None) -> Any:
    """The same on rows drawn one by one, of one source or of all."""

    def measure(samples: Samples) -> Measured:
        card = datasets.card(data)
        kept = np.arange(len(samples)) if source is None else np.flatnonzero(samples.source == source)
        subsets = {name: kept[rows] for name, rows in policies.careless(samples.id[kept]).items()}
        return _measured(fit, samples, subsets, target or card.default_target, card, "test")

    return measure


def on_source(data: str, fit: Any, source: str) -> Any:
    """All rows of one source for test, all others for training, also classes that only one of the two has."""

    def measure(samples: Samples) -> Measured:
        assert samples.source is not None
        card, rows = datasets.card(data), np.arange(len(samples))
        inside = samples.source == source
        subsets = {"train": rows[~inside], "val": rows[:0], "test": rows[inside]}
        return _measured(fit, samples, subsets, card.default_target, card, "test")

    return measure


def over_draws(once: Callable[[Samples, int], Measured]) -> Any:
    """Where chance decides which groups are held out: the mean over draws, and where one more draw would lie (95%)."""

    def measure(samples: Samples) -> Measured:
        drawn = [once(samples, seed) for seed in range(DRAWS)]
        found = {}
        for name in drawn[0]:
            values = np.array([each[name].value for each in drawn])
            half = _T_DRAWS * values.std(ddof=1) * math.sqrt(1 + 1 / DRAWS)
            mean = float(values.mean())
            found[name] = Interval(mean, max(0.0, float(mean - half)), min(1.0, float(mean + half)), "draws")
        return found

    return measure


def over_folds(data: str, fit: Any, folds: int) -> Any:
    """Every sample tested once, by a model that met the other folds."""

    def measure(samples: Samples) -> Measured:
        card = datasets.card(data)
        labels, classes = samples.y[card.default_target], len(card.targets[card.default_target].class_names)
        scores = np.zeros((len(samples), classes))
        tested = np.zeros(len(samples), dtype=bool)
        for fold in range(folds):
            subsets = datasets.split(data, samples=samples, folds=folds, fold=fold).subsets
            train, test = _known(subsets), subsets["test"]
            scores[test] = fit(samples.take(train).x, labels[train], samples.take(test).x, classes)
            tested[test] = True
        return classification_intervals(labels[tested], scores[tested])

    return measure


def on_hours(kind: str) -> Callable[[Samples], Measured]:
    """BATADAL: fitted on the normal year, threshold at the best F1 on val, intervals by drawing stretches of three days."""

    def measure(samples: Samples) -> Measured:
        from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score

        subsets = datasets.split("batadal", samples=samples).subsets
        labels, numbers = samples.y["attack"], samples.x.numeric  # type: ignore[union-attr]
        score = reconstruction_error if kind == "components" else isolation
        val, test = (score(numbers[subsets["train"]], numbers[subsets[name]]) for name in ("val", "test"))
        precision, recall, thresholds = precision_recall_curve(labels[subsets["val"]], val)
        best = thresholds[np.argmax((2 * precision * recall / (precision + recall + 1e-12))[:-1])]
        truth = labels[subsets["test"]]
        metrics = {
            "auroc": lambda rows: roc_auc_score(truth[rows], test[rows]),
            "average_precision": lambda rows: average_precision_score(truth[rows], test[rows]),
            "f1": lambda rows: f1_score(truth[rows], test[rows] >= best),
        }
        return {name: _by_blocks(metric, truth) for name, metric in metrics.items()}

    return measure


def on_traces(prefix: str, traces: int) -> Callable[[Samples], Measured]:
    """Share of the 16 key bytes that correlation power analysis finds from so many traces, the whole of each as it was captured."""

    def measure(_samples: Samples) -> Measured:
        from projectkit.datasets.readers.aes_traces import read_capture
        from projectkit.datasets.storage import store

        power, text, key = read_capture(store.checked_files(datasets.card(f"sca_{prefix}")), prefix)
        ranks = key_ranks(power[:traces], text[:traces], key[0])
        return {"bytes_found": wilson(ranks.count(0) / len(ranks), len(ranks), 0.95)}

    return measure


def _known(subsets: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.sort(np.concatenate([subsets["train"], subsets["val"]]))


def _measured(fit: Any, samples: Samples, subsets: Any, target: str, card: Any, subset: str) -> Measured:
    train, test = _known(subsets), subsets[subset]
    labels, classes = samples.y[target], len(card.targets[target].class_names)
    scores = fit(samples.take(train).x, labels[train], samples.take(test).x, classes)
    found = classification_intervals(labels[test], scores)
    if classes == 2:
        sought = labels[test] == 1
        found["recall"] = wilson(float((scores[sought].argmax(axis=1) == 1).mean()), int(sought.sum()), 0.95)
    return found


def _by_blocks(metric: Callable[[NDArray[np.int64]], float], truth: NDArray[np.int64]) -> Interval:
    """A percentile bootstrap of stretches of hours, since hours follow each other.

    Source: Künsch 1989, "The jackknife and the bootstrap for general stationary observations".
    """
    rng = np.random.default_rng(0)
    count = -(-len(truth) // _BLOCK_HOURS)
    drawn = []
    for _ in range(_RESAMPLES):
        starts = rng.integers(0, len(truth) - _BLOCK_HOURS + 1, size=count)
        rows = (starts[:, None] + np.arange(_BLOCK_HOURS)).ravel()[: len(truth)]
        if 0 < truth[rows].mean() < 1:
            drawn.append(metric(rows))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(metric(np.arange(len(truth)))), float(low), float(high), "blocks")
