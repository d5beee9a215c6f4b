"""What must never change by accident: the content of every set, and the digests of its splits, by which teams prove that they were compared
on the same rows. They stand in `golden.json`; where a card has changed on purpose, write them anew with

    PROJECTKIT_MIRROR=FOLDER python tests/datasets/datasets_golden.py
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from pathlib import Path

import numpy as np

from projectkit.datasets import Samples, Table, Texts, Tokens, catalogue
from projectkit.datasets.splits.split import k_fold, make_split
from projectkit.errors import UserError, WorkError

FILE = Path(__file__).with_name("golden.json")
ADVICE = f"where this is on purpose: PROJECTKIT_MIRROR=FOLDER python tests/datasets/{Path(__file__).name}"
FOLDS = 3


@cache  # each set is loaded once for all tests of a process
def loaded(name: str) -> Samples:
    """The samples of a set."""
    return catalogue.load(name)


def contents(samples: Samples) -> np.ndarray:
    """The content of each sample's input as one string, for finding equal ones by another way than the library's."""
    x = samples.x
    if isinstance(x, Table):
        halves = zip((x.numeric + np.float32(0)).astype("<f4"), x.categorical, strict=True)
        rows = [numbers.tobytes() + "|".join(words).encode() for numbers, words in halves]
    elif isinstance(x, Texts):
        rows = [text.encode("utf-8", "surrogatepass") for text in x]
    elif isinstance(x, Tokens):
        rows = [x[row].astype("<u4").tobytes() for row in range(len(x))]
    else:
        rows = [row.astype(x.dtype.newbyteorder("<")).tobytes() for row in x]
    return np.array([hashlib.md5(row).hexdigest() for row in rows])


def measured(name: str) -> dict[str, str]:
    """Digests of a set's samples, and of its splits of seed 0 as far as they fit the target; of the default one in folds, too."""
    card, samples = catalogue.card(name), loaded(name)
    content = hashlib.sha256("".join(contents(samples)).encode())
    for target in sorted(samples.y):
        content.update(samples.y[target].astype("<i8").tobytes())
    found = {"content": content.hexdigest()[:16]}
    for target in card.targets:
        for policy in card.splits:
            try:
                found[f"{target}/{policy}"] = make_split(card, samples, target, policy, 0).digest[:16]
                folds = k_fold(card, samples, target, policy, 0, FOLDS)
                found[f"{target}/{policy}/{FOLDS} folds"] = " ".join(each.digest[:8] for each in folds)
            except UserError:
                continue  # a policy that does not fit the target, or that has not so many folds
    return found


def main() -> None:
    """Write the file anew; sets that cannot be had keep what they have."""
    golden = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for name in catalogue._NAMES:
        try:
            golden[name] = measured(name)
        except WorkError as error:
            sys.stderr.write(f"{name} stays as it is: {error}\n")
    known = {name: golden[name] for name in catalogue._NAMES if name in golden}
    FILE.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
