"""Slices that do worse are found, chance is not, and what is small, empty or the same is said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from projectkit.evaluation.slices import LEAST, Column, cut, find_slices
from projectkit.metrics import clopper_pearson


def columns_of_noise(rng: np.random.Generator, n: int, count: int) -> list[Column]:
    return [Column(f"column {number}", rng.normal(size=n)) for number in range(count)]


def test_a_planted_slice_is_found_among_many_and_alone() -> None:
    rng = np.random.default_rng(0)
    columns = columns_of_noise(rng, 4_000, 40)
    bad = columns[7].values > np.quantile(columns[7].values, 0.75)
    right = rng.random(4_000) < np.where(bad, 0.75, 0.95)
    found = find_slices(right, columns)
    assert [each.column for each in found.rows if each.worse] == ["column 7"]
    assert found.rows[0].value == pytest.approx(right[bad].mean(), abs=0.005)
    assert found.rows[0].rest > found.rows[0].value
    assert found.tests == 160


def test_interval_and_test_of_independent_samples_are_the_exact_ones() -> None:
    rng = np.random.default_rng(1)
    right = rng.random(500) < 0.8
    names = np.where(rng.random(500) < 0.3, "a", "b")
    found = {each.label: each for each in find_slices(right, [Column("name", names)]).rows}
    chosen = names == "a"
    table = [[right[chosen].sum(), (~right[chosen]).sum()], [right[~chosen].sum(), (~right[~chosen]).sum()]]
    bounds = clopper_pearson(int(right[chosen].sum()), int(chosen.sum()))
    assert found["a"].p == pytest.approx(stats.fisher_exact(table).pvalue)
    assert (found["a"].low, found["a"].high) == (bounds.low, bounds.high)
    assert found["a"].p == pytest.approx(found["b"].p)


def test_two_slices_that_make_up_the_whole_are_one_comparison() -> None:
    right = np.random.default_rng(2).random(200) < 0.8
    found = find_slices(right, [Column("name", np.array(["a", "b"] * 100))])
    assert found.tests == 1
    assert all(each.p_holm == each.p for each in found.rows)


def null_subset(rng: np.random.Generator) -> tuple[np.ndarray, Column, np.ndarray]:
    """Samples that are right group by group, and a column that is the group's and has nothing to do with it."""
    groups = np.repeat(np.arange(60), 5)
    right = rng.random(300) < rng.beta(2, 0.5, size=60)[groups]
    return right, Column("column", rng.normal(size=60)[groups]), groups


def test_chance_alone_is_called_worse_in_at_most_one_of_twenty_subsets() -> None:
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(200):
        right = rng.random(300) < 0.8
        alarms += any(each.worse for each in find_slices(right, [Column("column", rng.normal(size=300))]).rows)
    assert alarms <= stats.binom.ppf(0.999, 200, 0.05)


def test_chance_is_told_where_samples_come_in_groups_and_would_not_be_without_them() -> None:
    rng = np.random.default_rng(4)
    alarms = careless = 0
    for _ in range(150):
        right, column, groups = null_subset(rng)
        alarms += any(each.worse for each in find_slices(right, [column], groups=groups).rows)
        careless += any(each.worse for each in find_slices(right, [column]).rows)
    assert alarms <= stats.binom.ppf(0.999, 150, 0.05)
    assert careless > stats.binom.ppf(0.999, 150, 0.05)


def test_chance_is_told_where_groups_are_of_uneven_size() -> None:
    # taken as groups of one size, they are called worse in 12 of 100 subsets
    draws, alarms = 300, 0
    for seed in range(draws):
        rng = np.random.default_rng((seed, 1))
        groups = np.repeat(np.arange(60), rng.geometric(1 / 5, 60))
        right = rng.random(len(groups)) < rng.beta(2, 0.5, 60)[groups]
        column = Column("column", rng.normal(size=60)[groups])
        alarms += any(each.p_holm < 0.05 for each in find_slices(right, [column], groups=groups).rows)
    assert alarms <= stats.binom.ppf(0.99, draws, 0.06)


def test_without_their_groups_copies_of_one_sample_would_be_taken_for_many() -> None:
    rng = np.random.default_rng(4)
    right, names = rng.random(100) < 0.7, np.array(["a", "b"] * 50)
    once = find_slices(right, [Column("name", names)]).rows[0]
    columns = [Column("name", np.repeat(names, 10))]
    copied = find_slices(np.repeat(right, 10), columns, groups=np.repeat(np.arange(100), 10)).rows[0]
    careless = find_slices(np.repeat(right, 10), columns).rows[0]
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.05)
    assert careless.high - careless.low < 0.5 * (once.high - once.low)


def test_a_slice_that_is_one_group_is_asked_about_that_group() -> None:
    families = np.repeat([f"family {number}" for number in range(6)], 50)
    right = np.ones(300, dtype=bool)
    right[:50] = np.arange(50) < 10
    found = find_slices(right, [Column("class", families, classes=True)], groups=families)
    worst = found.rows[0]
    assert (worst.label, worst.worse, worst.n) == ("family 0", True, 50)
    assert worst.high < 0.4


def test_a_slice_is_shown_once_under_its_first_name() -> None:
    names = np.array(["a", "b", "c"] * 30)
    found = find_slices(
        np.arange(90) % 2, [Column("class", names, classes=True), Column("group", names, grouping=True)]
    )
    assert {each.column for each in found.rows} == {"class"}


def test_a_mix_of_hard_classes_explains_a_slice() -> None:
    rng = np.random.default_rng(5)
    hard = rng.random(2_000) < 0.5
    right = rng.random(2_000) < np.where(hard, 0.6, 0.98)
    expected = np.where(hard, right[hard].mean(), right[~hard].mean())
    long = np.where(hard, rng.random(2_000) < 0.9, rng.random(2_000) < 0.1)  # long only because hard ones are
    own = rng.random(2_000) < 0.2
    right = right & ~(own & (rng.random(2_000) < 0.5))
    found = find_slices(
        right,
        [Column("long", np.where(long, "yes", "no")), Column("own", np.where(own, "yes", "no"))],
        expected=expected,
    )
    worse = {each.column: each for each in found.rows if each.worse}
    assert worse.keys() == {"long", "own"}
    assert worse["own"].expected - worse["own"].value > 0.2
    assert not worse["own"].explained
    assert worse["long"].expected - worse["long"].value < 0.15


def test_quartiles_hold_every_sample_once_and_missing_ones_are_a_slice() -> None:
    values = np.random.default_rng(6).exponential(size=1_000)
    values[:100] = np.nan
    parts, small = cut(values)
    assert small == 0
    assert len(parts) == 5
    assert "missing" in parts
    assert (np.sum(list(parts.values()), axis=0) == 1).all()


def test_a_value_that_most_samples_have_is_a_slice_of_its_own() -> None:
    values = np.concatenate([np.zeros(700), np.arange(1, 301)])
    parts, _ = cut(values)
    assert parts["0"].sum() == 700
    assert "1 to 300" not in parts or parts["1 to 300"].sum() == 300
    assert sum(rows.sum() for rows in parts.values()) == 1_000


def test_numbers_that_differ_in_the_tenth_digit_are_told_apart() -> None:
    parts, _ = cut(np.repeat([0.1234567891, 0.1234567892, 0.1234567893], 30))
    assert len(parts) == 3
    assert (np.sum(list(parts.values()), axis=0) == 1).all()


def test_infinite_and_missing_numbers_are_slices_too() -> None:
    parts, _ = cut(np.concatenate([np.full(50, -np.inf), np.full(50, np.inf), np.full(50, np.nan), np.arange(100)]))
    assert "missing" in parts
    assert any("inf" in label for label in parts)
    assert (np.sum(list(parts.values()), axis=0) == 1).all()
    assert list(cut(np.full(50, np.nan))[0]) == ["missing"]


def test_small_and_empty_slices_and_columns_that_do_not_cut_are_named() -> None:
    names = np.array(["many"] * 100 + ["few"] * (LEAST - 1))
    same = np.full(len(names), "same")
    found = find_slices(np.ones(len(names)), [Column("name", names), Column("same", same)], empty=["class nobody"])
    assert found.small == {"name": 1}
    assert found.constant == ("same",)
    assert found.empty == ("class nobody",)
    assert [each.label for each in found.rows] == ["many"]
    assert not found.rows[0].worse


def test_nothing_to_cut_by_gives_no_slices() -> None:
    found = find_slices([1.0, 0.0, 1.0], [])
    assert (found.rows, found.tests) == ((), 0)


def test_larger_errors_of_a_regression_are_worse() -> None:
    rng = np.random.default_rng(7)
    names = np.array(["near", "far"] * 200)
    error = np.abs(rng.normal(size=400)) * np.where(names == "far", 3.0, 1.0)
    found = find_slices(error, [Column("distance", names)], errors=True)
    assert [(each.label, each.worse) for each in found.rows] == [("far", True), ("near", False)]
    assert found.metric == "mean absolute error"
    assert found.rows[0].low <= error[names == "far"].mean() <= found.rows[0].high


def test_the_interval_of_a_mean_error_is_students_and_wider_where_samples_come_in_groups() -> None:
    rng = np.random.default_rng(8)
    error, names = np.abs(rng.normal(size=100)), np.array(["a", "b"] * 50)
    once = {each.label: each for each in find_slices(error, [Column("name", names)], errors=True).rows}["a"]
    expected = stats.t.interval(0.95, 49, error[names == "a"].mean(), stats.sem(error[names == "a"]))
    assert (once.low, once.high) == pytest.approx(expected)
    groups = np.repeat(np.arange(100), 5)
    again = find_slices(np.repeat(error, 5), [Column("name", np.repeat(names, 5))], errors=True, groups=groups).rows
    copied = next(each for each in again if each.label == "a")
    assert (copied.low, copied.high) == pytest.approx(expected)
    assert copied.p == pytest.approx(once.p)


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="3 samples and columns of"):
        find_slices([1, 0, 1], [Column("name", np.array(["a", "b"]))])
