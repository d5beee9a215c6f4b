"""The baselines, each a plain model of scikit-learn that is fitted with the config's seed.

| name | model | of |
|---|---|---|
| `majority` | the classes' shares in the training subset, for every sample | classification |
| `nearest` | k nearest neighbours by L1 or L2, chosen by cross-validation on train | classification |
| `linear` | logistic regression | classification |
| `forest` | 100 trees of a random forest | classification |
| `boosting` | gradient-boosted trees | classification |
| `pca` | distance from the principal components of the normal rows | anomaly |
| `isolation` | isolation forest over the normal rows | anomaly |

Where the training rows of an anomaly target hold both classes, as in a split for models that learn from attacks, both kinds are fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.report.baseline import fitted, linear, off_plane, probabilities
from projectkit.errors import UserError, did_you_mean
from projectkit.evaluation.baseline.features import Features
from projectkit.evaluation.baseline.neighbours import DISTANCES, choose
from projectkit.evaluation.baseline.rows import Kind, Training

TREES = 100  # macro F1 on val of digits, nsl_kdd, sms: .983, .997, .892; 200 trees: .983, .998, .904, in about twice the time
_WORK = 1_500_000_000  # rows x columns x trees of a boosting: 7 ns each of n-gram counts, 25 of components, on one core


@dataclass(frozen=True)
class Fitted:
    """A baseline that can be asked.

    Args:
        name: of the baseline.
        kind: of its scores: probabilities (n, classes), or (n,), higher is more anomalous.
        form: of the features, see `features.py`.
        chosen: what was decided while it was fitted, for the record.
        score: from (n, columns) in that form to scores.
    """

    name: str
    kind: Kind
    form: str
    chosen: Mapping[str, Any]
    score: Callable[[Any], NDArray[Any]]


@dataclass(frozen=True)
class Task:
    """What a baseline is fitted with."""

    features: Features
    training: Training
    num_classes: int
    seed: int


def names_for(kind: Kind, y: NDArray[np.int64], only: Sequence[str] = ()) -> list[str]:
    """The baselines that fit a target, in the order of the table.

    Args:
        kind: of the target.
        y: class indices of the training rows.
        only: the ones that are wanted; empty: all.

    Raises:
        UserError: one that is not known, or does not fit; or one class alone is there to learn from.
    """
    several = len(np.unique(y)) > 1
    fitting = [
        name
        for name, (of, _, _) in BASELINES.items()
        if (of == kind == "anomaly") or (of == "classification" and several)
    ]
    for name in only:
        if name not in BASELINES:
            raise UserError(f"no baseline '{name}'", where="--only", remedy=did_you_mean(name, BASELINES))
        if name not in fitting:
            needs = (
                "a target of kind anomaly"
                if BASELINES[name][0] == "anomaly"
                else "training rows of two classes or more"
            )
            fit = f"these fit: {', '.join(fitting)}" if fitting else "choose another data.split"
            raise UserError(f"the baseline '{name}' needs {needs}", where="--only", remedy=fit)
    if not fitting:
        raise UserError(
            "the training subset has one class alone", where="data.split", remedy="choose another data.split"
        )
    return [name for name in fitting if not only or name in only]


def fit(name: str, task: Task) -> Fitted:
    """Fit one baseline."""
    kind, form, make = BASELINES[name]
    if kind == "anomaly":
        normal = task.features.train(form)[task.training.y == 0]
        return Fitted(name, kind, form, {}, make(task, normal, {}))
    chosen: dict[str, Any] = {}
    x = task.features.train(form)
    model = fitted(make(task, x, chosen), x, task.training.y)
    return Fitted(name, kind, form, chosen, lambda asked: probabilities(model, asked, task.num_classes))


def _majority(task: Task, x: Any, chosen: dict[str, Any]) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _nearest(task: Task, x: Any, chosen: dict[str, Any]) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    choice = choose(x, task.training.y, task.training.clusters, task.seed)
    chosen |= {"k": choice.k, "distance": choice.distance, "f1_macro": choice.f1_macro, "chosen_on": choice.rows}
    return KNeighborsClassifier(choice.k, metric=DISTANCES[choice.distance], algorithm="brute")


def _linear(task: Task, x: Any, chosen: dict[str, Any]) -> Any:
    from scipy.sparse import issparse
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sparse = issparse(x)
    model = linear(sparse=sparse, seed=task.seed)
    return model if sparse else make_pipeline(StandardScaler(), model)


def _forest(task: Task, x: Any, chosen: dict[str, Any]) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    chosen |= {"trees": TREES}
    return RandomForestClassifier(TREES, random_state=task.seed, n_jobs=-1)  # the same trees with any number of threads


def _boosting(task: Task, x: Any, chosen: dict[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    classes = len(np.unique(task.training.y))
    each = x.shape[0] * x.shape[1] * (classes if classes > 2 else 1)
    rounds = int(np.clip(_WORK // max(1, each), 10, 100))
    chosen |= {"rounds": rounds}
    # without the penalty, leaves of rare classes grow without bound: 43 traffic signs went from .36 to .13 macro F1 with the rounds
    return HistGradientBoostingClassifier(
        max_iter=rounds, l2_regularization=1.0, early_stopping=False, random_state=task.seed
    )


def _pca(task: Task, normal: Any, chosen: dict[str, Any]) -> Any:
    return off_plane(normal)


def _isolation(task: Task, normal: Any, chosen: dict[str, Any]) -> Any:
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(n_estimators=TREES, random_state=task.seed).fit(normal)
    return lambda asked: -model.score_samples(asked)


_Make = Callable[[Task, Any, dict[str, Any]], Any]
BASELINES: Mapping[str, tuple[Kind, Literal["none", "values", "components", "weighted", "chosen"], _Make]] = {
    "majority": ("classification", "none", _majority),
    "nearest": ("classification", "components", _nearest),
    "linear": ("classification", "weighted", _linear),
    "forest": ("classification", "values", _forest),
    "boosting": ("classification", "chosen", _boosting),
    "pca": ("anomaly", "components", _pca),
    "isolation": ("anomaly", "components", _isolation),
}
