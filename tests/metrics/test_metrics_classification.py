import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from projectkit.errors import UserError
from projectkit.metrics import classification_metrics, confusion_matrix, roc_curve

NAMES = ["accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "average_precision", "ece", "loss"]


def _data(seed, n, classes, *, decimals=None, skewed=False):
    """Targets and probabilities of a mediocre classifier; few decimals make ties."""
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.full(classes, 0.7 if skewed else 50.0))
    target = rng.choice(classes, n, p=prior)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), target] += 1.0
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if decimals is not None:
        score = np.round(score, decimals)
        score[np.arange(n), score.argmax(axis=1)] += 1 - score.sum(axis=1)
    return target, np.clip(score, 0, 1).astype(np.float32)


def _by_reference(target, score):
    """The same numbers from scikit-learn, class by class where it does not take absent classes."""
    predicted, classes = score.argmax(axis=1), score.shape[1]
    ranked = [1] if classes == 2 else [index for index in range(classes) if 0 < (target == index).sum() < len(target)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "accuracy": reference.accuracy_score(target, predicted),
            "balanced_accuracy": reference.balanced_accuracy_score(target, predicted),
            "f1_macro": reference.f1_score(target, predicted, average="macro", zero_division=0),
            "mcc": reference.matthews_corrcoef(target, predicted),
            "auroc": np.mean([reference.roc_auc_score(target == index, score[:, index]) for index in ranked]),
            "average_precision": np.mean(
                [reference.average_precision_score(target == index, score[:, index]) for index in ranked]
            ),
            "loss": reference.log_loss(target, score, labels=range(classes)),
        }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("n", "classes", "options"),
    [
        (60, 2, {}),
        (200, 3, {}),
        (500, 25, {}),
        (150, 5, {"decimals": 1}),
        (80, 2, {"decimals": 1}),
        (90, 8, {"skewed": True}),
        (30, 12, {"skewed": True}),
    ],
)
def test_every_number_is_that_of_scikit_learn(seed, n, classes, options):
    target, score = _data(seed, n, classes, **options)
    if len(np.unique(target)) == 1:
        target[0] = (target[0] + 1) % classes
    values = classification_metrics(target, score)
    assert list(values) == NAMES
    for name, expected in _by_reference(target, score).items():
        assert values[name] == pytest.approx(expected, abs=2e-6), name


def test_without_absent_classes_the_macro_auroc_is_scikit_learns_own():
    target, score = _data(0, 300, 4)
    score = score.astype(np.float64) / score.sum(axis=1, keepdims=True, dtype=np.float64)
    assert classification_metrics(target, score)["auroc"] == pytest.approx(
        reference.roc_auc_score(target, score, multi_class="ovr")
    )


def test_calibration_error_by_hand():
    # Confidences .9, .9 (one right), .6 (wrong) and exactly 1 (right): (|1 - 1.8| + |0 - .6| + |1 - 1|) / 4
    score = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.0, 1.0]])
    assert classification_metrics([0, 1, 1, 1], score)["ece"] == pytest.approx((0.8 + 0.6 + 0.0) / 4)


def test_certain_and_right_is_calibrated_and_certain_and_wrong_is_not():
    certain = np.eye(3)
    assert classification_metrics([0, 1, 2], certain)["ece"] == 0
    assert classification_metrics([1, 2, 0], certain)["ece"] == 1


def test_confidences_on_the_edges_of_bins_count_in_the_lower_bin():
    # .2 and 3/15 are one edge: both samples lie in (2/15, 3/15]; in bins of their own, errors could not cancel.
    score = np.full((2, 5), 0.2)
    assert classification_metrics([0, 1], score)["ece"] == pytest.approx(abs(0.5 - 0.2))


def test_a_likelihood_of_zero_costs_what_float32_can_tell():
    loss = classification_metrics([0, 1], np.array([[0.0, 1.0], [0.0, 1.0]]))["loss"]
    assert loss == pytest.approx(-np.log(np.finfo(np.float32).eps) / 2)


def test_a_perfect_classifier_has_perfect_numbers():
    values = classification_metrics([0, 1, 2, 1], np.eye(3)[[0, 1, 2, 1]])
    assert [values[name] for name in NAMES] == [1, 1, 1, 1, 1, 1, 0, 0]


def test_a_constant_prediction_is_worth_nothing():
    values = classification_metrics([0, 1, 2] * 4, np.tile([0.5, 0.3, 0.2], (12, 1)))
    assert values["balanced_accuracy"] == pytest.approx(1 / 3)
    assert (values["mcc"], values["auroc"]) == (0, 0.5)


@pytest.mark.parametrize("classes", [2, 3])
def test_targets_of_one_class_leave_out_what_is_not_defined(classes):
    values = classification_metrics([1, 1, 1], np.full((3, classes), 1 / classes))
    assert list(values) == [name for name in NAMES if name not in ("auroc", "average_precision")]
    assert np.isfinite(list(values.values())).all()


@pytest.mark.parametrize("classes", [2, 6])
def test_the_order_of_the_samples_does_not_matter(classes):
    target, score = _data(1, 200, classes, decimals=1)
    order = np.random.default_rng(0).permutation(200)
    assert classification_metrics(target[order], score[order]) == pytest.approx(classification_metrics(target, score))


def test_the_names_of_the_classes_do_not_matter():
    target, score = _data(2, 200, 6)
    order = np.random.default_rng(0).permutation(6)
    assert classification_metrics(np.argsort(order)[target], score[:, order]) == pytest.approx(
        classification_metrics(target, score)
    )


def test_counting_every_sample_twice_changes_nothing():
    target, score = _data(3, 100, 4)
    assert classification_metrics(np.tile(target, 2), np.tile(score, (2, 1))) == pytest.approx(
        classification_metrics(target, score)
    )


def test_the_numbers_are_plain_floats():
    target, score = _data(4, 50, 3)
    assert {type(value) for value in classification_metrics(target, score).values()} == {float}


GOOD = np.array([[0.5, 0.5], [0.2, 0.8]])


@pytest.mark.parametrize(
    ("target", "score", "message"),
    [
        ([], np.empty((0, 2)), "no samples"),
        ([0], GOOD, "1 targets but 2 scores"),
        ([0, 2], GOOD, "target of sample 1 is 2, but there are 2 classes"),
        ([0, -1], GOOD, "target of sample 1 is -1"),
        ([0.0, 1.0], GOOD, "class indices"),
        ([[0], [1]], GOOD, "class indices"),
        ([0, 1], np.array([[0.5, 0.5], [np.nan, 0.8]]), "score of sample 1 is NaN"),
        ([0, 1], np.array([[0.5, 0.5], [np.inf, 0.8]]), "score of sample 1 is NaN or infinite"),
        ([0, 1], np.array([[0.5, 0.5], [2.0, -1.0]]), "scores of sample 1 are no probabilities"),
        ([0, 1], np.array([[0.5, 0.5], [0.9, 0.9]]), "softmax"),
        ([0, 1], np.array([0.5, 0.5]), "two columns for two classes"),
        ([0, 1], np.array([[1], [1]]), "probabilities"),
        ([0, 1], np.array([[1, 0], [0, 1]]), "probabilities"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(target, score, message):
    with pytest.raises(UserError, match=message) as caught:
        classification_metrics(target, score)
    assert "\n" not in str(caught.value)


def test_probabilities_of_half_precision_are_taken():
    target, score = _data(5, 300, 25)
    coarse = score.astype(np.float16)
    assert classification_metrics(target, coarse)["auroc"] == pytest.approx(
        classification_metrics(target, score)["auroc"], abs=0.01
    )


@pytest.mark.parametrize("classes", [2, 7])
def test_the_confusion_matrix_is_scikit_learns_with_absent_classes_kept(classes):
    rng = np.random.default_rng(0)
    target, predicted = rng.integers(0, classes - 1, 50), rng.integers(0, classes, 50)
    expected = reference.confusion_matrix(target, predicted, labels=range(classes))
    np.testing.assert_array_equal(confusion_matrix(target, predicted, classes), expected)


def test_a_confusion_matrix_of_unequal_lengths_is_refused():
    with pytest.raises(UserError, match="2 targets but 1 predictions"):
        confusion_matrix([0, 1], [0], 2)
    with pytest.raises(UserError, match="prediction of sample 0 is 3"):
        confusion_matrix([0], [3], 2)


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("seed", range(4))
def test_the_corners_of_the_roc_curve_are_points_of_scikit_learns_with_the_same_area(seed, decimals):
    target, score = _data(seed, 120, 2, decimals=decimals)
    fpr, tpr, thresholds = roc_curve(target, score[:, 1])
    full = reference.roc_curve(target, score[:, 1], drop_intermediate=False)
    assert set(zip(fpr, tpr, thresholds, strict=True)) <= set(zip(*full, strict=True))
    assert np.trapezoid(tpr, fpr) == pytest.approx(np.trapezoid(full[1], full[0]))
    assert (fpr[0], tpr[0], thresholds[0], fpr[-1], tpr[-1]) == (0, 0, np.inf, 1, 1)


@pytest.mark.parametrize(
    ("target", "score", "message"),
    [([1, 1], [0.1, 0.2], "one kind"), ([0, 1], [0.1, np.nan], "NaN"), ([0, 1], [0.1], "one score a sample")],
)
def test_a_roc_curve_that_does_not_exist_is_an_error(target, score, message):
    with pytest.raises(UserError, match=message):
        roc_curve(target, score)
