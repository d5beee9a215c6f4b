"""The numbers of each class against scikit-learn and scipy."""

import json
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from projectkit.errors import UserError
from projectkit.metrics import class_table, classification_metrics


def _draw(seed, n, classes, *, decimals=None, skewed=False):
    rng = np.random.default_rng(seed)
    target = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, 0.4 if skewed else 20.0)))
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), target] += 1
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if decimals is not None:
        score = np.round(score, decimals)
        score[np.arange(n), score.argmax(axis=1)] += 1 - score.sum(axis=1)
    return target, np.clip(score, 0, 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("n", "classes", "options"),
    [
        (100, 2, {}),
        (400, 7, {}),
        (200, 4, {"decimals": 1}),
        (60, 10, {"skewed": True}),
        (2000, 43, {"skewed": True}),
    ],
)
def test_every_number_of_a_class_is_that_of_scikit_learn(seed, n, classes, options):
    target, score = _draw(seed, n, classes, **options)
    predicted = score.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference.precision_recall_fscore_support(target, predicted, labels=range(classes), zero_division=0)
    rows = class_table(target, score, [f"class {index}" for index in range(classes)])
    assert [row.name for row in rows] == [f"class {index}" for index in range(classes)]
    for index, row in enumerate(rows):
        assert row.support == expected[3][index] == (target == index).sum()
        assert row.predicted == (predicted == index).sum()
        for interval, value in zip((row.precision, row.recall, row.f1), expected[:3], strict=True):
            if interval is not None:
                assert interval.value == pytest.approx(value[index])
                assert 0 <= interval.low <= interval.value <= interval.high <= 1
        assert (row.precision is None) == (row.predicted == 0)
        assert (row.recall is None) == (row.support == 0)
        assert (row.f1 is None) == (row.predicted == row.support == 0)
        if 0 < row.support < n:
            assert row.auroc == pytest.approx(reference.roc_auc_score(target == index, score[:, index]))
        else:
            assert row.auroc is None


def test_the_means_over_the_classes_are_the_metrics_of_the_whole():
    target, score = _draw(0, 500, 6)
    rows, values = class_table(target, score, list("abcdef")), classification_metrics(target, score)
    assert np.mean([row.recall.value for row in rows]) == pytest.approx(values["balanced_accuracy"])
    assert np.mean([row.f1.value for row in rows]) == pytest.approx(values["f1_macro"])
    assert np.mean([row.auroc for row in rows]) == pytest.approx(values["auroc"])


def test_precision_and_recall_have_scipys_exact_intervals():
    target, score = _draw(1, 300, 3)
    predicted = score.argmax(axis=1)
    for index, row in enumerate(class_table(target, score, list("abc"), level=0.9)):
        hits = int(((predicted == index) & (target == index)).sum())
        for interval, n in ((row.precision, row.predicted), (row.recall, row.support)):
            exact = stats.binomtest(hits, n).proportion_ci(0.9, method="exact")
            assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high))
            assert interval.method == "clopper-pearson"


@pytest.mark.parametrize(("support", "recall", "false"), [(30, 0.8, 0.1), (200, 0.5, 0.02), (12, 0.95, 0.01)])
def test_the_interval_of_f1_holds_the_true_value_at_least_as_often_as_it_says(support, recall, false):
    rng = np.random.default_rng(0)
    n, share = 10 * support, 0.1
    truth = 2 * share * recall / (share + share * recall + (1 - share) * false)
    held = 0
    for _ in range(600):
        target = (rng.random(n) < share).astype(int)
        target[0] = 1
        said = np.where(target, rng.random(n) < recall, rng.random(n) < false).astype(int)
        interval = class_table(target, np.eye(2)[said], ["no", "yes"])[1].f1
        held += interval.low <= truth <= interval.high
    assert held / 600 >= 0.935  # 0.95 less 1.7 standard errors


def test_a_row_is_json():
    target, score = _draw(2, 40, 3)
    row = json.loads(json.dumps(class_table(target, score, list("abc"))[0].as_dict()))
    assert list(row) == ["name", "support", "predicted", "precision", "recall", "f1", "auroc"]
    assert list(row["f1"]) == ["value", "low", "high", "method"]


def test_a_class_that_neither_occurs_nor_is_predicted_has_no_numbers():
    row = class_table([0, 1], np.array([[0.8, 0.2, 0.0], [0.1, 0.9, 0.0]]), list("abc"))[2]
    assert (row.support, row.predicted, row.precision, row.recall, row.f1, row.auroc) == (0, 0, None, None, None, None)


def test_targets_of_one_class_have_no_auroc():
    assert [row.auroc for row in class_table([0, 0], np.eye(2), ["no", "yes"])] == [None, None]


@pytest.mark.parametrize(
    ("target", "score", "message"),
    [
        ([], np.empty((0, 2)), "no samples"),
        ([0], np.eye(2), "1 targets but 2 scores"),
        ([0, 1], np.full((2, 2), np.nan), "score of sample 0 is NaN"),
        ([0, 1], np.eye(3)[:2], "2 class names but 3 scores a sample"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(target, score, message):
    with pytest.raises(UserError, match=message) as caught:
        class_table(target, score, ["no", "yes"])
    assert "\n" not in str(caught.value)
