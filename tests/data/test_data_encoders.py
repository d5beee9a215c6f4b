"""Encoders know the training subset and nothing else, and whatever they meet later has a place."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from projectkit.data.encoders import (
    PAD,
    UNKNOWN,
    ByteEncoder,
    CharacterEncoder,
    Encoder,
    ImageEncoder,
    SeriesEncoder,
    TableEncoder,
    TokenEncoder,
    WordEncoder,
    WordPieceEncoder,
    encoder_class,
)
from projectkit.datasets import Table, Texts, Tokens
from projectkit.errors import UserError


def table(numeric: list[list[float]], categorical: list[list[str]] | None = None) -> Table:
    numbers = np.array(numeric, dtype=np.float32)
    categories = np.array(categorical or [[] for _ in numeric], dtype=np.str_).reshape(len(numbers), -1)
    return Table(
        numbers,
        tuple(f"n{i}" for i in range(numbers.shape[1])),
        categories,
        tuple(f"c{i}" for i in range(categories.shape[1])),
    )


def fitted() -> list[Encoder]:
    rng = np.random.default_rng(0)
    return [
        CharacterEncoder.fit(Texts.of(["ab", "c\ud800é", ""])),
        ByteEncoder.fit(Texts.of(["ab", "c\ud800é", ""])),
        WordEncoder.fit(Texts.of(["ab ab", "c\ud800é", ""])),
        WordPieceEncoder.fit(Texts.of(["ab ab abc", "c\ud800é", ""])),
        TokenEncoder.fit(Tokens(np.array([2, 0, 2]), np.array([0, 1, 3]), ("open", "read", "close"))),
        TableEncoder.fit(table([[1.0, 5.0], [3.0, 5.0]], [["tcp"], ["udp"]])),
        TableEncoder.fit(table([[np.nan], [3.0]], [[f"host-{row}"] for row in range(2)])),
        SeriesEncoder.fit(rng.normal(size=(5, 2, 9)).astype(np.float32)),
        ImageEncoder.fit(rng.integers(0, 256, (5, 3, 4, 6), dtype=np.uint8)),
    ]


@pytest.mark.parametrize("encoder", fitted(), ids=lambda encoder: type(encoder).__name__)
def test_an_encoder_comes_back_from_a_checkpoint_as_it_was(encoder: Encoder) -> None:
    file = io.BytesIO()
    torch.save(encoder.state(), file)
    file.seek(0)
    back = type(encoder).from_state(torch.load(file, weights_only=True))
    assert back.state() == encoder.state()
    assert back.digest == encoder.digest
    assert back.facts == encoder.facts


def test_the_digest_tells_two_fitted_states_apart() -> None:
    assert len({CharacterEncoder.fit(Texts.of([text])).digest for text in ("ab", "ac", "abc")}) == 3
    assert CharacterEncoder.fit(Texts.of(["ab", "ba"])).digest == CharacterEncoder.fit(Texts.of(["ba", "ab"])).digest


def test_characters_have_the_same_index_in_every_text_and_new_ones_share_one() -> None:
    encoder = CharacterEncoder.fit(Texts.of(["ca", "bb"]))
    ragged = encoder.encode(Texts.of(["ab", "a!", "🙂c"]))
    assert ragged.gather(torch.arange(3)).tolist() == [[2, 3], [2, UNKNOWN], [UNKNOWN, 4]]
    assert encoder.facts == {"shape": (None,), "vocab_size": 5, "pad_index": PAD}


def test_no_text_of_the_training_subset_uses_the_index_of_unknown_or_padding() -> None:
    train = Texts.of(["hello", "wörld", ""])
    assert CharacterEncoder.fit(train).encode(train).values.min() > max(PAD, UNKNOWN)


def test_an_empty_text_is_one_step_of_padding() -> None:
    encoder = CharacterEncoder.fit(Texts.of(["ab"]))
    assert encoder.encode(Texts.of(["", ""])).gather(torch.tensor([0, 1])).tolist() == [[PAD], [PAD]]


def test_an_alphabet_that_is_empty_knows_no_character() -> None:
    encoder = CharacterEncoder.fit(Texts.of(["", ""]))
    assert encoder.facts["vocab_size"] == 2
    assert encoder.encode(Texts.of(["", "x"])).gather(torch.arange(2)).tolist() == [[PAD], [UNKNOWN]]


def test_halves_of_a_broken_character_stay_two_characters() -> None:
    encoder = CharacterEncoder.fit(Texts.of(["\ud83d", "\ude42"]))
    tokens = encoder.encode(Texts.of(["\ud83d", "\ude42", "\U0001f642"]))
    assert tokens.gather(torch.arange(3)).tolist() == [[2], [3], [UNKNOWN]]


def test_texts_are_cut_at_the_99th_percentile_of_the_training_lengths() -> None:
    encoder = CharacterEncoder.fit(Texts.of([*["abc"] * 999, "a" * 10_000]))
    assert encoder.max_length == 3
    assert encoder.encode(Texts.of(["abcabc"])).gather(torch.tensor([0])).shape == (1, 3)


def test_numbers_have_mean_zero_and_deviation_one_on_the_training_rows() -> None:
    rng = np.random.default_rng(1)
    train = table((rng.normal(size=(500, 3)) * [1.0, 1e6, 1e-6] + [0.0, 1e7, 0.0]).tolist())
    values = TableEncoder.fit(train).encode(train).values
    assert values.dtype == torch.float32
    torch.testing.assert_close(values.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(values.std(0, correction=0), torch.ones(3), atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8, -7.3e-30])
def test_a_column_that_is_constant_in_training_is_zero_and_a_new_value_in_it_stays_bounded(value: float) -> None:
    encoder = TableEncoder.fit(table([[value]] * 999))
    assert encoder.scale == [1.0]
    assert float(encoder.encode(table([[value]])).values) == 0.0
    assert abs(float(encoder.encode(table([[value + 1e9]])).values)) == TableEncoder.LIMIT


def test_a_category_is_one_column_and_a_new_one_is_all_zeros() -> None:
    encoder = TableEncoder.fit(table([[0.0], [0.0]], [["udp", "a"], ["tcp", "a"]]))
    values = encoder.encode(table([[0.0], [0.0]], [["tcp", "a"], ["icmp", "b"]])).values
    assert values.tolist() == [[0, 1, 0, 1], [0, 0, 0, 0]]
    assert encoder.facts == {"shape": (4,), "num_features": 4}


def test_a_table_of_numbers_alone_or_of_categories_alone_is_a_table() -> None:
    assert TableEncoder.fit(table([[1.0], [2.0]])).facts["num_features"] == 1
    empty = np.empty((2, 0), dtype=np.float32)
    only = Table(empty, (), np.array([["a"], ["b"]]), ("c",))
    assert TableEncoder.fit(only).encode(only).values.tolist() == [[1, 0], [0, 1]]


def test_a_missing_number_is_the_mean_and_has_a_column_that_says_so() -> None:
    train = table([[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0]])
    encoder = TableEncoder.fit(train)
    assert (encoder.mean, encoder.missing) == ([2.0, 2.0], [0])
    values = encoder.encode(train).values
    assert values[:, 0].tolist() == [-1.0, 0.0, 1.0]
    assert values[:, 2].tolist() == [0.0, 1.0, 0.0]
    # missing where training had it everywhere: the mean, and no column that was never trained
    assert encoder.encode(table([[2.0, np.nan]])).values.tolist() == [[0.0, 0.0, 0.0]]


def test_a_column_that_training_never_has_is_zero_and_its_indicator_is_one() -> None:
    train = table([[np.nan], [np.nan]])
    assert TableEncoder.fit(train).encode(train).values.tolist() == [[0.0, 1.0], [0.0, 1.0]]


def test_infinite_numbers_are_cut_and_move_no_mean() -> None:
    encoder = TableEncoder.fit(table([[1.0], [3.0], [np.inf]]))
    assert (encoder.mean, encoder.missing) == ([2.0], [])
    assert encoder.encode(table([[np.inf], [-np.inf]])).values.flatten().tolist() == [10.0, -10.0]


def test_an_empty_category_is_a_category() -> None:
    encoder = TableEncoder.fit(table([[0.0], [0.0]], [["tcp"], [""]]))
    assert encoder.encode(table([[0.0], [0.0]], [[""], ["tcp"]])).values.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_of_many_categories_the_frequent_ones_have_columns_and_all_others_share_one() -> None:
    most = TableEncoder.MOST
    names = [f"v{number:03d}" for number in range(most + 5)]
    column = [*names, *names[5:]]  # the first five are the rarest
    encoder = TableEncoder.fit(table([[0.0]] * len(column), [[name] for name in column]))
    assert encoder.facts["num_features"] == 1 + most + 1
    assert encoder.categories == [names[5:]]
    values = encoder.encode(table([[0.0]] * 3, [["v000"], ["never seen"], ["v005"]])).values
    assert values[:, 1:].argmax(1).tolist() == [most, most, 0]
    assert values.sum(1).tolist() == [1.0, 1.0, 1.0]


def test_one_hot_columns_are_what_a_loop_would_give() -> None:
    rng = np.random.default_rng(5)
    categories = rng.choice(["", "a", "ab", "b", "ü"], size=(200, 2))
    train = table([[0.0]] * 200, categories.tolist())
    values = TableEncoder.fit(train).encode(train).values.numpy()
    expected = [
        [float(row[c] == name) for c in range(2) for name in sorted(set(categories[:, c]))] for row in categories
    ]
    assert values[:, 1:].tolist() == expected


def test_images_stay_bytes_until_they_are_on_the_device_and_are_standardised_there() -> None:
    images = np.random.default_rng(2).integers(0, 256, (40, 3, 5, 7), dtype=np.uint8)
    encoder = ImageEncoder.fit(images)
    values = encoder.encode(images).values
    assert values.dtype == torch.uint8
    ready = encoder.on_device(values)
    assert ready.dtype == torch.float32
    torch.testing.assert_close(ready.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(ready.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)
    assert encoder.facts == {"shape": (3, 5, 7), "in_channels": 3}


def test_images_of_one_colour_are_no_division_by_zero() -> None:
    images = np.full((3, 1, 2, 2), 7, dtype=np.uint8)
    encoder = ImageEncoder.fit(images)
    assert encoder.on_device(encoder.encode(images).values).abs().max() == 0


def test_large_image_sets_are_counted_in_parts_that_give_the_same_moments() -> None:
    images = np.random.default_rng(3).integers(0, 256, (1_500, 2, 32, 32), dtype=np.uint8)
    encoder = ImageEncoder.fit(images)
    assert encoder.mean == pytest.approx(images.mean((0, 2, 3)).tolist(), rel=1e-12)
    assert encoder.scale == pytest.approx(images.std((0, 2, 3)).tolist(), rel=1e-9)


def test_series_have_mean_zero_and_deviation_one_channel_by_channel_and_gaps_are_the_mean() -> None:
    rng = np.random.default_rng(4)
    series = (rng.normal(size=(50, 2, 40)) * np.array([[[1.0], [1e4]]]) + np.array([[[3.0], [1e5]]])).astype(np.float32)
    series[7, 1, :5] = np.nan
    encoder = SeriesEncoder.fit(series)
    ready = encoder.on_device(encoder.encode(series).values)
    assert ready.dtype == torch.float32
    assert ready[7, 1, :5].tolist() == [0.0] * 5
    broken = np.array([[[np.inf, -np.inf], [np.nan, np.inf]]], dtype=np.float32)
    assert encoder.on_device(encoder.encode(broken).values).tolist() == [[[10.0, -10.0], [0.0, 10.0]]]
    torch.testing.assert_close(ready.mean((0, 2)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(ready.std((0, 2), correction=0), torch.ones(2), atol=2e-3, rtol=0)
    assert encoder.facts == {"shape": (2, 40), "in_channels": 2}


@pytest.mark.parametrize("value", [0.0, 0.1, np.nan])
def test_a_channel_that_is_constant_or_empty_is_zero(value: float) -> None:
    series = np.full((3, 1, 7), value, dtype=np.float32)
    encoder = SeriesEncoder.fit(series)
    assert encoder.on_device(encoder.encode(series).values).abs().max() < 1e-6


def test_a_modality_without_an_encoder_is_told_the_way_out() -> None:
    with pytest.raises(UserError, match=r"'sound'.*LightningDataModule of your own as data\.class_path"):
        encoder_class("sound", "characters")


def test_a_misspelt_unit_is_told_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'word'.*did you mean 'words'\?"):
        encoder_class("text", "word")
