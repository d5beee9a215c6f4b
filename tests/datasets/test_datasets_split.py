"""Splits of a card: what may not cross does not cross, what does not fit is refused in one line, and a digest is of the rows alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from projectkit.datasets import catalogue
from projectkit.datasets.card import Card, NearDuplicates, SplitMethod, SplitPolicy, Target, Withheld
from projectkit.datasets.columns import Texts
from projectkit.datasets.samples import Samples
from projectkit.datasets.splits.split import Split, k_fold, make_split
from projectkit.errors import UserError, WorkError

SIZE = 400
LABELS = np.arange(SIZE) % 4 // 3  # 300 of class 0, 100 of class 1
GROUPS = np.array([f"g{n // 10:02d}" for n in range(SIZE)])
SOURCES = np.repeat(["train", "given", "test"], [240, 60, 100])


def samples(**changes: Any) -> Samples:
    columns: dict[str, Any] = {
        "id": np.array([f"s{n:03d}" for n in range(SIZE)]),
        "x": Texts.of([f"text number {n}" for n in range(SIZE)]),
        "y": {"label": LABELS},
        "group": GROUPS,
        "time": np.arange(SIZE),
        "source": SOURCES,
    }
    return Samples(**(columns | changes))


@pytest.fixture
def card(toy_card: Callable[..., Card]) -> Callable[..., Card]:
    """A function from a policy to a card whose split `asked` it is."""

    def build(method: SplitMethod, arguments: dict[str, Any] | None = None, **changes: Any) -> Card:
        splits = {
            "asked": SplitPolicy(method, arguments or {}, "asked"),
            "stratified": SplitPolicy("stratified", {}, "plain"),
        }
        return replace(toy_card(), splits=splits, **changes)

    return build


def asked(card: Card, given: Samples, **arguments: Any) -> Split:
    return make_split(card, given, "label", "asked", arguments.pop("seed", 0), **arguments)


def test_copies_stay_together_where_units_are_dealt_out(card: Callable[..., Card]) -> None:
    texts = Texts.of([f"text number {n % 100}" for n in range(SIZE)])  # each of them four times
    split = asked(card("stratified"), samples(x=texts))
    part_of = {row % 100: part for part, rows in split.subsets.items() for row in rows.tolist()}
    assert all(part_of[row % 100] == part for part, rows in split.subsets.items() for row in rows.tolist())
    assert sum(map(len, split.subsets.values())) == SIZE


def test_groups_that_share_a_copy_stay_together_too(card: Callable[..., Card]) -> None:
    names = [f"text number {n}" for n in range(SIZE)]
    names[399] = names[0]  # the first and the last group
    for seed in range(10):
        split = asked(card("stratified", {"by_group": True}), samples(x=Texts.of(names)), seed=seed)
        both = {*range(10), *range(390, 400)}
        assert [len(both & set(rows.tolist())) for rows in split.subsets.values()].count(0) == 2


@pytest.mark.parametrize("method", ["by_time", "leave_groups_out"])
def test_a_copy_is_dropped_from_the_subset_that_matters_less(card: Callable[..., Card], method: SplitMethod) -> None:
    given = samples()
    whole = asked(card(method), given).subsets
    train, val, test = (int(whole[part][0]) for part in ("train", "val", "test"))
    other = int(whole["train"][1])
    names = np.array([f"text number {n}" for n in range(SIZE)], dtype=object)
    names[[train, val, test]] = "in all three"
    names[[other, whole["val"][1]]] = "in two"
    kept = asked(card(method), replace(given, x=Texts.of(names.tolist()))).subsets
    assert np.array_equal(kept["test"], whole["test"])
    assert set(whole["val"]) - set(kept["val"]) == {val}
    assert set(whole["train"]) - set(kept["train"]) == {train, other}


def test_near_duplicates_count_where_the_card_declares_them(card: Callable[..., Card]) -> None:
    near = card("stratified", near_duplicates=NearDuplicates("masked"))
    texts = Texts.of([f"text {'abcdefghij'[n % 10]} number {n}" for n in range(SIZE)])  # ten, but for the number
    given = samples(x=texts, y={"label": np.arange(SIZE) % 10 // 5})
    split = asked(near, given)
    kept = [{row % 10 for row in rows.tolist()} for rows in split.subsets.values()]
    assert sum(map(len, kept)) == 10
    plain = asked(card("stratified"), given)
    assert len({row % 10 for row in plain.subsets["test"].tolist()}) == 10


def test_copies_that_are_filled_in_already_are_used_as_they_are(card: Callable[..., Card]) -> None:
    split = asked(card("stratified"), samples(copies=np.arange(SIZE) // 40 * 40))
    blocks = [{row // 40 for row in rows.tolist()} for rows in split.subsets.values()]
    assert sum(map(len, blocks)) == 10


def test_an_official_split_may_part_groups_where_the_card_says_so(card: Callable[..., Card]) -> None:
    given = samples(group=np.full(SIZE, "one"), time=None)
    tests = {"test_sources": {"test": ["test"]}}
    parted = asked(card("official", tests | {"by_group": False}), given)
    assert [len(rows) for rows in parted.subsets.values()] == [263, 37, 100]
    with pytest.raises(UserError, match="train has no rows"):
        asked(card("official", tests), given)


def test_classes_that_only_one_side_has_are_left_out_where_the_card_says_so(card: Callable[..., Card]) -> None:
    three = {"targets": {"label": Target("multiclass", ("a", "b", "c"), split="asked")}}
    labels = np.where(np.arange(SIZE) < 40, 2, LABELS)  # class 2 is in training alone
    policy = {"test_sources": {"test": ["test"]}}
    split = asked(card("official", policy | {"shared_classes": True}, **three), samples(y={"label": labels}))
    assert min(rows.min() for rows in split.subsets.values()) == 40
    with pytest.raises(UserError, match="class 'c' is in train but not in test; mend the arguments of this split"):
        asked(card("official", policy, **three), samples(y={"label": labels}))


def test_a_split_that_does_not_fit_the_target_says_which_one_does(card: Callable[..., Card]) -> None:
    with pytest.raises(
        UserError,
        match=r"split 'asked' of toy: class '.*' is in train but not in test; use split 'stratified' for target 'label'",
    ):
        asked(card("leave_groups_out"), samples(group=np.array([f"class {label}" for label in LABELS])))


def test_a_subset_without_rows_is_refused(card: Callable[..., Card]) -> None:
    with pytest.raises(UserError, match=r"train has no rows; use split 'stratified' for target 'label'"):
        asked(card("by_time"), samples(time=np.repeat([0, 1], [300, 100])))


@pytest.mark.parametrize(
    ("method", "arguments", "says"),
    [
        ("official", {"test_sources": {"test": ["tset"]}}, "no sample is of 'tset'; did you mean 'test'"),
        ("official", {"test_sources": {"test": ["test"]}, "val_sources": ["x"]}, "no sample is of 'x'"),
        ("leave_groups_out", {"test_groups": ["g1"]}, "no sample is of 'g1'; did you mean 'g"),
    ],
)
def test_a_source_or_group_that_is_not_there_is_refused(
    card: Callable[..., Card], method: SplitMethod, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        asked(card(method, arguments), samples())


@pytest.mark.parametrize(
    ("method", "arguments", "says"),
    [
        ("careless", {}, "no policy is called 'careless'; .* Mend the card's split"),
        ("stratified", {"test_fracton": 0.3}, "`stratified` takes no 'test_fracton'; did you mean 'test_fraction'"),
        ("by_time", {"by_group": True}, "`by_time` takes no 'by_group'"),
        ("stratified", {"seed": 3}, "`stratified` takes no 'seed'"),
        ("by_time", {"test_fraction": 20}, "test_fraction is 20; give the card's split a share between 0 and 1"),
        ("official", {"test_sources": {"hard": ["test"]}}, "no source is for test; name some under test_sources"),
    ],
)
def test_a_policy_or_argument_that_there_is_not_is_refused(
    card: Callable[..., Card], method: SplitMethod, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        asked(card(method, arguments), samples())


@pytest.mark.parametrize("method", ["by_time", "official"])
def test_samples_without_a_time_are_refused_where_time_decides(card: Callable[..., Card], method: SplitMethod) -> None:
    times = np.arange(SIZE, dtype=np.float64)
    times[[3, 5]] = np.nan
    arguments = {"test_sources": {"test": ["test"]}} if method == "official" else {}
    with pytest.raises(WorkError, match="2 samples have no time; mend the reader"):
        asked(card(method, arguments), samples(time=times))


@pytest.mark.parametrize(
    ("method", "arguments", "column"),
    [
        ("official", {"test_sources": {"test": ["test"]}}, "source"),
        ("stratified", {"by_group": True}, "group"),
        ("leave_groups_out", {}, "group"),
        ("by_time", {}, "time"),
    ],
)
def test_a_policy_whose_column_the_samples_lack_is_refused(
    card: Callable[..., Card], method: SplitMethod, arguments: dict[str, Any], column: str
) -> None:
    with pytest.raises(WorkError, match=rf"split 'asked' of toy: the samples have no {column}, which `{method}` needs"):
        asked(card(method, arguments), samples(**{column: None}))


def test_anomalies_may_be_absent_from_training_but_not_normal_samples(card: Callable[..., Card]) -> None:
    policy = {"test_sources": {"test": ["test"]}, "val_sources": ["given"]}
    labels = (np.arange(SIZE) >= 270).astype(np.int64) * (np.arange(SIZE) % 2)
    anomaly = card("official", policy, targets={"label": Target("anomaly", ("normal", "attack"), split="stratified")})
    assert set(labels[asked(anomaly, samples(y={"label": labels})).subsets["train"]]) == {0}
    binary = card("official", policy)
    with pytest.raises(UserError, match="class 'spam' is in val but not in train"):
        asked(binary, samples(y={"label": labels}))
    with pytest.raises(UserError, match="class 'normal' is in val but not in train"):
        asked(anomaly, samples(y={"label": 1 - labels}))


def test_a_subset_to_find_anomalies_in_has_some(card: Callable[..., Card]) -> None:
    anomaly = {"targets": {"label": Target("anomaly", ("normal", "attack"), split="asked")}}
    labels = ((np.arange(SIZE) >= 285) & (np.arange(SIZE) < 295)).astype(np.int64)
    with pytest.raises(UserError, match="class 'attack', which is to be found, is not in test; mend the arguments"):
        asked(card("by_time", {"test_fraction": 0.2}, **anomaly), samples(y={"label": labels}))
    late = np.where(np.arange(SIZE) < 230, 0, np.arange(SIZE) % 2)
    official = card("official", {"test_sources": {"test": ["test"]}}, **anomaly)
    normal = np.where(SOURCES == "test", late, 0)
    assert not normal[asked(official, samples(y={"label": normal})).subsets["val"]].any()  # they can choose a threshold
    assert late[asked(official, samples(y={"label": late}), folds=3, fold=2).subsets["val"]].any()
    with pytest.raises(UserError, match=r"is not in val; take a later fold of 3, or no folds \(data.folds=null\)"):
        asked(official, samples(y={"label": late}), folds=3, fold=0)


WITHHELD_TEST = {"withheld": Withheld("test", "labels.csv", "0" * 64)}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("official", {"test_sources": {"test": ["test"]}}),
        ("by_time", {"test_fraction": 0.25}),
        ("leave_groups_out", {"test_groups": [f"g{n}" for n in range(30, 40)]}),
    ],
)
def test_a_split_is_the_same_with_and_without_the_withheld_labels(
    card: Callable[..., Card], method: SplitMethod, arguments: dict[str, Any]
) -> None:
    hidden = {"label": np.where(SOURCES == "test", -1, LABELS)}
    ours, theirs = (asked(card(method, arguments, **WITHHELD_TEST), samples(y=y)) for y in (hidden, {"label": LABELS}))
    assert ours.digest == theirs.digest
    assert ours.subsets["test"].tolist() == list(range(300, 400))


def test_a_split_that_would_need_the_withheld_labels_is_refused(card: Callable[..., Card]) -> None:
    given = samples(y={"label": np.where(SOURCES == "test", -1, LABELS)})
    official = card("official", {"test_sources": {"test": ["test"]}}, **WITHHELD_TEST)
    with pytest.raises(
        UserError, match="100 labels are withheld, and 'test' is not exactly their rows; use split 'asked'"
    ):
        make_split(official, given, "label", "stratified", 0)
    assert len(k_fold(official, given, "label", "asked", 0, 3)) == 3
    with pytest.raises(UserError, match="100 labels are withheld"):
        asked(card("by_time", {"test_fraction": 0.25}, **WITHHELD_TEST), given, folds=3)


@pytest.mark.parametrize(
    ("folds", "fold", "says"),
    [
        (1, 0, "1 folds; ask for 2 or more"),
        (5, 5, "there is no fold 5 of 5; ask for one from 0 to 4"),
        (5, -1, "there is no fold -1 of 5; ask for one from 0 to 4"),
        (None, 2, "fold 2 of a split without folds; say how many folds there are, as in folds=5"),
        (200, 150, "class 'spam' is in train but not in test; ask for fewer folds"),
    ],
)
def test_folds_that_there_are_not_are_refused_in_one_line(
    card: Callable[..., Card], folds: int | None, fold: int, says: str
) -> None:
    labels = {"label": (np.arange(SIZE) < 100).astype(np.int64)}
    with pytest.raises(UserError, match=says):
        make_split(card("stratified"), samples(y=labels), "label", "stratified", 0, folds=folds, fold=fold)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("stratified", {"by_group": True}),
        ("leave_groups_out", {"test_groups": ["g00"], "test_fraction": 0.5}),
        ("by_time", {"test_fraction": 0.5}),
        ("official", {"test_sources": {"test": ["test"]}, "val_sources": ["given"]}),
    ],
)
def test_folds_have_digests_of_their_own_and_test_disjoint_rows(
    card: Callable[..., Card], method: SplitMethod, arguments: dict[str, Any]
) -> None:
    labels = {"label": (np.arange(SIZE) // 10) % 2}
    chosen, given = card(method, arguments), samples(y=labels, group=None if method == "official" else GROUPS)
    folds = k_fold(chosen, given, "label", "asked", 0, 4)
    assert len({split.digest for split in folds}) == 4
    assert asked(chosen, given).digest not in {split.digest for split in folds}
    assert folds[2].arguments["fold"] == 2
    assert asked(chosen, given, folds=4, fold=2).digest == folds[2].digest
    held = np.concatenate([split.subsets["val" if method == "official" else "test"] for split in folds])
    assert len(set(held.tolist())) == len(held) >= 225


def test_the_digest_changes_with_seed_policy_arguments_ids_and_folds() -> None:
    card = catalogue.card("synthetic_text")
    given = catalogue.load("synthetic_text")
    renamed = replace(given, id=np.char.add(given.id, "'"))
    smaller = replace(card, splits={"stratified": SplitPolicy("stratified", {"test_fraction": 0.1}, "")})
    digests = [
        make_split(card, given, "activity", "stratified", 0).digest,
        make_split(card, given, "activity", "stratified", 1).digest,
        make_split(card, renamed, "activity", "stratified", 0).digest,
        make_split(smaller, given, "activity", "stratified", 0).digest,
        make_split(card, given, "activity", "stratified", 0, folds=5).digest,
        make_split(card, given, "activity", "stratified", 0, folds=5, fold=1).digest,
        make_split(card, given, "activity", "stratified", 0, folds=6).digest,
    ]
    assert len(set(digests)) == 7


def test_the_digest_does_not_depend_on_how_a_machine_writes_strings_and_numbers(card: Callable[..., Card]) -> None:
    given = samples()
    wide = replace(
        given,
        id=given.id.astype(">U30"),
        group=GROUPS.astype(">U9"),
        source=SOURCES.astype("<U99"),
        time=np.arange(SIZE).astype(">f4"),
        copies=np.arange(SIZE),
    )
    for method, arguments in (
        ("stratified", {"by_group": True}),
        ("by_time", {}),
        ("official", {"test_sources": {"test": ["test"]}}),
    ):
        assert asked(card(method, arguments), given).digest == asked(card(method, arguments), wide).digest


def test_the_catalogue_gives_folds_one_by_one_and_together() -> None:
    given = catalogue.load("digits")
    together = catalogue.k_fold("digits", 3, samples=given)
    assert [split.digest for split in together] == [
        catalogue.split("digits", samples=given, folds=3, fold=fold).digest for fold in range(3)
    ]
