"""What is wrong, or may mislead, in a new data set: what `projectkit data new` warns about before anybody trains on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import Card, NearDuplicates
from projectkit.datasets.columns import IndexArray, StrArray, Table, Texts
from projectkit.datasets.copies.duplicates import copies
from projectkit.datasets.report.examine import count_copies, missing_values
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.datasets.splits.split import make_split
from projectkit.errors import ProjectkitError, WorkError
from projectkit.findings import Finding, Status

FEW = 10  # samples of a class, below which a test says nothing about it
MOST = 0.8  # share of one class, from which accuracy flatters

_GIVEN_AWAY = 0.99  # of the rows have the class that their value of a column has most often
_MOST_COPIES = 0.2  # of the rows; where masking joins more of them, it takes away what tells them apart
_LOOKED_AT = 20_000  # texts that are searched for personal data
_PERSONAL = {
    # from the start of a word on: else a long one, such as a payload in base64, is read again from each of its letters
    "e-mail addresses": re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++\.[a-z]{2,}", re.IGNORECASE),
    "phone numbers": re.compile(r"(?<![\w.])(\+|00)\d{1,3}[ \-/]?(\d[ \-/]?){7,12}(?![\w.])"),
    "IP addresses": re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])"),
}


def concerns(card: Card, samples: Samples) -> list[Finding]:
    """Look for what leaks, misleads or must not be passed on.

    Args:
        card: of the set.
        samples: all of them, with their labels.

    Returns:
        Notes, warnings, and an error where the card's split cannot be made.
    """
    target = card.default_target
    labels, classes = samples.y[target], card.targets[target].class_names
    return [
        Finding(id=f"{card.name}/{topic}", status=status, where=card.name, message=message, advice=advice)
        for topic, status, message, advice in (
            *_copies(samples, labels, card.near_duplicates),
            *_classes(labels, classes),
            *_missing(samples),
            *_given_away(samples, labels),
            *_personal(samples),
            *_split(card, samples),
        )
    ]


_Concern = tuple[str, Status, str, str]


def helpful_near_duplicates(samples: Samples) -> str | None:
    """`masked` where it finds more copies among texts than equality does, unless numbers and punctuation are what they are about."""
    if not isinstance(samples.x, Texts):
        return None
    labels = next(iter(samples.y.values()))
    equal = count_copies(copies(samples.x), labels)
    try:
        near = count_copies(copies(samples.x, NearDuplicates("masked")), labels)
    except WorkError:  # it makes nearly everything one cluster
        return None
    more, conflicts = near.rows - equal.rows, near.conflicting_rows - equal.conflicting_rows
    return "masked" if 0 < more <= len(samples) * _MOST_COPIES and conflicts <= more / 2 else None


def _copies(samples: Samples, labels: IndexArray, near: NearDuplicates | None) -> Iterator[_Concern]:
    n = len(samples)
    equal = count_copies(copies(samples.x), labels)
    if equal.rows:
        yield (
            "duplicates",
            "warning" if equal.rows > n // 100 else "note",
            f"{equal.rows:,} of {n:,} rows repeat an earlier input ({equal.largest:,} times the most frequent one)",
            "splits keep copies in one subset; remove them if they are an accident",
        )
    if near is not None:
        alike = count_copies(copies(samples.x, near), labels)
        if alike.rows > equal.rows:
            yield (
                "near_duplicates",
                "note",
                f"{alike.rows:,} rows repeat an earlier input or differ from it in numbers and punctuation alone",
                f"`near_duplicates: {near.method}` keeps them in one subset",
            )
    if equal.conflicts:
        yield (
            "conflicts",
            "warning",
            f"{equal.conflicts:,} inputs have more than one label ({equal.conflicting_rows:,} rows)",
            "no model can be right about them: mend the labels, or say so under `traps`",
        )


def _classes(labels: IndexArray, classes: Sequence[str]) -> Iterator[_Concern]:
    counts = np.bincount(labels[labels != WITHHELD], minlength=len(classes))
    small = [f"{classes[number]} ({counts[number]})" for number in np.flatnonzero(counts < FEW).tolist()]
    if small:
        yield (
            "small_classes",
            "warning",
            f"fewer than {FEW} samples: {', '.join(small[:8])}{', ...' if len(small) > 8 else ''}",
            "collect more, or join them to another class",
        )
    if counts.max() >= MOST * counts.sum():
        share = counts.max() / counts.sum()
        message = f"{share:.0%} of the rows are {classes[int(counts.argmax())]}"
        yield "imbalance", "note", message, "report macro F1 beside accuracy"
    spelt: dict[str, list[str]] = {}
    for name in classes:
        spelt.setdefault(re.sub(r"[\s_-]+", "", name.casefold()), []).append(name)
    twins = [names for names in spelt.values() if len(names) > 1 and re.search("[a-zA-Z]", names[0])]
    for names in twins:
        yield (
            "spelling",
            "warning",
            f"{' and '.join(names)} look like one class",
            "mend the labels in the file, and repeat the command",
        )


def _missing(samples: Samples) -> Iterator[_Concern]:
    n = len(samples)
    for name, count in missing_values(samples.x).items():
        status: Status = "warning" if count > n // 2 else "note"
        yield "missing", status, f"{name}: missing in {count:,} of {n:,} rows", ""


def _given_away(samples: Samples, labels: IndexArray) -> Iterator[_Concern]:
    """Columns of few values each of which goes with one class."""
    columns: list[tuple[str, NDArray[np.generic]]] = []
    if isinstance(samples.x, Table):
        columns += [(name, samples.x.numeric[:, index]) for index, name in enumerate(samples.x.numeric_names)]
        columns += [(name, samples.x.categorical[:, index]) for index, name in enumerate(samples.x.categorical_names)]
    if samples.group is not None:
        columns.append(("the group", samples.group))
    known = labels != WITHHELD
    majority = np.bincount(labels[known]).max() / known.sum()
    for name, column in columns:
        values, index = np.unique(column[known], return_inverse=True)
        if len(values) > known.sum() / 5:
            continue
        table = np.zeros((len(values), int(labels.max()) + 1), dtype=np.int64)
        np.add.at(table, (index.ravel(), labels[known]), 1)
        right = table.max(axis=1).sum() / known.sum()
        if right >= _GIVEN_AWAY and right - majority > (1 - majority) / 2:
            advice = (
                "ask a test about new groups: `split: leave_groups_out`"
                if name == "the group" and len(values) > 2 * len(table[0])
                else "is it known before the label is? If not, take it out of the inputs"
            )
            yield "given_away", "warning", f"{name} alone tells the class of {right:.1%} of the rows", advice


def _personal(samples: Samples) -> Iterator[_Concern]:
    searched: dict[str, Sequence[str] | StrArray] = {"the ids": samples.id}
    if isinstance(samples.x, Texts):
        searched["the texts"] = [samples.x[row] for row in range(min(len(samples), _LOOKED_AT))]
    if isinstance(samples.x, Table):
        searched |= {name: np.unique(samples.x.categorical[:, n]) for n, name in enumerate(samples.x.categorical_names)}
    if samples.group is not None:
        searched["the groups"] = np.unique(samples.group)
    for place, cells in searched.items():
        for kind, pattern in _PERSONAL.items():
            found = sum(pattern.search(cell) is not None for cell in cells)
            if found:
                yield (
                    "personal",
                    "warning",
                    f"{place} hold what looks like {kind} ({found:,} of {len(cells):,})",
                    "may you publish them? Replace them by made-up ones, and write under `ethics` whose they are",
                )


def _split(card: Card, samples: Samples) -> Iterator[_Concern]:
    policy = card.targets[card.default_target].split
    try:
        split = make_split(card, samples, card.default_target, policy, 0)
    except ProjectkitError as error:
        yield (
            "split",
            "error",
            f"`split: {policy}` cannot be made: {error.what}",
            "choose another `split`, or more data",
        )
        return
    sizes = {name: len(rows) for name, rows in split.subsets.items()}
    message = "split " + policy + ": " + ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    unused = len(samples) - len(np.unique(np.concatenate(list(split.subsets.values()))))
    if unused:
        message += f"; {unused:,} in no subset, so that no copy is on both sides"
    yield (
        "split",
        "note" if sizes["test"] < 100 else "ok",
        message,
        "a small test set: its interval will be wide" if sizes["test"] < 100 else "",
    )
