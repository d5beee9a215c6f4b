"""The figures of an error analysis, for reports and posters: slices that do worse, and the numbers of attributions."""

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


def attributions(
    shown: Sequence[Shown], data: DataModule | None, columns: Mapping[str, float]
) -> dict[str, Any] | None:
    """The first few attributions as the numbers that `figures.attributed` draws; of a table the means. None where there are none."""
    chosen = [(each, each.attribution) for each in shown if each.attribution is not None][:_DRAWN]
    if data is None or not chosen:
        return None
    if columns:
        means = [float(f"{value:.4g}") for value in columns.values()]
        return {"form": "columns", "names": list(columns), "values": means, "titles": ["mean absolute attribution"]}
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
        maps = figures.packed_maps(np.stack(values))
        return {"form": "images", "images": figures.packed(images), "maps": maps, "titles": titles}
    if data.card.modality == "series":
        series = np.stack([np.asarray(x[found.row], dtype=np.float32) for _, found in chosen])
        maps = figures.packed_maps(np.stack([each.sum(axis=0) for each in values]))
        return {"form": "series", "series": figures.packed(series), "maps": maps, "titles": titles}
    if data.card.modality == "tabular":
        table = [_plain(each) for each in values]
        return {"form": "table", "names": list(chosen[0][1].names), "values": table, "titles": titles}
    rows = [{"tokens": list(found.names), "values": _plain(found.values)} for _, found in chosen]
    return {"form": "text", "rows": rows, "titles": titles}


def _plain(values: Any) -> list[float]:
    return [float(f"{value:.4g}") for value in np.asarray(values, dtype=np.float64).tolist()]
