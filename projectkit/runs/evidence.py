"""What a run's numbers rest on: evaluations of the weights that are there, and predictions whose samples can be matched by id.

`Evidence` reads each file of a run once and remembers what was wrong with it; `matched` puts the predictions of two runs into one order,
or says in one line why that cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projectkit.errors import ProjectkitError
from projectkit.runs.files import as_float
from projectkit.runs.reader import Predictions, Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Matched:
    """Predictions of the same samples: `target` (n,), of each run `scores`, (n, classes) or (n,), and what `group` (n,) each is of."""

    target: NDArray[Any]
    scores: tuple[NDArray[np.float32], ...]
    group: NDArray[np.int64] | None


class Evidence:
    """The evaluations and predictions of one run.

    Args:
        run: whose files are read when they are asked for.

    Attributes:
        evaluations: by subset; those of weights that were replaced since, and damaged ones, are left out.
        problems: why some were left out, a line each that ends in what to type.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.problems: list[str] = []
        self.evaluations: dict[str, Mapping[str, Any]] = {}
        self._predictions: dict[str, Predictions | str] = {}
        try:
            found = run.evaluations()
        except ProjectkitError as error:
            self.problems.append(str(error))
            return
        for subset, document in found.items():
            if run.outdated(document):
                again = f"type `projectkit evaluate {run.id} --subset {subset}`"
                self.problems.append(f"{run.id} went on after its evaluation on {subset}, which is left out; {again}")
            else:
                self.evaluations[subset] = {**document, "metrics": _entries(document.get("metrics"))}

    def entry(self, subset: str, metric: str) -> Mapping[str, Any]:
        """`value`, and `low` and `high` where they are known, of an evaluated number; empty where it was not evaluated."""
        found: Mapping[str, Any] = self.evaluations.get(subset, {}).get("metrics", {}).get(metric, {})
        return found

    def value(self, subset: str, metric: str, *, evaluated: bool) -> float | None:
        """The number of the evaluation, or as it was logged at the best checkpoint (the last epoch where nothing was monitored)."""
        if evaluated:
            return as_float(self.entry(subset, metric).get("value"))
        return (self.run.best or self.run.last).get(f"{subset}/{metric}")

    def samples(self, subset: str) -> tuple[Any, Any]:
        """What is equal where two evaluations are of the same samples: the split's digest and how many there were."""
        return self.run.part("data").get("split_digest"), self.evaluations.get(subset, {}).get("n")

    def predictions(self, subset: str) -> Predictions | str:
        """What the run said about a subset, or in one line why that is not known."""
        if subset not in self._predictions:
            try:
                self._predictions[subset] = self.run.predictions(subset)
            except ProjectkitError as error:
                self._predictions[subset] = str(error)
        return self._predictions[subset]


def _entries(metrics: Any) -> dict[str, Mapping[str, Any]]:
    """The numbers of an evaluation; what is none, as in a file that was edited by hand, is left out."""
    known = metrics.items() if isinstance(metrics, dict) else ()
    return {name: entry for name, entry in known if isinstance(entry, dict)}


def matched(runs: Sequence[Evidence], subset: str) -> Matched | str:
    """The predictions of runs in the order of the first one's ids.

    Returns:
        All of them, or in one line why the samples of two of them cannot be matched.
    """
    first = runs[0].predictions(subset)
    if isinstance(first, str):
        return first
    scores = [first.score]
    for other in runs[1:]:
        found = other.predictions(subset)
        if isinstance(found, str):
            return found
        names = f"{runs[0].run.id} and {other.run.id}"
        if first.score.shape[1:] != found.score.shape[1:] or _classes(runs[0], subset) != _classes(other, subset):
            return f"{names} have other classes, or the same in another order; compare runs of one target"
        again = f"type `projectkit evaluate {runs[0].run.id} --subset {subset}` and the same for the other"
        order = _order(first, found, f"{names} have", subset, again)
        if isinstance(order, str):
            return order
        scores.append(found.score[order])
    if first.group is None and _by_group(runs[0], subset):
        again = f"type `projectkit evaluate {runs[0].run.id} --subset {subset}`"
        return f"{runs[0].run.id} has predictions on {subset} that do not say which samples belong together; {again}"
    return Matched(first.target, tuple(scores), first.group)


def two_columns(score: NDArray[np.float32]) -> NDArray[Any]:
    """Probabilities as they are; of anomaly scores their ranks as the share of class 1, which leaves their order and their ties."""
    if score.ndim == 2:
        return score
    import numpy as np
    from scipy.stats import rankdata

    rank = rankdata(score) / len(score)
    return np.stack([1 - rank, rank], axis=1)


def _order(one: Predictions, other: Predictions, have: str, subset: str, again: str) -> NDArray[np.intp] | str:
    """The rows of the other predictions in the order of the first, or why there is none."""
    import numpy as np

    if np.array_equal(one.id, other.id):
        order = np.arange(len(one.id))
    else:
        orders = np.argsort(one.id, kind="stable"), np.argsort(other.id, kind="stable")
        ids = one.id[orders[0]], other.id[orders[1]]
        if not np.array_equal(*ids):
            common = len(np.intersect1d(*ids))
            sizes = " and ".join(f"{len(each):,}" for each in ids)
            return f"{have} predictions of other samples on {subset} ({sizes}, {common:,} in both); {again}"
        order = np.empty_like(orders[0])
        order[orders[0]] = orders[1]
    if len(np.unique(one.id)) < len(one.id):
        return f"{have} ids on {subset} that stand for several samples each; give each sample an id of its own"
    if not np.array_equal(one.target, other.target[order]):
        return f"{have} other labels for the same ids of {subset}; {again}"
    return order


def _by_group(evidence: Evidence, subset: str) -> bool:
    metrics = evidence.evaluations.get(subset, {}).get("metrics", {})
    return any(str(entry.get("method", "")).endswith("by group") for entry in metrics.values())


def _classes(evidence: Evidence, subset: str) -> Any:
    return evidence.evaluations.get(subset, {}).get("class_names")
