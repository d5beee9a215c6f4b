import numpy as np
import pytest
from scipy import stats

from projectkit.metrics import Difference, paired_difference, samples_needed, seeds_needed


def _with_effect(effect):
    """Two seeds whose pooled standard deviation is 1 and whose means differ by `effect`."""
    spread = np.array([-1, 1]) / np.sqrt(2)
    return spread + effect, spread


@pytest.mark.parametrize(("effect", "power", "n"), [(0.2, 0.8, 394), (0.5, 0.8, 64), (0.8, 0.8, 26), (0.5, 0.9, 86)])
def test_seeds_are_those_of_cohens_tables(effect, power, n):
    # Cohen 1988, table 2.4.1, two-sided 0.05; his 393 for an effect of 0.2 is rounded down.
    assert seeds_needed(*_with_effect(effect), power=power) == n


@pytest.mark.parametrize("effect", [1.5, 2.5, 6.0])
def test_that_many_seeds_find_the_difference_as_often_as_asked_and_one_less_does_not(effect):
    n = seeds_needed(*_with_effect(effect))
    rng = np.random.default_rng(0)
    for seeds, enough in ((n, True), (n - 1, False)):
        if seeds < 2:
            continue
        a, b = rng.normal(effect, 1, (seeds, 20_000)), rng.normal(0, 1, (seeds, 20_000))
        found = np.mean(stats.ttest_ind(a, b).pvalue < 0.05)
        assert (found > 0.79) if enough else (found < 0.8)


def test_no_number_of_seeds_tells_equal_means_apart():
    assert seeds_needed([0.8, 0.9], [0.9, 0.8]) is None
    assert seeds_needed([0.0, 1.0], [1e-9, 1.0 + 1e-9]) is None


def test_two_seeds_are_enough_where_there_is_no_spread():
    assert seeds_needed([0.9, 0.9], [0.8, 0.8]) == 2


@pytest.mark.parametrize("seed", range(3))
def test_that_many_samples_find_the_difference_about_as_often_as_asked(seed):
    rng = np.random.default_rng(seed)

    def right(n):
        return rng.random((2, n)) < np.array([[0.80], [0.75]])

    def difference(n):
        target, hits = np.zeros(n, dtype=int), right(n)
        return paired_difference(target, *(np.where(hit[:, None], [0.9, 0.1], [0.1, 0.9]) for hit in hits), "accuracy")

    # a difference of 5 points of which the interval is that of 20,000 samples
    needed = samples_needed(difference(20_000), 20_000)
    found = np.mean([difference(needed).p < 0.05 for _ in range(150)])
    assert 0.65 < found < 0.92


def test_samples_follow_the_normal_power_formula():
    # standard error 0.01 on 1,000 samples, difference 0.02: (1.96 + 0.84) * 0.01 / 0.02 = 1.4 -> 1.96 times the samples
    half = stats.norm.ppf(0.975) * 0.01
    assert samples_needed(Difference(0.02, 0.02 - half, 0.02 + half, 0.05, "t", "t"), 1000) == 1963


@pytest.mark.parametrize(
    "difference", [Difference(0.0, -1, 1, 1.0, "t", "t"), Difference(0.1, 0.1, 0.1, None, "t", "t")]
)
def test_samples_are_not_known_without_a_difference_or_its_spread(difference):
    assert samples_needed(difference, 100) is None
