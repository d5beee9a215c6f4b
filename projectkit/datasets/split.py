"""Splits that do not leak.

A split names the rows of a data set that belong to each subset. Rows that share a group (a message template, a malware family,
one record met twice) never part. All order comes from BLAKE2 of seed and id, never from a random-number generator, so the same
card, policy and seed give the same digest on every machine and with every version of numpy: two teams can prove that they were
compared on the same rows.

| function | for |
|---|---|
| `official` | data that comes with its own test set |
| `stratified` | data without one: 70 / 10 / 20, class by class, duplicates kept together or dropped |
| `leave_groups_out` | whole groups that training has never seen |
| `make_split` | a card's policy, applied |
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import Card, SplitPolicy
from projectkit.datasets.columns import IndexArray, StrArray
from projectkit.datasets.samples import Samples
from projectkit.errors import UserError

TEST_FRACTION = 0.2  # of all rows
VAL_FRACTION = 0.125  # of the rows that are not test: with TEST_FRACTION 70 / 10 / 20


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers for each subset, the policy that made them, and a digest of all of it."""

    policy: str
    arguments: Mapping[str, Any]  # what the policy was called with, the target among them; JSON-able
    seed: int
    subsets: Mapping[str, IndexArray]  # name -> (n,) int64, ascending; always train, val, test
    digest: str  # SHA-256 over policy, arguments, seed, and every subset's rows and ids


def official(
    ids: StrArray,
    labels: IndexArray,
    sources: StrArray,
    *,
    test_sources: Mapping[str, Sequence[str]],
    groups: StrArray | None = None,
    val_fraction: float = VAL_FRACTION,
    seed: int = 0,
) -> dict[str, IndexArray]:
    """The test set that the data's makers chose; validation is cut from the rest, class by class.

    A row outside the test set that shares its group with a test row is in no subset: the published test set stays whole.

    Args:
        ids: (n,), unique.
        labels: (n,) class indices.
        sources: (n,) where each row comes from.
        test_sources: subset name -> its sources; "test", and further subsets of its rows.
        groups: (n,) what must not be split apart, or None.
        val_fraction: share of the rows that are not test, in (0, 1).
        seed: which of them become validation.

    Returns:
        Subset name -> rows, ascending.
    """
    tests = {name: np.flatnonzero(np.isin(sources, list(chosen))) for name, chosen in test_sources.items()}
    free = np.ones(len(ids), dtype=bool)
    for rows in tests.values():
        free[rows] = False
    if groups is not None:
        free &= ~np.isin(groups, groups[tests["test"]])
    rest = np.flatnonzero(free)
    leaders, member_of = _units(groups, rest)
    chosen_leaders = _cut(leaders, ids, labels, {"val": val_fraction}, seed)
    return {name: rest[np.isin(member_of, part)] for name, part in chosen_leaders.items()} | tests


def stratified(
    ids: StrArray,
    labels: IndexArray,
    *,
    groups: StrArray | None = None,
    one_per_group: bool = False,
    test_fraction: float = TEST_FRACTION,
    val_fraction: float = VAL_FRACTION,
    seed: int = 0,
) -> dict[str, IndexArray]:
    """The same share of every class in every subset.

    Args:
        ids: (n,), unique.
        labels: (n,) class indices.
        groups: (n,) rows that are copies of one another, or None; a group counts for the class of its first row.
        one_per_group: keep the first row of each group and leave its copies in no subset; otherwise the group stays together.
        test_fraction: share of each class, in (0, 1).
        val_fraction: share of what is not test, in (0, 1).
        seed: which rows go where.

    Returns:
        Subset name -> rows, ascending.
    """
    rows = np.arange(len(ids), dtype=np.int64)
    leaders, member_of = _units(groups, rows)
    fractions = {"val": val_fraction * (1 - test_fraction), "test": test_fraction}
    chosen = _cut(leaders, ids, labels, fractions, seed)
    return chosen if one_per_group else {name: rows[np.isin(member_of, part)] for name, part in chosen.items()}


def leave_groups_out(
    labels: IndexArray,
    groups: StrArray,
    *,
    test_fraction: float = TEST_FRACTION,
    val_fraction: float = VAL_FRACTION,
    seed: int = 0,
) -> dict[str, IndexArray]:
    """Hold out whole groups for the test set, and whole groups of the remaining ones for validation.

    Which groups are held out is drawn by their names and the seed, and never chosen: with the groups known, a choice could make the
    test as easy or as hard as one likes.

    Args:
        labels: (n,) class indices.
        groups: (n,) the group of each row; a group counts for the class of its first row.
        test_fraction: share of each class's groups, in (0, 1).
        val_fraction: share of what is not test, in (0, 1).
        seed: which groups go where.

    Returns:
        Subset name -> rows, ascending.

    Source: Kapoor & Narayanan 2023, leakage type L3.1 (non-independence).
    """
    rows = np.arange(len(labels), dtype=np.int64)
    leaders, member_of = _units(groups, rows)
    fractions = {"val": val_fraction * (1 - test_fraction), "test": test_fraction}
    # a group is ordered by its name and not by an id: the draw does not change with the rows that stand first in the groups
    chosen = _cut(leaders, groups, labels, fractions, seed)
    return {name: rows[np.isin(member_of, part)] for name, part in chosen.items()}


def make_split(card: Card, samples: Samples, target: str, policy: str, seed: int) -> Split:
    """Apply a card's policy to its samples.

    Raises:
        UserError: the policy leaves a class of this target without training rows, or a subset without any.
    """
    chosen = card.splits[policy]
    labels = samples.y[target]
    subsets = _apply(chosen, samples, labels, seed)
    _refuse_misfit(card, target, policy, labels, subsets)
    arguments = {"card": card.name, "target": target, "method": chosen.method, **chosen.arguments}
    return Split(policy, arguments, seed, subsets, _digest(policy, arguments, seed, subsets, samples.id))


def _refuse_misfit(card: Card, target: str, policy: str, labels: IndexArray, subsets: Mapping[str, IndexArray]) -> None:
    where = f"split '{policy}' of {card.name}"
    remedy = f"use split '{card.targets[target].split}' for target '{target}'"
    for name, rows in subsets.items():
        unseen = np.setdiff1d(labels[rows], labels[subsets["train"]])
        if len(unseen):
            label = card.targets[target].class_names[unseen[0]]
            raise UserError(f"class '{label}' is in {name} but not in train", where=where, remedy=remedy)
    untested = np.setdiff1d(labels[subsets["train"]], labels[subsets["test"]])
    if len(untested):
        label = card.targets[target].class_names[untested[0]]
        raise UserError(f"class '{label}' is in train but not in test", where=where, remedy=remedy)
    for name, rows in subsets.items():
        if not len(rows):
            raise UserError(f"{name} has no rows", where=where, remedy=remedy)


def _apply(policy: SplitPolicy, samples: Samples, labels: IndexArray, seed: int) -> dict[str, IndexArray]:
    if policy.method == "official":
        assert samples.source is not None, "a card with an official split gives each sample's source"
        return official(samples.id, labels, samples.source, groups=samples.group, seed=seed, **policy.arguments)
    if policy.method == "leave_groups_out":
        assert samples.group is not None, "a card that leaves groups out gives each sample's group"
        return leave_groups_out(labels, samples.group, seed=seed, **policy.arguments)
    arguments = dict(policy.arguments)
    groups = samples.group if arguments.pop("by_group", False) else None
    return stratified(samples.id, labels, groups=groups, seed=seed, **arguments)


def _units(groups: StrArray | None, rows: IndexArray) -> tuple[IndexArray, IndexArray]:
    """What is moved as one: the first row of each unit, and for each of `rows` the first row of its unit."""
    if groups is None:
        return rows, rows
    _, first, inverse = np.unique(groups[rows], return_index=True, return_inverse=True)
    return np.sort(rows[first]), rows[first][inverse]


def _cut(
    leaders: IndexArray, keys: StrArray, labels: IndexArray, fractions: Mapping[str, float], seed: int
) -> dict[str, IndexArray]:
    """Deal the units of each class to the subsets of `fractions`; what remains is train."""
    parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in ("train", *fractions)}
    for label in np.unique(labels[leaders]):
        ordered = _shuffled(leaders[labels[leaders] == label], keys, seed)
        total = len(ordered)
        for name, fraction in fractions.items():
            share = min(max(1, math.floor(total * fraction + 0.5)), max(0, len(ordered) - 1))  # train always keeps one
            parts[name].append(ordered[:share])
            ordered = ordered[share:]
        parts["train"].append(ordered)
    return {name: np.sort(np.concatenate(part)) for name, part in parts.items()}


def _shuffled(rows: IndexArray, keys: StrArray, seed: int) -> IndexArray:
    """`rows` in an order that depends on seed and keys alone."""
    hashes = [hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=16).digest() for key in keys[rows]]
    return rows[sorted(range(len(rows)), key=hashes.__getitem__)]


def _digest(
    policy: str, arguments: Mapping[str, Any], seed: int, subsets: Mapping[str, IndexArray], ids: StrArray
) -> str:
    header = {
        "policy": policy,
        "arguments": arguments,
        "seed": seed,
        "sizes": {name: len(rows) for name, rows in subsets.items()},
    }
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(subsets):
        digest.update(f"\0{name}\0".encode())
        digest.update(subsets[name].astype("<i8").tobytes())
        digest.update("\0".join(ids[subsets[name]].tolist()).encode())
    return digest.hexdigest()
