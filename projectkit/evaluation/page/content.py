"""What the page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from projectkit.datasets import Samples
from projectkit.evaluation.attribution import Attribution
from projectkit.evaluation.mistakes import Mistake, Mistakes
from projectkit.evaluation.slices import Slices


@dataclass(frozen=True)
class Shown:
    """One sample on the page.

    Args:
        mistake: what the model said of it; also of a sample that it got right.
        row: of the data set; None where the data set is not known.
        known: what else is known of the sample: name -> value.
        attribution: what the output depends on, or None.
        unexplained: why there is none; empty where none was asked for.
    """

    mistake: Mistake
    row: int | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    attribution: Attribution | None = None
    unexplained: str = ""


@dataclass(frozen=True, eq=False)
class Content:
    """All that the page says.

    Args:
        run: its id.
        subset: whose mistakes these are.
        kind: classification, anomaly or regression.
        mistakes: what is wrong.
        slices: where it is wrong.
        wrong: the mistakes with their samples.
        right: a few samples that the model got right, for comparison.
        samples: of the data set, or None.
        modality: of the data; empty where it is not known.
        typical: row of a table whose values are those of a usual training sample, as `Samples.x`; None for other data.
        spread: deviations of a table's columns of numbers in train; None for other data.
        columns: name -> mean absolute attribution over `columns_n` samples; empty but for tables.
        columns_n: samples of these means.
        inputs_left_out: why no inputs are shown; empty where they are.
        slices_svg: the drawing of the slices, or None where there are none.
        checkpoint: which weights; empty where there are none.
        free: whether the subset may be looked at as often as one likes.
        in_time: whether samples follow one another in time, without groups that say which of them depend on each other.
    """

    run: str
    subset: str
    kind: str
    mistakes: Mistakes
    slices: Slices
    wrong: tuple[Shown, ...]
    right: tuple[Shown, ...]
    samples: Samples | None
    modality: str
    typical: Any
    spread: Any
    columns: Mapping[str, float]
    columns_n: int
    inputs_left_out: str
    slices_svg: bytes | None
    checkpoint: Mapping[str, Any]
    free: bool
    in_time: bool
