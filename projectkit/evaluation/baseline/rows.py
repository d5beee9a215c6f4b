"""The rows that baselines learn from and are measured on: the config's own split, through the config's own encoder.

A data set of the catalogue is encoded some rows at a time; a team's own LightningDataModule gives its batches. Either way no more than
`MOST_TRAIN` training rows and one block of another subset are held.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data import DataModule
from projectkit.data.batches import EncodedArray
from projectkit.data.loading.mapped import taken
from projectkit.datasets.copies.clusters import joined
from projectkit.datasets.report.baseline import drawn
from projectkit.errors import UserError, WorkError
from projectkit.evaluation.baseline.sequences import Sequences
from projectkit.evaluation.predict import subset_loader

MOST_TRAIN = 20_000
"""Training rows that a baseline learns from at most, so that all of them together take about a minute on two cores."""
_BLOCK = 2_000  # rows that are encoded at a time
_MOST_VALUES = 4_096  # of an array: a longer one is thinned
_OWN = "write a LightningDataModule that gives (x, y) with x one tensor and y class indices, or name a data set as data.name"

Encoded = NDArray[np.float32] | Sequences
"""(n, values) numbers, or n sequences of token indices."""
Kind = Literal["classification", "anomaly"]


@dataclass(frozen=True)
class Training:
    """What baselines learn from.

    Args:
        x: n encoded rows.
        y: class indices, (n,).
        clusters: (n,) numbers: rows with equal ones belong together (a group, copies of each other); None: nothing is known of that.
        of: rows of the training subset, of which `x` may be a part.
    """

    x: Encoded
    y: NDArray[np.int64]
    clusters: NDArray[np.int64] | None
    of: int


class Rows(ABC):
    """The subsets of one config.

    Args:
        form: `table`, `image`, `series`, or the units of a sequence (`characters`, `tokens` ...).
        class_names: in the order of the class indices; empty where nobody knows them.
        kind: of the target.
    """

    form: str
    class_names: tuple[str, ...] = ()
    kind: Kind = "classification"

    @abstractmethod
    def training(self, most: int = MOST_TRAIN) -> Training:
        """The training subset, or as many of its rows, drawn at random."""

    @abstractmethod
    def blocks(self, subset: str) -> Iterator[tuple[Encoded, NDArray[np.int64]]]:
        """A subset in its own order, some rows at a time, with their class indices.

        Raises:
            UserError: there is no such subset, or its labels are withheld.
        """

    @abstractmethod
    def ids(self, subset: str, size: int) -> NDArray[np.str_]:
        """The ids of a subset of `size` rows, (size,)."""


def rows_of(data: pl.LightningDataModule, seed: int) -> Rows:
    """The rows of a data module, the catalogue's or a team's own; `seed` is that of the draw."""
    return Catalogued(data, seed) if isinstance(data, DataModule) else Own(data, seed)


class Catalogued(Rows):
    """A data set of the catalogue."""

    def __init__(self, data: DataModule, seed: int) -> None:
        target = data.card.targets[data.target]
        modality = data.card.modality
        self.form = {"text": data.unit, "tabular": "table"}.get(modality, modality)
        self.class_names = target.class_names
        self.kind = "anomaly" if target.kind == "anomaly" else "classification"
        self._data = data
        self._seed = seed

    def training(self, most: int = MOST_TRAIN) -> Training:
        """See `Rows.training`."""
        data = self._data
        data.labels("train")  # withheld ones are refused
        rows = data.split.subsets["train"]
        chosen = drawn(rows, most, self._seed)
        samples = data.samples
        clusters = joined(len(samples), self._kept_together(), samples.copies)[chosen]
        parts = [self._encoded(chosen[start : start + _BLOCK]) for start in range(0, len(chosen), _BLOCK)]
        return Training(_together(parts), samples.y[data.target][chosen], clusters, len(rows))

    def blocks(self, subset: str) -> Iterator[tuple[Encoded, NDArray[np.int64]]]:
        """See `Rows.blocks`."""
        labels, rows = self._data.labels(subset), self._data.split.subsets[subset]
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            yield self._encoded(rows[part]), labels[part]

    def ids(self, subset: str, size: int) -> NDArray[np.str_]:
        """See `Rows.ids`."""
        return self._data.ids(subset)

    def _kept_together(self) -> NDArray[Any] | None:
        """The column that the split does not tear apart, (n,); a group that it deals out freely may be as large as a class."""
        arguments = self._data.split.arguments
        by_group = arguments.get("by_group", arguments["method"] != "stratified")
        found: NDArray[Any] | None = getattr(self._data.samples, arguments.get("column", "group")) if by_group else None
        return found

    def _encoded(self, rows: NDArray[np.int64]) -> Encoded:
        encoder = self._data.encoder
        encoded = encoder.encode(taken(self._data.samples.x, rows))
        if isinstance(encoded, EncodedArray):
            return _flat(encoder.on_device(encoded.values))
        return Sequences(encoded.values.numpy(), encoded.offsets.numpy())


class Own(Rows):
    """A team's own LightningDataModule: its batches, as its loaders give them."""

    def __init__(self, data: pl.LightningDataModule, seed: int) -> None:
        self._data = data
        self._seed = seed
        data.prepare_data()
        data.setup("fit")
        first = next(iter(subset_loader(data, "val")), None)
        if first is None:
            raise UserError("the subset 'val' has no batch", where=type(data).__name__, remedy=_OWN)
        x, _ = _pair(first, data)
        whole = x.ndim == 2 and not x.is_floating_point() and x.dtype != torch.uint8
        self.form = "tokens" if whole else {2: "table", 3: "series", 4: "image"}.get(x.ndim, "array")

    def training(self, most: int = MOST_TRAIN) -> Training:
        """See `Rows.training`; the rows with the smallest of random keys are kept while the batches go by."""
        torch.manual_seed(self._seed)  # of the loader's own shuffling
        generator = np.random.default_rng(self._seed)
        kept: list[tuple[float, Tensor, int]] = []
        count = 0
        for batch in self._data.train_dataloader():
            x, y = _pair(batch, self._data)
            keys = generator.random(len(x))
            count += len(x)
            kept += [(float(key), row, int(label)) for key, row, label in zip(keys, x, y, strict=True)]
            if len(kept) > 2 * most:
                kept = sorted(kept, key=lambda each: each[0])[:most]
        kept = sorted(kept, key=lambda each: each[0])[:most]
        if not kept:
            raise UserError("the training subset has no batch", where=type(self._data).__name__, remedy=_OWN)
        parts = [self._encoded(row[None]) for _, row, _ in kept]
        return Training(_together(parts), np.array([label for *_, label in kept], dtype=np.int64), None, count)

    def blocks(self, subset: str) -> Iterator[tuple[Encoded, NDArray[np.int64]]]:
        """See `Rows.blocks`."""
        for batch in subset_loader(self._data, subset):
            x, y = _pair(batch, self._data)
            yield self._encoded(x), y.numpy()

    def ids(self, subset: str, size: int) -> NDArray[np.str_]:
        """See `Rows.ids`: its rows are numbered, as `evaluate` numbers them."""
        return np.arange(size).astype(np.str_)

    def _encoded(self, x: Tensor) -> Encoded:
        if self.form != "tokens":
            return _flat(x)
        lengths = x.shape[1] - (x != 0).long().flip(1).argmax(1)  # zeros at the end fill up a batch
        lengths[(x == 0).all(1)] = 0
        inside = torch.arange(x.shape[1]) < lengths[:, None]
        return Sequences(x[inside].numpy(), np.concatenate([[0], np.cumsum(lengths.numpy())]).astype(np.int64))


def _pair(batch: Any, data: pl.LightningDataModule) -> tuple[Tensor, Tensor]:
    where = type(data).__name__
    if not isinstance(batch, list | tuple) or len(batch) < 2 or not all(isinstance(part, Tensor) for part in batch[:2]):
        raise UserError("baselines need batches (x, y) of tensors", where=where, remedy=_OWN)
    x, y = batch[0].detach().cpu(), batch[1].detach().cpu()
    if y.ndim != 1 or y.is_floating_point() or len(x) != len(y) or x.ndim < 2:
        seen = f"x {tuple(x.shape)}, y {tuple(y.shape)} of {y.dtype}"
        raise UserError(
            f"baselines need a row of numbers and a class index a sample, not {seen}", where=where, remedy=_OWN
        )
    return x, y.long()


def _flat(x: Tensor) -> NDArray[np.float32]:
    """(n, ...) -> (n, values) float32, missing and infinite ones as 0; every so manieth value of what is longer than `_MOST_VALUES`."""
    flat = x.reshape(len(x), -1)
    flat = flat[:, :: -(-flat.shape[1] // _MOST_VALUES)]
    numbers: NDArray[np.float32] = np.nan_to_num(flat.float().numpy(), nan=0.0, posinf=0.0, neginf=0.0)
    return numbers


def _together(parts: list[Encoded]) -> Encoded:
    arrays = [part for part in parts if not isinstance(part, Sequences)]
    sequences = [part for part in parts if isinstance(part, Sequences)]
    if arrays:
        if len({array.shape[1] for array in arrays}) > 1:
            raise WorkError("samples of different size", where="data", remedy=_OWN)
        return np.concatenate(arrays)
    lengths = np.concatenate([part.lengths for part in sequences])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(np.concatenate([part.values for part in sequences]), offsets)
