import numpy as np
import pytest
from scipy import stats

from projectkit.errors import UserError
from projectkit.metrics import Difference, classification_metrics, paired_difference
from projectkit.metrics.bootstrap import expanded_quantile
from projectkit.metrics.influence import auroc_influence
from projectkit.metrics.paired import newcombe

NAMES = ["accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "average_precision", "ece", "loss"]

# 49 patients of DeLong et al. 1988: albumin, total protein, K-G score, and whether surgery helped.
PATIENTS = """
3.0 5.8 10 0   3.2 6.3  5 1   3.9 6.8  3 1   2.8 4.8  6 0   3.2 5.8  3 1   0.9 4.0  5 0   2.5 5.7  8 0   1.6 5.6  5 1
3.8 5.7  5 1   3.7 6.7  6 1   3.2 5.4  4 1   3.8 6.6  6 1   4.1 6.6  5 1   3.6 5.7  5 1   4.3 7.0  4 1   3.6 6.7  4 0
2.3 4.4  6 1   4.2 7.6  4 0   4.0 6.6  6 0   3.5 5.8  6 1   3.8 6.8  7 1   3.0 4.7  8 0   4.5 7.4  5 1   3.7 7.4  5 1
3.1 6.6  6 1   4.1 8.2  6 1   4.3 7.0  5 1   4.3 6.5  4 1   3.2 5.1  5 1   2.6 4.7  6 1   3.3 6.8  6 0   1.7 4.0  7 0
3.7 6.1  5 1   3.3 6.3  7 1   4.2 7.7  6 1   3.5 6.2  5 1   2.9 5.7  9 0   2.1 4.8  7 1   2.8 6.2  8 0   4.0 7.0  7 1
3.3 5.7  6 1   3.7 6.9  5 1   3.6 6.6  5 1
"""


def _draw(seed, n, classes, *, weaker=0.5):
    """Targets and the probabilities of two classifiers that share half of their noise."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, n)
    common = rng.normal(size=(n, classes))
    scores = []
    for strength in (1.5, 1.5 - weaker):
        logits = common + rng.normal(size=(n, classes))
        logits[np.arange(n), target] += strength
        scores.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    return target, *scores


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("metric", NAMES)
def test_the_value_is_the_difference_of_the_metrics_and_changes_sign_with_the_order(metric, classes):
    target, a, b = _draw(0, 200, classes)
    forward, back = paired_difference(target, a, b, metric), paired_difference(target, b, a, metric)
    values = [classification_metrics(target, score)[metric] for score in (a, b)]
    assert forward.value == pytest.approx(values[0] - values[1], abs=1e-12)
    assert forward.low < forward.value < forward.high
    assert (back.low, back.high) == pytest.approx(
        (-forward.high, -forward.low), abs=0.03 * (forward.high - forward.low)
    )
    assert back.p == pytest.approx(forward.p, abs=0.03)
    assert (forward.p < 0.05) == (forward.low > 0 or forward.high < 0) or 0.01 < forward.p < 0.15


@pytest.mark.parametrize("metric", NAMES)
def test_the_same_predictions_twice_have_no_difference(metric):
    target, a, _ = _draw(1, 80, 3)
    same = paired_difference(target, a, a.copy(), metric)
    assert (same.value, same.p) == (0, 1)
    assert same.low <= 0 <= same.high


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [((1, 1, 7, 21), -0.507, -0.026), ((36, 12, 2, 50), 0.0569, 0.3404)],
    ids=["Fagerland, Lydersen & Laake 2014, table 5", "Newcombe 1998, table II"],
)
def test_the_interval_of_paired_shares_is_the_published_one(cells, low, high):
    _, below, above = newcombe(*cells, 0.95)
    assert (below, above) == pytest.approx((low, high), abs=6e-4)


def test_accuracies_are_tested_by_mcnemars_exact_test():
    target, a, b = _draw(2, 150, 3)
    right_a, right_b = a.argmax(axis=1) == target, b.argmax(axis=1) == target
    only_a, only_b = np.sum(right_a & ~right_b), np.sum(right_b & ~right_a)
    found = paired_difference(target, a, b, "accuracy")
    assert found.p == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue)
    assert (found.method, found.test) == ("newcombe", "exact McNemar")


def test_two_aurocs_have_the_errors_that_delong_published():
    # SAS/STAT user's guide, LOGISTIC, "Comparing receiver operating characteristic curves": the data and the numbers below.
    rows = np.array(PATIENTS.split(), dtype=float).reshape(-1, 4)
    target = rows[:, 3].astype(int)
    scores = {
        name: np.stack([1 - column / 10, column / 10], axis=1) for name, column in zip("atk", rows.T, strict=False)
    }
    scores["k"] = scores["k"][:, ::-1]  # a high K-G score speaks against surgery
    influences = {name: auroc_influence(target, score) for name, score in scores.items()}
    for name, area, error in (("a", 0.7366, 0.0927), ("t", 0.6478, 0.1000), ("k", 0.7258, 0.1028)):
        assert influences[name].value == pytest.approx(area, abs=5e-5)
        assert np.sqrt(np.sum(influences[name].shares ** 2)) == pytest.approx(error, abs=5e-5)
    for name, difference, error, p in (("a", 0.0108, 0.0953, 0.9102), ("t", -0.0780, 0.1046, 0.4561)):
        found = paired_difference(target, scores[name], scores["k"], "auroc")
        shares = influences[name].shares - influences["k"].shares
        assert found.value == pytest.approx(difference, abs=5e-5)
        assert np.sqrt(np.sum(shares**2)) == pytest.approx(error, abs=5e-5)
        assert found.p == pytest.approx(p, abs=0.012)  # Student's t with 17 degrees of freedom in place of the normal


@pytest.mark.parametrize("metric", ["f1_macro", "mcc"])
def test_the_interval_is_scipys_paired_bootstrap(metric):
    target, a, b = _draw(3, 120, 3)
    said = [score.argmax(axis=1) for score in (a, b)]

    def difference(true, first, second):
        first, second = (classification_metrics(true, np.eye(3)[each])[metric] for each in (first, second))
        return first - second

    expected = stats.bootstrap(
        (target, *said),
        difference,
        paired=True,
        vectorized=False,
        n_resamples=1500,
        confidence_level=1 - 2 * stats.norm.sf(expanded_quantile(0.95, 120)),
        rng=np.random.default_rng(0),
    ).confidence_interval
    found = paired_difference(target, a, b, metric)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1_macro", "ece", "loss"])
def test_permutations_are_scipys_permutations_of_the_samples(metric):
    target, a, b = _draw(4, 60, 3, weaker=0.9)
    index = np.arange(60)
    both = np.stack([a, b])

    def difference(first, second):
        # scipy permutes numbers of predictions: i is sample i by the first, 60 + i by the second
        return np.subtract(
            *(
                classification_metrics(target[each % 60], both[each // 60, each % 60])[metric]
                for each in (first, second)
            )
        )

    expected = stats.permutation_test(
        (index, index + 60), difference, permutation_type="samples", n_resamples=1500, rng=np.random.default_rng(0)
    ).pvalue
    found = paired_difference(target, a, b, metric)
    assert found.p == pytest.approx(expected, abs=0.05)
    assert found.test == "permutation"


def test_losses_have_the_interval_of_the_paired_t_test():
    target, a, b = _draw(7, 100, 3)
    losses = [-np.log(score[np.arange(100), target]) for score in (a, b)]
    expected = stats.ttest_rel(*losses).confidence_interval()
    found = paired_difference(target, a, b, "loss")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_of_few_samples_every_permutation_is_looked_at():
    target, a, b = _draw(5, 9, 2)
    losses = [-np.log(score[np.arange(9), target]) for score in (a, b)]
    expected = stats.permutation_test(losses, lambda x, y: np.mean(x - y), permutation_type="samples").pvalue
    assert paired_difference(target, a, b, "loss").p == pytest.approx(expected)


@pytest.mark.parametrize("metric", NAMES)
def test_samples_that_occur_three_times_in_one_group_tell_as_much_as_once(metric):
    target, a, b = _draw(6, 120, 2)
    once = paired_difference(target, a, b, metric)
    groups = np.repeat(np.arange(120), 3)
    tripled = paired_difference(
        np.repeat(target, 3), np.repeat(a, 3, axis=0), np.repeat(b, 3, axis=0), metric, groups=groups
    )
    assert tripled.high - tripled.low == pytest.approx(once.high - once.low, rel=0.12)
    assert tripled.p == pytest.approx(once.p, abs=0.03)
    assert tripled.method.endswith("by group")
    assert tripled.test.endswith("by group")


def test_two_perfect_orders_of_few_positives_are_not_known_to_be_equal():
    target = np.array([0] * 40 + [1] * 5)
    a = np.linspace(0, 1, 45)
    b = np.where(target == 1, 0.9, 0.1)
    found = paired_difference(target, np.stack([1 - a, a], 1), np.stack([1 - b, b], 1), "auroc")
    assert (found.value, found.p) == (0, 1)
    assert found.high > 0.2


def test_a_difference_has_plain_values():
    found = Difference(0.1, 0.0, 0.2, None, "t", "none")
    assert found.as_dict() == {"value": 0.1, "low": 0.0, "high": 0.2, "p": None, "method": "t", "test": "none"}


GOOD = np.array([[0.5, 0.5], [0.2, 0.8]])


@pytest.mark.parametrize(
    ("target", "b", "metric", "message"),
    [
        ([0, 1], GOOD, "acuracy", "did you mean 'accuracy'"),
        ([0, 1], np.full((2, 3), 1 / 3), "mcc", "scores of 2 and of 3 classes"),
        ([0, 1], GOOD[:1], "mcc", "2 targets but 1 scores"),
        ([1, 1], GOOD, "auroc", "all targets are of one class"),
        ([0, 1], GOOD * np.nan, "mcc", "is NaN"),
    ],
)
def test_what_cannot_be_compared_is_one_line(target, b, metric, message):
    with pytest.raises(UserError, match=message) as caught:
        paired_difference(target, GOOD, b, metric)
    assert "\n" not in str(caught.value)


def test_one_group_alone_has_no_spread():
    with pytest.raises(UserError, match="one group has no spread"):
        paired_difference([0, 1], GOOD, GOOD, "loss", groups=["a", "a"])
