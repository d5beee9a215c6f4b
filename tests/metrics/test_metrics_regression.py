"""Regression against scikit-learn and scipy."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from projectkit.errors import UserError
from projectkit.metrics import regression_intervals, regression_metrics

ALL = ["mae", "rmse", "r2", "spearman"]


def _draw(seed, shape, *, decimals=None, noise=1.0):
    rng = np.random.default_rng(seed)
    target = rng.normal(50, 10, shape)
    predicted = target + noise * rng.normal(2, 8, shape)
    return (target, predicted) if decimals is None else (np.round(target, decimals), np.round(predicted, decimals))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("shape", "decimals"), [((60,), None), ((200,), -1), ((5,), None), ((100, 3), None), ((80, 2), -1)]
)
def test_every_number_is_that_of_scikit_learn_and_scipy(seed, shape, decimals):
    target, predicted = _draw(seed, shape, decimals=decimals)
    ranks = [
        stats.spearmanr(*pair).statistic
        for pair in zip(np.atleast_2d(target.T), np.atleast_2d(predicted.T), strict=True)
    ]
    assert regression_metrics(target, predicted) == pytest.approx(
        {
            "mae": reference.mean_absolute_error(target, predicted),
            "rmse": reference.root_mean_squared_error(target, predicted),
            "r2": reference.r2_score(target, predicted),
            "spearman": np.mean(ranks),
        }
    )
    assert list(regression_metrics(target, predicted)) == ALL


def test_the_mean_explains_nothing_and_a_perfect_prediction_everything():
    target = np.arange(10.0)
    assert regression_metrics(target, np.full(10, 4.5)) == {"mae": 2.5, "rmse": pytest.approx(np.sqrt(8.25)), "r2": 0}
    assert regression_metrics(target, target) == {"mae": 0, "rmse": 0, "r2": 1, "spearman": pytest.approx(1)}
    assert regression_metrics(target, -(target**3))["spearman"] == pytest.approx(-1)


def test_targets_that_are_all_the_same_leave_out_what_is_not_defined():
    assert regression_metrics([3, 3], [1, 2]) == {"mae": 1.5, "rmse": pytest.approx(np.sqrt(2.5))}
    assert list(regression_metrics([3.0], [2.0])) == ["mae", "rmse"]


def test_an_output_that_does_not_vary_does_not_count_in_the_mean():
    target, predicted = _draw(0, (50, 2))
    target[:, 1] = 7
    assert regression_metrics(target, predicted)["r2"] == pytest.approx(
        reference.r2_score(target[:, 0], predicted[:, 0])
    )


@pytest.mark.parametrize("shape", [(150,), (150, 2)])
@pytest.mark.parametrize("groups", [None, np.arange(150) // 3])
def test_the_values_are_those_of_the_metrics_and_lie_inside(shape, groups):
    target, predicted = _draw(1, shape)
    values, intervals = regression_metrics(target, predicted), regression_intervals(target, predicted, groups=groups)
    assert list(intervals) == ALL
    for name, interval in intervals.items():
        assert interval.value == values[name]
        assert interval.low < interval.value < interval.high


def test_the_intervals_of_errors_are_about_scipys_bootstrap():
    target, predicted = _draw(2, (400,))
    ours = regression_intervals(target, predicted)
    for name, loss in (("mae", reference.mean_absolute_error), ("rmse", reference.root_mean_squared_error)):
        expected = stats.bootstrap(
            (target, predicted),
            lambda true, said, loss=loss: loss(true, said),
            paired=True,
            vectorized=False,
            n_resamples=999,
            rng=np.random.default_rng(0),
        ).confidence_interval
        assert (ours[name].low, ours[name].high) == pytest.approx((expected.low, expected.high), rel=0.02)


def test_the_interval_of_the_rank_correlation_is_scipys_bootstrap():
    target, predicted = _draw(3, (80,), decimals=-1)
    expected = stats.bootstrap(
        (target, predicted),
        lambda true, said: stats.spearmanr(true, said).statistic,
        paired=True,
        vectorized=False,
        n_resamples=999,
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = regression_intervals(target, predicted)["spearman"]
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.03)


def test_samples_that_tell_nothing_about_the_spread_have_values_without_intervals():
    assert regression_intervals([3.0], [2.0]) == {}
    assert regression_intervals([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == {}
    assert regression_intervals([1.0, 2.0], [2.0, 4.0], groups=["a", "a"]) == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(regression_intervals([3, 3, 3, 3], [1, 2, 3, 1])) == ["mae", "rmse"]
        # Two of three resamples of so few samples do not vary: no interval, and no error either.
        assert "mae" in regression_intervals([1.0, 2.0], [1.0, 4.0])


@pytest.mark.nightly
@pytest.mark.parametrize("n", [25, 150])
def test_intervals_hold_the_true_value_about_as_often_as_they_say(n):
    # y = 2 x + e with standard normal x and e: r2 of predicting 2 x is 0.8, Pearson's correlation its root.
    truth = {"mae": np.sqrt(2 / np.pi), "rmse": 1.0, "r2": 0.8, "spearman": 6 / np.pi * np.arcsin(np.sqrt(0.8) / 2)}
    rng, draws = np.random.default_rng(0), 150
    held = dict.fromkeys(truth, 0)
    for _ in range(draws):
        x = rng.normal(size=n)
        for name, interval in regression_intervals(2 * x + rng.normal(size=n), 2 * x).items():
            held[name] += interval.low <= truth[name] <= interval.high
    for name, count in held.items():
        assert 0.89 <= count / draws <= 0.995, name  # 150 draws of 95%: three standard errors are 5.3 points


@pytest.mark.parametrize("function", [regression_metrics, regression_intervals])
@pytest.mark.parametrize(
    ("target", "predicted", "message"),
    [
        ([], [], "no samples"),
        ([1, 2], [1], r"targets \(2,\) but predictions \(1,\)"),
        ([1, 2], [[1], [2]], "of the same shape"),
        ([1, np.nan], [1, 2], "target of sample 1 is NaN"),
        ([1, 2], [np.inf, 2], "prediction of sample 0 is NaN or infinite"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), "n, outputs"),
        (1.0, 1.0, "of the same shape"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(function, target, predicted, message):
    with pytest.raises(UserError, match=message) as caught:
        function(target, predicted)
    assert "\n" not in str(caught.value)
