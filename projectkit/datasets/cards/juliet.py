"""Juliet: C functions that were written to show a weakness (CWE), each with its flaw or mended; the model tells which.

The derived file has the test suite's cases that are one file and one function, flow variants 1 to 18. Comments, names of weaknesses and
the words "good" and "bad" were removed, since the suite's authors say with them what a function is; at most eight functions of each variant
and label are kept, and functions that became equal under two labels are left out. `derivations/juliet.py` does it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, NearDuplicates, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.derivations.juliet import DERIVATION
from projectkit.datasets.samples import Samples

_FILE = RemoteFile(
    name="juliet_functions.jsonl",
    size=6_309_273,
    sha256="fe3fabd57845aa4369e1697699819d5902f7df5ff95df129049e97bb355fd7ad",
    derivation=DERIVATION,
)
_TESTED = (195, 681, 400, 369, 665, 124, 253, 127)  # by number of the weakness; named, so that figures compare


def read(files: Mapping[str, Path]) -> Samples:
    """The functions in the file's order; the group is the weakness, the source the variant: what is done wrong, and how it is reached."""
    with files[_FILE.name].open(encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    return Samples(
        id=np.array([f"juliet-{n:05d}" for n in range(len(rows))]),
        x=Texts.of([row["code"] for row in rows]),
        y={"vulnerable": np.array([row["label"] for row in rows], dtype=np.int64)},
        group=np.array([f"CWE-{row['cwe']}" for row in rows]),
        source=np.array([row["variant"] for row in rows]),
    )


CARD = Card(
    name="juliet",
    title="Juliet Test Suite 1.3 for C, single functions",
    description=(
        "12,747 C functions of 30 kinds of weakness (CWE): 6,835 with the flaw, 5,912 without. Each is a small program, generated to "
        "test tools which look for flaws."
    ),
    modality="text",
    targets={"vulnerable": Target("binary", ("good", "bad"), split="leave_cwes_out")},
    default_target="vulnerable",
    licence="public domain in the United States, CC0 1.0 elsewhere (NIST)",
    redistributable=True,
    citation="Boland & Black, Juliet 1.1 C/C++ and Java Test Suite, Computer 45(10), 2012, doi:10.1109/MC.2012.345",
    read=read,
    splits={
        "leave_cwes_out": SplitPolicy(
            "leave_groups_out",
            {"test_groups": [f"CWE-{number}" for number in _TESTED]},
            "eight weaknesses are the test set and others, drawn by the seed, validation: does it know a flaw of a kind it has never met?",
        ),
        "by_variant": SplitPolicy(
            "stratified",
            {"by_group": True, "column": "source"},
            "all weaknesses are known, the functions of a variant never part; 70 / 10 / 20 by class",
        ),
    },
    files=(_FILE,),
    mirror_folder="juliet",
    near_duplicates=NearDuplicates("masked"),
    origin="arichardson/juliet-test-suite-c at f88433e3443648a17671398797a04ea1f8e1a274 (Juliet 1.3)",
    traps=(
        "The generator's scaffolding betrays the label: 'Benign, fixed string' is in 3,677 functions, ten of them bad; "
        "globalReturnsTrueOrFalse in 839, three of them good; a loop that runs once in 899, all bad.",
        "Names were not cleaned to the end: VaSinkB is in 90 functions (80 bad), VaSinkG in 80 (70 good).",
        "Flow variant 17 has bad functions only, variant 12 all but three, variant 2 good ones only: how a flaw is reached says whether it "
        "is one.",
        "Functions are copies but for a number or a type: a random split scores .99. 120 of the 2,328 test functions have twins of another "
        "weakness that differ in numbers and punctuation only; these twins are in no subset: a linear model gets .89 of "
        "the 120 right with them, .51 without. Twins that differ in a type stay.",
        "Whoever does well here finds Juliet's style; nothing follows for code that people write.",
    ),
    safety="The bad functions are vulnerable on purpose: read them, do not compile them into anything.",
    ethics="Generated code, published by NIST; no person is in the data.",
)
