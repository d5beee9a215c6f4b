"""A catalogued data set for Lightning: card and split in, batches out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from projectkit import datasets
from projectkit.data.augmentation import Augmentation, AugmentationChain
from projectkit.data.batches import BatchDataset, BatchSampler
from projectkit.data.buckets import MOST_TOLD, told_by_length
from projectkit.data.encoders import Encoder, SequenceEncoder, encoder_class, fit_encoder, restored_encoder
from projectkit.data.encoders.base import as_tensor
from projectkit.data.loading import EncodedByBatch, ResidentLoader, StreamLoader, TakenRows
from projectkit.data.loading.choice import encoded_bytes, fits, held
from projectkit.data.loading.mapped import taken
from projectkit.data.spec import DataSpec
from projectkit.datasets import WITHHELD, Card, Samples, Split, Texts, Tokens
from projectkit.errors import UserError, did_you_mean

Loader = ResidentLoader | StreamLoader


class DataModule(LightningDataModule):
    """The subsets of one data set's split as loaders; the encoder is fitted on `train` alone.

    Args:
        name: of the card.
        target: which of the card's targets; None is the card's default.
        split: the split's policy; None is the card's leak-free default for the target.
        split_seed: of the split, apart from the run's seed, so that a new seed does not move a sample into another subset.
        batch_size: samples of a batch.
        num_workers: loader processes where the set is streamed; a set that is held needs none.
        seed: of the order of the training batches.
        folds: cross-validation: how many parts the split is cut into; None is the split itself.
        fold: which of them is held out, from 0.
        unit: what a text is taken apart into, `characters`, `bytes`, `words` or `word_pieces`; None is the card's.
        max_length: where text and tokens are cut, in units; None: at the 99th percentile of the training subset's lengths, tokens
            at 1,024 if that is less.
        balanced: every class comes equally often in an epoch, which is as long as the training subset; see `batches.balanced_rows`.
        input: `resident` holds the encoded subsets, on the device; `stream` reads them batch by batch; `auto` goes by their size, see
            `loading.choice`. The batches are the same.
        buckets: `on` puts samples of about the same length into a batch, see `buckets.bucketed`; `auto` is on where a sample's
            length says little about its class.
        augment: what training batches are put through, on the device; see `augmentation`.

    Raises:
        UserError: the data set, the target, the split or the fold is not known, a key does not fit the data, or a subset is empty.
        WorkError: the data cannot be had; the message lists the ways out.
    """

    def __init__(
        self,
        name: str,
        target: str | None = None,
        split: str | None = None,
        *,
        split_seed: int = 0,
        batch_size: int = 256,
        num_workers: int = 0,
        seed: int = 0,
        folds: int | None = None,
        fold: int = 0,
        unit: str | None = None,
        max_length: int | None = None,
        balanced: bool = False,
        input: Literal["auto", "resident", "stream"] = "auto",
        buckets: Literal["auto", "on", "off"] = "auto",
        augment: Sequence[Augmentation] = (),
    ) -> None:
        super().__init__()
        self.card_name = name
        self.target = target or self.card.default_target
        if self.target not in self.card.targets:
            raise UserError(
                f"the data set '{name}' has no target '{self.target}'",
                where="data.target",
                remedy=did_you_mean(self.target, self.card.targets),
            )
        self._policy = split
        self.split_seed = split_seed
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.folds = folds
        self.fold = fold
        self.unit = unit or self.card.unit
        self.max_length = max_length
        self.balanced = balanced
        self.augment = tuple(augment)
        self._input: str = input
        self._buckets: str = buckets
        self._refuse_misplaced(unit, max_length)
        self.device: torch.device | None = None  # where batches are wanted; None: where the trainer is, else on the CPU
        self.start = (0, 0)  # epoch and batch with which a resumed training begins
        self._encoder: Encoder | None = None
        self._encoded: dict[str, BatchDataset] = {}

    @cached_property
    def card(self) -> Card:
        """The data set's card."""
        return datasets.card(self.card_name)

    @cached_property
    def samples(self) -> Samples:
        """All samples of the set, every subset."""
        return datasets.load(self.card_name)

    @cached_property
    def split(self) -> Split:
        """Which rows belong to which subset."""
        return datasets.split(
            self.card_name,
            self._policy,
            self.split_seed,
            target=self.target,
            samples=self.samples,
            folds=self.folds,
            fold=self.fold,
        )

    @property
    def encoder(self) -> Encoder:
        """Fitted on the training rows at first use, or restored from a checkpoint."""
        if self._encoder is None:
            x, rows = self.samples.x, self._rows("train")
            train = TakenRows(x, rows) if isinstance(x, np.ndarray) else x.take(rows)
            self._encoder = fit_encoder(self.card.modality, train, unit=self.unit, max_length=self.max_length)
        return self._encoder

    @property
    def input(self) -> str:
        """`resident` or `stream`; `auto` is decided when it is first asked for, and may be set before, as a repeated run does."""
        if self._input == "auto":
            rows = np.concatenate(list(self.split.subsets.values()))
            size = encoded_bytes(self.encoder, self.samples.x, rows)
            self._input = "resident" if fits(size, self._device()) else "stream"
        return self._input

    @input.setter
    def input(self, chosen: str) -> None:
        self._input = chosen

    @property
    def buckets(self) -> str:
        """`on` or `off`; may be set before the first batch."""
        if self._buckets == "auto":
            labels = as_tensor(self.samples.y[self.target][self._rows("train")])
            harmless = self._sequences and told_by_length(self._lengths("train"), labels) <= MOST_TOLD
            self._buckets = "on" if harmless else "off"
        return self._buckets

    @buckets.setter
    def buckets(self, chosen: str) -> None:
        self._buckets = chosen

    @cached_property
    def spec(self) -> DataSpec:
        """What a model must know about this data."""
        names = self.card.targets[self.target].class_names
        return DataSpec(self.card.modality, num_classes=len(names), class_names=names, **self.encoder.facts)

    @cached_property
    def class_counts(self) -> tuple[int, ...]:
        """How many training samples each class has, in the order of the class names."""
        labels = self.samples.y[self.target][self._rows("train")]
        self._refuse_withheld("train", labels)
        return tuple(np.bincount(labels, minlength=len(self.card.targets[self.target].class_names)).tolist())

    @cached_property
    def samples_digest(self) -> str:
        """SHA-256 over the names of the classes and what the training subset teaches: see `Samples.learnt_digest`."""
        learnt = self.samples.learnt_digest(self.target, self._rows("train"))
        return hashlib.sha256("\0".join((*self.card.targets[self.target].class_names, learnt)).encode()).hexdigest()

    def ids(self, subset: str) -> np.ndarray[Any, np.dtype[np.str_]]:
        """The sample ids of a subset in the order in which its evaluation loader gives them, (n,)."""
        found: np.ndarray[Any, np.dtype[np.str_]] = self.samples.id[self._rows(subset)]
        return found

    def setup(self, stage: str) -> None:
        """Lightning's hook: load and encode, so that bad data is found before the first step."""
        subsets = ("train", "val") if stage == "fit" else (stage,) if stage in self.split.subsets else ()
        for subset in subsets:
            self._dataset(subset)

    def train_dataloader(self) -> Loader:
        """Shuffled by (seed, epoch); in the split's order where the trainer is to overfit the same few batches."""
        overfit = getattr(self.trainer, "overfit_batches", 0) > 0  # set by Lightning in passing
        # a trainer that reloads its data asks again in later epochs, which begin at their first batch
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        start = self.start if epoch <= self.start[0] else (epoch, 0)
        augment = (
            AugmentationChain(self.augment, self.spec, self.encoder.on_device, self.seed) if self.augment else None
        )
        return self._loader("train", seed=None if overfit else self.seed, start=start, augment=augment)

    def val_dataloader(self) -> Loader:
        """In the split's order."""
        return self.subset_dataloader("val")

    def test_dataloader(self) -> Loader:
        """In the split's order."""
        return self.subset_dataloader("test")

    def predict_dataloader(self, subset: str = "test") -> Loader:
        """Any subset of the split, in the split's order; labels that the course withholds are -1."""
        return self._loader(subset, seed=None)

    def subset_dataloader(self, subset: str) -> Loader:
        """Any subset of the split, in the split's order, with its labels.

        Raises:
            UserError: there is no such subset, or its labels are withheld.
        """
        self.labels(subset)
        return self._loader(subset, seed=None)

    def labels(self, subset: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The class indices of a subset, in the split's order, (n,).

        Raises:
            UserError: there is no such subset, or its labels are withheld.
        """
        labels: np.ndarray[Any, np.dtype[np.int64]] = self.samples.y[self.target][self._rows(subset)]
        self._refuse_withheld(subset, labels)
        return labels

    def state_dict(self) -> dict[str, Any]:
        """What goes into the checkpoint."""
        return {"encoder": self.encoder.state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Use the encoder of a checkpoint instead of fitting one."""
        restored = restored_encoder(self.card.modality, state_dict["encoder"])
        if self._encoder is None or restored.digest != self._encoder.digest:  # else what is encoded stays true
            self._encoder = restored
            self._encoded.clear()
            self.__dict__.pop("spec", None)

    @property
    def _sequences(self) -> bool:
        return issubclass(encoder_class(self.card.modality, self.unit), SequenceEncoder)

    def _refuse_misplaced(self, unit: str | None, max_length: int | None) -> None:
        """A key that this data has no use for would otherwise be ignored in silence."""
        modality, sequences = self.card.modality, self._sequences
        for key, given, used, what in (
            ("unit", unit, modality == "text", "text"),
            ("max_length", max_length, sequences, "text and tokens"),
            ("buckets", True if self._buckets == "on" else None, sequences, "text and tokens"),
        ):
            if given is not None and not used:
                raise UserError(
                    f"{key} is for {what}, and '{self.card_name}' is {modality} data",
                    where=f"data.{key}",
                    remedy=f"write data.{key}={'auto' if key == 'buckets' else 'null'}",
                )

    def _refuse_withheld(self, subset: str, labels: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        if not (labels == WITHHELD).any():
            return
        if subset in ("train", "val"):
            raise UserError(
                f"samples of '{subset}' have no label, so nothing can be learnt or chosen by them",
                where="data.split",
                remedy=f"choose a split that leaves them in test: {', '.join(sorted(self.card.splits))}",
            )
        withheld = self.card.withheld
        file = withheld.file if withheld is not None else "the labels"
        raise UserError(
            f"the labels of '{subset}' are withheld by the course; a team measures itself on val",
            where=f"{self.card_name}, {self.target}",
            remedy=f"staff set PROJECTKIT_LABELS=<the folder with {file}>",
        )

    def _rows(self, subset: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        if subset not in self.split.subsets:
            raise UserError(
                f"the split '{self.split.policy}' of '{self.card_name}' has no subset '{subset}'",
                where="--subset",
                remedy=did_you_mean(subset, self.split.subsets),
            )
        rows = self.split.subsets[subset]
        if not len(rows):
            raise UserError(
                f"the subset '{subset}' of '{self.card_name}' is empty",
                where="data.split",
                remedy=f"choose another split: {', '.join(sorted(self.card.splits))}",
            )
        return rows

    def _dataset(self, subset: str) -> BatchDataset:
        if subset not in self._encoded:
            encoder, rows = self.encoder, self._rows(subset)
            labels = self.samples.y[self.target][rows]
            if subset in ("train", "val"):
                self._refuse_withheld(subset, labels)
            x = self.samples.x
            stream = self.input == "stream"
            encoded = EncodedByBatch(x, rows, encoder) if stream else held(encoder.encode(taken(x, rows)))
            self._encoded[subset] = BatchDataset(encoded, as_tensor(labels))
        return self._encoded[subset]

    def _lengths(self, subset: str) -> Tensor:
        """Of the raw inputs (texts: in bytes), so that buckets are the same however the set is kept, (n,)."""
        x = self.samples.x
        assert isinstance(x, Texts | Tokens)
        return as_tensor(np.diff(x.offsets)[self._rows(subset)])

    def _device(self) -> torch.device:
        if self.device is None and self.trainer is not None:
            return self.trainer.strategy.root_device
        return self.device or torch.device("cpu")

    def _loader(
        self,
        subset: str,
        *,
        seed: int | None,
        start: tuple[int, int] = (0, 0),
        augment: AugmentationChain | None = None,
    ) -> Loader:
        dataset = self._dataset(subset)
        sampler = BatchSampler(
            len(dataset),
            self.batch_size,
            seed,
            start,
            labels=dataset.y if self.balanced and seed is not None else None,
            lengths=self._lengths(subset) if self.buckets == "on" and seed is not None else None,
            share=(0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size),
        )
        finish = self.encoder.on_device if self.encoder.finishes else None
        if self.input == "stream":
            return StreamLoader(dataset, sampler, self._device(), finish, augment, self.num_workers)
        return ResidentLoader(dataset, sampler, self._device(), finish, augment)
