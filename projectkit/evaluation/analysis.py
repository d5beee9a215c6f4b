"""The error analysis of one subset: mistakes, slices, attributions, their figures, and the page that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit import figures
from projectkit.data import DataModule
from projectkit.datasets import WITHHELD, Table
from projectkit.evaluation.attribution import Attribution, Explainer, UnexplainedError
from projectkit.evaluation.attribution.tables import plain_row
from projectkit.evaluation.columns import class_columns, known_columns, sample_columns
from projectkit.evaluation.ledger import FREE
from projectkit.evaluation.mistakes import (
    Mistake,
    Mistakes,
    anomaly_mistakes,
    classification_mistakes,
    regression_mistakes,
)
from projectkit.evaluation.operate import Threshold, fitted_threshold
from projectkit.evaluation.page import Content, Shown, page_html
from projectkit.evaluation.report import Measured, Options
from projectkit.evaluation.slices import Column, Slices, find_slices
from projectkit.runs import RunWriter
from projectkit.training import Assembly

_RIGHT = 4  # samples that the model got right, attributed for comparison
_COLUMN_SAMPLES = 100  # over which a table's attributions are averaged
_DRAWN_SLICES = 16
_DRAWN = 6  # samples of a figure


def analyse(
    writer: RunWriter,
    subset: str,
    assembly: Assembly | None,
    measured: Measured,
    options: Options,
    *,
    data: DataModule | None = None,
) -> tuple[dict[str, Any], list[Path]]:
    """Study what a model gets wrong on a subset.

    Args:
        writer: of the run.
        subset: whose predictions `measured` holds.
        assembly: the network and its data, or None where there is no network; then nothing is attributed.
        measured: predictions, and what is known of the samples.
        options: `attribute` says of how many mistakes the inputs are attributed.
        data: the data set of a model that is no network, so that its inputs can be shown; unless given that of the assembly.

    Returns:
        The document's keys `slices` and `mistakes`, which hold nothing of a sample's content, and the files that were written. Where an
        anomaly score has no threshold there are no mistakes, and nothing is written.
    """
    writer.forget_analysis(subset)
    mistakes = _mistakes(measured)
    if mistakes is None:
        return {"slices": [], "mistakes": []}, []
    data, rows, left_out = _data(subset, assembly, data, measured)
    slices = _slices(measured, mistakes, data, rows)
    shown = _Shower(assembly, measured, data, rows, options.attribute)
    wrong = shown.mistakes(mistakes.shown)
    right = shown.right_ones(mistakes) if options.attribute and measured.kind == "classification" else ()
    columns, columns_n = shown.columns() if options.attribute else ({}, 0)
    drawn = _slices_svg(slices)
    content = Content(
        run=writer.id,
        subset=subset,
        kind=measured.kind,
        mistakes=mistakes,
        slices=slices,
        wrong=wrong,
        right=right,
        samples=None if data is None else data.samples,
        modality="" if data is None else data.card.modality,
        **_typical(data),
        columns=columns,
        columns_n=columns_n,
        inputs_left_out=left_out,
        slices_svg=drawn,
        checkpoint=measured.checkpoint or {},
        free=subset in FREE,
        in_time=measured.time is not None and measured.clusters.numbers is None,
    )
    files = [writer.write_error_page(subset, page_html(content))]
    if drawn is not None:
        files.append(writer.write_figure(f"slices-{subset}", drawn))
    attributed = _attributions_svg([*wrong, *right], data, columns)
    if attributed is not None:
        # a table's means show no sample; what shows some goes where git, exports and W&B get it only if the data may be passed on
        open_to_all = bool(columns) or (data is not None and data.card.redistributable)
        write = writer.write_figure if open_to_all else writer.write_held_back_figure
        files.append(write(f"attributions-{subset}", attributed))
    document = {
        "slices": [each.as_dict() for each in slices.rows],
        "mistakes": [each.as_dict() for each in mistakes.shown],
    }
    return document, files


def _mistakes(measured: Measured) -> Mistakes | None:
    predicted = measured.predicted
    if measured.kind == "classification":
        return classification_mistakes(
            predicted.id, predicted.target, predicted.score, measured.class_names, groups=measured.groups
        )
    if measured.kind == "regression":
        return regression_mistakes(predicted.id, predicted.target, predicted.score)
    threshold = fitted_threshold(measured.fitted)
    if not isinstance(threshold, Threshold):
        return None
    return anomaly_mistakes(predicted.id, predicted.target, predicted.score, threshold.value, measured.class_names[:2])


def _data(
    subset: str, assembly: Assembly | None, data: DataModule | None, measured: Measured
) -> tuple[DataModule | None, NDArray[np.int64] | None, str]:
    """The data set and the rows of the predictions, or why there are none."""
    if assembly is not None:
        data = assembly.catalogued
    if data is None:
        return None, None, "the data is your own module's, so what its numbers stand for is not known here"
    rows = data.split.subsets[subset]
    if not np.array_equal(data.samples.id[rows], np.asarray(measured.predicted.id).astype(np.str_)):
        return None, None, "the predictions are of other samples than the split has now"
    return data, rows, ""


def _slices(measured: Measured, mistakes: Mistakes, data: DataModule | None, rows: NDArray[np.int64] | None) -> Slices:
    columns: list[Column] = []
    empty: list[str] = []
    expected = None
    target = measured.predicted.target
    if measured.kind != "regression":
        columns, empty = class_columns(target.astype(np.int64), measured.class_names)
        counts = np.maximum(np.bincount(target, minlength=len(measured.class_names)), 1)
        expected = (np.bincount(target, weights=mistakes.right, minlength=len(counts)) / counts)[target]
    columns += known_columns(measured.groups, measured.time, measured.source)
    if data is not None and rows is not None:
        names = {name: each.class_names for name, each in data.card.targets.items()}
        columns += sample_columns(data.samples, rows, data.split.subsets["train"], data.target, names)
    return find_slices(
        mistakes.right,
        columns,
        expected=expected,
        groups=measured.clusters.numbers,
        errors=measured.kind == "regression",
        empty=empty,
    )


def _typical(data: DataModule | None) -> Mapping[str, Any]:
    """What a table's rows are shown against."""
    if data is None or not isinstance(data.samples.x, Table):
        return {"typical": None, "spread": None}
    table, train = data.samples.x, data.split.subsets["train"]
    numbers = np.where(np.isfinite(table.numeric[train]), table.numeric[train], np.nan).astype(np.float64)
    mean = np.nan_to_num(np.nansum(numbers, axis=0) / np.maximum(np.isfinite(numbers).sum(axis=0), 1))
    deviation = np.sqrt(np.nansum((numbers - mean) ** 2, axis=0) / np.maximum(np.isfinite(numbers).sum(axis=0), 1))
    return {"typical": plain_row(table, train), "spread": np.where(deviation > 0, deviation, 1.0)}


class _Shower:
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


def _slices_svg(slices: Slices) -> bytes | None:
    drawn = slices.rows[:_DRAWN_SLICES]
    if not drawn:
        return None
    picture = figures.slices(
        [f"{each.column}: {each.label}" for each in drawn],
        [each.value for each in drawn],
        [each.low for each in drawn],
        [each.high for each in drawn],
        [each.n for each in drawn],
        slices.overall,
        slices.metric,
    )
    return figures.svg_bytes(picture)


def _attributions_svg(shown: Sequence[Shown], data: DataModule | None, columns: Mapping[str, float]) -> bytes | None:
    """The first few attributions as a figure for a report or a poster; of a table the means."""
    chosen = [(each, each.attribution) for each in shown if each.attribution is not None][:_DRAWN]
    if data is None or not chosen:
        return None
    if columns:
        picture = figures.attributed_table(list(columns), list(columns.values()), ["mean absolute attribution"])
        return figures.svg_bytes(picture)
    titles = [
        each.mistake.target
        if each.mistake.target == each.mistake.predicted
        else f"{each.mistake.target} taken for {each.mistake.predicted}"
        for each, _ in chosen
    ]
    values = [found.values for _, found in chosen]
    x: Any = data.samples.x
    if data.card.modality == "image":
        images = np.stack([np.asarray(x[found.row], dtype=np.uint8) for _, found in chosen])
        return figures.svg_bytes(figures.attributed_images(images, np.stack(values), titles))
    if data.card.modality == "series":
        series = np.stack([np.asarray(x[found.row]) for _, found in chosen])
        maps = np.stack([each.sum(axis=0) for each in values])
        return figures.svg_bytes(figures.attributed_series(series, maps, titles))
    if data.card.modality == "tabular":
        return figures.svg_bytes(figures.attributed_table(chosen[0][1].names, np.stack(values), titles))
    texts = [(found.names, found.values.tolist()) for _, found in chosen]
    return figures.svg_bytes(figures.attributed_text(texts, titles))
