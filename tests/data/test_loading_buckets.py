"""Batches of about equally long samples: every row as often as without, in an order that (seed, epoch) decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from projectkit.data import DataModule
from projectkit.data.batches import BatchSampler
from projectkit.data.buckets import bucketed, told_by_length
from projectkit.errors import UserError

LENGTHS = torch.randint(1, 100, (1000,), generator=torch.Generator().manual_seed(0))


def order(epoch: int = 0, batch_size: int = 16, **arguments) -> list[Tensor]:
    sampler = BatchSampler(len(LENGTHS), batch_size, seed=3, lengths=LENGTHS, **arguments)
    sampler.set_epoch(epoch)
    return list(sampler)


@pytest.mark.parametrize("batch_size", [1, 16, 999, 1000, 5000])
def test_every_row_comes_once_an_epoch_and_only_the_last_batch_is_small(batch_size: int) -> None:
    batches = order(batch_size=batch_size)
    assert sorted(torch.cat(batches).tolist()) == list(range(1000))
    assert {len(rows) for rows in batches[:-1]} <= {batch_size}
    assert len(batches) == -(-1000 // batch_size)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    assert [rows.tolist() for rows in order(2)] == [rows.tolist() for rows in order(2)]
    assert len({str([rows.tolist() for rows in order(epoch)]) for epoch in range(5)}) == 5


def test_which_rows_share_a_batch_changes_from_epoch_to_epoch() -> None:
    first, second = ({frozenset(rows.tolist()) for rows in order(epoch)} for epoch in range(2))
    assert not first & second


def test_little_of_a_batch_is_padding() -> None:
    def padded(batches: list[Tensor]) -> float:
        return sum(len(rows) * int(LENGTHS[rows].max()) for rows in batches) / int(LENGTHS.sum())

    plain = list(BatchSampler(len(LENGTHS), 16, seed=3))
    assert padded(plain) > 1.6
    assert padded(order()) < 1.35


def test_long_batches_do_not_come_one_after_the_other() -> None:
    longest = torch.tensor([int(LENGTHS[rows].max()) for rows in order()], dtype=torch.float64)
    neighbours = torch.corrcoef(torch.stack([longest[:-1], longest[1:]]))[0, 1]
    assert abs(float(neighbours)) < 0.3


def test_a_resumed_epoch_goes_on_where_it_stopped() -> None:
    assert [rows.tolist() for rows in order(1, start=(1, 7))] == [rows.tolist() for rows in order(1)[7:]]


def test_balanced_classes_stay_balanced() -> None:
    labels = (torch.arange(1000) < 900).long()
    plain = torch.cat(list(BatchSampler(1000, 16, seed=3, labels=labels)))
    rows = torch.cat(order(labels=labels))
    assert Counter(rows.tolist()) == Counter(plain.tolist())
    assert torch.bincount(labels[rows]).tolist() == [500, 500]


def test_fewer_rows_than_a_batch_stay_as_they_are() -> None:
    rows = torch.tensor([4, 2, 9])
    assert bucketed(rows, LENGTHS, 5, torch.Generator()).tolist() == [4, 2, 9]


@pytest.mark.parametrize("modality", ["text", "tokens"])
def test_training_batches_are_bucketed_and_evaluation_keeps_its_order(
    small_set: Callable[..., str], modality: str
) -> None:
    name = small_set(modality)
    plain, data = (DataModule(name, batch_size=8, buckets=word) for word in ("off", "on"))
    widths = [sum(x.numel() for x, _ in each.train_dataloader()) for each in (plain, data)]
    assert widths[1] < widths[0]
    assert torch.equal(
        torch.cat([y for _, y in data.val_dataloader()]), torch.cat([y for _, y in plain.val_dataloader()])
    )


def test_the_order_is_the_same_however_the_set_is_kept(small_set: Callable[..., str]) -> None:
    name = small_set("text")
    held, streamed = (
        DataModule(name, batch_size=16, unit="words", buckets="on", input=kind) for kind in ("resident", "stream")
    )
    for first, second in zip(held.train_dataloader().sampler, streamed.train_dataloader().sampler, strict=True):
        assert torch.equal(first, second)


def test_buckets_of_samples_that_have_no_length_are_refused(small_set: Callable[..., str]) -> None:
    with pytest.raises(UserError, match=r"buckets is for text and tokens.*write data\.buckets=auto"):
        DataModule(small_set("tabular"), buckets="on")
    assert DataModule(small_set("tabular")).buckets == "off"


@pytest.mark.parametrize("classes", [2, 25])
def test_what_length_tells_about_the_class_is_none_by_chance_and_all_where_it_decides(classes: int) -> None:
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(0, 400, (2000,), generator=generator)
    assert abs(told_by_length(lengths, torch.randint(0, classes, (2000,), generator=generator))) < 0.02
    assert told_by_length(lengths, lengths * classes // 400) > 0.7
    assert told_by_length(lengths, torch.zeros(2000, dtype=torch.int64)) == 0


def test_samples_are_put_into_buckets_by_themselves_only_where_length_tells_little(
    small_set: Callable[..., str],
) -> None:
    data = DataModule(small_set("tokens"))  # lengths and labels are drawn apart
    assert data.buckets == "on"
    long = DataModule(data.card_name)
    lengths = np.diff(long.samples.x.offsets)
    long.samples = replace(long.samples, y={"label": (lengths > np.median(lengths)).astype(np.int64)})
    assert long.buckets == "off"
    assert DataModule(data.card_name, buckets="off").buckets == "off"
