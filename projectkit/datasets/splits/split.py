"""Splits that do not leak.

A split names the rows of a data set that belong to each subset. Rows that share a group (a message template, a malware family) never part,
and no more do copies of one another. The same card, policy and seed give the same rows and the same digest on every machine and with
every version of numpy: two teams can prove that they were compared on the same rows. How rows are drawn is in `policies.py`, what a
copy is in `copies/`.

Where the policy deals out units (`stratified`, the validation part of `official`), a cluster of copies stays together. Elsewhere a group,
a date or the makers have decided where a row goes, and a copy that would stand in two subsets is dropped from the one that matters
less: train before val before test.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from projectkit.datasets.card import Card, SplitPolicy
from projectkit.datasets.columns import READER, IndexArray, StrArray
from projectkit.datasets.copies.clusters import joined
from projectkit.datasets.copies.duplicates import copies
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.datasets.splits import policies
from projectkit.datasets.splits.misfits import check_arguments, check_folds, check_names, check_times, refuse_misfit
from projectkit.datasets.splits.policies import Subsets
from projectkit.errors import WorkError


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers for each subset, the policy that made them, and a digest of all of it."""

    policy: str
    arguments: Mapping[str, Any]  # what the policy was called with, the target and the fold among them; JSON-able
    seed: int
    subsets: Mapping[str, IndexArray]  # name -> (n,) int64, ascending; always train, val, test
    digest: str  # SHA-256 over policy, arguments, seed, and every subset's rows and ids


def make_split(
    card: Card, samples: Samples, target: str, policy: str, seed: int, *, folds: int | None = None, fold: int = 0
) -> Split:
    """Apply a card's policy to its samples.

    Args:
        card: the data set's card.
        samples: its samples; copies are looked for where the column is not filled.
        target: what is to be predicted, one of the card's.
        policy: one of the card's splits.
        seed: which rows go where, as far as the policy leaves it open.
        folds: None for the split itself; else its k-fold form: test (of an `official` split: validation) is one of so many folds.
        fold: which of the folds, from 0.

    Raises:
        UserError: the policy leaves a class of this target without training rows or a subset without any, needs labels that are
            withheld, or has no such fold.
        WorkError: the card's reader gives no column that the policy needs.
    """
    check_folds(folds, fold)
    chosen = card.splits[policy]
    where = f"split '{policy}' of {card.name}"
    check_arguments(chosen, where)
    labels = samples.y[target]
    if samples.copies is None:
        samples = replace(samples, copies=copies(samples.x, card.near_duplicates))
    known = labels if card.withheld is None else _unseen(labels, chosen, samples)
    subsets = _apart(_apply(chosen, samples, known, seed, where, folds, fold), samples.copies)
    if chosen.arguments.get("shared_classes"):
        subsets = _shared(subsets, labels)
    refuse_misfit(card, target, policy, labels, subsets, folds)
    arguments = {"card": card.name, "target": target, "method": chosen.method, **chosen.arguments}
    if folds is not None:
        arguments |= {"folds": folds, "fold": fold}
    return Split(policy, arguments, seed, subsets, _digest(policy, arguments, seed, subsets, samples.id))


def k_fold(card: Card, samples: Samples, target: str, policy: str, seed: int, folds: int) -> list[Split]:
    """All folds of a card's policy, as `make_split` gives them one by one."""
    if samples.copies is None:
        samples = replace(samples, copies=copies(samples.x, card.near_duplicates))
    check_folds(folds, 0)
    return [make_split(card, samples, target, policy, seed, folds=folds, fold=fold) for fold in range(folds)]


def _apply(
    policy: SplitPolicy, samples: Samples, labels: IndexArray, seed: int, where: str, folds: int | None, fold: int
) -> Subsets:
    """The policy's function, or its k-fold form, called with the columns of the samples that it needs."""
    given = dict(policy.arguments)  # of the card; those that choose the test set mean nothing where it is a fold
    given.pop("shared_classes", None)  # `make_split` sees to it
    folded: dict[str, Any] = {"folds": folds, "fold": fold}

    def column(name: str) -> Any:
        found = getattr(samples, name)
        if found is None:
            raise WorkError(f"the samples have no {name}, which `{policy.method}` needs", where=where, remedy=READER)
        return found

    subsets: Subsets
    if policy.method == "official":
        sources = column("source")
        check_times(samples.time, where)
        check_names(given, sources, where)
        given["groups"] = samples.group if given.pop("by_group", True) else None
        given |= {"copies": samples.copies, "times": samples.time, "seed": seed}
        if folds is None:
            subsets = policies.official(samples.id, labels, sources, **given)
        else:
            given = _without(given, "val_sources", "val_fraction")
            subsets = policies.k_fold_official(samples.id, labels, sources, **given, **folded)
    elif policy.method == "by_time":
        times = column("time")
        check_times(times, where)
        given["groups"] = samples.group
        if folds is None:
            subsets = policies.by_time(times, **given)
        else:
            subsets = policies.k_fold_by_time(times, **_without(given, "test_fraction"), **folded)
    elif policy.method == "leave_groups_out":
        groups = column("group")
        check_names(given, groups, where)
        if folds is None:
            subsets = policies.leave_groups_out(labels, groups, seed=seed, **given)
        else:
            given = _without(given, "test_groups", "test_fraction") | {"groups": groups, "by_name": True}
            subsets = policies.k_fold(groups, labels, seed=seed, **given, **folded)
    else:
        kept_together = given.pop("column", "group")
        grouped = column(kept_together) if given.pop("by_group", False) else None
        given["groups"] = joined(len(samples), grouped, samples.copies)
        if folds is None:
            subsets = policies.stratified(samples.id, labels, seed=seed, **given)
        else:
            subsets = policies.k_fold(samples.id, labels, seed=seed, **_without(given, "test_fraction"), **folded)
    return subsets


def _without(arguments: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in names}


def _apart(subsets: Subsets, clusters: IndexArray | None) -> Subsets:
    """Without the rows of train that have a copy in val or test, and without those of val that have one in test."""
    assert clusters is not None
    kept = dict(subsets)
    kept["val"] = kept["val"][~np.isin(clusters[kept["val"]], clusters[kept["test"]])]
    later = np.concatenate([kept["val"], kept["test"]])
    kept["train"] = kept["train"][~np.isin(clusters[kept["train"]], clusters[later])]
    return kept


def _shared(subsets: Subsets, labels: IndexArray) -> Subsets:
    """Without the rows of classes that train or test lacks: who is held out may have no sample of a class, or all of them."""
    both = np.intersect1d(labels[subsets["train"]], labels[subsets["test"]])
    return {name: rows[np.isin(labels[rows], both)] for name, rows in subsets.items()}


def _unseen(labels: IndexArray, policy: SplitPolicy, samples: Samples) -> IndexArray:
    """Labels without those of the groups that are held out by name: where they are withheld, staff and teams have the same split."""
    named = policy.arguments.get("test_groups")
    if named is None or samples.group is None:
        return labels
    return np.where(np.isin(samples.group, list(named)), WITHHELD, labels).astype(np.int64)


def _digest(policy: str, arguments: Mapping[str, Any], seed: int, subsets: Subsets, ids: StrArray) -> str:
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
        digest.update("\0".join(ids[subsets[name]].tolist()).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
