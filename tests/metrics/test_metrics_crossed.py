"""What the draw of the samples adds to a difference of means over seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from projectkit import metrics
from projectkit.errors import UserError
from projectkit.metrics import spread_over_samples

NAMES = ("accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "average_precision", "loss")


def scores(rng: np.random.Generator, target: Any, hardness: Any, skill: float, classes: int = 3) -> Any:
    logits = hardness + 0.8 * rng.normal(size=hardness.shape)
    logits[np.arange(len(target)), target] += skill
    found = np.exp(logits)
    return found / found.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def measured() -> tuple[Any, list[Any], list[Any]]:
    """300 samples, and what three runs of one kind and two of another say about them."""
    rng = np.random.default_rng(4)
    target, hardness = rng.integers(0, 3, 300), rng.normal(size=(300, 3))
    first = [scores(rng, target, hardness, 1.6) for _ in range(3)]
    return target, first, [scores(rng, target, hardness, 1.0) for _ in range(2)]


@pytest.fixture(scope="module")
def drawn_again(measured: tuple[Any, list[Any], list[Any]]) -> dict[str, list[float]]:
    """The difference of the means on 400 bootstrap samples, by metric."""
    target, first, second = measured
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(400):
        rows = rng.integers(0, len(target), len(target))
        sides = [
            [metrics.classification_metrics(target[rows], each[rows]) for each in side] for side in (first, second)
        ]
        for name in NAMES:
            means = [float(np.mean([values[name] for values in side])) for side in sides]
            found[name].append(means[0] - means[1])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_spread_is_that_of_drawing_the_samples_again(
    name: str, measured: tuple[Any, list[Any], list[Any]], drawn_again: dict[str, list[float]]
) -> None:
    expected = np.std(drawn_again[name], ddof=1)
    assert spread_over_samples(*measured, name) == pytest.approx(expected, rel=0.15)


def test_of_one_run_each_the_spread_of_accuracy_is_that_of_the_paired_differences(
    measured: tuple[Any, list[Any], list[Any]],
) -> None:
    target, first, second = measured
    right = [(each[0].argmax(axis=1) == target).astype(float) for each in (first, second)]
    expected = np.std(right[0] - right[1], ddof=1) / math.sqrt(len(target))
    assert spread_over_samples(target, first[:1], second[:1], "accuracy") == pytest.approx(expected)


def test_copies_of_a_sample_in_one_group_tell_no_more_than_the_sample(
    measured: tuple[Any, list[Any], list[Any]],
) -> None:
    target, first, second = measured
    twice = np.tile(np.arange(len(target)), 2)
    copied = [[each[twice] for each in side] for side in (first, second)]
    alone = spread_over_samples(target, first, second, "f1_macro")
    assert alone is not None
    assert spread_over_samples(target[twice], *copied, "f1_macro", groups=twice) == pytest.approx(alone, rel=0.01)
    assert spread_over_samples(target[twice], *copied, "f1_macro") == pytest.approx(alone / math.sqrt(2), rel=0.01)


def test_a_number_without_a_share_of_each_sample_has_none(measured: tuple[Any, list[Any], list[Any]]) -> None:
    target, first, second = measured
    assert spread_over_samples(target, first, second, "ece") is None
    assert spread_over_samples(np.zeros(300, dtype=int), first, second, "auroc") is None
    with pytest.raises(UserError, match="no classification metric 'aucc'"):
        spread_over_samples(target, first, second, "aucc")


def test_seeds_and_samples_together_cover_what_seeds_alone_miss() -> None:
    """Two kinds that are equal on average: the true difference is 0 over all seeds and all samples."""
    rng = np.random.default_rng(11)
    draws, seeds, n, both, alone = 300, 5, 80, 0, 0
    for _ in range(draws):
        # each kind finds other samples hard, the same ones with every seed: what another draw of the samples moves
        target, hard = rng.integers(0, 2, n), [rng.normal(size=n), rng.normal(size=n)]
        sides = []
        for of_kind in hard:
            runs = []
            for _seed in range(seeds):
                right = 0.4 + of_kind + 0.3 * rng.normal(size=n) > 0
                said = np.where(right, target, 1 - target)
                runs.append(np.eye(2)[said] * 0.8 + 0.1)
            sides.append(runs)
        numbers = [[float((each.argmax(axis=1) == target).mean()) for each in side] for side in sides]
        found = metrics.seeds_difference(*numbers, paired=False)
        spread = spread_over_samples(target, *sides, "accuracy")
        assert spread is not None
        half = math.hypot(found.high - found.value, 1.96 * spread)
        both += abs(found.value) <= half
        alone += found.low <= 0 <= found.high
    assert both / draws >= 0.92
    assert alone / draws < 0.8
