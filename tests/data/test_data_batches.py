"""Batches: gathering is what a plain loop would do, and the order depends on (seed, epoch) alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from projectkit.data.batches import BatchDataset, BatchSampler, EncodedArray, Ragged, balanced_rows


def ragged(sequences: list[list[int]], pad_index: int = 0) -> Ragged:
    offsets = torch.tensor([0, *itertools.accumulate(len(sequence) for sequence in sequences)])
    return Ragged(torch.tensor(list(itertools.chain(*sequences)), dtype=torch.int32), offsets, pad_index)


def gathered_by_a_loop(sequences: list[list[int]], rows: list[int], pad_index: int) -> list[list[int]]:
    longest = max(1, *(len(sequences[row]) for row in rows))
    return [sequences[row] + [pad_index] * (longest - len(sequences[row])) for row in rows]


@pytest.mark.parametrize("seed", range(100))
def test_gathering_sequences_is_what_a_loop_would_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    most = int(rng.choice([0, 1, 3, 12]))  # 0: every text is empty
    sequences = [rng.integers(1, 9, rng.integers(0, most + 1)).tolist() for _ in range(rng.integers(1, 9))]
    rows = rng.integers(0, len(sequences), rng.integers(1, 12)).tolist()  # repeated and out of order
    pad_index = int(rng.choice([0, 7]))
    batch = ragged(sequences, pad_index).gather(torch.tensor(rows))
    assert batch.dtype == torch.int64
    assert batch.tolist() == gathered_by_a_loop(sequences, rows, pad_index)


def test_a_dataset_is_indexed_by_whole_batches() -> None:
    dataset = BatchDataset(EncodedArray(torch.arange(10).view(5, 2)), torch.tensor([5, 6, 7, 8, 9]))
    x, y = dataset[torch.tensor([3, 0])]
    assert (x.tolist(), y.tolist()) == ([[6, 7], [0, 1]], [8, 5])
    assert len(dataset) == 5


def order(sampler: BatchSampler) -> list[list[int]]:
    return [batch.tolist() for batch in sampler]


@pytest.mark.parametrize(("size", "batch_size"), [(10, 3), (9, 3), (1, 1), (5, 100), (1000, 7)])
@pytest.mark.parametrize("seed", [None, 0, 12345678901])
def test_each_row_comes_exactly_once_an_epoch(size: int, batch_size: int, seed: int | None) -> None:
    sampler = BatchSampler(size, batch_size, seed)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        batches = order(sampler)
        assert sorted(itertools.chain(*batches)) == list(range(size))
        assert len(batches) == len(sampler)
        assert {len(batch) for batch in batches[:-1]} <= {batch_size}


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    def at(seed: int, epoch: int) -> list[list[int]]:
        sampler = BatchSampler(100, 10, seed)
        sampler.set_epoch(epoch)
        return order(sampler)

    assert at(1, 2) == at(1, 2)
    assert len({str(at(seed, epoch)) for seed in range(4) for epoch in range(4)}) == 16


def test_serving_batches_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    order(BatchSampler(100, 10, seed=3))
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_the_order_is_kept() -> None:
    assert order(BatchSampler(5, 2)) == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("balanced", [False, True])
def test_a_resumed_epoch_goes_on_where_it_stopped_and_the_next_one_is_whole(balanced: bool) -> None:
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1, 1, 2]) if balanced else None
    whole, resumed = (BatchSampler(10, 3, seed=5, start=start, labels=labels) for start in ((0, 0), (4, 2)))
    assert len(resumed) == 4  # Lightning plans with the length of a full epoch
    for sampler in (whole, resumed):
        sampler.set_epoch(4)
    assert order(resumed) == order(whole)[2:]
    for sampler in (whole, resumed):
        sampler.set_epoch(5)
    assert order(resumed) == order(whole)


@pytest.mark.parametrize("seed", range(20))
def test_balanced_rows_have_every_class_equally_often_and_no_row_again_before_all_others_of_its_class(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    labels = torch.tensor(rng.choice([0, 1, 4], rng.integers(3, 200), p=[0.8, 0.15, 0.05]))
    rows = balanced_rows(labels, torch.Generator().manual_seed(seed))
    assert len(rows) == len(labels)
    shares = torch.bincount(labels[rows])[torch.unique(labels)]
    assert int(shares.max() - shares.min()) <= 1
    times = torch.bincount(rows, minlength=len(labels))
    for label in torch.unique(labels):
        of_class = times[labels == label]
        assert int(of_class.max() - of_class.min()) <= 1


def test_a_balanced_order_is_another_one_each_epoch_and_leaves_the_global_generator_alone() -> None:
    labels = torch.arange(100).clamp(max=3)
    before = torch.get_rng_state()
    sampler = BatchSampler(100, 10, seed=1, labels=labels)
    seen = set()
    for epoch in range(4):
        sampler.set_epoch(epoch)
        seen.add(str(order(sampler)))
    assert len(seen) == 4
    assert torch.equal(torch.get_rng_state(), before)
