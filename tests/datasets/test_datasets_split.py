"""Splits: what may not cross does not cross, and the same arguments give the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from projectkit.datasets import catalogue
from projectkit.datasets.card import SplitPolicy
from projectkit.datasets.columns import Texts
from projectkit.datasets.policies import leave_groups_out, official, stratified
from projectkit.datasets.samples import Samples
from projectkit.datasets.split import make_split
from projectkit.errors import UserError

IDS = np.array([f"s{n:03d}" for n in range(400)])
LABELS = np.arange(400) % 4 // 3  # 300 of class 0, 100 of class 1
GROUPS = np.array([f"g{n // 10:02d}" for n in range(400)])  # 40 groups of 10


def in_no_two(subsets: dict[str, np.ndarray], values: np.ndarray) -> bool:
    kept = [set(values[rows]) for rows in subsets.values()]
    return sum(map(len, kept)) == len(set().union(*kept))


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


def test_a_group_stays_together_or_keeps_one_row() -> None:
    together = stratified(IDS, LABELS, groups=GROUPS)
    assert in_no_two(together, GROUPS)
    assert sum(map(len, together.values())) == 400
    single = stratified(IDS, LABELS, groups=GROUPS, one_per_group=True)
    assert in_no_two(single, GROUPS)
    assert sorted(np.concatenate(list(single.values()))) == list(range(0, 400, 10))


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
    subsets = official(
        IDS, LABELS, sources, test_sources={"test": ["easy", "hard"], "test_hard": ["hard"]}, groups=groups
    )
    assert subsets["test"].tolist() == list(range(300, 400))
    assert subsets["test_hard"].tolist() == list(range(360, 400))
    used = np.concatenate([subsets["train"], subsets["val"]])
    assert sorted(used) == list(range(2, 300))
    assert len(subsets["val"]) == pytest.approx(0.125 * 298, abs=4)
    assert in_no_two({name: subsets[name] for name in ("train", "val", "test")}, groups)


def test_leave_groups_out_holds_out_whole_groups_of_every_class() -> None:
    labels = (np.arange(400) // 10) % 2  # a group has one class
    subsets = leave_groups_out(labels, GROUPS)
    assert in_no_two(subsets, GROUPS)
    assert sum(map(len, subsets.values())) == 400
    assert np.bincount(labels[subsets["test"]]).tolist() == [40, 40]  # 4 of 20 groups of each class
    assert np.bincount(labels[subsets["val"]]).tolist() == [20, 20]


def test_which_groups_are_left_out_does_not_depend_on_the_order_of_the_rows() -> None:
    labels = (np.arange(400) // 10) % 2
    turned = np.arange(400)[::-1]
    held_out = set(GROUPS[leave_groups_out(labels, GROUPS)["test"]])
    assert set(GROUPS[turned][leave_groups_out(labels[turned], GROUPS[turned])["test"]]) == held_out
    assert set(GROUPS[leave_groups_out(labels, GROUPS, seed=1)["test"]]) != held_out


def test_a_split_that_does_not_fit_the_target_says_which_one_does() -> None:
    card = replace(
        catalogue.card("synthetic_text"),
        splits={"by_class": SplitPolicy("leave_groups_out", {}, "")},
    )
    labels = np.repeat([0, 1, 2], [10, 10, 10]).astype(np.int64)
    samples = Samples(
        id=IDS[:30],
        x=Texts.of(IDS[:30].tolist()),
        y={"activity": labels},
        group=np.array([f"c{label}" for label in labels]),
    )
    with pytest.raises(
        UserError, match=r"class '.*' is in train but not in test; use split 'stratified' for target 'activity'"
    ):
        make_split(card, samples, "activity", "by_class", 0)


def test_the_digest_changes_with_seed_policy_arguments_and_ids() -> None:
    card = catalogue.card("synthetic_text")
    samples = catalogue.load("synthetic_text")
    renamed = replace(samples, id=np.char.add(samples.id, "'"))
    smaller = replace(card, splits={"stratified": SplitPolicy("stratified", {"test_fraction": 0.1}, "")})
    digests = [
        make_split(card, samples, "activity", "stratified", 0).digest,
        make_split(card, samples, "activity", "stratified", 1).digest,
        make_split(card, renamed, "activity", "stratified", 0).digest,
        make_split(smaller, samples, "activity", "stratified", 0).digest,
    ]
    assert len(set(digests)) == 4
