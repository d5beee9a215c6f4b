"""The figures of an error analysis, for reports and posters: slices that do worse, and attributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from projectkit import figures
from projectkit.data import DataModule
from projectkit.evaluation.page import Shown
from projectkit.evaluation.slices import Slices

_DRAWN_SLICES = 16
_DRAWN = 6  # samples of a figure


def slices_svg(slices: Slices) -> bytes | None:
    """The first slices of an analysis, against all samples; None where there is none."""
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


def attributions_svg(shown: Sequence[Shown], data: DataModule | None, columns: Mapping[str, float]) -> bytes | None:
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
