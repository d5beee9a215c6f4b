"""Encoders know the training subset and nothing else, and whatever they meet later has a place."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from projectkit.data.encoders import PAD, UNKNOWN, Encoder, ImageEncoder, TableEncoder, TextEncoder, encoder_for
from projectkit.datasets import Table
from projectkit.errors import UserError


def texts(*values: str) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def table(numeric: list[list[float]], categorical: list[list[str]] | None = None) -> Table:
    numbers = np.array(numeric, dtype=np.float32)
    categories = np.array(categorical or [[] for _ in numeric], dtype=object).reshape(len(numbers), -1)
    return Table(
        numbers,
        tuple(f"n{i}" for i in range(numbers.shape[1])),
        categories,
        tuple(f"c{i}" for i in range(categories.shape[1])),
    )


def fitted() -> list[Encoder]:
    rng = np.random.default_rng(0)
    return [
        TextEncoder.fit(texts("ab", "c\ud800é", "")),
        TableEncoder.fit(table([[1.0, 5.0], [3.0, 5.0]], [["tcp"], ["udp"]])),
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
    assert len({TextEncoder.fit(texts(text)).digest for text in ("ab", "ac", "abc")}) == 3
    assert TextEncoder.fit(texts("ab", "ba")).digest == TextEncoder.fit(texts("ba", "ab")).digest


def test_characters_have_the_same_index_in_every_text_and_new_ones_share_one() -> None:
    encoder = TextEncoder.fit(texts("ca", "bb"))
    ragged = encoder.encode(texts("ab", "a!", "🙂c"))
    assert ragged.gather(torch.arange(3)).tolist() == [[2, 3], [2, UNKNOWN], [UNKNOWN, 4]]
    assert encoder.facts == {"shape": (None,), "vocab_size": 5, "pad_index": PAD}


def test_no_text_of_the_training_subset_uses_the_index_of_unknown_or_padding() -> None:
    train = texts("hello", "wörld", "")
    assert TextEncoder.fit(train).encode(train).values.min() > max(PAD, UNKNOWN)


def test_an_empty_text_is_one_step_of_padding() -> None:
    encoder = TextEncoder.fit(texts("ab"))
    assert encoder.encode(texts("", "")).gather(torch.tensor([0, 1])).tolist() == [[PAD], [PAD]]


def test_an_alphabet_that_is_empty_knows_no_character() -> None:
    encoder = TextEncoder.fit(texts("", ""))
    assert encoder.facts["vocab_size"] == 2
    assert encoder.encode(texts("", "x")).gather(torch.arange(2)).tolist() == [[PAD], [UNKNOWN]]


def test_halves_of_a_broken_character_stay_two_characters() -> None:
    encoder = TextEncoder.fit(texts("\ud83d", "\ude42"))
    tokens = encoder.encode(texts("\ud83d", "\ude42", "\U0001f642"))
    assert tokens.gather(torch.arange(3)).tolist() == [[2], [3], [UNKNOWN]]


def test_texts_are_cut_at_the_99th_percentile_of_the_training_lengths() -> None:
    encoder = TextEncoder.fit(texts(*["abc"] * 999, "a" * 10_000))
    assert encoder.max_length == 3
    assert encoder.encode(texts("abcabc")).gather(torch.tensor([0])).shape == (1, 3)


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
    only = Table(empty, (), np.array([["a"], ["b"]], dtype=object), ("c",))
    assert TableEncoder.fit(only).encode(only).values.tolist() == [[1, 0], [0, 1]]


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


def test_a_modality_without_an_encoder_is_told_the_way_out() -> None:
    with pytest.raises(UserError, match=r"'sound'.*LightningDataModule of your own as data\.class_path"):
        encoder_for("sound")
