"""A plain linear model on two splits of a data set: the one that does not leak, and a careless one.

It is no contender: the difference between its two scores is what the split protects from. Features by modality:

| modality | features |
|---|---|
| text | hashed character 1- to 4-grams, each row of length 1 |
| tokens | counts of tokens and pairs of tokens, as logarithms |
| tabular | one-hot categories, standardised numbers and their logarithms |
| image | principal components of the pixels |
| series | standardised values |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from projectkit.datasets.card import Target
from projectkit.datasets.columns import IndexArray, Inputs, Table, Texts, Tokens
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.metrics import Interval, classification_intervals

MOST_TRAIN = 10_000
"""Rows that the model is fitted on at most, so that a report takes seconds."""
MOST_TEST = 10_000
_TEXT_FEATURES = 2**17
_LONGEST = 2_000  # characters of a text
_LONGEST_SEQUENCE = 5_000  # tokens of a sequence: a few have a million
_COMPONENTS = 100
_MOST_VALUES = 2_000  # of a series; longer ones are thinned


@dataclass(frozen=True)
class Scored:
    """What the model reached, and on how many rows it was fitted and tested."""

    intervals: Mapping[str, Interval]
    train_rows: int
    test_rows: int
    cut: bool  # whether there were more training or test rows


def score(samples: Samples, labels: IndexArray, subsets: Mapping[str, IndexArray], target: Target) -> Scored | None:
    """Fit on train, test on test; None where that says nothing (one class in train or no known label in test).

    Args:
        samples: the data set.
        labels: (n,) of the target.
        subsets: a split's.
        target: its kind and classes. An `anomaly` is found by its distance from the principal components of the normal rows.
    """
    train, test = (rows[labels[rows] != WITHHELD] for rows in (subsets["train"], subsets["test"]))
    if target.kind == "anomaly":
        train = train[labels[train] == 0]
    chosen, asked = drawn(train, MOST_TRAIN), drawn(test, MOST_TEST)
    if not len(asked) or (target.kind != "anomaly" and len(np.unique(labels[chosen])) < 2):
        return None
    x, new = _rows(samples.x, chosen), _rows(samples.x, asked)
    if target.kind == "anomaly":
        found = _anomaly(_features(samples.x, len(chosen)), x, new)
        known = classification_intervals(labels[asked], found)
        intervals = {
            name: known[name] for name in ("auroc",) if name in known
        }  # no threshold, so nothing but the order
    else:
        from sklearn.pipeline import make_pipeline

        model = make_pipeline(*_features(samples.x, len(chosen)), linear(sparse=isinstance(samples.x, Texts | Tokens)))
        found = probabilities(fitted(model, x, labels[chosen]), new, len(target.class_names))
        intervals = classification_intervals(labels[asked], found)
    return Scored(intervals, len(chosen), len(asked), len(chosen) < len(train) or len(asked) < len(test))


def fitted(model: Any, x: Any, y: IndexArray) -> Any:
    """A scikit-learn model, fitted; a solver that is not quite at its optimum is near enough here."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, y)


def probabilities(model: Any, asked: Any, num_classes: int) -> Any:
    """What a fitted classifier says, (n, num_classes); a class without training rows has probability 0."""
    known = model.predict_proba(asked)
    found = np.zeros((len(known), num_classes))
    found[:, model.classes_] = known
    return found


def linear(*, sparse: bool, seed: int = 0) -> Any:
    """Logistic regression; over many sparse features by steps of single rows, which takes a second where a solver takes a minute."""
    from sklearn.linear_model import LogisticRegression, SGDClassifier

    if sparse:
        return SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=10, tol=None, random_state=seed)
    return LogisticRegression(C=10.0, max_iter=200)


def off_plane(normal: Any) -> Callable[[Any], Any]:
    """How far rows are from the principal components that hold 95% of the normal rows' variance.

    Args:
        normal: (n, values) rows without anomalies.

    Returns:
        From (m, values) rows to their squared distances, (m,).

    Source: Jackson & Mudholkar 1979, "Control procedures for residuals associated with principal component analysis" (the Q statistic).
    """
    from sklearn.decomposition import PCA

    components = PCA(0.95, svd_solver="full").fit(normal)

    def distance(asked: Any) -> Any:
        return ((asked - components.inverse_transform(components.transform(asked))) ** 2).sum(axis=1)

    return distance


def drawn(rows: IndexArray, most: int, seed: int = 0) -> IndexArray:
    """All rows, or so many of them drawn at random, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))


def _anomaly(features: list[Any], x: Any, asked: Any) -> Any:
    """The distance from the normal rows' components, as (n, 2) between 0 and 1."""
    from sklearn.pipeline import make_pipeline

    scale = make_pipeline(*features)
    distance = off_plane(scale.fit_transform(x))(scale.transform(asked))
    order = distance / (distance + np.median(distance) + 1e-12)
    return np.stack([1 - order, order], axis=1)


def _rows(x: Inputs, rows: IndexArray) -> Any:
    """The rows in the form that the features take."""
    if isinstance(x, Texts):
        return [x[row][:_LONGEST] for row in rows]
    if isinstance(x, Tokens):
        return [" ".join(map(str, x[row][:_LONGEST_SEQUENCE])) for row in rows]
    if isinstance(x, Table):
        chosen = x.take(rows)
        numbers = np.nan_to_num(chosen.numeric.astype(np.float64))
        return np.hstack([numbers, np.sign(numbers) * np.log1p(np.abs(numbers)), chosen.categorical.astype(object)])
    flat = x[rows].reshape(len(rows), -1)
    if x.dtype == np.uint8:
        return flat.astype(np.float32) / 255
    return np.nan_to_num(flat[:, :: -(-flat.shape[1] // _MOST_VALUES)])


def _features(x: Inputs, rows: int) -> list[Any]:
    from sklearn.decomposition import PCA
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
    from sklearn.preprocessing import StandardScaler

    if isinstance(x, Texts):
        hashed = HashingVectorizer(
            analyzer="char", ngram_range=(1, 4), n_features=_TEXT_FEATURES, lowercase=False, alternate_sign=False
        )
        return [hashed, TfidfTransformer(sublinear_tf=True)]
    if isinstance(x, Tokens):
        return [TfidfVectorizer(token_pattern=r"\d+", ngram_range=(1, 2), sublinear_tf=True)]
    if isinstance(x, Table):
        return [_table_features(x)]
    if x.dtype == np.uint8:
        width = int(np.prod(x.shape[1:]))
        return [PCA(min(_COMPONENTS, width, rows), random_state=0), StandardScaler()]
    return [StandardScaler()]


def _table_features(x: Table) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = 2 * len(x.numeric_names)
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), list(range(numbers))),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore"),
                list(range(numbers, numbers + len(x.categorical_names))),
            ),
        ]
    )
