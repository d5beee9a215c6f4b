"""Policies: what they keep apart, how much goes where, and that nothing but seed and names decides it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from projectkit.datasets.splits.policies import (
    Subsets,
    by_time,
    careless,
    k_fold,
    k_fold_by_time,
    k_fold_official,
    leave_groups_out,
    official,
    stratified,
)

IDS = np.array([f"s{n:03d}" for n in range(400)])
LABELS = np.arange(400) % 4 // 3  # 300 of class 0, 100 of class 1
GROUPS = np.array([f"g{n // 10:02d}" for n in range(400)])  # 40 groups of 10
BY_GROUP = (np.arange(400) // 10) % 2  # labels of which each group has one


def in_no_two(subsets: Subsets, values: np.ndarray) -> bool:
    kept = [set(values[rows]) for rows in subsets.values()]
    return sum(map(len, kept)) == len(set().union(*kept))


def random_table(seed: int) -> dict[str, Any]:
    """Labels in uneven shares, groups of very uneven size, ids in no order."""
    numbers = np.random.default_rng(seed)
    size = int(numbers.integers(60, 400))
    return {
        "ids": numbers.permutation([f"id-{n}" for n in range(size)]),
        "labels": numbers.choice(3, size, p=[0.6, 0.3, 0.1]).astype(np.int64),
        "groups": np.array([f"g{n}" for n in np.minimum(numbers.geometric(0.05, size), 50)]),
        "times": numbers.integers(0, 40, size),  # many rows of one time
    }


def test_stratified_is_70_10_20_of_every_class() -> None:
    subsets = stratified(IDS, LABELS)
    assert {name: np.bincount(LABELS[rows]).tolist() for name, rows in subsets.items()} == {
        "train": [210, 70],
        "val": [30, 10],
        "test": [60, 20],
    }
    assert in_no_two(subsets, IDS)
    assert all((np.diff(rows) > 0).all() for rows in subsets.values())


def test_another_seed_gives_other_rows_and_the_same_seed_the_same() -> None:
    one, same, other = (stratified(IDS, LABELS, seed=seed)["test"] for seed in (1, 1, 2))
    assert (one == same).all()
    assert not np.array_equal(one, other)


def test_the_rows_order_does_not_decide_which_ids_are_test() -> None:
    back = np.arange(400)[::-1]
    assert set(IDS[stratified(IDS, LABELS)["test"]]) == set(IDS[back][stratified(IDS[back], LABELS[back])["test"]])
    kept = k_fold(IDS, LABELS, folds=5, fold=2)["test"]
    assert set(IDS[kept]) == set(IDS[back][k_fold(IDS[back], LABELS[back], folds=5, fold=2)["test"]])


def test_the_width_of_the_ids_column_and_its_byte_order_decide_nothing() -> None:
    expected = stratified(IDS, LABELS)["test"]
    assert np.array_equal(stratified(IDS.astype("<U40"), LABELS)["test"], expected)
    assert np.array_equal(stratified(IDS.astype(">U4"), LABELS.astype(">i8"))["test"], expected)


def test_a_group_stays_together_or_keeps_one_row() -> None:
    together = stratified(IDS, LABELS, groups=GROUPS)
    assert in_no_two(together, GROUPS)
    assert sum(map(len, together.values())) == 400
    single = stratified(IDS, LABELS, groups=GROUPS, one_per_group=True)
    assert in_no_two(single, GROUPS)
    assert sorted(np.concatenate(list(single.values()))) == list(range(0, 400, 10))


def test_a_group_that_is_larger_than_the_test_share_is_for_training() -> None:
    groups = np.array(["host"] * 200 + [f"other {n}" for n in range(200)])
    for seed in range(20):
        subsets = stratified(IDS, np.zeros(400, dtype=np.int64), groups=groups, seed=seed)
        assert {name: len(rows) for name, rows in subsets.items()} == {"train": 280, "val": 40, "test": 80}
        assert 0 in subsets["train"]


def test_a_class_of_three_is_in_every_subset_and_a_class_of_one_is_in_train() -> None:
    labels = np.array([0] * 20 + [1] * 3 + [2])
    subsets = stratified(IDS[:24], labels)
    assert [int((labels[rows] == 1).sum()) for rows in subsets.values()] == [1, 1, 1]
    assert 23 in subsets["train"]


def test_official_keeps_the_test_set_whole_and_drops_what_training_shares_with_it() -> None:
    sources = np.array(["train"] * 300 + ["easy"] * 60 + ["hard"] * 40)
    groups = IDS.copy()
    groups[[0, 1, 350]] = "copy"  # two training rows equal a test row
    groups[[5, 6, 7, 8]] = "again"  # equal rows within training
    tests = {"test": ["easy", "hard"], "test_hard": ["hard"]}
    copies = np.arange(400)
    copies[[9, 351]] = 9
    subsets = official(IDS, LABELS, sources, test_sources=tests, groups=groups, copies=copies)
    assert subsets["test"].tolist() == list(range(300, 400))
    assert subsets["test_hard"].tolist() == list(range(360, 400))
    used = np.concatenate([subsets["train"], subsets["val"]])
    assert sorted(used) == [n for n in range(2, 300) if n != 9]
    assert len(subsets["val"]) == pytest.approx(0.125 * 297, abs=4)
    assert in_no_two({name: subsets[name] for name in ("train", "val", "test")}, groups)


def test_validation_is_what_the_makers_gave_for_it() -> None:
    sources = np.repeat(["a", "b", "c"], [300, 60, 40])
    subsets = official(IDS, LABELS, sources, test_sources={"test": ["c"]}, val_sources=["b"])
    assert {name: (rows[0], rows[-1], len(rows)) for name, rows in subsets.items()} == {
        "train": (0, 299, 300),
        "val": (300, 359, 60),
        "test": (360, 399, 40),
    }
    groups = IDS.copy()
    groups[[3, 310]] = "both"
    kept = official(IDS, LABELS, sources, test_sources={"test": ["c"]}, val_sources=["b"], groups=groups)
    assert 3 not in kept["train"]
    assert 310 in kept["val"]


def test_where_a_published_set_has_times_validation_is_the_latest_of_the_rest() -> None:
    sources = np.repeat(["a", "c"], [320, 80])
    times = np.random.default_rng(0).permutation(320)
    subsets = official(IDS, LABELS, sources, test_sources={"test": ["c"]}, times=np.r_[times, np.arange(320, 400)])
    assert sorted(times[subsets["val"]]) == list(range(280, 320))
    assert sorted(times[subsets["train"]]) == list(range(280))


def test_leave_groups_out_holds_out_whole_groups_of_every_class() -> None:
    subsets = leave_groups_out(BY_GROUP, GROUPS)
    assert in_no_two(subsets, GROUPS)
    assert sum(map(len, subsets.values())) == 400
    assert np.bincount(BY_GROUP[subsets["test"]]).tolist() == [40, 40]  # 4 of 20 groups of each class
    assert np.bincount(BY_GROUP[subsets["val"]]).tolist() == [20, 20]


def test_named_groups_are_the_test_set_and_classes_that_they_lack_are_drawn() -> None:
    subsets = leave_groups_out(BY_GROUP, GROUPS, test_groups=["g01", "g03"])  # both of class 1
    tested = set(GROUPS[subsets["test"]])
    assert {group for group in tested if BY_GROUP[group == GROUPS][0] == 1} == {"g01", "g03"}
    assert len(tested) == 2 + 4  # a fifth of the 20 groups of class 0
    assert in_no_two(subsets, GROUPS)
    other = set(GROUPS[leave_groups_out(BY_GROUP, GROUPS, test_groups=["g01", "g03"], seed=1)["test"]])
    assert other != tested
    assert {"g01", "g03"} < other
    both = leave_groups_out(BY_GROUP, GROUPS, test_groups=["g00", "g01"])
    assert set(GROUPS[both["test"]]) == {"g00", "g01"}


def test_which_groups_are_left_out_does_not_depend_on_the_order_of_the_rows() -> None:
    turned = np.arange(400)[::-1]
    held_out = set(GROUPS[leave_groups_out(BY_GROUP, GROUPS)["test"]])
    assert set(GROUPS[turned][leave_groups_out(BY_GROUP[turned], GROUPS[turned])["test"]]) == held_out
    assert set(GROUPS[leave_groups_out(BY_GROUP, GROUPS, seed=1)["test"]]) != held_out


def test_time_runs_forward_and_rows_of_one_time_stay_together() -> None:
    times = np.random.default_rng(0).permutation(np.repeat(np.arange(80), 5))
    subsets = by_time(times)
    assert {name: len(rows) for name, rows in subsets.items()} == {"train": 280, "val": 40, "test": 80}
    assert times[subsets["train"]].max() < times[subsets["val"]].min()
    assert times[subsets["val"]].max() < times[subsets["test"]].min()
    tied = np.r_[np.arange(100), np.full(100, 100)]
    assert len(by_time(tied)["test"]) == 100  # a fifth is 40; the other 60 have the same time


def test_a_group_that_comes_back_later_is_left_out_of_what_is_earlier() -> None:
    times, hosts = np.arange(400), np.array([f"h{n % 90}" if n % 4 else f"once {n}" for n in range(400)])
    whole = by_time(times)
    for subsets in (by_time(times, groups=hosts), k_fold_by_time(times, folds=3, fold=1, groups=hosts)):
        assert in_no_two(subsets, hosts)
        assert all(len(rows) for rows in subsets.values())
        assert times[subsets["train"]].max() < times[subsets["val"]].min()
    assert np.array_equal(by_time(times, groups=hosts)["test"], whole["test"])


@pytest.mark.parametrize("seed", range(12))
def test_folds_of_random_tables_test_every_row_once_and_part_no_group(seed: int) -> None:
    table = random_table(seed)
    folds = [
        k_fold(table["ids"], table["labels"], folds=4, fold=fold, groups=table["groups"], seed=seed)
        for fold in range(4)
    ]
    assert np.array_equal(np.sort(np.concatenate([each["test"] for each in folds])), np.arange(len(table["ids"])))
    for each in folds:
        assert in_no_two(each, table["groups"])
        assert np.array_equal(np.sort(np.concatenate(list(each.values()))), np.arange(len(table["ids"])))


@pytest.mark.parametrize("seed", range(12))
def test_subsets_of_random_tables_are_disjoint_and_part_no_group(seed: int) -> None:
    table = random_table(seed)
    grouped = stratified(table["ids"], table["labels"], groups=table["groups"], seed=seed)
    assert in_no_two(grouped, table["groups"])
    assert in_no_two(leave_groups_out(table["labels"], table["groups"], seed=seed), table["groups"])
    forward = by_time(table["times"])
    assert in_no_two(forward, table["times"])
    for subsets in (grouped, forward, careless(table["ids"], seed=seed)):
        assert np.array_equal(np.sort(np.concatenate(list(subsets.values()))), np.arange(len(table["ids"])))
        assert all((np.diff(rows) > 0).all() for rows in subsets.values())


def test_folds_have_the_same_share_of_every_class() -> None:
    counts = [np.bincount(LABELS[k_fold(IDS, LABELS, folds=7, fold=fold)["test"]]).tolist() for fold in range(7)]
    assert all(abs(zeros - 300 / 7) < 1 and abs(ones - 100 / 7) < 1 for zeros, ones in counts)
    sizes = [sum(each) for each in counts]
    assert max(sizes) - min(sizes) <= 1  # no fold gets the remainder of both classes


def test_folds_of_large_groups_are_as_even_as_those_of_scikit_learn() -> None:
    from sklearn.model_selection import StratifiedGroupKFold

    labels = np.repeat([0, 1], [300, 100])
    sizes = [60, 50, 40, 30, 30, 20, 20, 20, 10, 10, 5, 5, 30, 20, 20, 10, 10, 10]
    groups = np.repeat([f"g{n:02d}" for n in range(len(sizes))], sizes)
    ours = [np.bincount(labels[k_fold(IDS, labels, folds=3, fold=n, groups=groups)["test"]]) for n in range(3)]
    theirs = [np.bincount(labels[rows]) for _, rows in StratifiedGroupKFold(3).split(labels, labels, groups)]
    assert np.ptp(ours, axis=0).max() <= np.ptp(theirs, axis=0).max()


def test_folds_by_name_deal_out_whole_groups_one_by_one() -> None:
    folds = [k_fold(GROUPS, BY_GROUP, folds=5, fold=fold, groups=GROUPS, by_name=True)["test"] for fold in range(5)]
    assert [len(set(GROUPS[rows])) for rows in folds] == [8] * 5
    assert [np.bincount(BY_GROUP[rows]).tolist() for rows in folds] == [[40, 40]] * 5


def test_a_fold_with_one_row_of_each_group_leaves_its_copies_out() -> None:
    folds = [k_fold(IDS, LABELS, folds=4, fold=fold, groups=GROUPS, one_per_group=True) for fold in range(4)]
    for each in folds:
        assert sorted(np.concatenate(list(each.values()))) == list(range(0, 400, 10))
    assert sorted(np.concatenate([each["test"] for each in folds])) == list(range(0, 400, 10))


def test_folds_of_a_published_set_are_its_validation_part() -> None:
    sources = np.repeat(["train", "test"], [300, 100])
    folds = [
        k_fold_official(IDS, LABELS, sources, test_sources={"test": ["test"]}, folds=5, fold=fold) for fold in range(5)
    ]
    assert all(each["test"].tolist() == list(range(300, 400)) for each in folds)
    assert sorted(np.concatenate([each["val"] for each in folds])) == list(range(300))
    assert all(sorted(np.r_[each["train"], each["val"]]) == list(range(300)) for each in folds)


def test_folds_by_time_are_windows_that_training_has_not_reached() -> None:
    times = np.random.default_rng(0).permutation(400)
    folds = [k_fold_by_time(times, folds=4, fold=fold) for fold in range(4)]
    assert sorted(np.concatenate([times[each["test"]] for each in folds])) == list(range(80, 400))
    for number, each in enumerate(folds):
        assert sorted(times[np.r_[each["train"], each["val"]]]) == list(range(80 * (number + 1)))
        assert times[each["train"]].max() < times[each["val"]].min()
        assert times[each["val"]].max() < times[each["test"]].min()


def test_folds_of_a_published_set_with_times_validate_on_what_comes_later() -> None:
    sources = np.repeat(["train", "test"], [300, 100])
    times = np.arange(400)
    for fold in range(3):
        each = k_fold_official(IDS, LABELS, sources, test_sources={"test": ["test"]}, times=times, folds=3, fold=fold)
        assert each["train"].tolist() == list(range(75 * (fold + 1)))
        assert each["val"].tolist() == list(range(75 * (fold + 1), 75 * (fold + 2)))


def test_a_careless_split_parts_the_groups_that_the_others_keep() -> None:
    subsets = careless(IDS)
    assert {name: len(rows) for name, rows in subsets.items()} == {"train": 280, "val": 40, "test": 80}
    assert len(set(GROUPS[subsets["train"]]) & set(GROUPS[subsets["test"]])) > 30
