"""Copies: equal inputs of every form, and nearly equal ones, against a search through all pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
import pytest

from projectkit.datasets.card import NearDuplicates
from projectkit.datasets.columns import Inputs, Table, Texts, Tokens
from projectkit.datasets.copies.clusters import joined, joined_if_alike
from projectkit.datasets.copies.duplicates import copies, masked
from projectkit.datasets.copies.minhash import _gram_sets, _smallest, minhash_clusters
from projectkit.datasets.copies.perceptual_hash import perceptual_clusters, perceptual_hash
from projectkit.errors import WorkError

LETTERS = np.array(list("abcdefghij klmnop"))


def table(numbers: list[list[float]], words: list[list[str]]) -> Table:
    return Table(np.array(numbers, dtype=np.float32), ("p", "q"), np.array(words), ("w",))


def texts_with_variants(count: int, seed: int) -> list[str]:
    """Random texts, and of each of them variants with more and more characters changed."""
    numbers = np.random.default_rng(seed)
    found: list[str] = []
    for _ in range(count):
        text = numbers.choice(LETTERS, int(numbers.integers(20, 120)))
        for changes in (0, 1, 2, 4, 8):
            variant = text.copy()
            variant[numbers.integers(0, len(text), changes)] = "z"
            found.append("".join(variant))
    return [found[row] for row in numbers.permutation(len(found))]


def jaccard(one: str, other: str) -> float:
    grams = [{text[n : n + 5] for n in range(max(1, len(text) - 4))} for text in (one, other)]
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


def brute_force(count: int, alike: set[tuple[int, int]]) -> list[int]:
    """The first row of each row's cluster, by repeating until nothing changes."""
    cluster = list(range(count))
    changed = True
    while changed:
        changed = False
        for one, other in alike:
            least = min(cluster[one], cluster[other])
            changed |= cluster[one] != cluster[other]
            cluster[one] = cluster[other] = least
    return cluster


def pictures(count: int, seed: int, channels: int = 1, side: int = 32) -> np.ndarray:
    """Smooth random pictures, as photographs are."""
    numbers = np.random.default_rng(seed)
    coarse = numbers.integers(0, 256, (count, channels, 8, 8)).astype(np.float64)
    spread = np.maximum(0, 1 - np.abs(np.linspace(0, 7, side)[:, None] - np.arange(8)))
    return np.clip(spread @ coarse @ spread.T, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "x",
    [
        Texts.of(["one", "two", "one", "", "", "ONE", "two"]),
        Tokens(np.array([1, 2, 3, 1, 2, 1, 3, 3], np.uint16), np.array([0, 2, 3, 5, 5, 5, 7, 8]), ("a", "b", "c", "d")),
        table([[1, 2], [1, 3], [1, 2], [0, np.nan], [-0.0, np.nan], [1, 2], [1, 3]], [["a"], ["b"], ["a"], ["c"], ["c"], ["b"], ["b"]]),
        np.array([1, 2, 1, 0, 0, 3, 2], np.uint8)[:, None, None, None] * np.ones((1, 3, 2, 2), np.uint8),
        np.array([1, 2, 1, 0, 0, 3, 2], np.float32)[:, None, None] * np.ones((1, 1, 9), np.float32),
    ],
    ids=["texts", "tokens", "table", "images", "series"],
)  # fmt: skip
def test_equal_inputs_are_copies_whatever_their_form(x: Inputs) -> None:
    assert copies(x).tolist() == [0, 1, 0, 3, 3, 5, 1]


def test_equal_numbers_are_copies_however_they_are_written() -> None:
    nan = np.array([0x7FC00000, 0x7FC00001, 0xFFC00000], dtype=np.uint32).view(np.float32)
    series = np.array([[[0.0]], [[-0.0]], *nan.reshape(3, 1, 1)], dtype=np.float32)
    assert copies(series).tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize(
    "x", [Texts.of([]), np.zeros((0, 1, 28, 28), np.uint8), Table(np.zeros((0, 0), np.float32), (), np.zeros((0, 0), "U1"), ())]
)  # fmt: skip
@pytest.mark.parametrize("near", [None, "masked", "minhash", "perceptual_hash"])
def test_no_rows_have_no_copies(x: Inputs, near: str | None) -> None:
    fitting = {"masked": Texts, "minhash": Texts, "perceptual_hash": np.ndarray, None: object}[near]
    if isinstance(x, fitting):
        assert copies(x, None if near is None else NearDuplicates(near, 0.8)).tolist() == []  # type: ignore[arg-type]


def test_columns_without_width_make_all_rows_equal() -> None:
    assert copies(Table(np.zeros((3, 0), np.float32), (), np.zeros((3, 0), "U1"), ())).tolist() == [0, 0, 0]


def test_masked_texts_are_copies_unless_nothing_is_left_of_them() -> None:
    texts = ["Call 0906 now!", "call 12 NOW", "!!!", "???", "!!!", "call now"]
    assert copies(Texts.of(texts), NearDuplicates("masked")).tolist() == [0, 0, 2, 3, 2, 5]


def test_a_masked_text_is_blind_for_numbers_punctuation_and_case() -> None:
    assert masked("URGENT! Call 0906 123-456 now.") == masked("Urgent: call 0800 99 7 now") == "urgent call 0 0 0 now"
    assert masked("so ü there?") == "so ü there"


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_minhash_finds_the_pairs_that_a_search_through_all_of_them_finds(threshold: float) -> None:
    texts = sorted(set(texts_with_variants(60, seed=1)))
    alike = {
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if jaccard(texts[one], texts[other]) >= threshold
    }
    expected = brute_force(len(texts), alike)
    found = minhash_clusters(Texts.of(texts), threshold).tolist()
    together = {(one, other) for one, other in combinations(range(len(texts)), 2) if found[one] == found[other]}
    truly = {(one, other) for one, other in combinations(range(len(texts)), 2) if expected[one] == expected[other]}
    assert len(alike) > 20
    assert together <= truly  # what is joined is alike: sets are compared, not estimates
    assert len(together) >= 0.97 * len(truly)


def test_minhash_counts_characters_not_bytes() -> None:
    one, other = "привет мир, как дела", "привет мир, как делА"
    assert jaccard(one, other) == pytest.approx(15 / 17)
    assert minhash_clusters(Texts.of([one, other]), 0.88).tolist() == [0, 0]
    assert minhash_clusters(Texts.of([one, other]), 0.89).tolist() == [0, 1]


def test_texts_shorter_than_a_gram_are_alike_only_if_equal_and_empty_ones_never() -> None:
    assert minhash_clusters(Texts.of(["abc", "abcd", "abc", "", "", "abc\0"]), 0.1).tolist() == [0, 1, 0, 3, 4, 5]


def test_token_sequences_are_compared_by_their_grams() -> None:
    sequence = np.arange(40, dtype=np.uint16)
    changed = sequence.copy()
    changed[-1] = 0
    x = Tokens(
        np.concatenate([sequence, changed, sequence[::-1]]), np.array([0, 40, 80, 120]), tuple(map(str, range(40)))
    )
    assert copies(x, NearDuplicates("minhash", 0.8)).tolist() == [0, 0, 2]


def test_the_parts_that_work_is_cut_into_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from projectkit.datasets.copies import minhash, perceptual_hash

    texts, images = Texts.of(texts_with_variants(40, seed=2)), pictures(50, seed=3)
    whole = minhash_clusters(texts, 0.7), perceptual_clusters(images, 9)
    parts = minhash._parts
    monkeypatch.setattr(minhash, "_parts", lambda counts, at_once=0: parts(counts, 97))
    monkeypatch.setattr(perceptual_hash, "_AT_ONCE", 7)
    assert np.array_equal(minhash_clusters(texts, 0.7), whole[0])
    assert np.array_equal(perceptual_clusters(images, 9), whole[1])


def test_hashes_are_the_same_on_every_machine() -> None:
    grams = _gram_sets(Texts.of(["the quick brown fox", "ü", ""]))
    assert _smallest(*grams, 0).tolist() == [396158417, 3106294609, 4294967295]
    assert _smallest(*grams, 1).tolist() == [223517682, 2181199520, 4294967295]
    row, column = np.indices((48, 40))
    images = np.stack([row * column * factor // 7 % 256 for factor in (1, 2, 5)])[:, None].astype(np.uint8)
    assert [f"{number:016x}" for number in perceptual_hash(images)] == [
        "807f556a556a556a",
        "8c336c5bb6a95a54",
        "801f3c7167664d5b",
    ]
    assert [f"{number:016x}" for number in perceptual_hash(images.reshape(1, 3, 48, 40))] == ["88776c5bb4695a54"]


@pytest.mark.parametrize("threshold", [0, 3, 6, 10])
def test_perceptual_hashes_find_the_pairs_that_a_search_through_all_of_them_finds(threshold: int) -> None:
    numbers = np.random.default_rng(7)
    base = pictures(60, seed=6)
    noisy = [np.clip(base + numbers.normal(0, level, base.shape), 0, 255).astype(np.uint8) for level in (0, 4, 12, 30)]
    images = np.concatenate(noisy)
    hashes = [int(each) for each in perceptual_hash(images)]
    alike = {
        (one, other)
        for one, other in combinations(range(len(images)), 2)
        if (hashes[one] ^ hashes[other]).bit_count() <= threshold
    }
    assert perceptual_clusters(images, threshold).tolist() == brute_force(len(images), alike)


def test_a_picture_and_its_brighter_noisier_or_smaller_version_are_near_duplicates() -> None:
    numbers = np.random.default_rng(8)
    base = pictures(40, seed=9, channels=3, side=64)
    brighter = (base * 0.8 + 40).astype(np.uint8)
    noisy = np.clip(base + numbers.normal(0, 6, base.shape), 0, 255).astype(np.uint8)
    smaller = base.reshape(40, 3, 32, 2, 32, 2).mean(axis=(3, 5)).astype(np.uint8)
    original = perceptual_hash(base)
    for version in (brighter, noisy, smaller):
        assert np.bitwise_count(original ^ perceptual_hash(version)).max() <= 6
    others = [int(original[one] ^ original[other]).bit_count() for one, other in combinations(range(40), 2)]
    assert min(others) > 10


def test_a_chain_is_one_cluster_though_its_ends_are_far_apart() -> None:
    places = np.arange(50)
    found = joined_if_alike(50, [np.zeros(50)], lambda left, right: np.abs(places[left] - places[right]) <= 1)
    assert found.tolist() == [0] * 50


def test_a_threshold_that_joins_most_of_the_inputs_is_refused() -> None:
    flat = pictures(150, seed=10)
    with pytest.raises(
        WorkError,
        match=r"threshold 30 put \d+ of 150 inputs into one cluster; lower the threshold in the card's near_duplicates",
    ):
        copies(flat, NearDuplicates("perceptual_hash", 30))


@pytest.mark.parametrize(("method", "threshold"), [("minhash", 0.0), ("minhash", 80), ("perceptual_hash", -1)])
def test_a_threshold_without_sense_is_refused(method: Literal["minhash", "perceptual_hash"], threshold: float) -> None:
    with pytest.raises(
        WorkError, match=rf"threshold {threshold} of near duplicates by '{method}'; give the card's .* one from"
    ):
        copies(Texts.of(["a"]), NearDuplicates(method, threshold))


def test_a_method_for_another_form_of_input_is_refused() -> None:
    with pytest.raises(WorkError, match="near duplicates by 'perceptual_hash' are not for Texts"):
        copies(Texts.of(["a"]), NearDuplicates("perceptual_hash", 4))


def test_clusters_that_share_a_row_are_one() -> None:
    assert joined(5, np.array(["a", "b", "a", "c", "d"]), np.array([1, 2, 3, 3, 4]), None).tolist() == [0, 1, 0, 0, 4]


@pytest.mark.parametrize("seed", range(10))
def test_joined_clusters_of_random_columns_are_those_of_a_repeated_search(seed: int) -> None:
    numbers = np.random.default_rng(seed)
    columns = [numbers.integers(0, 40, 60) for _ in range(2)]
    alike = {(a, b) for a, b in combinations(range(60), 2) if any(column[a] == column[b] for column in columns)}
    assert joined(60, *columns).tolist() == brute_force(60, alike)
    banded = joined_if_alike(60, columns, lambda left, _: np.ones(len(left), dtype=bool))
    assert banded.tolist() == brute_force(60, alike)
