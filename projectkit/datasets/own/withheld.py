"""Test labels that only the course's staff have.

The public file of such a set has no label in its test rows; a separate file has them. Everything but an evaluation on these rows works
without it. The card holds the file's SHA-256, and the file begins with a random salt: with few classes, labels without one could be
guessed until the digest fits.

| environment | meaning |
|---|---|
| `PROJECTKIT_LABELS` | the staff's folder with the files of labels |
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import Card
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.errors import UserError, WorkError, did_you_mean

SUBSET = "subset"
"""The column of the public file that says which rows are the test set."""


@dataclass(frozen=True)
class Parted:
    """A file whose test labels were taken out.

    Args:
        public: the content that is published: no label in the test rows, and a column `subset`.
        labels: the content that the staff keep.
        sha256: of `labels`.
        rows: published rows; those in no subset are left out.
        test_rows: of them without a label.
    """

    public: bytes
    labels: bytes
    sha256: str
    rows: int
    test_rows: int


def part(
    columns: Mapping[str, Sequence[str]],
    subsets: Mapping[str, NDArray[np.int64]],
    *,
    form: str,
    delimiter: str,
    label: str,
    name: str,
) -> Parted:
    """Take the labels of the test rows out of a file.

    The rows are put into an order that nobody can follow, and are named by their places in it, as `plain.py` names them: in a file that
    was sorted by class, the place of a row, and an id that counts, is its label.

    Args:
        columns: what is published, label included: column name -> cells, (n,).
        subsets: subset name -> rows; validation counts as training.
        form: `csv`, `tsv` or `jsonl`.
        delimiter: of `csv`.
        label: the column.
        name: of the data set.

    Raises:
        UserError: there is a column `subset` already.
    """
    if SUBSET in columns:
        remedy = "the file has a test set already: withhold its labels by hand, or remove the column"
        raise UserError(f"there is a column '{SUBSET}'", where=name, remedy=remedy)
    salt = secrets.token_hex(16)
    test = set(subsets["test"].tolist())
    rows = np.concatenate([subsets["train"], subsets["val"], subsets["test"]]).tolist()
    rows.sort(key=lambda row: hashlib.blake2b(f"{salt}:{row}".encode(), digest_size=16).digest())
    public = {key: [cells[row] for row in rows] for key, cells in columns.items()}
    ids = [f"{name}-{number:06d}" for number in range(len(rows))]
    hidden = [row in test for row in rows]
    truth = [(key, cell.strip()) for key, cell, withheld in zip(ids, public[label], hidden, strict=True) if withheld]
    public[label] = ["" if withheld else cell for cell, withheld in zip(public[label], hidden, strict=True)]
    public[SUBSET] = ["test" if withheld else "train" for withheld in hidden]
    labels = f"# salt {salt}\n" + _csv(("id", label), truth, ",")
    content = _json_lines(public) if form == "jsonl" else _csv(public, zip(*public.values(), strict=True), delimiter)
    digest = hashlib.sha256(labels.encode()).hexdigest()
    return Parted(content.encode("utf-8"), labels.encode(), digest, len(rows), len(truth))


def fill(card: Card, samples: Samples) -> Samples:
    """The samples with the withheld labels, where `$PROJECTKIT_LABELS` has their file; else as they are.

    Raises:
        UserError: the variable names a folder that is not there.
        WorkError: the file is another one than the card says, or has not every label.
    """
    chosen = os.environ.get("PROJECTKIT_LABELS")
    if card.withheld is None or not chosen:
        return samples
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise UserError("no such folder", where=f"PROJECTKIT_LABELS={chosen}", remedy="correct it or unset it")
    path = folder / card.withheld.file
    if not path.is_file():  # the labels of another set
        return samples
    content = path.read_bytes()
    got = hashlib.sha256(content).hexdigest()
    if got != card.withheld.sha256:
        raise WorkError(
            f"not the labels that the card withholds: expected SHA-256 {card.withheld.sha256}, got {got}",
            where=str(path),
            remedy="put back the file that `projectkit data new` wrote together with this card, or unset PROJECTKIT_LABELS",
        )
    truth = _read(content.decode("utf-8"), path)
    return replace(samples, y={name: _filled(card, samples, name, truth, path) for name in samples.y})


def _filled(
    card: Card, samples: Samples, target: str, truth: Mapping[str, Mapping[str, str]], path: Path
) -> NDArray[np.int64]:
    labels = samples.y[target]
    hidden = np.flatnonzero(labels == WITHHELD)
    if not len(hidden):
        return labels
    if target not in truth:
        raise WorkError(f"no labels of '{target}' in it", where=str(path), remedy=did_you_mean(target, truth))
    index = {name: number for number, name in enumerate(card.targets[target].class_names)}
    filled = labels.copy()
    for row in hidden:
        key = str(samples.id[row])
        label = truth[target].get(key)
        if label not in index:
            what = f"no label for {key}" if label is None else f"the label {label!r} of {key} is not a class"
            raise WorkError(what, where=str(path), remedy="get the file that belongs to this version of the data")
        filled[row] = index[label]
    return filled


def _read(text: str, path: Path) -> dict[str, dict[str, str]]:
    """Target name -> id -> label."""
    rows = list(csv.reader(io.StringIO(text.partition("\n")[2], newline="")))
    if len(rows) < 2 or rows[0][:1] != ["id"] or any(len(row) != len(rows[0]) for row in rows):
        what = "not a file of labels: a line with a salt, then `id,<target>`, then one line a row"
        raise WorkError(what, where=str(path), remedy="make it with `projectkit data new FILE --withhold 0.2`")
    return {name: {row[0]: row[number] for row in rows[1:]} for number, name in enumerate(rows[0]) if number}


def _csv(header: Iterable[str], rows: Iterable[Sequence[str]], delimiter: str) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def _json_lines(columns: Mapping[str, Sequence[str]]) -> str:
    rows = zip(*columns.values(), strict=True)
    return "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
