"""From a row of a data set to what the network's output on it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from projectkit.data import DataModule
from projectkit.data.batches import EncodedArray
from projectkit.data.encoders import UNKNOWN, SequenceEncoder, TableEncoder
from projectkit.data.loading.mapped import taken
from projectkit.datasets import Table
from projectkit.evaluation.attribution.methods import GradientsFailedError, Method, Parts, integrated, occluded
from projectkit.evaluation.attribution.outputs import Score, alone, contrast
from projectkit.evaluation.attribution.tables import encoded_columns, plain_row
from projectkit.evaluation.attribution.tokens import embedded, units
from projectkit.training import Assembly

_LONGEST = 1_024  # tokens of a sequence that are attributed: a step costs a pass over all of them


@dataclass(frozen=True, eq=False)
class Attribution:
    """What one sample's output depends on.

    Args:
        row: of the data set.
        values: float32, positive where it speaks for `towards`: an image (height, width), a series (channels, length), a table
            (columns,), a sequence (parts,).
        names: of the columns or parts; empty for images and series.
        towards, against: the two classes that are contrasted; empty for an anomaly score or a value.
        method: by which.
        difference: the output on the sample minus that on the baseline.
        error: see `methods.Parts`.
        fallback: why parts were occluded; empty for integrated gradients.
    """

    row: int
    values: NDArray[np.float32]
    names: tuple[str, ...]
    towards: str
    against: str
    method: Method
    difference: float
    error: float
    fallback: str = ""


class UnexplainedError(Exception):
    """A sample has no attribution; the message says why, a clause without a full stop."""


class Explainer:
    """Attributions of one network.

    Args:
        assembly: with the weights restored.

    Raises:
        UnexplainedError: the data is the team's own, of which it is not known what its numbers stand for.
    """

    def __init__(self, assembly: Assembly) -> None:
        if assembly.catalogued is None:
            raise UnexplainedError("the data is your own module's, so what its numbers stand for is not known here")
        self.data: DataModule = assembly.catalogued
        self.task = assembly.task
        self.names = self.data.spec.class_names
        self.device = next((each.device for each in self.task.parameters()), torch.device("cpu"))

    def contrast(self, row: int, towards: int, against: int) -> Attribution:
        """Why one class and not the other.

        Args:
            row: of the data set.
            towards: index of the class that positive values speak for.
            against: index of the other class.

        Raises:
            UnexplainedError: the network cannot be asked, whatever the reason.
        """
        return self._explain(row, contrast(self.task, towards, against), self.names[towards], self.names[against])

    def alone(self, row: int) -> Attribution:
        """What an anomaly score or a predicted value depends on; errors are those of `contrast`."""
        return self._explain(row, alone(self.task), "", "")

    def _explain(self, row: int, score: Score, towards: str, against: str) -> Attribution:
        training = [module for module in self.task.modules() if module.training]
        try:
            # cuDNN has no backward pass of a recurrent layer in evaluation mode
            with torch.backends.cudnn.flags(enabled=False), torch.inference_mode(False), torch.enable_grad():
                self.task.eval()
                parts, names, fallback = self._parts(row, score)
        except UnexplainedError:
            raise
        except Exception as error:  # a team's own network may raise anything, and an evaluation must not fail for it
            raise UnexplainedError(f"{type(error).__name__}: {' '.join(str(error).split())[:160]}") from error
        finally:
            for module in training:
                module.training = True  # one by one: a layer that was frozen stays so
        values = parts.values.numpy().astype(np.float32)
        if not np.isfinite(values).all():
            raise UnexplainedError("the network's output or its gradient is not a number")
        return Attribution(row, values, names, towards, against, parts.method, parts.difference, parts.error, fallback)

    def _parts(self, row: int, score: Score) -> tuple[Parts, tuple[str, ...], str]:
        x = self._input(row)
        encoder = self.data.encoder
        if isinstance(encoder, SequenceEncoder):
            return self._sequence(row, score, x, encoder)
        if isinstance(encoder, TableEncoder):
            return self._table(score, x, encoder)
        baseline = torch.zeros_like(x)
        parts, fallback = _either(score, x, baseline, None)
        values = parts.values.sum(dim=0) if x.ndim == 4 else parts.values
        return _with(parts, values), (), fallback

    def _table(self, score: Score, x: Tensor, encoder: TableEncoder) -> tuple[Parts, tuple[str, ...], str]:
        owners = torch.from_numpy(encoded_columns(encoder)).to(x.device)
        parts, fallback = _either(score, x, self._plain.to(x.device), owners[None])
        table = self.data.samples.x
        assert isinstance(table, Table)
        names = (*table.numeric_names, *table.categorical_names)
        return _with(parts, _gathered(parts.values, owners.cpu(), len(names))), names, fallback

    def _sequence(
        self, row: int, score: Score, x: Tensor, encoder: SequenceEncoder
    ) -> tuple[Parts, tuple[str, ...], str]:
        x = x[:, :_LONGEST]
        shown, numbered = units(encoder, self.data.samples.x, row)
        places = torch.from_numpy(numbered)[: x.shape[1]]
        length = len(places)
        if not length:
            raise UnexplainedError("the sequence is empty")
        fallback = ""
        try:
            of_embeddings, vectors, plain = embedded(self.task, score, x)
            parts = integrated(of_embeddings, vectors, plain, (x,))
            parts = _with(parts, _fitted(parts.values.sum(dim=1), length))
        except GradientsFailedError as error:
            fallback = str(error)
            together = torch.arange(x.shape[1], device=x.device)[None]
            parts = occluded(score, x, torch.full_like(x, UNKNOWN), parts=together)
            parts = _with(parts, _fitted(parts.values, length))
        count = int(places.max()) + 1
        return _with(parts, _gathered(parts.values, places, count)), tuple(shown[:count]), fallback

    def _input(self, row: int) -> Tensor:
        """One sample as the network is given it, (1, ...)."""
        encoded = self.data.encoder.encode(taken(self.data.samples.x, np.array([row])))
        values = encoded.values if isinstance(encoded, EncodedArray) else encoded.gather(torch.arange(1))
        x = self.data.encoder.on_device(values.to(self.device))
        return x.clone()

    @cached_property
    def _plain(self) -> Tensor:
        table = self.data.samples.x
        assert isinstance(table, Table)
        encoded: Any = self.data.encoder.encode(plain_row(table, self.data.split.subsets["train"]))
        plain: Tensor = encoded.values
        return plain


def _either(score: Score, x: Tensor, baseline: Tensor, together: Tensor | None) -> tuple[Parts, str]:
    try:
        return integrated(score, x, baseline), ""
    except GradientsFailedError as error:
        return occluded(score, x, baseline, parts=together), str(error)


def _gathered(values: Tensor, places: Tensor, count: int) -> Tensor:
    """Values that belong together, added up, (count,)."""
    return torch.zeros(count, dtype=values.dtype).index_add_(0, places, values)


def _fitted(values: Tensor, length: int) -> Tensor:
    """A network may pad behind a sequence, or leave out what is behind its end."""
    return torch.nn.functional.pad(values, (0, max(0, length - len(values))))[:length]


def _with(parts: Parts, values: Tensor) -> Parts:
    return Parts(values, parts.method, parts.difference, parts.error)
