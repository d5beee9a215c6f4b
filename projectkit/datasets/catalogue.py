"""The catalogue: every data set by its name.

A data set is one file of this room that defines `CARD`, or one of a team's or a course's own (`own.py`); its name is all that the rest of
the library needs. Cards are imported when they are asked for, so that listing the names costs nothing.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

from projectkit.config.places import shown
from projectkit.datasets import own, store
from projectkit.datasets.card import Card, RemoteFile
from projectkit.datasets.duplicates import copies
from projectkit.datasets.samples import Samples
from projectkit.datasets.split import Split, make_split
from projectkit.datasets.split import k_fold as split_folds
from projectkit.datasets.store import Progress
from projectkit.errors import UserError, WorkError, did_you_mean
from projectkit.findings import Finding, Status

_NAMES = (  # a new data set: its file, and its name here
    "sms",
    "dga",
    "nsl_kdd",
    "fashion_mnist",
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
    return [*_NAMES, *(name for name in own.found() if name not in _NAMES)]


def card(name: str) -> Card:
    """What the data set `name` declares about itself; nothing is fetched or read.

    Raises:
        UserError: no data set has this name (the message has the nearest one), two have it, or its file is no card.
    """
    files = own.found().get(name, [])
    if name in _NAMES and files:
        what = f"'{name}' is a data set of projectkit already (datasets/cards/{name}.py)"
        raise UserError(what, where=shown(files[0]), remedy=f"rename it: our_{name}{files[0].suffix}")
    if files:
        return own.own_card(name, files)
    if name not in _NAMES:
        raise UserError(
            f"no data set is called '{name}'", remedy=f"{did_you_mean(name, names())} (`projectkit data list`)"
        )
    found: Card = importlib.import_module(f"projectkit.datasets.cards.{name}").CARD
    return found


def load(name: str) -> Samples:
    """The samples of a data set, fetched first where the store lacks it, its files checked by SHA-256.

    Raises:
        UserError: no data set has this name.
        WorkError: a file cannot be had or is damaged, or has a label outside the card's classes.
    """
    asked = card(name)
    if not all((store.folder_of(asked) / file.name).exists() for file in asked.files):
        store.fetch_files(asked)
    samples = asked.read(store.checked_files(asked))
    if samples.y.keys() != asked.targets.keys():
        raise WorkError(
            f"targets {sorted(samples.y)} were read, {sorted(asked.targets)} are declared", where=name, remedy=_MEND
        )
    for target, labels in samples.y.items():
        classes = asked.targets[target].class_names
        if len(labels) and labels.max() >= len(classes):
            what = f"target '{target}' of {samples.id[labels.argmax()]} is {labels.max()}, but there are {len(classes)} classes"
            raise WorkError(what, where=name, remedy=_MEND)
    return replace(samples, copies=copies(samples.x, asked.near_duplicates))


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
    """Check a data set's files in the store: one finding a file, an error where it is damaged or half the set is missing."""
    asked = card(name)
    if not asked.files:
        return [Finding(id=name, status="ok", where=name, message="needs no file")]
    folder = store.folder_of(asked)
    missing: Status = "error" if _begun(asked) else "note"
    return [_examine(name, file, folder / file.name, missing=missing) for file in asked.files]


def is_here(name: str) -> bool:
    """Whether a data set can be loaded without mirror and network."""
    return store.is_here(card(name))


def in_store() -> list[str]:
    """The names of the sets of which the store holds anything, whole or damaged, and of those that need no file."""
    return [name for name in _NAMES if _begun(card(name)) or not card(name).files]


def _begun(asked: Card) -> bool:
    return any((store.folder_of(asked) / file.name).exists() for file in asked.files)


def _examine(name: str, file: RemoteFile, path: Path, *, missing: Status) -> Finding:
    got = store.sha256_of(path)
    status: Status
    if got is None:
        status, message = missing, "not in the store"
    elif got == file.sha256:
        status, message = "ok", "as the card says"
    else:
        status, message = "error", "damaged: not the card's SHA-256"
    return Finding(
        id=f"{name}/{file.name}",
        status=status,
        where=str(path),
        message=message,
        advice="" if status == "ok" else f"fetch it with `projectkit data fetch {name}`",
        evidence={"expected": file.sha256, "got": got, "bytes": file.size},
    )


_MEND = "mend the reader of this data set's card"
