"""The columns that samples are cut by are what the samples say."""

from __future__ import annotations

from typing import Any

import numpy as np

from projectkit.datasets import WITHHELD, Samples, Table, Texts, Tokens
from projectkit.evaluation.columns import class_columns, known_columns, sample_columns

STRINGS = ("ABC 123", "größer ½", "", "漢字", "half \ud83d", "x")


def samples(x: Any, n: int, **more: Any) -> Samples:
    return Samples(
        id=np.arange(n).astype(str), x=x, y={"main": np.zeros(n, dtype=np.int64), **more.pop("y", {})}, **more
    )


def columns(of: Samples, rows: list[int], train: list[int] | None = None) -> dict[str, np.ndarray]:
    names = {"main": ("only",), "other": ("red", "blue")}
    found = sample_columns(of, np.array(rows), np.array(train or [0]), "main", names)
    return {each.name: each.values for each in found}


def test_a_texts_columns_count_characters_and_not_bytes() -> None:
    rows = [5, 0, 1, 2, 3, 4]
    found = columns(samples(Texts.of(STRINGS), 6), rows)
    chosen = [STRINGS[row] for row in rows]
    assert found["length (characters)"].tolist() == [len(text) for text in chosen]
    assert found["share of digits"].tolist() == [
        sum(character in "0123456789" for character in text) / max(1, len(text)) for text in chosen
    ]
    assert found["share of capitals"].tolist() == [
        sum("A" <= character <= "Z" for character in text) / max(1, len(text)) for text in chosen
    ]
    assert found["characters beyond ASCII"].tolist() == ["no" if text.isascii() else "yes" for text in chosen]


def test_a_sequences_columns_are_its_length_and_how_many_of_its_tokens_differ() -> None:
    tokens = Tokens(np.array([0, 1, 1, 0, 2]), np.array([0, 4, 5]), ("a", "b", "c"))
    found = columns(samples(tokens, 2), [1, 0])
    assert found["length (tokens)"].tolist() == [1, 4]
    assert found["share of different tokens"].tolist() == [1.0, 0.5]


def test_a_tables_columns_are_its_own() -> None:
    table = Table(np.array([[1.0], [2.0], [np.nan]], np.float32), ("size",), np.array([["a"], ["b"], [""]]), ("kind",))
    found = columns(samples(table, 3), [2, 1])
    assert np.isnan(found["size"][0])
    assert found["kind"].tolist() == ["", "b"]


def test_an_images_columns_are_its_brightness_and_contrast() -> None:
    images = np.zeros((3, 1, 4, 4), dtype=np.uint8)
    images[1] = 100
    images[2, :, :2] = 200
    found = columns(samples(images, 3), [0, 1, 2])
    assert found["brightness (0 to 255)"].tolist() == [0, 100, 100]
    assert found["contrast (deviation of its pixels)"].tolist() == [0, 0, 100]


def test_a_series_columns_are_its_mean_and_deviation() -> None:
    series = np.array([[[1.0, 1.0]], [[0.0, 4.0]]], dtype=np.float32)
    found = columns(samples(series, 2), [1, 0])
    assert found["mean of the series"].tolist() == [2, 1]
    assert found["deviation of the series"].tolist() == [2, 0]


def test_other_targets_are_columns_unless_all_of_them_are_withheld() -> None:
    texts = Texts.of(STRINGS)
    known = samples(texts, 6, y={"other": np.array([0, 1, 1, 0, WITHHELD, 0])})
    assert columns(known, [0, 1, 4])["other"].tolist() == ["red", "blue", "withheld"]
    withheld = samples(texts, 6, y={"other": np.full(6, WITHHELD)})
    assert "other" not in columns(withheld, [0, 1])
    assert "main" not in columns(known, [0, 1])


def test_a_sample_whose_copy_was_trained_on_is_told_from_one_that_is_new() -> None:
    copies = np.array([0, 1, 0, 3, 1, 5])
    found = columns(samples(Texts.of(STRINGS), 6, copies=copies), [2, 3, 4], train=[0, 1])
    assert found["copy in train"].tolist() == ["yes", "no", "yes"]


def test_classes_without_a_sample_are_named() -> None:
    (found,), empty = class_columns(np.array([0, 2, 0]), ("ant", "bee", "cat"))
    assert found.values.tolist() == ["ant", "cat", "ant"]
    assert empty == ["class bee"]


def test_what_is_known_of_samples_is_a_column_each() -> None:
    found = known_columns(groups=np.array(["g", "h"]), time=np.array([1, 2]), source=None)
    assert [each.name for each in found] == ["time", "group"]
    assert [each.grouping for each in found] == [False, True]
    assert known_columns() == []
