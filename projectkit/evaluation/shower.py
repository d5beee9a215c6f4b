"""Samples as the page of an error analysis shows them: what is known of each, and why the network answered as it did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from projectkit.data import DataModule
from projectkit.datasets import WITHHELD, Table
from projectkit.evaluation.attribution import Attribution, Explainer, UnexplainedError
from projectkit.evaluation.mistakes import Mistake, Mistakes
from projectkit.evaluation.page import Shown
from projectkit.evaluation.report import Measured
from projectkit.training import Assembly

_RIGHT = 4  # samples that the model got right, attributed for comparison
_COLUMN_SAMPLES = 100  # over which a table's attributions are averaged


class Shower:
    """Samples with what is known of them, and attributions as far as they can be had."""

    def __init__(
        self,
        assembly: Assembly | None,
        measured: Measured,
        data: DataModule | None,
        rows: NDArray[np.int64] | None,
        attribute: int,
    ) -> None:
        self.measured, self.data, self.rows, self.attribute = measured, data, rows, attribute
        self.explainer: Explainer | None = None
        if assembly is not None and data is not None and attribute:
            self.explainer = Explainer(assembly)

    def mistakes(self, mistakes: Sequence[Mistake]) -> tuple[Shown, ...]:
        """The mistakes in their order, the first `attribute` of them attributed."""
        return tuple(self._shown(each, attribute=place < self.attribute) for place, each in enumerate(mistakes))

    def right_ones(self, mistakes: Mistakes) -> tuple[Shown, ...]:
        """The surest right answers of a few classes, the most frequent classes first."""
        predicted, names = self.measured.predicted, self.measured.class_names
        if self.explainer is None or not mistakes.right.any():
            return ()
        sure = np.where(mistakes.right, predicted.score.max(axis=1), -1.0)
        chosen: list[int] = []
        classes = np.argsort(-np.bincount(predicted.target, minlength=len(names)), kind="stable")
        for turn in range(_RIGHT):
            for label in classes[:_RIGHT].tolist():
                of_class = np.where(predicted.target == label, sure, -1.0)
                place = int(np.argsort(-of_class, kind="stable")[min(turn, len(of_class) - 1)])
                if of_class[place] >= 0 and place not in chosen:
                    chosen.append(place)
        return tuple(
            self._shown(
                Mistake(
                    place,
                    str(predicted.id[place]),
                    names[predicted.target[place]],
                    names[predicted.target[place]],
                    float(sure[place]),
                ),
                attribute=True,
            )
            for place in chosen[:_RIGHT]
        )

    def columns(self) -> tuple[dict[str, float], int]:
        """A table's mean absolute attributions."""
        if self.explainer is None or self.data is None or not isinstance(self.data.samples.x, Table):
            return {}, 0
        n = len(self.measured.predicted.target)
        places = np.unique(np.linspace(0, n - 1, min(n, _COLUMN_SAMPLES)).astype(np.int64)).tolist()
        found = []
        for place in places:
            attribution = self._attribution(place)[0]
            if attribution is None or attribution.method != "integrated gradients":
                break  # a network that cannot be asked once is not asked a hundred times
            found.append(attribution)
        if not found:
            return {}, 0
        means = np.mean([np.abs(each.values) for each in found], axis=0)
        return dict(zip(found[0].names, means.tolist(), strict=True)), len(found)

    def _shown(self, mistake: Mistake, *, attribute: bool) -> Shown:
        if self.data is None or self.rows is None:
            return Shown(mistake)
        row = int(self.rows[mistake.row])
        attribution, reason = self._attribution(mistake.row) if attribute and self.explainer else (None, "")
        return Shown(mistake, row, self._known(mistake.row, row), attribution, reason)

    def _attribution(self, place: int) -> tuple[Attribution | None, str]:
        """Why the likeliest class and not the true one, or where that is right, not the second likeliest."""
        assert self.explainer is not None
        assert self.rows is not None
        row = int(self.rows[place])
        try:
            if self.measured.kind != "classification":
                return self.explainer.alone(row), ""
            order = np.argsort(-self.measured.predicted.score[place], kind="stable")
            first, second = int(order[0]), int(order[min(1, len(order) - 1)])
            target = int(self.measured.predicted.target[place])
            return self.explainer.contrast(row, first, second if target == first else target), ""
        except UnexplainedError as error:
            return None, str(error)

    def _known(self, place: int, row: int) -> dict[str, str]:
        assert self.data is not None
        known = {
            name: str(column[place])
            for name, column in (
                ("source", self.measured.source),
                ("group", self.measured.groups),
                ("time", self.measured.time),
            )
            if column is not None
        }
        for name, labels in self.data.samples.y.items():
            if name != self.data.target and labels[row] != WITHHELD:
                known[name] = self.data.card.targets[name].class_names[labels[row]]
        return known
