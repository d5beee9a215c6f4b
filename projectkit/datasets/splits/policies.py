"""Ways to split a data set: arrays in, rows of each subset out.

| function | for |
|---|---|
| `official` | data that comes with its own test set |
| `stratified` | data without one: 70 / 10 / 20, class by class, groups kept together or one row of each kept |
| `leave_groups_out` | whole groups that training has never seen |
| `by_time` | the past for training, the future for test |
| `k_fold`, `k_fold_official`, `k_fold_by_time` | one fold of several, so that every row is tested once |
| `careless` | what not to do; shows what a careless split would have scored |

Order comes from BLAKE2 of seed and id, never from a random-number generator, so it is the same on every machine and with every version of
numpy. Validation is always cut from what is not test, by the rule that cuts the test. `split.make_split` applies them to a card.

Source: Kapoor & Narayanan 2023, Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 100804, for what
a split has to keep apart; Arp et al. 2022, Dos and Don'ts of Machine Learning in Computer Security, USENIX Security, for how often security
papers do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import IndexArray, StrArray
from projectkit.datasets.copies.clusters import joined
from projectkit.datasets.samples import WITHHELD
from projectkit.datasets.splits.dealing import Column, cut, deal, sizes, units

TEST_FRACTION = 0.2  # of all rows
VAL_FRACTION = 0.125  # of the rows that are not test: with TEST_FRACTION 70 / 10 / 20

Subsets: TypeAlias = dict[str, IndexArray]
"""Subset name -> (n,) rows, ascending; always train, val, test."""


def official(
    ids: StrArray,
    labels: IndexArray,
    sources: StrArray,
    *,
    test_sources: Mapping[str, Sequence[str]],
    val_sources: Sequence[str] = (),
    groups: Column | None = None,
    copies: Column | None = None,
    times: Column | None = None,
    val_fraction: float = VAL_FRACTION,
    seed: int = 0,
) -> Subsets:
    """The test set that the data's makers chose; validation is what they chose for it, or is cut from the rest.

    A row outside the test set that shares its group with a test row, or is a copy of one, is in no subset: the published test set stays
    whole. So is a training row that shares its group with validation rows which the makers, or a date, have chosen.

    Args:
        ids: (n,), unique.
        labels: (n,) class indices.
        sources: (n,) where each row comes from.
        test_sources: subset name -> its sources; "test", and further subsets of its rows.
        val_sources: sources that the makers gave for validation; none: validation is cut from the rows that are not test.
        groups: (n,) what must not be split apart, or None.
        copies: (n,) equal numbers for rows that are copies of one another, or None.
        times: (n,), or None; where validation is cut, it is then the latest part, else a share of each class.
        val_fraction: share of the rows that are not test, in (0, 1).
        seed: which of them become validation.

    Source: Kapoor & Narayanan 2023, leakage by duplicates, by dependence between training and test samples, and by time.
    """
    tests, rest = _published(sources, test_sources, groups, copies)
    if val_sources or times is not None:
        held = (
            np.isin(sources[rest], list(val_sources)) if val_sources else _latest(np.asarray(times)[rest], val_fraction)
        )
        return _held_out(rest, held, groups) | tests
    leaders, member_of = units(joined(len(ids), groups, copies), rest)
    chosen = cut(leaders, ids, labels, {"val": val_fraction}, seed, sizes(leaders, member_of))
    return {name: rest[np.isin(member_of, part)] for name, part in chosen.items()} | tests


def stratified(
    ids: StrArray,
    labels: IndexArray,
    *,
    groups: Column | None = None,
    one_per_group: bool = False,
    test_fraction: float = TEST_FRACTION,
    val_fraction: float = VAL_FRACTION,
    seed: int = 0,
) -> Subsets:
    """The same share of every class in every subset.

    Args:
        ids: (n,), unique.
        labels: (n,) class indices.
        groups: (n,) what must not be split apart, or None; a group counts for the class of its first row.
        one_per_group: keep the first row of each group and leave its copies in no subset; otherwise the group stays together.
        test_fraction: share of each class's rows, in (0, 1); large groups are passed over where they would overshoot it.
        val_fraction: share of what is not test, in (0, 1).
        seed: which rows go where.

    Source: Kohavi 1995, A study of cross-validation and bootstrap for accuracy estimation and model selection, IJCAI, for the shares;
    Kapoor & Narayanan 2023, leakage by duplicates and by dependence, for the groups.
    """
    rows = np.arange(len(ids), dtype=np.int64)
    leaders, member_of = units(groups, rows)
    fractions = {"val": val_fraction * (1 - test_fraction), "test": test_fraction}
    weights = np.ones(len(leaders), dtype=np.int64) if one_per_group else sizes(leaders, member_of)
    chosen = cut(leaders, ids, labels, fractions, seed, weights)
    return chosen if one_per_group else {name: rows[np.isin(member_of, part)] for name, part in chosen.items()}


def leave_groups_out(
    labels: IndexArray,
    groups: StrArray,
    *,
    test_groups: Sequence[str] | None = None,
    test_fraction: float = TEST_FRACTION,
    val_fraction: float = VAL_FRACTION,
    seed: int = 0,
) -> Subsets:
    """Hold out whole groups for the test set, and whole groups of the remaining ones for validation.

    Which groups are held out is drawn by their names and the seed, and not chosen, unless the question itself names them: with the groups
    known, a choice could make the test as easy or as hard as one likes.

    Args:
        labels: (n,) class indices.
        groups: (n,) the group of each row; a group counts for the class of its first row.
        test_groups: the groups that are the test set; of each class that none of them has, `test_fraction` of the groups, drawn by the
            seed, join them, unless their labels are withheld. None: all are drawn.
        test_fraction: share of each class's groups, in (0, 1).
        val_fraction: share of the groups of each class that are not test, in (0, 1).
        seed: which groups go where.

    Source: Kapoor & Narayanan 2023, leakage by dependence between training and test samples.
    """
    rows = np.arange(len(labels), dtype=np.int64)
    leaders, member_of = units(groups, rows)
    # a group is ordered by its name and not by an id: the draw does not change with the rows that stand first in the groups
    if test_groups is None:
        fractions = {"val": val_fraction * (1 - test_fraction), "test": test_fraction}
        chosen = cut(leaders, groups, labels, fractions, seed)
    else:
        named = np.isin(groups, list(test_groups))
        covered = np.isin(labels[leaders], labels[named]) | (labels[named] == WITHHELD).any()
        drawn = cut(leaders[~covered], groups, labels, {"test": test_fraction}, seed)["test"]
        tests = np.concatenate([leaders[named[leaders]], drawn])
        remaining = leaders[~np.isin(leaders, tests)]
        chosen = cut(remaining, groups, labels, {"val": val_fraction}, seed) | {"test": tests}
    return {name: rows[np.isin(member_of, part)] for name, part in chosen.items()}


def by_time(
    times: Column,
    *,
    groups: Column | None = None,
    test_fraction: float = TEST_FRACTION,
    val_fraction: float = VAL_FRACTION,
) -> Subsets:
    """The latest rows are the test set, the latest of the rest validation; rows of one time stay together.

    Args:
        times: (n,) comparable, earlier is smaller.
        groups: (n,) what must not be split apart, or None; earlier rows of a group that a later subset has are in no subset.
        test_fraction: share of the rows, in (0, 1); more where many rows have the time at the cut.
        val_fraction: share of what is not test, in (0, 1).

    Source: Pendlebury et al. 2019, TESSERACT: Eliminating Experimental Bias in Malware Classification across Space and Time, USENIX
    Security, constraint C1; Kapoor & Narayanan 2023, temporal leakage.
    """
    rows = np.arange(len(times), dtype=np.int64)
    last = _latest(times, test_fraction)
    return _before(rows[~last], rows[last], times, groups, val_fraction)


def k_fold(
    keys: StrArray,
    labels: IndexArray,
    *,
    folds: int,
    fold: int,
    groups: Column | None = None,
    one_per_group: bool = False,
    by_name: bool = False,
    val_fraction: float = VAL_FRACTION,
    seed: int = 0,
) -> Subsets:
    """One fold of several as the test set; the folds have the same share of every class, and groups do not part.

    Args:
        keys: (n,) what the order is drawn by: ids, or the names of the groups.
        labels: (n,) class indices.
        folds: how many, 2 or more.
        fold: which of them is the test set, from 0.
        groups: (n,) what must not be split apart, or None; a group counts for the class of its first row.
        one_per_group: keep the first row of each group and leave its copies in no subset.
        by_name: every group counts as one, however many rows it has (as `leave_groups_out`).
        val_fraction: share of what is not test, in (0, 1).
        seed: which rows go where.

    Source: Sechidis, Tsoumakas & Vlahavas 2011, On the Stratification of Multi-label Data, ECML PKDD, for dealing to the fold that lacks a
    class most; for whole groups, the largest first, the idea of scikit-learn's StratifiedGroupKFold.
    """
    rows = np.arange(len(keys), dtype=np.int64)
    leaders, member_of = units(groups, rows)
    weights = np.ones(len(leaders), dtype=np.int64) if one_per_group or by_name else sizes(leaders, member_of)
    tested = deal(leaders, keys, labels, weights, folds, seed) == fold
    chosen = cut(leaders[~tested], keys, labels, {"val": val_fraction}, seed, weights[~tested])
    chosen["test"] = leaders[tested]
    return chosen if one_per_group else {name: rows[np.isin(member_of, part)] for name, part in chosen.items()}


def k_fold_official(
    ids: StrArray,
    labels: IndexArray,
    sources: StrArray,
    *,
    test_sources: Mapping[str, Sequence[str]],
    folds: int,
    fold: int,
    groups: Column | None = None,
    copies: Column | None = None,
    times: Column | None = None,
    seed: int = 0,
) -> Subsets:
    """One fold of the rows that are not test as validation; the published test set stays what it is.

    Args:
        ids: (n,), unique.
        labels: (n,) class indices.
        sources: (n,) where each row comes from.
        test_sources: as for `official`.
        folds: how many, 2 or more.
        fold: which of them is validation, from 0.
        groups: (n,) what must not be split apart, or None.
        copies: (n,) equal numbers for rows that are copies of one another, or None.
        times: (n,), or None; validation is then a window of time, and training what comes before it.
        seed: which rows go where.
    """
    tests, rest = _published(sources, test_sources, groups, copies)
    if times is not None:
        window = _windows(times[rest], folds)
        past = window <= fold + 1
        return _held_out(rest[past], window[past] == fold + 1, groups) | tests
    leaders, member_of = units(joined(len(ids), groups, copies), rest)
    part = leaders[deal(leaders, ids, labels, sizes(leaders, member_of), folds, seed) == fold]
    held = np.isin(member_of, part)
    return {"train": rest[~held], "val": rest[held]} | tests


def k_fold_by_time(
    times: Column, *, folds: int, fold: int, groups: Column | None = None, val_fraction: float = VAL_FRACTION
) -> Subsets:
    """One window of time as the test set, all that comes before it for training and validation; the first window is never tested.

    Args:
        times: (n,) comparable, earlier is smaller.
        folds: how many windows are tested, 2 or more; there is one window more than that.
        fold: which of them is the test set, from 0, the earliest.
        groups: as for `by_time`.
        val_fraction: share of what comes before the test, in (0, 1); its latest part.

    Source: Tashman 2000, Out-of-sample tests of forecasting accuracy, International Journal of Forecasting 16(4), 437-450 (rolling origin).
    """
    rows = np.arange(len(times), dtype=np.int64)
    window = _windows(times, folds)
    return _before(rows[window <= fold], rows[window == fold + 1], times, groups, val_fraction)


def careless(
    ids: StrArray, *, test_fraction: float = TEST_FRACTION, val_fraction: float = VAL_FRACTION, seed: int = 0
) -> Subsets:
    """Rows drawn one by one, whatever they share: no card can name this, it only shows what a careless split would have scored.

    Args:
        ids: (n,), unique.
        test_fraction: share of the rows, in (0, 1).
        val_fraction: share of what is not test, in (0, 1).
        seed: which rows go where.
    """
    return stratified(
        ids, np.zeros(len(ids), dtype=np.int64), test_fraction=test_fraction, val_fraction=val_fraction, seed=seed
    )


def _published(
    sources: StrArray, test_sources: Mapping[str, Sequence[str]], groups: Column | None, copies: Column | None
) -> tuple[Subsets, IndexArray]:
    """The published test subsets, and the rows that share nothing with the test set."""
    tests = {name: np.flatnonzero(np.isin(sources, list(chosen))) for name, chosen in test_sources.items()}
    free = np.ones(len(sources), dtype=bool)
    for rows in tests.values():
        free[rows] = False
    for column in (groups, copies):
        if column is not None:
            free &= ~np.isin(column, column[tests["test"]])
    return tests, np.flatnonzero(free)


def _before(
    earlier: IndexArray, test: IndexArray, times: Column, groups: Column | None, val_fraction: float
) -> Subsets:
    """Training and, at its end, validation, from rows that are earlier than the test set and share no group with it."""
    if groups is not None:
        earlier = earlier[~np.isin(groups[earlier], groups[test])]
    return _held_out(earlier, _latest(times[earlier], val_fraction), groups) | {"test": test}


def _held_out(rows: IndexArray, held: NDArray[np.bool_], groups: Column | None) -> Subsets:
    """Validation as it is given, and training without what shares a group with it."""
    train, val = rows[~held], rows[held]
    return {"train": train if groups is None else train[~np.isin(groups[train], groups[val])], "val": val}


def _latest(times: Column, fraction: float) -> NDArray[np.bool_]:
    """The rows from the time on at which the latest `fraction` begins."""
    count = int(len(times) * fraction + 0.5)
    if count == 0:
        return np.zeros(len(times), dtype=bool)
    late: NDArray[np.bool_] = times >= np.sort(times)[len(times) - count]
    return late


def _windows(times: Column, folds: int) -> IndexArray:
    """The number of each row's window among `folds + 1` of equally many rows; rows of one time are in one window."""
    cuts = np.sort(times)[[len(times) * number // (folds + 1) for number in range(1, folds + 1)]]
    return np.searchsorted(cuts, times, side="right").astype(np.int64)
