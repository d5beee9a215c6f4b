"""What an adversary can reach in each kind of data: units, valid range, and which features."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from projectkit.attacks import InputSpace
from projectkit.data import DataModule
from projectkit.data.encoders import Encoder
from projectkit.data.encoders.image import ImageEncoder
from projectkit.data.encoders.series import SeriesEncoder
from projectkit.data.encoders.table import TableEncoder
from projectkit.datasets import Table
from projectkit.errors import UserError, did_you_mean

_LEVELS = 255.0  # the largest grey level


def input_space(
    data: DataModule | None, inputs: Mapping[str, Any] | None = None, features: Sequence[str] | None = None
) -> InputSpace:
    """The adversary's units and bounds.

    Args:
        data: of the catalogue; None: data of your own.
        inputs: of data of your own, the arguments of `InputSpace.of`.
        features: of a table, the names of the numeric columns that can be changed; None: all of them.

    Raises:
        UserError: the inputs are token ids, the units are not known, or a feature is not there.
    """
    if data is None:
        if features is not None:
            raise _misplaced("features", "tables of the catalogue", "task.init_args.inputs={mask: [true, false, ...]}")
        return _own(inputs)
    if inputs is not None:
        raise _misplaced("inputs", "data of your own", "task.init_args.inputs=null")
    encoder = data.encoder
    if isinstance(encoder, TableEncoder) and isinstance(data.samples.x, Table):
        return _table(encoder, data.samples.x.numeric_names, features)
    if features is not None:
        raise _misplaced("features", "tables", "task.init_args.features=null")
    if isinstance(encoder, ImageEncoder):
        mean, scale = ([value / _LEVELS for value in values] for values in (encoder.mean, encoder.scale))
        return InputSpace.of(mean, scale, low=0.0, high=1.0)
    if isinstance(encoder, SeriesEncoder):
        return InputSpace.of()
    raise _no_neighbours(encoder, data)


def _table(encoder: TableEncoder, names: Sequence[str], features: Sequence[str] | None) -> InputSpace:
    """Numbers come first among the encoded columns; what stands behind them (missing or not, categories) is 0 or 1 and stays."""
    for feature in features or ():
        if feature not in names:
            raise UserError(
                f"the data has no numeric column '{feature}'",
                where="task.init_args.features",
                remedy=did_you_mean(feature, names),
            )
    open_to_change = [features is None or name in features for name in names]
    if not any(open_to_change):
        raise UserError(
            "an adversary can change no feature of this data",
            where="task.init_args.features" if features is not None else "task.class_path",
            remedy="name numeric columns as task.init_args.features, or write task.class_path=projectkit.tasks.Classification",
        )
    (width,) = encoder.facts["shape"]
    mask = [*open_to_change, *[False] * (width - len(names))]
    return InputSpace.of(low=-encoder.LIMIT, high=encoder.LIMIT, mask=mask)


def _own(inputs: Mapping[str, Any] | None) -> InputSpace:
    where = "task.init_args.inputs"
    example = "write inputs: {mean: [0.5], scale: [0.25], low: 0, high: 1}, or {low: 0, high: 1} for images that are not standardised"
    if inputs is None:
        raise UserError("the units and bounds of data of your own are not known", where=where, remedy=example)
    known = list(inspect.signature(InputSpace.of).parameters)
    for name in inputs:
        if name not in known:
            raise UserError(f"there is no '{name}'", where=where, remedy=did_you_mean(str(name), known))
    try:
        space = InputSpace.of(**inputs)
    except (TypeError, ValueError):
        raise UserError("a value is no number and no list of numbers", where=where, remedy=example) from None
    if not bool((space.unit > 0).all()) or not bool((space.low < space.high).all()):
        raise UserError("scale must be above 0, and low below high", where=where, remedy=example)
    return space


def _misplaced(key: str, what: str, instead: str) -> UserError:
    return UserError(f"{key} is for {what}", where=f"task.init_args.{key}", remedy=f"write {instead}")


def _no_neighbours(encoder: Encoder, data: DataModule) -> UserError:
    return UserError(
        f"'{data.card_name}' is {data.card.modality} data, whose {type(encoder).__name__.removesuffix('Encoder').lower()} ids have no near "
        "neighbours that a gradient could lead to",
        where="task.class_path",
        remedy="write task.class_path=projectkit.tasks.Classification, or name images, a table or series as data.name",
    )
