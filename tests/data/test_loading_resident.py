"""Sets that are held in memory: batches are index gathering, and Lightning finds what it looks for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor

from projectkit.data import DataModule
from projectkit.data.augmentation import RandomCrop, RandomHorizontalFlip
from projectkit.data.batches import BatchDataset, BatchSampler, EncodedArray, Padded, Ragged
from projectkit.data.loading import ResidentLoader

MODALITIES = ("text", "tokens", "tabular", "image", "series")


def numbered(size: int = 10, batch_size: int = 3, **arguments) -> ResidentLoader:
    """Row i is (i, 10 i), its label 100 + i."""
    rows = torch.arange(size)
    dataset = BatchDataset(EncodedArray(torch.stack([rows, 10 * rows], dim=1)), 100 + rows)
    return ResidentLoader(dataset, BatchSampler(size, batch_size, **arguments))


def labels_of(batches) -> list[list[int]]:
    return [y.tolist() for _, y in batches]


@pytest.mark.parametrize("seed", [None, 3])
def test_a_batch_is_what_indexing_gives_in_the_samplers_order(seed: int | None) -> None:
    loader = numbered(seed=seed)
    expected = list(BatchSampler(10, 3, seed))
    for rows, (x, y) in zip(expected, loader, strict=True):
        assert torch.equal(x, loader.dataset.x.values[rows])
        assert torch.equal(y, loader.dataset.y[rows])
    assert len(loader) == len(expected)


def test_row_numbers_and_batches_move_the_same_position() -> None:
    loader = numbered(seed=1)
    expected = labels_of(loader)
    iterator = iter(loader)
    rows = iterator.next_rows()
    assert (100 + rows).tolist() == expected[0]
    assert labels_of([next(iterator), loader.batch_of(iterator.next_rows())]) == expected[1:3]
    assert labels_of(iterator) == expected[3:]
    with pytest.raises(StopIteration):
        iterator.next_rows()


def test_iterators_that_give_no_batch_use_up_no_resumed_position() -> None:
    loader = numbered(seed=1, start=(2, 2))
    for _ in range(3):  # Lightning makes one to see whether it can
        iter(loader)
    whole = numbered(seed=1)
    whole.sampler.set_epoch(2)
    assert labels_of(loader) == labels_of(whole)[2:]
    assert labels_of(loader) == labels_of(whole)


def test_an_epoch_that_is_named_after_its_iterator_was_made_is_the_one_that_comes() -> None:
    loader, other = numbered(seed=1), numbered(seed=1)
    iterator = iter(loader)
    loader.sampler.set_epoch(5)
    other.sampler.set_epoch(5)
    assert labels_of(iterator) == labels_of(other) != labels_of(numbered(seed=1))


def test_several_iterators_do_not_disturb_each_other() -> None:
    loader = numbered(seed=1)
    expected = labels_of(loader)
    first, second = iter(loader), iter(loader)
    mixed = [labels_of([next(first), next(second)]) for _ in expected]
    assert mixed == [[batch, batch] for batch in expected]


def test_a_batch_may_be_written_to() -> None:
    loader = numbered()
    before = loader.dataset.x.values.clone()
    for x, y in loader:
        x.zero_()
        y.zero_()
    assert torch.equal(loader.dataset.x.values, before)
    assert int(loader.dataset.y.min()) == 100


@pytest.mark.parametrize("seed", range(30))
def test_padded_and_ragged_sequences_give_the_same_batches(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(0, 7, (12,), generator=generator)
    if seed == 0:
        lengths.zero_()
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    tokens = torch.randint(1, 99, (int(offsets[-1]),), generator=generator, dtype=torch.int16)
    ragged = Ragged(tokens, offsets, pad_index=7)
    padded = ragged.padded(most=1e9)
    assert isinstance(padded, Padded)
    batches = torch.split(torch.randperm(12, generator=generator), 5)
    for rows, width in zip(batches, padded.widths(batches), strict=True):
        assert torch.equal(ragged.gather(rows), padded.gather(rows))
        assert padded.gather(rows).shape == (len(rows), width)
        for wider in (width, width + 3):
            assert torch.equal(ragged.gather(rows, wider), padded.gather(rows, wider))


def test_sequences_are_held_as_a_matrix_only_where_that_is_not_much_larger() -> None:
    offsets = torch.cat([torch.arange(100), torch.tensor([1099])])  # 99 of length 1 and one of 1,000
    ragged = Ragged(torch.ones(1099, dtype=torch.int16), offsets, pad_index=0)
    assert ragged.padded(most=4) is ragged
    assert isinstance(ragged.padded(most=1000), Padded)


@pytest.mark.parametrize("size", [1, 10, 11, 12])
@pytest.mark.parametrize("seed", [None, 4])
def test_processes_share_an_order_evenly_and_together_have_every_row(size: int, seed: int | None) -> None:
    samplers = [BatchSampler(size, 2, seed, share=(rank, 3)) for rank in range(3)]
    shares = [torch.cat(list(sampler)).tolist() for sampler in samplers]
    assert {len(share) for share in shares} == {-(-size // 3)}
    assert {len(list(sampler)) for sampler in samplers} == {len(samplers[0])}
    assert set().union(*shares) == set(range(size))


def test_each_process_of_a_trainer_is_given_its_share(small_set: Callable[..., str]) -> None:
    data = DataModule(small_set("tabular"), batch_size=16)
    whole = sorted(data.ids("train"))
    shares = []
    for rank in range(2):
        data.trainer = SimpleNamespace(
            global_rank=rank, world_size=2, current_epoch=0, strategy=SimpleNamespace(root_device=torch.device("cpu"))
        )
        shares.append(data.ids("train")[torch.cat(list(data.train_dataloader().sampler)).numpy()].tolist())
    assert len(shares[0]) == len(shares[1])
    assert sorted(shares[0] + shares[1]) == whole


class Seen(pl.LightningModule):
    """Notes the labels of each batch, by stage."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.trained: list[list[int]] = []
        self.validated: list[list[int]] = []

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        self.trained.append(batch[1].tolist())
        return self.weight.sum()

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.validated.append(batch[1].tolist())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def seen_by(loader: ResidentLoader, **arguments) -> Seen:
    module = Seen()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
        warnings.filterwarnings("ignore", message=".*`srun` command is available.*")  # on a machine with Slurm
        trainer = pl.Trainer(**{"max_epochs": 2, "enable_model_summary": False, **quiet, **arguments})
        trainer.fit(module, loader, numbered(seed=None))
    return module


def test_lightning_trains_on_another_order_each_epoch_and_warns_of_nothing() -> None:
    module = seen_by(numbered(seed=2), num_sanity_val_steps=0)
    expected = []
    for epoch in range(2):
        sampler = BatchSampler(10, 3, seed=2)
        sampler.set_epoch(epoch)
        expected += [(100 + rows).tolist() for rows in sampler]
    assert module.trained == expected
    assert module.validated == 2 * labels_of(numbered())


@pytest.mark.parametrize(("limit", "batches"), [(2, 2), (0.5, 2), (1.0, 4)])
def test_lightning_limits_the_batches_by_number_and_by_share(limit: float, batches: int) -> None:
    module = seen_by(numbered(seed=2), limit_train_batches=limit, max_epochs=1)
    assert module.trained == labels_of(numbered(seed=2))[:batches]


@pytest.mark.parametrize("modality", MODALITIES)
def test_no_modality_needs_a_hook_for_its_batches(small_set: Callable[..., str], modality: str) -> None:
    data = DataModule(small_set(modality))
    assert data.input == "resident"
    for hook in ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer"):
        assert not is_overridden(hook, data)
    assert (data.val_dataloader().finish is not None) == (modality in ("image", "series"))


def test_overfitting_sees_the_same_batches_each_epoch(small_set: Callable[..., str]) -> None:
    data, module = DataModule(small_set("tabular"), batch_size=16), Seen()
    pl.Trainer(
        overfit_batches=2, max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False
    ).fit(module, datamodule=data)
    first = labels_of(data.subset_dataloader("train"))[:2]
    assert module.trained == 3 * first


def test_training_batches_are_augmented_and_evaluation_ones_are_not() -> None:
    plain, data = (DataModule("synthetic_images", augment=each) for each in ((), (RandomHorizontalFlip(p=1.0),)))
    rows = next(iter(plain.train_dataloader())), next(iter(data.train_dataloader()))
    assert torch.equal(rows[1][0], rows[0][0].flip(-1))
    assert torch.equal(next(iter(data.val_dataloader()))[0], next(iter(plain.val_dataloader()))[0])
    assert not hasattr(iter(data.train_dataloader()), "next_rows")  # a batch is not a function of its rows


def test_a_resumed_epoch_is_augmented_as_it_would_have_been() -> None:
    def batches(start: tuple[int, int], epoch: int) -> list[Tensor]:
        data = DataModule("synthetic_images", augment=(RandomCrop(8, padding=2), RandomHorizontalFlip()), batch_size=50)
        data.start = start
        loader = data.train_dataloader()
        loader.sampler.set_epoch(epoch)
        return [x for x, _ in loader]

    whole, resumed = batches((0, 0), 3), batches((3, 2), 3)
    assert len(whole) == len(resumed) + 2
    assert all(torch.equal(x, other) for x, other in zip(whole[2:], resumed, strict=True))
    assert not torch.equal(batches((0, 0), 4)[0], whole[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
@pytest.mark.parametrize("modality", MODALITIES)
def test_on_a_gpu_the_set_lies_there_in_its_compact_type_and_batches_are_the_same(
    small_set: Callable[..., str], modality: str
) -> None:
    data, there = DataModule(small_set(modality)), DataModule(small_set(modality))
    there.device = torch.device("cuda")
    loader = there.train_dataloader()
    assert loader.dataset.x.values.device.type == "cuda"
    assert loader.dataset.x.values.dtype == data.train_dataloader().dataset.x.values.dtype
    for (x, y), (other_x, other_y) in zip(data.train_dataloader(), loader, strict=True):
        assert other_x.device.type == other_y.device.type == "cuda"
        torch.testing.assert_close(other_x.cpu(), x)
        assert torch.equal(other_y.cpu(), y)
