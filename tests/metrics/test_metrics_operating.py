"""Thresholds and what they mean a day: against scikit-learn, scipy, published examples and simulation."""

import itertools
import re

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from projectkit.errors import UserError
from projectkit.metrics import (
    Interval,
    Refused,
    alarms,
    at_threshold,
    best_threshold,
    clopper_pearson,
    least_negatives,
    threshold_at_fpr,
    tpr_at_fpr,
)


def _draw(seed, positives, negatives, *, decimals=None):
    rng = np.random.default_rng(seed)
    target = np.repeat([1, 0], [positives, negatives])
    score = stats.norm.cdf(rng.normal(size=len(target)) + 1.5 * target)
    order = rng.permutation(len(target))
    return target[order], (score if decimals is None else np.round(score, decimals))[order]


def _point(value, low=None, high=None):
    return Interval(value, value if low is None else low, value if high is None else high, "given")


# Without an alarm among n negatives the one-sided 95% limit is 1 - .05 ** (1 / n).
@pytest.mark.parametrize(("fpr", "needed"), [(1e-3, 2995), (1e-4, 29_956), (0.01, 299), (0.1, 29), (0.5, 5)])
def test_the_least_number_of_negatives_is_the_first_whose_exact_limit_is_low_enough(fpr, needed):
    assert least_negatives(fpr) == needed

    def limit(n):
        return stats.binomtest(0, n, alternative="less").proportion_ci(0.95, method="exact").high

    assert limit(needed) <= fpr < limit(needed - 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("fpr", [0.001, 0.01, 0.1, 0.29, 0.5, 0.9])
def test_the_threshold_of_a_rate_is_the_lowest_that_keeps_it(seed, decimals, fpr):
    target, score = _draw(seed, 40, 100, decimals=decimals)
    threshold = threshold_at_fpr(target, score, fpr)
    negative = score[target == 0]
    assert (negative >= threshold).mean() <= fpr
    below = score[score < threshold]
    assert not len(below) or (negative >= below.max()).mean() > fpr


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_where_the_highest_score_is_a_negatives_the_threshold_lies_above_every_score(kind):
    target, score = [0, 1, 1], np.array([1.0, 0.9, 0.1], dtype=kind)
    threshold = threshold_at_fpr(target, score, 0.5)
    assert 1 < threshold < 1.01
    assert not (score >= threshold).any()
    assert at_threshold(target, score, threshold)["recall"].value == 0


def test_a_rate_needs_no_positives_for_its_threshold():
    negative = _draw(0, 0, 1000)[1]
    threshold = threshold_at_fpr(np.zeros(1000), negative, 0.01)
    assert (negative >= threshold).sum() == 10
    with pytest.raises(UserError, match="no sample is negative"):
        threshold_at_fpr([1, 1], [0.1, 0.2], 0.01)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("positives", "negatives", "decimals"), [(30, 60, None), (50, 50, 1), (3, 200, None), (200, 3, 2)]
)
def test_the_best_threshold_has_the_highest_f1_of_all_that_scikit_learn_computes(seed, positives, negatives, decimals):
    target, score = _draw(seed, positives, negatives, decimals=decimals)
    all_f1 = {threshold: reference.f1_score(target, score >= threshold) for threshold in np.unique(score)}
    best = best_threshold(target, score)
    assert all_f1[best] == pytest.approx(max(all_f1.values()))
    assert at_threshold(target, score, best)["f1"].value == pytest.approx(all_f1[best])
    assert all(value < all_f1[best] - 1e-12 for threshold, value in all_f1.items() if threshold > best)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_the_numbers_at_a_threshold_are_scikit_learns_with_scipys_exact_intervals(seed, threshold):
    target, score = _draw(seed, 30, 70, decimals=1)
    raised = score >= threshold
    measured = at_threshold(target, score, threshold)
    hits = int((raised & (target == 1)).sum())
    expected = {
        "precision": (reference.precision_score(target, raised), hits, raised.sum()),
        "recall": (reference.recall_score(target, raised), hits, 30),
        "fpr": (raised[target == 0].mean(), int(raised.sum()) - hits, 70),
    }
    assert list(measured) == ["precision", "recall", "fpr", "f1"]
    for name, (value, count, n) in expected.items():
        exact = stats.binomtest(count, int(n)).proportion_ci(method="exact")
        assert measured[name].value == pytest.approx(value)
        assert (measured[name].low, measured[name].high) == pytest.approx((exact.low, exact.high))
    f1 = measured["f1"]
    assert f1.value == pytest.approx(reference.f1_score(target, raised))
    assert f1.low < f1.value < f1.high


@pytest.mark.parametrize(
    ("target", "threshold", "names"),
    [
        ([0, 1], 2.0, ["recall", "fpr", "f1"]),
        ([1, 1], 0.0, ["precision", "recall", "f1"]),
        ([0, 0], 0.0, ["precision", "fpr", "f1"]),
        ([0, 0], 2.0, ["fpr"]),
    ],
)
def test_what_is_not_defined_at_a_threshold_is_left_out(target, threshold, names):
    assert list(at_threshold(target, [0.3, 0.6], threshold)) == names


def test_the_found_share_at_a_rate_is_that_of_scikit_learns_curve():
    target, score = _draw(0, 200, 4000, decimals=4)
    for fpr in (0.001, 0.01, 0.1):
        rates, shares, _ = reference.roc_curve(target, score, drop_intermediate=False)
        measured = tpr_at_fpr(target, score, fpr)
        assert measured.value == pytest.approx(shares[rates <= fpr].max())
        exact = stats.binomtest(round(measured.value * 200), 200).proportion_ci(method="exact")
        assert (measured.low, measured.high) == pytest.approx((exact.low, exact.high))


def test_a_threshold_from_validation_is_judged_on_the_test_samples():
    threshold = threshold_at_fpr(*_draw(1, 200, 4000), 0.01)
    target, score = _draw(2, 300, 4000)
    measured = tpr_at_fpr(target, score, 0.01, threshold=threshold)
    assert measured == at_threshold(target, score, threshold)["recall"]


@pytest.mark.parametrize(
    ("positives", "negatives", "fpr", "threshold", "reason"),
    [
        (50, 2994, 1e-3, None, "2,994 negatives cannot show an FPR of 0.001: it takes 2,995 or more"),
        (50, 0, 1e-3, None, "0 negatives"),
        (0, 3000, 1e-3, None, "no sample is positive"),
        (50, 3000, 1e-3, 0.5, "at the threshold 0.5 the FPR is 0.[345].*, above 0.001 beyond chance"),
    ],
)
def test_a_rate_that_the_samples_do_not_support_is_refused_with_the_reason(
    positives, negatives, fpr, threshold, reason
):
    refused = tpr_at_fpr(*_draw(0, positives, negatives), fpr, threshold=threshold)
    assert isinstance(refused, Refused)
    assert re.match(reason, refused.reason)


def test_enough_negatives_are_not_refused():
    assert isinstance(tpr_at_fpr(*_draw(0, 50, 2995), 1e-3), Interval)


# Axelsson 2000: 2e-5 of the audit records belong to an intrusion. Eddy 1982, "Probabilistic reasoning in clinical
# medicine": a mammography finds 79.2% of cancers, 9.6% of healthy women have a positive one, 1% have cancer: 7.7%.
@pytest.mark.parametrize(
    ("recall", "fpr", "prevalence", "precision"),
    [(1.0, 1e-5, 2e-5, 0.66), (0.7, 1e-5, 2e-5, 0.58), (1.0, 1e-3, 2e-5, 0.02), (0.792, 0.096, 0.01, 0.077)],
)
def test_precision_at_a_prevalence_is_that_of_published_examples(recall, fpr, prevalence, precision):
    day = alarms(_point(recall), _point(fpr), prevalence, 1_000_000)
    assert day.precision.value == pytest.approx(precision, abs=0.007)  # they cut off, they do not round
    assert day.precision.low == pytest.approx(day.precision.value)
    assert day.precision.high == pytest.approx(day.precision.value)


def test_a_day_is_counted_by_hand():
    # Of 10,000 samples 10 are positive: 8 are found (7 to 9), of 9,990 others 1% raise an alarm (0.5 to 2%).
    day = alarms(_point(0.8, 0.7, 0.9), _point(0.01, 0.005, 0.02), 0.001, 10_000)
    assert [day.false_alarms_per_day.value, day.false_alarms_per_day.low, day.false_alarms_per_day.high] == (
        pytest.approx([99.9, 49.95, 199.8])
    )
    assert [day.missed_per_day.value, day.missed_per_day.low, day.missed_per_day.high] == pytest.approx([2, 1, 3])
    assert day.precision.value == pytest.approx(8 / 107.9)


def test_precision_without_a_false_alarm_in_the_laboratory_is_not_certain():
    day = alarms(clopper_pearson(90, 100), clopper_pearson(0, 1000), 0.001, 10_000)
    assert (day.precision.value, day.precision.high) == (1, 1)
    assert 0.1 < day.precision.low < 0.25  # 0.824 of 10 found, and up to 3.68 of 1,000 alarms


def test_nothing_found_is_no_precision_whatever_the_false_alarms():
    for hits, false in itertools.product((0, 1), (0, 5)):
        day = alarms(clopper_pearson(hits, 50), clopper_pearson(false, 500), 0.01, 100)
        assert 0 <= day.precision.low <= day.precision.value <= day.precision.high <= 1
        assert day.precision.value == 0 if not hits else day.precision.value > 0


@pytest.mark.parametrize(
    ("positives", "negatives", "recall", "fpr"),
    [(100, 2000, 0.8, 0.01), (40, 500, 0.95, 0.05), (400, 4000, 0.6, 0.002)],
)
def test_the_interval_of_the_precision_holds_the_true_value_at_least_as_often_as_it_says(
    positives, negatives, recall, fpr
):
    rng = np.random.default_rng(0)
    truth = 0.01 * recall / (0.01 * recall + 0.99 * fpr)
    held = 0
    for _ in range(600):
        found = clopper_pearson(int(rng.binomial(positives, recall)), positives)
        raised = clopper_pearson(int(rng.binomial(negatives, fpr)), negatives)
        interval = alarms(found, raised, 0.01, 1000).precision
        held += interval.low <= truth <= interval.high
    assert held / 600 >= 0.935  # 0.95 less 1.7 standard errors


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 5, float("nan")])
def test_a_prevalence_that_is_no_share_is_one_line(prevalence):
    with pytest.raises(UserError, match=r"prevalence: .* is no share"):
        alarms(_point(0.5), _point(0.1), prevalence, 100)


@pytest.mark.parametrize("per_day", [0, -5, float("nan")])
def test_a_day_without_samples_is_one_line(per_day):
    with pytest.raises(UserError, match="samples a day"):
        alarms(_point(0.5), _point(0.1), 0.1, per_day)


@pytest.mark.parametrize("fpr", [0, 1, -1, 50])
def test_a_rate_that_is_no_share_is_one_line(fpr):
    with pytest.raises(UserError, match=r"fpr: .* is no share"):
        threshold_at_fpr([0, 1], [0.1, 0.9], fpr)
    with pytest.raises(UserError, match=r"fpr: .* is no share"):
        least_negatives(fpr)


@pytest.mark.parametrize("function", [best_threshold, lambda *given: threshold_at_fpr(*given, 0.1)])
@pytest.mark.parametrize(
    ("target", "score", "message"),
    [
        ([], [], "no samples"),
        ([1, 1], [0.1, 0.2], "one kind|no sample is negative"),
        ([0, 1], [0.1, np.nan], "score of sample 1 is NaN"),
        ([0, 1], [0.1], "one score a sample"),
        ([0, 3], [0.1, 0.2], "target of sample 1 is 3"),
    ],
)
def test_samples_that_set_no_threshold_are_one_line(function, target, score, message):
    with pytest.raises(UserError, match=message) as caught:
        function(target, score)
    assert "\n" not in str(caught.value)
