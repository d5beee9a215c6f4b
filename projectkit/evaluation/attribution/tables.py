"""Tables: the plain row that a row is compared with, and which encoded columns belong to which of the table's."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from projectkit.data.encoders import TableEncoder
from projectkit.datasets import Table


def plain_row(x: Table, rows: NDArray[np.int64]) -> Table:
    """One row: the median of each column of numbers, the most common value of each column of names.

    Args:
        x: the table.
        rows: of the training subset.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without any number keeps NaN: missing
        median = np.nanmedian(np.where(np.isfinite(x.numeric[rows]), x.numeric[rows], np.nan), axis=0)
    common = [_most_common(column[rows]) for column in x.categorical.T]
    return Table(
        median[None].astype(np.float32),
        x.numeric_names,
        np.array([common], dtype=np.str_).reshape(1, len(common)),
        x.categorical_names,
    )


def encoded_columns(encoder: TableEncoder) -> NDArray[np.int64]:
    """For each encoded column the number of the table's column, (num_features,); numbers first, then names."""
    numbers = len(encoder.mean)
    owners = [*range(numbers), *encoder.missing]
    for place, values in enumerate(encoder.categories):
        owners += [numbers + place] * (len(values) + (place in encoder.others))
    return np.array(owners, dtype=np.int64)


def _most_common(column: NDArray[np.str_]) -> str:
    values, counts = np.unique(column, return_counts=True)
    return str(values[counts.argmax()]) if len(values) else ""
