"""The small version of benchmarks/simulations.py: intervals hold the true value, tests find nothing where nothing is."""

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DRAWS = 120  # three standard errors of 95% are 6 points


@pytest.fixture(scope="module")
def simulations():
    """The benchmark itself, so that test and benchmark cannot disagree."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("simulations", BENCHMARKS / "simulations.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["simulations"] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))
        sys.modules.pop("simulations", None)


@pytest.mark.parametrize("index", [2, 3, 8])
def test_intervals_of_a_classifier_hold_the_true_value(simulations, index):
    case = simulations.SINGLE[index]
    counts = simulations.covered(case, case.truth([case.strength])[0], range(DRAWS))
    for name, (held, _above, drawn) in counts.items():
        assert drawn == DRAWS, name
        assert held / drawn >= 0.89, name


@pytest.mark.parametrize("index", [1])
def test_tests_of_two_equal_classifiers_hold_their_level_and_intervals_hold_zero(simulations, index):
    case = simulations.PAIRED[index]
    counts = simulations.paired(case, (case.strength,) * 2, dict.fromkeys(simulations.NAMES, 0.0), range(DRAWS))
    for name, (held, found, drawn) in counts.items():
        assert held / drawn >= 0.89, name
        assert found / drawn <= 0.11, name


def test_seeds_and_folds_hold_and_folds_taken_as_independent_do_not(simulations):
    counts = simulations.replicates(range(DRAWS))
    shares = {name: held / drawn for name, (held, _, drawn) in counts.items()}
    assert shares["interval: mean of 5 seeds"] >= 0.89
    assert shares["test: 5 pairs of seeds"] <= 0.11
    assert shares["test: 15 random splits, corrected"] <= 0.11
    assert shares["test: 15 random splits, as if independent"] >= 0.2
