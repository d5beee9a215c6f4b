"""The error analysis of one subset, in order: mistakes, slices, attributions, their figures, and the page that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit import figures
from projectkit.data import DataModule
from projectkit.datasets import Table
from projectkit.evaluation.attribution.tables import plain_row
from projectkit.evaluation.columns import class_columns, known_columns, sample_columns
from projectkit.evaluation.mistakes import (
    Mistakes,
    anomaly_mistakes,
    classification_mistakes,
    regression_mistakes,
)
from projectkit.evaluation.operate import Threshold, fitted_threshold
from projectkit.evaluation.page import Content, page_html
from projectkit.evaluation.pictures import attributions, slices_svg
from projectkit.evaluation.report import Measured, Options
from projectkit.evaluation.shower import Shower
from projectkit.evaluation.slices import Column, Slices, find_slices
from projectkit.runs import RunWriter
from projectkit.runs.ledger import FREE
from projectkit.training import Assembly


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
    shown = Shower(assembly, measured, data, rows, options.attribute)
    wrong = shown.mistakes(mistakes.shown)
    right = shown.right_ones(mistakes) if options.attribute and measured.kind == "classification" else ()
    columns, columns_n = shown.columns() if options.attribute else ({}, 0)
    drawn = slices_svg(slices)
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
    found = attributions([*wrong, *right], data, columns)
    if found is not None:
        # a table's means show no sample; what shows some goes where git, exports and W&B get it only if the data may be passed on
        open_to_all = bool(columns) or (data is not None and data.card.redistributable)
        write = writer.write_figure if open_to_all else writer.write_held_back_figure
        files.append(write(f"attributions-{subset}", figures.svg_bytes(figures.attributed(found)), numbers=found))
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
