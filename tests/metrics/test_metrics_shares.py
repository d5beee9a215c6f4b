"""Intervals of precision, recall and F1 where samples come in groups."""

import numpy as np
import pytest

from projectkit.errors import UserError
from projectkit.metrics import Refused, at_threshold, class_table, tpr_at_fpr


def _tracks(rng, groups, size, *, alike):
    """Targets, scores and groups: each group has one target, and a share `alike` of its samples has the same score."""
    target = np.repeat((rng.random(groups) < 0.4).astype(int), size)
    target[: 2 * size] = np.repeat([0, 1], size)
    shift = np.where(rng.random((groups, size)) < alike, rng.normal(size=(groups, 1)), rng.normal(size=(groups, size)))
    return target, shift.ravel() + target, np.repeat(np.arange(groups), size)


# A share among groups of one target each: with score above .5, recall is P(N > -.5), fpr P(N > .5).
TRUTH = {"recall": 0.6914625, "fpr": 0.3085375}
TRUTH["precision"] = 0.4 * TRUTH["recall"] / (0.4 * TRUTH["recall"] + 0.6 * TRUTH["fpr"])
TRUTH["f1"] = 2 * 0.4 * TRUTH["recall"] / (0.4 + 0.4 * TRUTH["recall"] + 0.6 * TRUTH["fpr"])


@pytest.mark.parametrize(("groups", "size", "alike"), [(60, 10, 0.9), (100, 5, 0.5)])
def test_intervals_by_group_hold_the_true_value_about_as_often_as_they_say_and_others_do_not(groups, size, alike):
    rng, draws = np.random.default_rng(0), 400
    held, alone = dict.fromkeys(TRUTH, 0), dict.fromkeys(TRUTH, 0)
    for _ in range(draws):
        target, score, group = _tracks(rng, groups, size, alike=alike)
        by_group, exact = at_threshold(target, score, 0.5, groups=group), at_threshold(target, score, 0.5)
        for name, truth in TRUTH.items():
            assert by_group[name].value == exact[name].value
            held[name] += by_group[name].low <= truth <= by_group[name].high
            alone[name] += exact[name].low <= truth <= exact[name].high
    for name in TRUTH:
        assert 0.91 <= held[name] / draws <= 0.985, name  # 400 draws of 95%: three standard errors are 3.3 points
        assert alone[name] < held[name], name


def test_groups_of_one_sample_are_about_as_wide_as_exact_intervals():
    rng = np.random.default_rng(1)
    target, score, _ = _tracks(rng, 300, 1, alike=0)
    exact, by_group = at_threshold(target, score, 0.5), at_threshold(target, score, 0.5, groups=np.arange(300))
    for name, interval in exact.items():
        assert by_group[name].high - by_group[name].low == pytest.approx(interval.high - interval.low, rel=0.06)
        assert by_group[name].method == "wilson by group"


def test_what_all_groups_agree_on_counts_each_group_once():
    # Ten tracks of 30 frames, all found: that is ten times right, not 300 times. Wilson's limit of 10 in 10 is 0.722.
    target, groups = np.repeat([1, 0], [300, 30]), np.repeat(np.arange(11), 30)
    measured = at_threshold(target, target.astype(float), 0.5, groups=groups)
    assert measured["recall"].low == pytest.approx(0.722, abs=0.001)
    assert measured["f1"].low == pytest.approx(2 * 0.722 / 1.722, abs=0.001)
    assert measured["fpr"].high > 0.7  # one group of negatives


def test_the_table_of_classes_goes_by_group_too():
    rng = np.random.default_rng(2)
    target, score, groups = _tracks(rng, 60, 10, alike=0.9)
    probability = 1 / (1 + np.exp(-score))
    scores = np.stack([1 - probability, probability], axis=1)
    alone, by_group = (
        class_table(target, scores, ["no", "yes"]),
        class_table(target, scores, ["no", "yes"], groups=groups),
    )
    for one, other in zip(alone, by_group, strict=True):
        for name in ("precision", "recall", "f1"):
            assert getattr(other, name).value == getattr(one, name).value
            assert (
                getattr(other, name).high - getattr(other, name).low > getattr(one, name).high - getattr(one, name).low
            )


def test_a_low_rate_takes_enough_groups_of_negatives():
    rng = np.random.default_rng(3)
    target, score, groups = _tracks(rng, 400, 20, alike=0.9)
    assert not isinstance(tpr_at_fpr(target, score, 0.001), Refused)
    refused = tpr_at_fpr(target, score, 0.001, groups=groups)
    assert isinstance(refused, Refused)
    assert "groups of negatives cannot show an FPR of 0.001" in refused.reason


@pytest.mark.parametrize(
    "function",
    [
        lambda groups: at_threshold([0, 1], [0.1, 0.9], 0.5, groups=groups),
        lambda groups: tpr_at_fpr([0, 1], [0.1, 0.9], 0.5, groups=groups),
        lambda groups: class_table([0, 1], np.eye(2), ["no", "yes"], groups=groups),
    ],
)
def test_groups_of_another_length_are_one_line(function):
    with pytest.raises(UserError, match=r"groups have shape \(3,\), but there are 2 samples"):
        function(["a", "b", "c"])


def test_groups_of_uneven_size_are_worth_fewer():
    # k / (k - 1) and k - 1 degrees of freedom, which fit groups of one size, hold 90 of 100 here.
    draws, held = 500, 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        sizes = rng.geometric(1 / 8, 25)
        groups = np.repeat(np.arange(25), sizes)
        found = rng.random(len(groups)) < rng.beta(0.9, 0.1, 25)[groups]
        recall = at_threshold(np.ones(len(groups)), found.astype(float), 0.5, groups=groups)["recall"]
        held += recall.low <= 0.9 <= recall.high
    assert held / draws >= 0.915  # three standard errors below 94.5%
