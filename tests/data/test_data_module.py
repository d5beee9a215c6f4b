"""The data module: from the catalogue to batches, fitted on the training subset alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from projectkit import datasets
from projectkit.data import DataModule
from projectkit.datasets import Samples, Table
from projectkit.errors import UserError, WorkError

SETS = ("synthetic_text", "synthetic_tabular", "synthetic_images")


def batches(data: DataModule, subset: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [tuple(data.on_after_batch_transfer(batch, 0)) for batch in data.subset_dataloader(subset)]


@pytest.mark.parametrize(
    ("name", "dtype", "dimensions"),
    [
        ("synthetic_text", torch.int64, 2),
        ("synthetic_tabular", torch.float32, 2),
        ("synthetic_images", torch.float32, 4),
    ],
)
def test_a_batch_is_a_pair_of_tensors_of_the_modalitys_form(name: str, dtype: torch.dtype, dimensions: int) -> None:
    data = DataModule(name, batch_size=64)
    for x, y in batches(data, "val"):
        assert (x.dtype, x.ndim, y.dtype, y.ndim) == (dtype, dimensions, torch.int64, 1)
        assert len(x) == len(y) <= 64
        assert 0 <= y.min() <= y.max() < data.spec.num_classes


@pytest.mark.parametrize("name", SETS)
def test_the_loader_gives_the_samples_of_the_split_in_the_order_of_the_ids(name: str) -> None:
    data = DataModule(name, batch_size=100)
    samples, split = datasets.load(name), datasets.split(name)
    for subset in ("train", "val", "test"):
        labels = torch.cat([y for _, y in batches(data, subset)]).numpy()
        row = {str(each): number for number, each in enumerate(samples.id)}
        rows = [row[str(each)] for each in data.ids(subset)]
        assert rows == split.subsets[subset].tolist()
        assert np.array_equal(labels, samples.y[data.target][rows])


def test_images_travel_as_bytes_and_are_finished_on_the_device() -> None:
    data = DataModule("synthetic_images")
    x, y = next(iter(data.train_dataloader()))
    assert x.dtype == torch.uint8
    ready, _ = data.on_after_batch_transfer((x, y), 0)
    assert ready.dtype == torch.float32
    assert ready.shape == x.shape


@pytest.mark.parametrize("name", SETS)
def test_a_change_of_any_row_outside_the_training_subset_changes_nothing_that_was_fitted(name: str) -> None:
    data = DataModule(name)
    expected = data.encoder.digest
    others = np.setdiff1d(np.arange(len(data.samples)), data.split.subsets["train"])
    assert with_other_rows(name, others).encoder.digest == expected
    # the control: the same change to a training row is seen
    assert with_other_rows(name, data.split.subsets["train"][:1]).encoder.digest != expected


def with_other_rows(name: str, rows: np.ndarray) -> DataModule:
    data = DataModule(name)
    split = data.split  # made from the data as it is
    data.samples = changed(data.samples, rows)
    data.split = split
    return data


def changed(samples: Samples, rows: np.ndarray) -> Samples:
    if isinstance(samples.x, Table):
        numeric, categorical = samples.x.numeric.copy(), samples.x.categorical.copy()
        numeric[rows] += 1e6
        categorical[rows] = "never seen"
        return replace(samples, x=replace(samples.x, numeric=numeric, categorical=categorical))
    x = samples.x.copy()
    x[rows] = "☃" * 10_000 if x.dtype == object else 255
    return replace(samples, x=x)


@pytest.mark.parametrize("name", SETS)
def test_an_encoder_from_a_checkpoint_gives_the_same_batches(name: str) -> None:
    first, second = DataModule(name), DataModule(name)
    second.load_state_dict(first.state_dict())
    for (x, y), (other_x, other_y) in zip(batches(first, "val"), batches(second, "val"), strict=True):
        assert torch.equal(x, other_x)
        assert torch.equal(y, other_y)


def test_what_a_model_is_told_is_what_its_batches_have() -> None:
    text, tabular, images = (DataModule(name) for name in SETS)
    assert max(int(x.max()) for x, _ in batches(text, "test")) < text.spec.vocab_size
    assert batches(tabular, "val")[0][0].shape[1] == tabular.spec.num_features
    assert batches(images, "val")[0][0].shape[1] == images.spec.in_channels
    assert dict(tabular.spec.arguments()) == {
        "num_features": tabular.spec.num_features,
        "num_classes": len(tabular.spec.class_names),
    }


def test_training_batches_are_shuffled_by_the_seed_and_evaluation_ones_are_not() -> None:
    def first(seed: int, subset: str) -> list[int]:
        data = DataModule("synthetic_tabular", seed=seed)
        loader = data.train_dataloader() if subset == "train" else data.val_dataloader()
        return next(iter(loader))[1].tolist()

    assert first(1, "train") == first(1, "train") != first(2, "train")
    assert first(1, "val") == first(2, "val")


def test_another_seed_of_the_run_moves_no_sample_into_another_subset() -> None:
    assert DataModule("synthetic_text", seed=1).split.digest == DataModule("synthetic_text", seed=2).split.digest
    assert DataModule("synthetic_text", split_seed=1).split.digest != DataModule("synthetic_text").split.digest


def test_loader_processes_give_the_same_batches_as_none() -> None:
    alone, helped = (DataModule("synthetic_text", num_workers=workers, batch_size=500) for workers in (0, 2))
    pairs = list(zip(alone.train_dataloader(), helped.train_dataloader(), strict=True))
    assert len(pairs) > 1
    for (x, y), (other_x, other_y) in pairs:
        assert torch.equal(x, other_x)
        assert torch.equal(y, other_y)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DataModule("synthetic_txt"), r"'synthetic_txt'.*did you mean 'synthetic_text'\?"),
        (lambda: DataModule("synthetic_text", target="xx").spec, r"no target 'xx'"),
        (lambda: DataModule("synthetic_text", split="stratifed").split, r"no split 'stratifed'.*stratified"),
        (lambda: DataModule("synthetic_text").subset_dataloader("tset"), r"no subset 'tset'; did you mean 'test'\?"),
        (lambda: DataModule("synthetic_text").ids("valid"), r"no subset 'valid'; did you mean 'val'\?"),
    ],
)
def test_a_misspelt_name_is_one_line_with_the_nearest(make, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_an_empty_subset_is_refused_with_the_other_splits() -> None:
    data = DataModule("synthetic_tabular")
    data.split = replace(data.split, subsets={**data.split.subsets, "val": np.empty(0, dtype=np.int64)})
    with pytest.raises(UserError, match=r"'val' of 'synthetic_tabular' is empty; choose another split: stratified"):
        data.val_dataloader()


def test_data_that_cannot_be_had_names_the_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("PROJECTKIT_MIRROR", raising=False)
    with pytest.raises(WorkError, match="PROJECTKIT_MIRROR"):
        DataModule("dga").setup("fit")
