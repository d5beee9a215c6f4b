"""What a split is refused for, in one line each: arguments, folds and names that there are not, and subsets that do not fit the target."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import Card, SplitPolicy
from projectkit.datasets.columns import READER, IndexArray, StrArray
from projectkit.datasets.samples import WITHHELD
from projectkit.datasets.splits import policies
from projectkit.datasets.splits.policies import Subsets
from projectkit.errors import UserError, WorkError, did_you_mean

_FUNCTIONS: dict[str, Callable[..., Subsets]] = {
    "official": policies.official,
    "stratified": policies.stratified,
    "leave_groups_out": policies.leave_groups_out,
    "by_time": policies.by_time,
}
_COLUMNS = {"groups", "copies", "times", "seed"}  # given by `make_split`, not by a card
_BESIDES = {  # what a card may say that is no argument of the function
    "official": {"by_group", "shared_classes"},
    "stratified": {"by_group", "column", "shared_classes"},
    "leave_groups_out": {"shared_classes"},
    "by_time": {"shared_classes"},
}


def check_arguments(policy: SplitPolicy, where: str) -> None:
    """The policy is one of ours, and its arguments are those of its function."""
    mend = "Mend the card's split"
    if policy.method not in _FUNCTIONS:
        raise UserError(
            f"no policy is called '{policy.method}'",
            where=where,
            remedy=f"{did_you_mean(policy.method, _FUNCTIONS)} {mend}",
        )
    parameters = inspect.signature(_FUNCTIONS[policy.method]).parameters.values()
    takes = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY} - _COLUMNS | _BESIDES[policy.method]
    for name, value in policy.arguments.items():
        if name not in takes:
            what = f"`{policy.method}` takes no '{name}'"
            raise UserError(what, where=where, remedy=f"{did_you_mean(name, sorted(takes))} {mend}")
        if name.endswith("_fraction") and not 0 < value < 1:
            raise UserError(f"{name} is {value}", where=where, remedy="give the card's split a share between 0 and 1")
    if policy.method == "official" and not policy.arguments.get("test_sources", {}).get("test"):
        raise UserError("no source is for test", where=where, remedy="name some under test_sources: test on the card")


def check_times(times: NDArray[Any] | None, where: str) -> None:
    """Every sample has a time, where there are times."""
    missing = 0 if times is None or times.dtype.kind not in "fM" else int(np.isnan(times).sum())
    if missing:
        raise WorkError(f"{missing} samples have no time", where=where, remedy=READER)


def check_folds(folds: int | None, fold: int) -> None:
    """Folds are two or more, and a fold is one of them."""
    if folds is None:
        if fold:
            raise UserError(
                f"fold {fold} of a split without folds", remedy="say how many folds there are, as in folds=5"
            )
    elif folds < 2:
        raise UserError(f"{folds} folds", remedy="ask for 2 or more, as in folds=5")
    elif not 0 <= fold < folds:
        raise UserError(f"there is no fold {fold} of {folds}", remedy=f"ask for one from 0 to {folds - 1}")


def check_names(arguments: Mapping[str, Any], column: StrArray, where: str) -> None:
    """Every source or group that the policy names is one that the data has."""
    named = [name for each in arguments.get("test_sources", {}).values() for name in each]
    named += [*arguments.get("val_sources", ()), *(arguments.get("test_groups") or ())]
    known = np.unique(column).tolist()
    for name in named:
        if name not in known:
            raise UserError(
                f"no sample is of '{name}'", where=where, remedy=f"{did_you_mean(name, known)} Mend the card's split"
            )


def refuse_misfit(
    card: Card, target: str, policy: str, labels: IndexArray, subsets: Subsets, folds: int | None
) -> None:
    """A split has rows in every subset, every class of the target in train, and none in train alone."""
    where = f"split '{policy}' of {card.name}"
    default = card.targets[target].split
    if policy != default:
        remedy = f"use split '{default}' for target '{target}'"
    elif folds is not None:
        remedy = "ask for fewer folds"
    else:
        remedy = "mend the arguments of this split on the card"
    if not len(subsets["train"]):
        raise UserError("train has no rows", where=where, remedy=remedy)
    if (labels == WITHHELD).any():
        _refuse_use_of_withheld(card, labels, subsets, where)
    present = {name: np.setdiff1d(labels[rows], [WITHHELD]) for name, rows in subsets.items()}
    hidden = (labels[subsets["test"]] == WITHHELD).any()
    names = card.targets[target].class_names
    for name in subsets:
        unseen = np.setdiff1d(present[name], present["train"])
        if card.targets[target].kind == "anomaly":
            unseen = unseen[unseen != 1]
        if len(unseen):
            raise UserError(f"class '{names[unseen[0]]}' is in {name} but not in train", where=where, remedy=remedy)
    untested = np.setdiff1d(present["train"], present["test"])
    if len(untested) and not hidden:
        raise UserError(f"class '{names[untested[0]]}' is in train but not in test", where=where, remedy=remedy)
    empty = next((name for name, rows in subsets.items() if not len(rows)), None)
    if empty is not None:
        raise UserError(f"{empty} has no rows", where=where, remedy=remedy)
    # a validation of normal samples alone is one way to choose a threshold; a fold of them was not asked for as such
    held_out = "val" if folds is not None and card.splits[policy].method == "official" else "test"
    if card.targets[target].kind == "anomaly" and not hidden and 1 not in present[held_out]:
        what = f"class '{names[1]}', which is to be found, is not in {held_out}"
        later = f"take a later fold of {folds}, or no folds (data.folds=null)"
        raise UserError(what, where=where, remedy=remedy if folds is None else later)


def _refuse_use_of_withheld(card: Card, labels: IndexArray, subsets: Subsets, where: str) -> None:
    """Rows whose label only the course has make one subset, and all of it."""
    subset = "test" if card.withheld is None else card.withheld.subset
    hidden = np.flatnonzero(labels == WITHHELD)
    if not np.array_equal(subsets.get(subset, np.zeros(0)), hidden):
        what = f"{len(hidden)} labels are withheld, and '{subset}' is not exactly their rows"
        fitting = [
            name
            for name, policy in card.splits.items()
            if policy.method != "stratified" and where != f"split '{name}' of {card.name}"
        ]
        remedy = (
            f"use split {' or '.join(map(repr, fitting))}, without folds unless it is official"
            if fitting
            else "give the card an official split"
        )
        raise UserError(what, where=where, remedy=remedy)
