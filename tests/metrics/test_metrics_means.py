"""The interval of a mean of skewed numbers."""

import numpy as np
import pytest
from scipy import stats

from projectkit.errors import UserError
from projectkit.metrics import mean_interval


@pytest.mark.parametrize(
    ("draw", "truth", "n"),
    [
        (lambda rng, n: rng.normal(3, 2, n), 3.0, 8),
        (lambda rng, n: rng.normal(size=n) ** 2, 1.0, 40),
        (lambda rng, n: rng.exponential(size=n), 1.0, 30),
        (lambda rng, n: -rng.exponential(size=n), -1.0, 30),
    ],
)
def test_it_holds_the_true_mean_about_as_often_as_it_says(draw, truth, n):
    rng, draws = np.random.default_rng(0), 1500
    held = dict.fromkeys((0.8, 0.95), 0)
    for _ in range(draws):
        numbers = draw(rng, n)
        for level in held:
            interval = mean_interval(numbers, level=level)
            held[level] += interval.low <= truth <= interval.high
    assert held[0.95] / draws == pytest.approx(0.95, abs=0.02)
    assert held[0.8] / draws == pytest.approx(0.8, abs=0.04)


def test_of_numbers_that_are_not_skewed_it_is_students_t():
    numbers = np.concatenate([np.arange(10.0), 9 - np.arange(10.0)])
    interval = mean_interval(numbers)
    expected = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert (interval.value, interval.method) == (4.5, "hall")


def test_of_skewed_numbers_it_reaches_further_to_the_long_side():
    numbers = np.random.default_rng(1).exponential(size=50)
    right, left = mean_interval(numbers), mean_interval(-numbers)
    assert right.high - right.value > 1.2 * (right.value - right.low)
    assert (left.low, left.high) == pytest.approx((-right.high, -right.low))


def test_numbers_in_groups_that_are_alike_count_once_a_group():
    rng = np.random.default_rng(2)
    alone = rng.normal(10, 1, 30)
    interval, grouped = mean_interval(alone), mean_interval(np.repeat(alone, 20), groups=np.repeat(np.arange(30), 20))
    assert (grouped.low, grouped.high) == pytest.approx((interval.low, interval.high), rel=0.01)
    assert grouped.method == "hall by group"


@pytest.mark.parametrize(("numbers", "groups"), [([3.0], None), ([3.0, 3.0], None), ([1.0, 2.0], ["a", "a"])])
def test_numbers_that_tell_nothing_about_their_spread_have_no_interval(numbers, groups):
    assert mean_interval(numbers, groups=groups) is None


def test_errors_are_not_below_0():
    assert mean_interval([0.0, 0.0, 0.0, 9.0]).low >= 0
    assert mean_interval([0.0, 0.0, -0.1, 9.0]).low < 0


@pytest.mark.parametrize(
    ("numbers", "message"),
    [([], "one number a sample"), ([[1.0, 2.0]], "one number a sample"), ([1.0, np.nan], "number of sample 1 is NaN")],
)
def test_wrong_input_is_one_line_that_names_it(numbers, message):
    with pytest.raises(UserError, match=message):
        mean_interval(numbers)
    with pytest.raises(UserError, match="groups have shape"):
        mean_interval([1.0, 2.0], groups=[1])
