"""The numbers of each class, with exact intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from projectkit.errors import UserError
from projectkit.metrics.checks import checked
from projectkit.metrics.confusion import confusion_matrix
from projectkit.metrics.intervals import Interval, clopper_pearson
from projectkit.metrics.operating import f1_interval
from projectkit.metrics.ranking import area_and_precision


@dataclass(frozen=True)
class ClassRow:
    """One class against the rest; the prediction is the first largest score.

    Args:
        name: of the class.
        support: samples of the class.
        predicted: samples that were taken for it.
        precision: share of those that belong to it; None where there are none.
        recall: share of the class's samples that were found; None where it has none.
        f1: of precision and recall; None where the class neither occurs nor was predicted.
        auroc: of the class's score; None where all samples or none are of the class.
    """

    name: str
    support: int
    predicted: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    auroc: float | None

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `evaluation/<subset>.json`: intervals are mappings of value, low, high and method."""
        return asdict(self)


def class_table(
    target: ArrayLike, score: ArrayLike, class_names: Sequence[str], level: float = 0.95
) -> tuple[ClassRow, ...]:
    """One row a class, in the order of the classes.

    Args:
        target: true class indices, (n,).
        score: probabilities, (n, classes).
        class_names: one a class.
        level: of the intervals, each by itself: of 20 classes one lies outside by chance.

    Raises:
        UserError: as `classification_metrics`, or another number of names than of classes.

    Source: `clopper_pearson` for precision and recall, `f1_interval` for F1.
    """
    labels, scores = checked(target, score)
    if len(class_names) != scores.shape[1]:
        raise UserError(
            f"{len(class_names)} class names but {scores.shape[1]} scores a sample",
            where="metrics",
            remedy="give one name a class, in their order",
        )
    matrix = confusion_matrix(labels, scores.argmax(axis=1), scores.shape[1])
    rows = []
    for index, name in enumerate(class_names):
        hits, support, predicted = int(matrix[index, index]), int(matrix[index].sum()), int(matrix[:, index].sum())
        ranked = 0 < support < len(labels)
        rows.append(
            ClassRow(
                name=name,
                support=support,
                predicted=predicted,
                precision=clopper_pearson(hits, predicted, level) if predicted else None,
                recall=clopper_pearson(hits, support, level) if support else None,
                f1=f1_interval(hits, predicted, support, level) if support or predicted else None,
                auroc=area_and_precision(np.equal(labels, index), scores[:, index])[0] if ranked else None,
            )
        )
    return tuple(rows)
