"""The catalogue: every data set by its name.

A data set is one file of `cards/` that defines `CARD`, or one of a team's or a course's own (`own/`); its name is all that the rest of
the library needs. Cards are imported when they are asked for, so that listing the names costs nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from projectkit.config.places import shown
from projectkit.datasets.card import Card
from projectkit.datasets.columns import READER, IndexArray
from projectkit.datasets.copies.duplicates import copies
from projectkit.datasets.own import folders
from projectkit.datasets.own.withheld import fill
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.datasets.splits.split import Split, make_split
from projectkit.datasets.splits.split import k_fold as split_folds
from projectkit.datasets.storage import locks, store, upkeep
from projectkit.datasets.storage.cache import cached
from projectkit.datasets.storage.store import Progress
from projectkit.datasets.storage.upkeep import Freed
from projectkit.errors import ProjectkitError, UserError, WorkError, did_you_mean
from projectkit.findings import Finding

_NAMES = (  # a new data set: its file, and its name here
    "sms",
    "sms_uci",
    "dga",
    "http_params",
    "phishing_urls",
    "phishing_eth",
    "malware_api",
    "code_language",
    "nsl_kdd",
    "batadal",
    "juliet",
    "sca_aligned",
    "sca_jitter",
    "gtsrb",
    "fashion_mnist",
    "mnist",
    "cifar10",
    "digits",
    "synthetic_text",
    "synthetic_tabular",
    "synthetic_images",
)


def names() -> list[str]:
    """The names of all data sets: ours, then those that are a team's or a course's own.

    Raises:
        UserError: `$PROJECTKIT_CARDS` names a folder that is not there.
    """
    return [*_NAMES, *(name for name in folders.found() if name not in _NAMES)]


def card(name: str) -> Card:
    """What the data set `name` declares about itself; nothing is fetched or read.

    Raises:
        UserError: no data set has this name (the message has the nearest one), two have it, or its file is no card.
    """
    files = folders.found().get(name, [])
    if name in _NAMES and files:
        what = f"'{name}' is a data set of projectkit already (datasets/cards/{name}.py)"
        raise UserError(what, where=shown(files[0]), remedy=f"rename it: our_{name}{files[0].suffix}")
    if files:
        return folders.own_card(name, files)
    if name not in _NAMES:
        raise UserError(
            f"no data set is called '{name}'", remedy=f"{did_you_mean(name, names())} (`projectkit data list`)"
        )
    found: Card = importlib.import_module(f"projectkit.datasets.cards.{name}").CARD
    return found


def load(name: str) -> Samples:
    """The samples of a data set, fetched first where the store lacks it; parsed once, from files checked by SHA-256, then mapped from disk.

    Raises:
        UserError: no data set has this name.
        WorkError: a file cannot be had or is damaged, has a label outside the card's classes, or no sample of one of them; or the staff's
            file of withheld labels is another one than the card says.
    """
    asked = card(name)
    return fill(asked, cached(asked, lambda: _parse(asked)))


def _parse(asked: Card) -> Samples:
    if not all((store.folder_of(asked) / file.name).exists() for file in asked.files):
        store.fetch_files(asked)
    files = store.checked_files(asked)
    try:
        samples = asked.read(files)
    except WorkError as error:  # columns that do not fit each other know no file
        raise WorkError(error.what, where=error.where or asked.name, remedy=error.remedy) from error
    if samples.y.keys() != asked.targets.keys():
        what = f"targets {sorted(samples.y)} were read, {sorted(asked.targets)} are declared"
        raise WorkError(what, where=asked.name, remedy=READER)
    for target, labels in samples.y.items():
        _check_labels(asked, target, labels, samples)
    return replace(samples, copies=copies(samples.x, asked.near_duplicates))


def _check_labels(asked: Card, target: str, labels: IndexArray, samples: Samples) -> None:
    classes = asked.targets[target].class_names
    if len(labels) and labels.max() >= len(classes):
        what = f"target '{target}' of {samples.id[labels.argmax()]} is {labels.max()}, but there are {len(classes)} classes"
        raise WorkError(what, where=asked.name, remedy=READER)
    if asked.withheld is not None:
        return
    if len(labels) and labels.min() == WITHHELD:
        what = f"target '{target}' of {samples.id[labels.argmin()]} is withheld, but the card withholds no labels"
        raise WorkError(what, where=asked.name, remedy=READER)
    empty = np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0)
    if len(empty):
        what = f"no sample has the class '{classes[empty[0]]}' of target '{target}'"
        raise WorkError(what, where=asked.name, remedy="take it out of the card's class names, or mend the reader")


def split(
    name: str,
    policy: str | None = None,
    seed: int = 0,
    *,
    target: str | None = None,
    samples: Samples | None = None,
    folds: int | None = None,
    fold: int = 0,
) -> Split:
    """Which rows of `load(name)` are train, val and test.

    Args:
        name: the data set.
        policy: one of the card's splits; None is the target's default, which does not leak.
        seed: which rows go where, as far as the policy leaves it open.
        target: what is to be predicted; None is the card's default.
        samples: what `load(name)` gave, to save reading it again.
        folds: None for the split itself; else its k-fold form: test (of an official split: validation) is one of so many folds.
        fold: which of the folds, from 0.

    Raises:
        UserError: an unknown name, target, policy or fold, or a policy that does not fit the target.
        WorkError: the data cannot be had.
    """
    asked, wanted, chosen = _named(name, policy, target)
    given = load(name) if samples is None else samples
    return make_split(asked, given, wanted, chosen, seed, folds=folds, fold=fold)


def k_fold(
    name: str,
    folds: int,
    policy: str | None = None,
    seed: int = 0,
    *,
    target: str | None = None,
    samples: Samples | None = None,
) -> list[Split]:
    """All folds of a split, in their order; arguments and errors are those of `split`."""
    asked, wanted, chosen = _named(name, policy, target)
    return split_folds(asked, load(name) if samples is None else samples, wanted, chosen, seed, folds)


def _named(name: str, policy: str | None, target: str | None) -> tuple[Card, str, str]:
    asked = card(name)
    wanted = target or asked.default_target
    if wanted not in asked.targets:
        raise UserError(f"{name} has no target '{wanted}'", remedy=did_you_mean(wanted, asked.targets))
    chosen = policy or asked.targets[wanted].split
    if chosen not in asked.splits:
        raise UserError(f"{name} has no split '{chosen}'", remedy=f"known: {', '.join(asked.splits)}")
    return asked, wanted, chosen


def fetch(name: str, progress: Progress | None = None) -> list[Path]:
    """Bring a data set into the store; files that are there and whole are left alone.

    Args:
        name: the data set.
        progress: called as `progress(file name, bytes so far, bytes in all)` while a file arrives.

    Returns:
        The raw files in the store; none for a set that needs no download.
    """
    return store.fetch_files(card(name), progress=progress)


def verify(name: str) -> list[Finding]:
    """Check a data set: one finding for each raw file and for its parsed form, an error where one is damaged or half the set is missing.

    A file is checked too where it would be had from without a network, beside its card or in the mirror: alone where the store lacks
    it, else with a finding of its own where it is damaged.
    """
    return upkeep.verify(card(name))


def prune(names: Sequence[str] | None = None, *, dry_run: bool = False) -> list[Freed]:
    """Remove from the store what nobody needs: broken and half-downloaded files, upstream archives, parsed forms of other versions.

    Args:
        names: data sets to remove wholly; None: the leftovers of all.
        dry_run: only say what would go.

    Returns:
        What went, and its bytes.

    Raises:
        UserError: no data set has this name.
        WorkError: the store cannot be written, or is of a newer version.
    """
    root = store.store_root()
    locks.check_schema(root)
    if names is None:
        found = upkeep.leftovers(root, _cards())
    else:
        asked = [store.folder_of(card(name)) for name in names]
        found = {folder: [folder] for folder in asked if folder.exists()}
    return upkeep.remove(root, found, dry_run=dry_run)


def export(names: Sequence[str], folder: Path) -> list[Finding]:
    """Make a mirror folder for a closed network: files, own cards, and `SOURCES.md` with licences, citations and checksums.

    Args:
        names: the data sets; fetched where the store lacks them.
        folder: made where it is missing; what it holds already stays.

    Returns:
        One finding a set, a warning where it may not be passed on.

    Raises:
        UserError: no data set has this name.
        WorkError: a set cannot be had, or the folder cannot be written.
    """
    definitions = folders.found()
    cards = [card(name) for name in names]
    findings = [upkeep.export(each, folder, next(iter(definitions.get(each.name, [])), None)) for each in cards]
    upkeep.write_sources(_cards(), folder)
    return findings


def is_here(name: str) -> bool:
    """Whether a data set can be loaded without mirror and network: its files are in the store, or beside its own card."""
    asked = card(name)
    beside = asked.folder is not None and all((asked.folder / file.name).is_file() for file in asked.files)
    return beside or store.is_here(asked)


def in_store() -> list[str]:
    """The names of the sets of which the store holds anything, whole or damaged, and of those that need no file."""
    return [each.name for each in _cards() if upkeep.in_store(each) or not each.files]


def within_reach() -> list[str]:
    """The names of the sets that are in the store, beside their card, in the mirror, wholly or in part, or need no file."""
    here = in_store()
    return [
        each.name
        for each in _cards()
        if each.name in here or any(store.found_elsewhere(each, file) for file in each.files)
    ]


def broken() -> list[Finding]:
    """One error for each card of a team's or a course's own that cannot be read; the other sets are not affected."""
    found = []
    for name in folders.found():
        try:
            card(name)
        except ProjectkitError as error:
            where, advice = error.where or name, error.remedy or ""
            found.append(Finding(id=name, status="error", where=where, message=error.what, advice=advice))
    return found


def _cards() -> list[Card]:
    """Every card that can be read."""
    unreadable = {finding.id for finding in broken()}
    return [card(name) for name in names() if name not in unreadable]
