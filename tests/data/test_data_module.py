"""The data module: from the catalogue to batches, fitted on the training subset alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_lightning.utilities.model_helpers import is_overridden

from projectkit import datasets
from projectkit.data import DataModule
from projectkit.datasets import Samples, Table, Texts, Tokens
from projectkit.errors import UserError, WorkError

SETS = ("synthetic_text", "synthetic_tabular", "synthetic_images")


def batches(data: DataModule, subset: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(data.subset_dataloader(subset))


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


def test_images_are_kept_as_bytes_and_finished_batch_by_batch_without_a_hook() -> None:
    data = DataModule("synthetic_images")
    loader = data.train_dataloader()
    assert loader.dataset.x.values.dtype == torch.uint8
    x, _ = next(iter(loader))
    assert x.dtype == torch.float32
    assert torch.equal(x, data.encoder.on_device(loader.dataset.x.values[next(iter(loader.sampler))]))
    assert not is_overridden("on_after_batch_transfer", data)


@pytest.mark.parametrize(
    ("modality", "unit"),
    [
        *[("text", unit) for unit in ("characters", "bytes", "words", "word_pieces")],
        *[(modality, None) for modality in ("tokens", "tabular", "image", "series")],
    ],
)
def test_a_change_of_any_row_outside_the_training_subset_changes_nothing_that_was_fitted(
    small_set: Callable[..., str], modality: str, unit: str | None
) -> None:
    name = small_set(modality)
    data = DataModule(name, unit=unit)
    expected = data.encoder.digest
    others = np.setdiff1d(np.arange(len(data.samples)), data.split.subsets["train"])
    assert with_other_rows(name, others, unit).encoder.digest == expected
    # the control: the same change to some training rows is seen
    assert with_other_rows(name, data.split.subsets["train"][:5], unit).encoder.digest != expected


def with_other_rows(name: str, rows: np.ndarray, unit: str | None) -> DataModule:
    data = DataModule(name, unit=unit)
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
    chosen = set(rows.tolist())
    if isinstance(samples.x, Texts):
        return replace(
            samples, x=Texts.of("☃ snow" * 2_000 if row in chosen else text for row, text in enumerate(samples.x))
        )
    if isinstance(samples.x, Tokens):
        names = (*samples.x.names, "never seen")
        parts = [np.full(500, len(names) - 1) if row in chosen else samples.x[row] for row in range(len(samples))]
        return replace(samples, x=Tokens(np.concatenate(parts), np.cumsum([0, *map(len, parts)]), names))
    x = samples.x.copy()
    x[rows] = 255
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


@pytest.mark.parametrize(("modality", "unit"), [("text", "word_pieces"), ("tabular", None), ("series", None)])
def test_loader_processes_give_the_same_batches_as_none(
    small_set: Callable[..., str], modality: str, unit: str | None
) -> None:
    name = small_set(modality)
    alone, helped = (
        DataModule(name, input="stream", num_workers=workers, batch_size=100, unit=unit) for workers in (0, 2)
    )
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


@pytest.mark.parametrize("modality", ["text", "tokens", "tabular", "image", "series"])
def test_samples_that_are_mapped_from_a_file_that_nobody_may_write_to_are_encoded_without_a_warning(
    small_set: Callable[..., str], modality: str, recwarn: pytest.WarningsRecorder
) -> None:
    data = DataModule(small_set(modality))
    read_only(data.samples)
    for subset in ("train", "val", "test"):
        batches(data, subset)
    read_only(data.samples)
    data.encoder.encode(data.samples.x)  # without rows being taken first
    assert not [each for each in recwarn if "writable" in str(each.message)]


def read_only(samples: Samples) -> None:
    x = samples.x
    columns = [getattr(x, name) for name in ("values", "offsets", "numeric", "categorical") if hasattr(x, name)]
    for column in [x] if isinstance(x, np.ndarray) else columns:
        column.flags.writeable = False


def test_each_fold_tests_other_rows_and_together_they_test_all(small_set: Callable[..., str]) -> None:
    name = small_set("tabular")
    folds = [DataModule(name, folds=4, fold=fold) for fold in range(4)]
    assert sorted(np.concatenate([data.split.subsets["test"] for data in folds])) == list(range(240))
    assert len({data.split.digest for data in folds}) == 4
    assert folds[1].split.digest == datasets.split(name, folds=4, fold=1).digest != DataModule(name).split.digest


@pytest.mark.parametrize("key", ["unit", "max_length"])
def test_a_key_that_the_data_has_no_use_for_is_refused(key: str) -> None:
    given = {"unit": "bytes", "max_length": 7}
    with pytest.raises(
        UserError, match=rf"{key} is for text.*'digits' is image data; write data\.{key}=null"
    ) as caught:
        DataModule("digits", **{key: given[key]})
    assert caught.value.where == f"data.{key}"


def test_the_card_says_what_a_text_is_taken_apart_into_unless_the_config_does(small_set: Callable[..., str]) -> None:
    name = small_set("text", unit="words")
    assert DataModule(name).encoder.notes["unit"] == "words"
    data = DataModule(name, unit="bytes", max_length=3)
    assert data.encoder.notes == {"unit": "bytes", "max_length": 3}
    assert max(x.shape[1] for x, _ in batches(data, "train")) == 3


def test_balanced_training_batches_are_the_same_for_one_seed_and_epoch_and_evaluation_is_left_alone(
    small_set: Callable[..., str],
) -> None:
    labels = (np.arange(240) < 24).astype(np.int64)
    name = small_set("tabular", labels=labels)
    plain, balanced, again = (DataModule(name, balanced=each, batch_size=50) for each in (False, True, True))
    rows = sum(plain.class_counts)
    assert plain.class_counts[0] > 5 * plain.class_counts[1]
    drawn = torch.cat([y for _, y in balanced.train_dataloader()])
    assert sorted(torch.bincount(drawn).tolist()) == [rows // 2, rows - rows // 2]
    assert torch.equal(drawn, torch.cat([y for _, y in again.train_dataloader()]))
    for (x, y), (other_x, other_y) in zip(batches(plain, "val"), batches(balanced, "val"), strict=True):
        assert torch.equal(x, other_x)
        assert torch.equal(y, other_y)


def test_withheld_labels_stop_what_needs_them_and_nothing_else(withheld_set: str) -> None:
    data = DataModule(withheld_set)
    data.setup("fit")
    assert min(data.class_counts) > 80
    with pytest.raises(UserError, match=r"labels of 'test' are withheld.*PROJECTKIT_LABELS=<.*labels\.csv>") as caught:
        data.subset_dataloader("test")
    assert "\n" not in str(caught.value)
    x, y = next(iter(data.predict_dataloader()))
    assert len(x) == 40
    assert set(y.tolist()) == {-1}


@pytest.mark.parametrize("subset", ["train", "val"])
def test_a_sample_without_a_label_is_refused_where_it_would_be_learnt_from(withheld_set: str, subset: str) -> None:
    data = DataModule(withheld_set)
    rows = np.sort(np.append(data.split.subsets[subset], 239))
    data.split = replace(data.split, subsets={**data.split.subsets, subset: rows})
    with pytest.raises(UserError, match=rf"samples of '{subset}' have no label.*choose a split.*official") as caught:
        data.setup("fit")
    assert "\n" not in str(caught.value)


def test_the_first_checkpoints_of_texts_named_no_unit_and_still_load() -> None:
    data = DataModule("synthetic_text", unit="bytes")
    data.load_state_dict({"encoder": {"characters": "ab", "max_length": 9}})
    assert data.spec.vocab_size == 4
    assert data.encoder.notes == {"unit": "characters", "max_length": 9}


def test_the_first_checkpoints_of_tables_knew_no_missing_values_and_still_load() -> None:
    data = DataModule("synthetic_tabular")
    former = {key: value for key, value in data.state_dict()["encoder"].items() if key not in ("missing", "others")}
    expected = batches(data, "val")
    data.load_state_dict({"encoder": former})
    assert torch.equal(batches(data, "val")[0][0], expected[0][0])
