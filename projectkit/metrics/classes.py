"""The numbers of each class, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from projectkit.errors import UserError
from projectkit.metrics.checks import checked
from projectkit.metrics.classifier_intervals import checked_groups
from projectkit.metrics.intervals import Interval
from projectkit.metrics.ranking import area_and_precision
from projectkit.metrics.shares import f1_of, share_of


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
    target: ArrayLike,
    score: ArrayLike,
    class_names: Sequence[str],
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> tuple[ClassRow, ...]:
    """One row a class, in the order of the classes.

    Args:
        target: true class indices, (n,).
        score: probabilities, (n, classes).
        class_names: one a class.
        level: of the intervals, each by itself: of 20 classes one lies outside by chance.
        groups: (n,) of any type; samples of one group are not independent, and the intervals are those of as many independent groups.

    Raises:
        UserError: as `classification_metrics`, or another number of names than of classes.

    Source: `share_of` for precision and recall, `f1_of` for F1.
    """
    labels, scores = checked(target, score)
    if len(class_names) != scores.shape[1]:
        raise UserError(
            f"{len(class_names)} class names but {scores.shape[1]} scores a sample",
            where="metrics",
            remedy="give one name a class, in their order",
        )
    numbers = None if groups is None else checked_groups(groups, len(labels))
    prediction = scores.argmax(axis=1)
    rows = []
    for index, name in enumerate(class_names):
        own, said = labels == index, prediction == index
        support = int(own.sum())
        rows.append(
            ClassRow(
                name=name,
                support=support,
                predicted=int(said.sum()),
                precision=share_of(own, said, level, numbers),
                recall=share_of(said, own, level, numbers),
                f1=f1_of(own, said, level, numbers),
                auroc=area_and_precision(own, scores[:, index])[0] if 0 < support < len(labels) else None,
            )
        )
    return tuple(rows)
