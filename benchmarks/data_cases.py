"""Which plain model stands for which data set, and the bar that it is to reproduce: the list that `data_baselines.py` runs.

A case measures on a leak-free split of the card and, where there is something to compare, on `policies.careless`. Models are fitted on
train and val together: nothing is tuned, so val is not needed for itself, and the bars were taken that way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from data_models import (
    calls_linear,
    forest,
    isolation,
    key_ranks,
    pixels_components,
    pixels_ridge,
    reconstruction_error,
    table_linear,
    text_linear,
)
from numpy.typing import NDArray

from projectkit import datasets
from projectkit.datasets.samples import Samples
from projectkit.datasets.splits import policies
from projectkit.metrics import Interval, classification_intervals
from projectkit.metrics.intervals import wilson

Measured = dict[str, Interval]
DRAWS = 5
_T_DRAWS = 2.776  # Student's t for 95% with DRAWS - 1 degrees of freedom
_BLOCK_HOURS = 72  # longer than most of the attacks of batadal
_RESAMPLES = 1000


@dataclass(frozen=True)
class Bar:
    """What was measured before the cards existed: one number, or the lowest and the highest of several; the same of a careless split.

    None where nothing was.
    """

    value: float | tuple[float, float] | None
    careless: float | None = None


@dataclass(frozen=True)
class Case:
    """A model on a data set.

    Args:
        data: the data set.
        what: the task and its split, for the table.
        model: in words.
        bars: metric -> bar.
        measure: samples to metric -> interval on the split that does not leak.
        careless: the same on a careless split, or None.
    """

    data: str
    what: str
    model: str
    bars: Mapping[str, Bar]
    measure: Callable[[Samples], Measured]
    careless: Callable[[Samples], Measured] | None = field(default=None)


def on_split(data: str, fit: Any, policy: str | None = None, target: str | None = None, subset: str = "test") -> Any:
    """Fit on train and val of a split, measure on a subset."""

    def measure(samples: Samples, seed: int = 0) -> Measured:
        card = datasets.card(data)
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


_CHARACTERS = text_linear()
_MANY = text_linear(solver="steps")
_SHORT = text_linear(longest=3, solver="logistic")
_BALANCED = text_linear(longest=3, solver="balanced")
_ADDRESS = text_linear(longest=3, solver="steps")
_CODE = text_linear("token", 3)
_HTTP = {"xss": 0.09, "cmdi": 0.03, "sqli": 0.0, "path": 0.0}

CASES: tuple[Case, ...] = (
    Case(
        "sms",
        "3 classes, stratified",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.959), "f1_macro": Bar(0.842)},
        on_split("sms", _CHARACTERS),
        on_careless("sms", _CHARACTERS),
    ),
    Case(
        "sms_uci",
        "2 classes, stratified",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.990), "f1_macro": Bar(0.976)},
        on_split("sms_uci", _CHARACTERS),
        on_careless("sms_uci", _CHARACTERS),
    ),
    Case(
        "dga",
        "family, stratified",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.850), "f1_macro": Bar(0.811)},
        on_split("dga", _CHARACTERS),
        on_careless("dga", _CHARACTERS),
    ),
    Case(
        "dga",
        "malicious, families left out, 5 draws",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.844), "auroc": Bar(0.937, 0.981)},
        over_draws(on_split("dga", _CHARACTERS, target="malicious")),
        on_careless("dga", _CHARACTERS, "malicious"),
    ),
    Case(
        "http_params",
        "attack, shipped split",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.9990)},
        on_split("http_params", _CHARACTERS, "official", "attack"),
        on_careless("http_params", _CHARACTERS),
    ),
    *(
        Case(
            "http_params",
            f"attack, {kind} left out",
            "character 1- to 3-grams, logistic",
            {"recall": Bar(recall), "auroc": Bar((0.92, 0.997))},
            on_split("http_params", _SHORT, f"leave_{kind}_out", "attack"),
        )
        for kind, recall in _HTTP.items()
    ),
    Case(
        "phishing_urls",
        "by registered domain, 5 draws",
        "character 1- to 3-grams, logistic by steps",
        {"accuracy": Bar(0.960, 0.996), "auroc": Bar(0.991)},
        over_draws(on_split("phishing_urls", _ADDRESS)),
        on_careless("phishing_urls", _ADDRESS),
    ),
    Case(
        "phishing_eth",
        "by registered domain, 5 draws",
        "character 1- to 3-grams, balanced logistic",
        {"accuracy": Bar(0.943), "auroc": Bar(0.981)},
        over_draws(on_split("phishing_eth", _BALANCED)),
        on_careless("phishing_eth", _BALANCED),
    ),
    Case(
        "malware_api",
        "8 families, 5 folds",
        "counts of calls and pairs, SVM",
        {"accuracy": Bar(0.503)},
        over_folds("malware_api", calls_linear, 5),
        on_careless("malware_api", calls_linear),
    ),
    Case(
        "code_language",
        "40 languages, by file",
        "character 1- to 4-grams, logistic by steps",
        {"accuracy": Bar(0.943, 0.963), "f1_macro": Bar(0.942)},
        on_split("code_language", _MANY),
        on_careless("code_language", _MANY),
    ),
    *(
        case
        for owner, bar in (("TheAlgorithms", 0.800), ("exercism", 0.599))
        for case in (
            Case(
                "code_language",
                f"{owner} left out, all languages",
                "character 1- to 4-grams, logistic by steps",
                {"accuracy": Bar(None)},
                on_source("code_language", _MANY, owner),
            ),
            Case(
                "code_language",
                f"{owner} left out, languages of both",
                "character 1- to 4-grams, logistic by steps",
                {"accuracy": Bar(bar)},
                on_split("code_language", _MANY, f"leave_{owner.lower()}_out"),
            ),
        )
    ),
    Case(
        "nsl_kdd",
        "attack, KDDTest+",
        "forest",
        {"accuracy": Bar(0.780, 0.997), "f1_macro": Bar(0.779), "auroc": Bar(0.965)},
        on_split("nsl_kdd", forest),
        on_careless("nsl_kdd", forest, source="KDDTrain+"),
    ),
    Case(
        "nsl_kdd",
        "attack, KDDTest-21",
        "forest",
        {"accuracy": Bar(0.581)},
        on_split("nsl_kdd", forest, subset="test_21"),
    ),
    Case(
        "nsl_kdd",
        "attack, KDDTest+",
        "linear",
        {"accuracy": Bar(0.751)},
        on_split("nsl_kdd", table_linear),
        on_careless("nsl_kdd", table_linear, source="KDDTrain+"),
    ),
    Case(
        "juliet",
        "vulnerable, CWEs left out",
        "token 1- to 3-grams, SVM",
        {"accuracy": Bar(0.909, 0.990), "auroc": Bar(0.976)},
        on_split("juliet", _CODE),
        on_careless("juliet", _CODE),
    ),
    Case(
        "batadal",
        "attack, official",
        "15 components, mean of 6 hours",
        {"auroc": Bar(0.930), "average_precision": Bar(0.876), "f1": Bar(0.871)},
        on_hours("components"),
    ),
    Case("batadal", "attack, official", "isolation forest", {"auroc": Bar(0.578)}, on_hours("isolation")),
    Case("sca_aligned", "key bytes from 30 traces", "correlation", {"bytes_found": Bar(1.0)}, on_traces("aligned", 30)),
    Case("sca_aligned", "key bytes from 50 traces", "correlation", {"bytes_found": Bar(1.0)}, on_traces("aligned", 50)),
    Case(
        "gtsrb",
        "43 signs, by track",
        "100 components, logistic",
        {"accuracy": Bar(0.763, 0.854), "f1_macro": Bar(0.672)},
        on_split("gtsrb", pixels_components),
        on_careless("gtsrb", pixels_components),
    ),
    Case("fashion_mnist", "official", "ridge", {"accuracy": Bar(0.812)}, on_split("fashion_mnist", pixels_ridge)),
    Case("mnist", "official", "ridge", {"accuracy": Bar(0.862)}, on_split("mnist", pixels_ridge)),
    Case("cifar10", "official", "ridge", {"accuracy": Bar(0.396)}, on_split("cifar10", pixels_ridge)),
)
