"""Every split of every card: nothing that belongs together stands in two subsets, time runs forward, and digests stay what they are."""

from __future__ import annotations

import json
import re

import datasets_golden
import numpy as np
import pytest
from datasets_golden import FOLDS, contents, loaded

from projectkit.datasets import Samples, catalogue
from projectkit.datasets.card import Card
from projectkit.datasets.columns import Texts
from projectkit.datasets.copies.duplicates import masked
from projectkit.datasets.splits.split import Split, k_fold, make_split
from projectkit.errors import UserError

GOLDEN = json.loads(datasets_golden.FILE.read_text(encoding="utf-8"))


every_set = pytest.mark.parametrize("name", catalogue._NAMES, indirect=True)


def check(card: Card, samples: Samples, split: Split, inputs: np.ndarray) -> None:
    """What holds for every split."""
    assert list(split.subsets)[:3] == ["train", "val", "test"]
    for rows in split.subsets.values():
        assert rows.dtype == np.int64
        assert len(rows)
        assert (np.diff(rows) > 0).all()
    train, val, test = (split.subsets[part] for part in ("train", "val", "test"))
    for further in list(split.subsets)[3:]:
        assert set(split.subsets[further]) < set(test)
    assert samples.copies is not None
    apart = {"row": samples.id, "equal input": inputs, "copy": samples.copies}
    if keeps_groups(card, split):
        kept_together = str(card.splits[split.policy].arguments.get("column", "group"))
        apart[kept_together] = getattr(samples, kept_together)
    for what, column in apart.items():
        kept = [set(column[rows].tolist()) for rows in (train, val, test)]
        shared = sum(map(len, kept)) - len(set().union(*kept))
        assert not shared, f"{shared} times, a {what} is in two subsets of {split.policy}"
    if samples.time is not None and card.splits[split.policy].method in ("official", "by_time"):
        assert samples.time[train].max() <= samples.time[val].min()
        assert samples.time[val].max() <= samples.time[test].min()


def keeps_groups(card: Card, split: Split) -> bool:
    arguments = card.splits[split.policy].arguments
    match card.splits[split.policy].method:
        case "leave_groups_out":
            return True
        case "stratified":
            return bool(arguments.get("by_group", False)) and "column" not in arguments
        case "official":
            return bool(arguments.get("by_group", loaded(card.name).group is not None))
    return False


@every_set
def test_no_split_of_a_card_leaks(name: str) -> None:
    card, samples = catalogue.card(name), loaded(name)
    inputs = contents(samples)
    fitting: set[str] = set()
    for target in card.targets:
        for policy in card.splits:
            try:
                split = make_split(card, samples, target, policy, 0)
            except UserError:
                if policy == card.targets[target].split:  # another one may be for another target
                    raise
                continue
            fitting.add(policy)
            check(card, samples, split, inputs)
    assert fitting == set(card.splits)


@pytest.mark.parametrize(
    "name", [name for name in catalogue._NAMES if catalogue.card(name).near_duplicates], indirect=True
)
def test_no_near_duplicate_that_a_card_declares_is_found_in_two_subsets_by_another_way(name: str) -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    card, samples = catalogue.card(name), loaded(name)
    near = card.near_duplicates
    assert near is not None
    assert isinstance(samples.x, Texts)
    texts = list(samples.x)
    subsets = make_split(card, samples, card.default_target, card.targets[card.default_target].split, 0).subsets
    train, test = np.concatenate([subsets["train"], subsets["val"]]), subsets["test"]
    if near.method == "masked":
        assert {masked(texts[row]) for row in test}.isdisjoint({masked(texts[row]) for row in train})
        return
    assert near.method == "minhash"
    counts = CountVectorizer(analyzer="char", ngram_range=(5, 5), binary=True, lowercase=False)
    grams = counts.fit_transform([" ".join(text) if len(text) < 5 else text for text in texts]).astype(np.int64)
    sizes = np.asarray(grams.sum(axis=1)).ravel()
    for begin in range(0, len(test), 1000):
        some = test[begin : begin + 1000]
        shared = (grams[some] @ grams[train].T).tocoo()
        union = sizes[some][shared.row] + sizes[train][shared.col] - shared.data
        assert (shared.data < near.threshold * union).all()


@every_set
def test_every_class_of_a_card_is_in_train_and_test(name: str) -> None:
    card, samples = catalogue.card(name), loaded(name)
    for target, declared in card.targets.items():
        split = make_split(card, samples, target, declared.split, 0)
        everything = set(np.unique(samples.y[target])) - {-1}
        trained, tested = (set(samples.y[target][split.subsets[part]]) - {-1} for part in ("train", "test"))
        assert everything == set(range(len(declared.class_names)))
        assert trained == everything or (declared.kind == "anomaly" and trained == {0})
        assert tested <= everything


@every_set
def test_folds_of_a_card_test_every_row_once_and_leak_nothing(name: str) -> None:
    card, samples = catalogue.card(name), loaded(name)
    inputs = contents(samples)
    for target, declared in card.targets.items():
        for policy, chosen in card.splits.items():
            try:
                folds = k_fold(card, samples, target, policy, 0, FOLDS)
            except UserError as refusal:
                if policy == declared.split and not re.search("ask for fewer folds|take a later fold", str(refusal)):
                    raise
                continue
            for split in folds:
                check(card, samples, split, inputs)
            assert len({split.digest for split in folds}) == FOLDS
            part = "val" if chosen.method == "official" else "test"
            held = np.concatenate([split.subsets[part] for split in folds])
            assert len(held) == len(set(held.tolist()))
            used = set(np.concatenate([rows for split in folds for rows in split.subsets.values()]).tolist())
            if chosen.method == "official":
                tests = [split.subsets["test"] for split in folds]
                assert all(np.array_equal(test, tests[0]) for test in tests)
                used -= set(tests[0].tolist())
            if chosen.method != "by_time" and (samples.time is None or chosen.method != "official"):
                assert set(held.tolist()) == used


@every_set
def test_seeds_give_other_splits_but_what_the_makers_or_a_date_chose_stays(name: str) -> None:
    card, samples = catalogue.card(name), loaded(name)
    for target, declared in card.targets.items():
        policy = card.splits[declared.split]
        zero, again, one = (make_split(card, samples, target, declared.split, seed) for seed in (0, 0, 1))
        assert zero.digest == again.digest != one.digest
        fixed = policy.method in ("official", "by_time")
        named = policy.arguments.get("test_groups") is not None
        if not named:
            assert np.array_equal(zero.subsets["test"], one.subsets["test"]) == fixed
        if policy.method != "by_time" and not policy.arguments.get("val_sources") and samples.time is None:
            assert not np.array_equal(zero.subsets["val"], one.subsets["val"])


@every_set
def test_contents_and_splits_are_the_golden_ones(name: str) -> None:
    assert datasets_golden.measured(name) == GOLDEN.get(name), datasets_golden.ADVICE


def test_golden_digests_are_of_sets_that_there_are() -> None:
    assert set(GOLDEN) <= set(catalogue._NAMES), datasets_golden.ADVICE
