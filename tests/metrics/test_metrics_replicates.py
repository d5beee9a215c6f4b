import numpy as np
import pytest
from scipy import stats

from projectkit.errors import UserError
from projectkit.metrics import folds_difference, mean_of_seeds, seeds_difference

A, B = [0.91, 0.93, 0.90, 0.94, 0.92], [0.89, 0.92, 0.90, 0.90, 0.91]


def test_the_mean_of_seeds_has_students_interval():
    found, expected = mean_of_seeds(A), stats.ttest_1samp(A, 0).confidence_interval()
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(A), expected.low, expected.high))
    assert found.method == "t"


@pytest.mark.parametrize("second", [B, B[:3]])
def test_seeds_that_are_no_pairs_have_welchs_test(second):
    found, expected = seeds_difference(A, second, paired=False), stats.ttest_ind(A, second, equal_var=False)
    interval = expected.confidence_interval()
    assert found.value == pytest.approx(np.mean(A) - np.mean(second))
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, expected.pvalue))


def test_pairs_of_seeds_have_the_paired_t_test():
    found, expected = seeds_difference(A, B, paired=True), stats.ttest_rel(A, B)
    interval = expected.confidence_interval()
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, expected.pvalue))


@pytest.mark.parametrize(("n", "bound"), [(3, "0.25"), (5, "0.062"), (6, "0.031")])
def test_the_test_says_what_sign_flips_could_reach(n, bound):
    a, b = np.arange(n) + 10.0, np.arange(n) * 0.9
    assert f"sign flips of {n} seeds cannot go under p = {bound})" in seeds_difference(a, b, paired=True).test
    least = stats.permutation_test((a, b), lambda x, y: np.mean(x - y), permutation_type="samples").pvalue
    assert float(bound) == pytest.approx(least, abs=6e-4)


@pytest.mark.parametrize(("first", "second", "bound"), [(3, 3, "0.1"), (4, 4, "0.029"), (3, 5, "0.018")])
def test_the_test_says_what_a_permutation_of_seeds_could_reach(first, second, bound):
    a, b = np.arange(first) + 10.0, np.arange(second) * 0.9
    assert f"cannot go under p = {bound})" in seeds_difference(a, b, paired=False).test
    # of unequal groups no assignment is the mirror of another, and scipy doubles the smaller tail
    least = stats.permutation_test((a, b), lambda x, y: np.mean(x) - np.mean(y)).pvalue
    assert float(bound) * (1 if first == second else 2) == pytest.approx(least, abs=1e-3)


def test_folds_have_nadeau_and_bengios_correction():
    # Their example of a rule (2003, section 3.4): J = 15 splits with a tenth tested multiply the variance by 1/15 + 1/9 in place of 1/15.
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.9, 0.02, 15), rng.normal(0.89, 0.02, 15)
    corrected, plain = folds_difference(a, b, 1 / 9), seeds_difference(a, b, paired=True)
    factor = np.sqrt((1 / 15 + 1 / 9) / (1 / 15))
    assert corrected.high - corrected.low == pytest.approx(factor * (plain.high - plain.low))
    statistic = stats.ttest_rel(a, b).statistic / factor
    assert corrected.p == pytest.approx(2 * stats.t.sf(abs(statistic), 14))
    assert corrected.test == "corrected resampled t"


def test_seeds_that_all_give_the_same_number_are_no_proof():
    assert seeds_difference([0.9, 0.9], [0.9, 0.9], paired=False).p == 1
    found = seeds_difference([0.9, 0.9], [0.8, 0.8], paired=False)
    assert found.p is None
    assert "no spread" in found.test


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_of_seeds([0.9]), "1 seed have no spread; train at least one more seed"),
        (lambda: seeds_difference([0.9, 0.8], [], paired=False), "0 seeds have no spread"),
        (lambda: seeds_difference([0.9, 0.8], [0.9, 0.8, 0.7], paired=True), "2 and 3 seeds are no pairs"),
        (lambda: mean_of_seeds([0.9, np.nan]), "number of a seed is NaN"),
        (lambda: folds_difference([0.9, 0.8], [0.9, 0.8, 0.7], 0.25), "2 and 3 folds"),
    ],
)
def test_too_few_seeds_or_folds_are_one_line(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_folds_that_test_on_nothing_are_refused():
    with pytest.raises(ValueError, match="test_share"):
        folds_difference(A, B, 0)
