import numpy as np
import pytest
from scipy import stats

from projectkit.errors import UserError
from projectkit.metrics import (
    bootstrap,
    classification_intervals,
    classification_metrics,
    clopper_pearson,
    confusion_matrix,
)
from projectkit.metrics.bootstrap import expanded_quantile
from projectkit.metrics.confusion_intervals import balanced_interval
from projectkit.metrics.influence import (
    _model_variance,
    auroc_influence,
    average_precision_influence,
    degrees_of_freedom,
)
from projectkit.metrics.intervals import share_interval, wilson
from projectkit.metrics.probability_intervals import _folded, _untransformed, skewed_mean

NAMES = ["accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "average_precision", "ece", "loss"]
SHARES = [name for name in NAMES if name != "loss"]


def _draw(rng, n, classes, *, strength=1.5):
    target = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), target] += strength * np.linspace(0.6, 1.2, classes)[target]
    return target, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def _same_level(n):
    """The level at which scipy's normal quantiles are the wider ones that are used here."""
    return 1 - 2 * stats.norm.sf(expanded_quantile(0.95, n))


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_values_are_those_of_the_metrics_and_lie_inside(classes):
    target, score = _draw(np.random.default_rng(0), 200, classes)
    values, intervals = classification_metrics(target, score), classification_intervals(target, score)
    assert list(intervals) == NAMES
    for name, interval in intervals.items():
        assert interval.value == pytest.approx(values[name], abs=1e-12)
        assert -1 <= interval.low < interval.value <= interval.high <= (20 if name == "loss" else 1)
        assert interval.as_dict() == {
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "method": interval.method,
        }


def test_the_same_seed_gives_the_same_interval_and_the_order_of_samples_does_not_matter():
    target, score = _draw(np.random.default_rng(1), 150, 4)
    order = np.random.default_rng(0).permutation(150)
    first, again = classification_intervals(target, score), classification_intervals(target[order], score[order])
    for name in NAMES:
        assert (again[name].low, again[name].high) == pytest.approx((first[name].low, first[name].high), abs=1e-9)
    assert classification_intervals(target, score, seed=1)["mcc"] != first["mcc"]


def test_a_higher_level_is_wider_and_more_samples_are_narrower():
    target, score = _draw(np.random.default_rng(2), 200, 3)
    narrow, wide = (
        classification_intervals(target, score, level=0.8),
        classification_intervals(target, score, level=0.99),
    )
    many = classification_intervals(np.tile(target, 9), np.tile(score, (9, 1)))
    usual = classification_intervals(target, score)
    for name in NAMES:
        assert wide[name].low <= narrow[name].low < narrow[name].high < wide[name].high
        if name != "ece":  # its interval depends on how much of the error is noise
            assert (many[name].high - many[name].low) == pytest.approx(
                (usual[name].high - usual[name].low) / 3, rel=0.15
            )


@pytest.mark.parametrize(("right", "n"), [(0, 10), (7, 10), (81, 263), (10, 10)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_shares_have_wilsons_and_the_exact_interval_of_scipy(right, n, level):
    for ours, method in ((wilson(right / n, n, level), "wilson"), (clopper_pearson(right, n, level), "exact")):
        expected = stats.binomtest(right, n).proportion_ci(level, method=method)
        assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high))
    target = np.zeros(n, dtype=int)
    score = np.where(np.arange(n)[:, None] < right, [0.9, 0.1], [0.1, 0.9])
    assert classification_intervals(target, score, level=level)["accuracy"] == wilson(right / n, n, level)


@pytest.mark.parametrize(("hits", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_no_share_has_no_exact_interval(hits, n):
    with pytest.raises(ValueError, match="no share"):
        clopper_pearson(hits, n)


def test_a_share_with_the_variance_of_a_share_has_wilsons_interval():
    known = share_interval(0.3, 0.3 * 0.7 / 50, 1e9, 0.95, "wilson")
    assert (known.low, known.high) == pytest.approx((wilson(0.3, 50, 0.95).low, wilson(0.3, 50, 0.95).high))


@pytest.mark.parametrize("name", ["f1_macro", "mcc"])
def test_the_bootstrap_of_cells_is_scipys_bootstrap_of_samples(name):
    target, score = _draw(np.random.default_rng(3), 120, 3)
    predicted = score.argmax(axis=1)

    def metric(true, said):
        return classification_metrics(true, np.eye(3)[said])[name]

    expected = stats.bootstrap(
        (target, predicted),
        metric,
        paired=True,
        vectorized=False,
        n_resamples=2000,
        method="BCa",
        confidence_level=_same_level(120),
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = classification_intervals(target, score)[name]
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.012)
    assert ours.method == "bca"


@pytest.mark.parametrize("n", [40, 150, 600])
def test_the_bootstrap_of_any_number_is_scipys_bca(n):
    rng = np.random.default_rng(5)
    x = rng.exponential(size=n)
    y = x + rng.normal(size=n)

    def slope(a, b):
        return np.cov(a, b)[0, 1] / np.var(a, ddof=1)

    expected = stats.bootstrap(
        (x, y),
        slope,
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="BCa",
        confidence_level=_same_level(n),
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = bootstrap(slope, (x, y))
    width = expected.high - expected.low
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.08 * width)
    assert (ours.value, ours.method) == (pytest.approx(slope(x, y)), "bca")


def test_groups_that_repeat_one_sample_tell_as_much_as_one_sample():
    x = np.random.default_rng(6).normal(size=60)
    once, repeated = (
        bootstrap(np.mean, (x,)),
        bootstrap(np.mean, (np.repeat(x, 5),), groups=np.repeat(np.arange(60), 5)),
    )
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high), abs=0.05)
    assert repeated.method == "bca by group"


def test_resamples_that_leave_the_number_undefined_are_not_counted_until_they_are_most():
    x = np.append(np.zeros(30), 1.0)
    assert bootstrap(lambda a: a.sum() if a.any() else np.nan, (x,)).low >= 1
    with pytest.raises(UserError, match=r"not defined on \d+ of 2000 resamples"):
        bootstrap(lambda a: 1.0 if a.sum() == 1 else np.nan, (x,))


def test_a_number_that_no_resample_changes_is_a_point_and_says_so():
    assert bootstrap(np.mean, (np.ones(20),)).method == "point"
    assert bootstrap(np.mean, (np.arange(9.0),), groups=["a"] * 9).method == "point"


@pytest.mark.parametrize(
    ("arrays", "groups", "message"),
    [(([],), None, "no samples"), (([1, 2], [1]), None, "arrays of"), (([1, 2],), [1], "arrays of")],
)
def test_arrays_that_do_not_fit_have_no_bootstrap(arrays, groups, message):
    with pytest.raises(UserError, match=message):
        bootstrap(lambda *columns: 0.0, arrays, groups=groups)


def test_the_variance_of_auroc_is_delongs():
    # By the definition: covariances of the structural components, every pair compared.
    target, score = _draw(np.random.default_rng(4), 80, 2)
    high, low = score[target == 1, 1], score[target == 0, 1]
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / len(high) + wins.mean(axis=0).var(ddof=1) / len(low)
    found = auroc_influence(target, score)
    assert found.value == pytest.approx(wins.mean())
    assert np.sum(found.shares**2) == pytest.approx(variance)


@pytest.mark.parametrize("area", [0.6, 0.9, 0.99])
def test_the_textbook_variance_of_auroc_is_hanley_and_mcneils_where_both_kinds_are_as_many(area):
    m = 40
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    expected = (area * (1 - area) + (m - 1) * (first + second - 2 * area**2)) / m**2
    assert _model_variance(area, m, m) == pytest.approx(expected)


def test_the_width_of_a_macro_auroc_is_that_of_the_bootstrap():
    rng = np.random.default_rng(5)
    target, score = _draw(rng, 400, 4)
    rows = rng.integers(0, 400, size=(300, 400))
    drawn = [classification_metrics(target[row], score[row])["auroc"] for row in rows]
    interval = classification_intervals(target, score)["auroc"]
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * np.std(drawn), rel=0.15)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("decimals", [9, 1])
def test_the_influence_on_average_precision_is_that_of_leaving_each_sample_out(classes, decimals):
    target, score = _draw(np.random.default_rng(7), 50, classes)
    score = np.round(score, decimals)
    left_out = np.array(
        [
            _average_precision(np.delete(target, row), np.delete(score, row, axis=0), classes)
            for row in range(len(target))
        ]
    )
    found = average_precision_influence(target, score)
    assert found.value == pytest.approx(_average_precision(target, score, classes))
    assert np.sum(found.shares**2) == pytest.approx(49 / 50 * np.sum((left_out - left_out.mean()) ** 2))


def _average_precision(target, score, classes):
    from sklearn.metrics import average_precision_score

    ranked = [1] if classes == 2 else range(classes)
    return np.mean([average_precision_score(target == index, score[:, index]) for index in ranked])


def test_the_degrees_of_freedom_are_welchs():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=12), 3 * rng.normal(size=30)
    shares = np.concatenate([(x - x.mean()) / np.sqrt(12 * 11), (y - y.mean()) / np.sqrt(30 * 29)])
    freedom = degrees_of_freedom(shares, np.repeat([0, 1], [12, 30]), None)
    assert freedom == pytest.approx(stats.ttest_ind(x, y, equal_var=False).df)


def test_the_mean_of_numbers_without_skewness_has_students_interval():
    half = np.random.default_rng(9).normal(size=25)
    numbers = np.concatenate([half, -half]) + 3
    expected = stats.ttest_1samp(numbers, 0).confidence_interval()
    assert skewed_mean(numbers, level=0.95) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("skew", [-0.5, 1e-9, 0.1, 0.8])
@pytest.mark.parametrize("end", [-2.0, 0.3, 2.0])
def test_the_transformation_that_removes_skewness_is_halls(skew, end):
    root = _untransformed(end, skew)
    assert root + skew * root**2 / 3 + skew**2 * root**3 / 27 + skew / 6 == pytest.approx(end, abs=1e-6)


def test_a_skewed_loss_has_an_interval_that_reaches_further_up():
    target = np.zeros(200, dtype=int)
    right = np.where(np.arange(200) < 4, 0.01, 0.97)
    interval = classification_intervals(target, np.stack([right, 1 - right], axis=1))["loss"]
    assert interval.high - interval.value > 1.5 * (interval.value - interval.low)


def test_the_moments_of_a_sum_of_absolute_values_are_those_of_draws():
    covariance = np.array([[1.0, 0.4, 0], [0.4, 2, -0.3], [0, -0.3, 0.5]])
    means = np.array([3.0, -4.0, 0.2])
    drawn = np.abs(np.random.default_rng(0).multivariate_normal(means, covariance, 200_000)).sum(axis=1)
    mean, variance = _folded(np.abs(means), np.sign(means), covariance)
    assert mean == pytest.approx(drawn.mean(), rel=0.005)
    assert variance == pytest.approx(drawn.var(), rel=0.03)
    assert _folded(means[:1], np.ones(1), covariance[:1, :1]) == pytest.approx(
        (stats.foldnorm(3).mean(), stats.foldnorm(3).var())
    )


def test_a_calibrated_classifier_may_have_no_calibration_error_at_all():
    rng = np.random.default_rng(12)
    sure = rng.uniform(0.5, 1, 400)
    score = np.stack([sure, 1 - sure], axis=1)
    calibrated = classification_intervals((rng.random(400) > sure).astype(int), score)["ece"]
    assert calibrated.value > 0.02
    assert calibrated.low == 0
    guessing = classification_intervals(rng.integers(0, 2, 400), score)["ece"]
    assert 0.1 < guessing.low < 0.25 < guessing.high


@pytest.mark.parametrize("classes", [2, 3])
def test_a_perfect_classifier_is_not_certain(classes):
    # 60 samples without a mistake support an error rate of up to 5% (rule of three): no interval may be a point.
    target = np.arange(60) % classes
    intervals = classification_intervals(target, np.eye(classes)[target])
    for name in SHARES[:-1]:
        assert intervals[name].high == intervals[name].value == 1
        assert 0.5 < intervals[name].low < 0.97, name
    assert intervals["ece"].value == 0 < intervals["ece"].high < 0.1
    assert intervals["loss"].value == 0 < intervals["loss"].high < 1


def test_a_constant_prediction_has_an_interval_around_its_numbers():
    target = np.arange(60) % 3
    intervals = classification_intervals(target, np.tile([0.5, 0.3, 0.2], (60, 1)))
    for name in NAMES:
        assert intervals[name].low < intervals[name].value <= intervals[name].high, name


def test_a_class_with_one_sample_makes_the_interval_wider_not_narrower():
    target, score = _draw(np.random.default_rng(6), 100, 2)
    lonely = classification_intervals(
        [1] + [0] * 99, np.vstack([score[target == 1][:1], np.resize(score[target == 0], (99, 2))])
    )
    for name in ("auroc", "average_precision"):
        usual = classification_intervals(target, score)[name]
        assert lonely[name].high - lonely[name].low > 2 * (usual.high - usual.low)


@pytest.mark.parametrize("classes", [2, 3])
def test_targets_of_one_class_leave_out_what_is_ranked(classes):
    intervals = classification_intervals([1, 1, 1, 1], np.full((4, classes), 1 / classes))
    assert list(intervals) == [name for name in NAMES if name not in ("auroc", "average_precision")]
    assert all(np.isfinite([interval.low, interval.high]).all() for interval in intervals.values())


def test_a_single_sample_has_intervals_that_say_next_to_nothing():
    intervals = classification_intervals([0], np.array([[0.9, 0.1]]))
    assert intervals["accuracy"].low < 0.3
    assert intervals["loss"].high > 10


def test_absent_classes_do_not_widen_what_they_cannot_tell_about():
    # Ten classes, two of which occur; the other eight must not pull the posterior of a perfect classifier down.
    target = np.arange(60) % 2
    few, many = (
        classification_intervals(target, np.eye(2)[target]),
        classification_intervals(target, np.eye(10)[target]),
    )
    for name in ("balanced_accuracy", "f1_macro"):
        assert many[name].low == pytest.approx(few[name].low, abs=0.02)


@pytest.mark.parametrize("classes", [2, 5])
def test_samples_that_occur_four_times_in_one_group_tell_as_much_as_once(classes):
    target, score = _draw(np.random.default_rng(11), 150, classes)
    once = classification_intervals(target, score)
    groups = np.repeat([f"host {number}" for number in range(150)], 4)
    by_group = classification_intervals(np.repeat(target, 4), np.repeat(score, 4, axis=0), groups=groups)
    for name in NAMES:
        width = once[name].high - once[name].low
        assert by_group[name].method.endswith("by group")
        assert by_group[name].high - by_group[name].low == pytest.approx(width, rel=0.15), name
        assert by_group[name].low == pytest.approx(once[name].low, abs=0.1 * width), name


def test_groups_of_which_all_samples_are_right_count_as_one_sample_each():
    target = np.arange(60) % 2
    intervals = classification_intervals(target, np.eye(2)[target], groups=np.arange(60) // 6)
    assert intervals["accuracy"].low == pytest.approx(wilson(1.0, 10, 0.95).low)
    assert intervals["mcc"].low < classification_intervals(target, np.eye(2)[target])["mcc"].low - 0.1


def test_a_single_group_says_next_to_nothing():
    target, score = _draw(np.random.default_rng(12), 100, 2)
    for name, interval in classification_intervals(target, score, groups=["host"] * 100).items():
        assert interval.high - interval.low > 0.5, name


def test_groups_that_are_not_one_a_sample_are_refused():
    with pytest.raises(UserError, match=r"groups have shape \(1,\), but there are 2 samples"):
        classification_intervals([0, 1], np.eye(2), groups=["a"])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_no_share_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        classification_intervals([0, 1], np.eye(2), level=level)


def test_balanced_accuracy_of_many_small_classes_is_held_though_many_recalls_are_1():
    # Wilson's intervals of the recalls, combined, hold 88 of 100 here.
    rng, draws, held = np.random.default_rng(5), 600, 0
    for _ in range(draws):
        target = np.repeat(np.arange(20), 10)
        wrong = rng.random(200) < 0.06
        said = np.where(wrong, (target + 1) % 20, target)
        matrix = confusion_matrix(target, said, 20)
        interval = balanced_interval(matrix, float(np.mean(target == said)), 0.95)
        held += interval.low <= 0.94 <= interval.high
    assert 0.92 <= held / draws <= 0.98
