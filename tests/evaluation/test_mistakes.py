"""Mistakes come in the order of their confidence, varied, and their counts are the confusion matrix's."""

from __future__ import annotations

import numpy as np

from projectkit.evaluation.mistakes import (
    OF_GROUP,
    PAIR_SHARE,
    anomaly_mistakes,
    classification_mistakes,
    regression_mistakes,
)
from projectkit.metrics import confusion_matrix

NAMES = ("ant", "bee", "cat")


def predictions(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.dirichlet(np.ones(3), size=n)
    return np.array([f"s{number}" for number in range(n)]), rng.integers(0, 3, size=n), score


def test_the_most_confident_mistakes_come_first() -> None:
    ids, target, score = predictions()
    found = classification_mistakes(ids, target, score, NAMES)
    confidence = [each.confidence for each in found.shown]
    assert confidence == sorted(confidence, reverse=True)
    assert confidence[0] == score.max(axis=1)[score.argmax(axis=1) != target].max()
    for each in found.shown:
        row = ids.tolist().index(each.id)
        assert (each.row, each.target) == (row, NAMES[target[row]])
        assert each.predicted == NAMES[score[row].argmax()] != each.target
        assert each.truth == score[row, target[row]]


def test_counts_are_those_of_the_confusion_matrix() -> None:
    ids, target, score = predictions()
    found = classification_mistakes(ids, target, score, NAMES)
    matrix = confusion_matrix(target, score.argmax(axis=1), 3)
    assert found.total == matrix.sum() - np.trace(matrix)
    assert {(each.target, each.predicted): each.count for each in found.pairs} == {
        (NAMES[row], NAMES[column]): matrix[row, column]
        for row in range(3)
        for column in range(3)
        if row != column and matrix[row, column]
    }
    assert found.pairs[0].share == found.pairs[0].count / matrix[NAMES.index(found.pairs[0].target)].sum()
    assert found.confident == ((score.argmax(axis=1) != target) & (score.max(axis=1) >= 0.9)).sum()


def test_one_pair_of_classes_does_not_fill_the_page() -> None:
    target = np.zeros(120, dtype=np.int64)
    score = np.tile([0.0, 1.0, 0.0], (120, 1))
    score[100:] = [0.1, 0.0, 0.9]  # less sure
    found = classification_mistakes(np.arange(120).astype(str), target, score, NAMES, most=20)
    kinds = [each.predicted for each in found.shown]
    assert len(kinds) == 20
    assert kinds.count("cat") >= 20 // PAIR_SHARE


def test_the_frames_of_one_track_do_not_fill_the_page() -> None:
    ids, target, score = predictions(200)
    groups = np.repeat(np.arange(20), 10)
    found = classification_mistakes(ids, target, score, NAMES, groups=groups, most=12)
    of_group = np.bincount([groups[each.row] for each in found.shown])
    assert of_group.max() <= OF_GROUP
    assert len(found.shown) == 12


def test_without_mistakes_there_are_none() -> None:
    found = classification_mistakes(["a", "b"], [0, 1], [[0.9, 0.1], [0.2, 0.8]], ("x", "y"))
    assert (found.total, found.shown, found.pairs, found.confident) == (0, (), (), 0)


def test_what_is_kept_of_a_mistake_is_no_content() -> None:
    found = classification_mistakes(["a"], [1], [[0.9, 0.1]], ("x", "y")).shown[0].as_dict()
    assert found == {"id": "a", "target": "y", "predicted": "x", "confidence": 0.9, "truth": 0.1}


def test_an_anomaly_score_has_false_alarms_and_misses_in_turn_the_worst_of_each_first() -> None:
    target = np.array([0, 0, 0, 1, 1, 1])
    score = np.array([0.1, 5.0, 9.0, 0.2, 0.4, 7.0])
    found = anomaly_mistakes(list("abcdef"), target, score, threshold=1.0, most=4)
    assert [each.id for each in found.shown] == ["c", "d", "b", "e"]
    assert found.total == 4
    assert {(each.target, each.predicted): each.count for each in found.pairs} == {
        ("normal", "anomaly"): 2,
        ("anomaly", "normal"): 2,
    }
    assert found.right.tolist() == [True, False, False, False, False, True]


def test_where_there_are_few_misses_false_alarms_fill_the_page() -> None:
    target = np.array([0] * 30 + [1])
    score = np.array([10.0] * 30 + [0.0])
    found = anomaly_mistakes(np.arange(31).astype(str), target, score, threshold=5.0, most=10)
    assert sorted(each.target for each in found.shown) == ["anomaly"] + ["normal"] * 9


def test_the_more_frequent_of_false_alarms_and_misses_comes_first() -> None:
    target, score = np.array([0, 0, 0, 1, 1, 1]), np.array([0.0, 0.1, 2.0, 0.2, 0.3, 3.0])
    found = anomaly_mistakes(list("abcdef"), target, score, threshold=1.0)
    assert [(pair.target, pair.count) for pair in found.pairs] == [("anomaly", 2), ("normal", 1)]


def test_the_largest_errors_of_a_regression_come_first() -> None:
    found = regression_mistakes(["a", "b", "c"], [1.0, 2.0, 3.0], [1.5, 5.0, 3.0], most=2)
    assert [(each.id, each.confidence) for each in found.shown] == [("b", 3.0), ("a", 0.5)]
    assert found.total is None
    assert found.right.tolist() == [0.5, 3.0, 0.0]
