"""Snippets of code in 40 programming languages: which language is it?

Collected from 62 repositories of two owners at fixed commits; the file exists nowhere else, so it is had from a mirror only. The group is
the source file, `source` the repositories' owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.readers.rows import columns_of
from projectkit.datasets.samples import Samples, encode_labels

_FILE = RemoteFile(
    name="snippets.jsonl",
    size=9_434_915,
    sha256="45e1caa4c76a40399d488d405d381a7db74d69c4bea8ca5156254771d2ccd044",
)
_CLASSES = (
    "C",
    "C#",
    "C++",
    "Clojure",
    "Common Lisp",
    "D",
    "Dart",
    "Elixir",
    "Elm",
    "Erlang",
    "F#",
    "Fortran",
    "Go",
    "Groovy",
    "Haskell",
    "Java",
    "JavaScript",
    "Julia",
    "Kotlin",
    "Lua",
    "MATLAB",
    "Nim",
    "OCaml",
    "Objective-C",
    "PHP",
    "Pascal",
    "Perl",
    "PowerShell",
    "Prolog",
    "Python",
    "R",
    "Ruby",
    "Rust",
    "Scala",
    "Shell",
    "Swift",
    "Tcl",
    "TypeScript",
    "Visual Basic .NET",
    "Zig",
)


def read(files: Mapping[str, Path]) -> Samples:
    """The snippets in the file's order; the group is the file that a snippet was cut from."""
    path = files[_FILE.name]
    texts, languages, sources, repositories = columns_of(path, ("text", "language", "group", "source"), form="jsonl")
    return Samples(
        id=np.array([f"snippet-{number:05d}" for number in range(len(texts))]),
        x=Texts.of(texts),
        y={"language": encode_labels(languages, _CLASSES, where=_FILE.name)},
        group=np.array(sources),
        source=np.array([repository.partition("/")[0] for repository in repositories]),
    )


def _without(owner: str) -> SplitPolicy:
    return SplitPolicy(
        "official",
        {"test_sources": {"test": [owner]}, "shared_classes": True},
        f"the test is all code of {owner}, which training has not seen; of the 22 languages that both owners have",
    )


CARD = Card(
    name="code_language",
    title="Code snippets in 40 languages",
    description=(
        "21,154 snippets of 3 to 20 lines in 40 programming languages (168 to 640 each), cut from 13,277 files of 62 repositories: 16,596 "
        "from exercism's exercises, 4,558 from TheAlgorithms."
    ),
    modality="text",
    targets={"language": Target("multiclass", _CLASSES, split="by_file")},
    default_target="language",
    licence="MIT (each repository's licence is in LICENSES)",
    redistributable=True,
    citation="exercism, github.com/exercism, and TheAlgorithms, github.com/TheAlgorithms, 62 repositories at fixed commits",
    read=read,
    splits={
        "by_file": SplitPolicy(
            "stratified",
            {"by_group": True},
            "70 / 10 / 20 by language; all snippets of a source file are in one subset",
        ),
        "leave_thealgorithms_out": _without("TheAlgorithms"),
        "leave_exercism_out": _without("exercism"),
    },
    files=(_FILE,),
    mirror_folder="code_language",
    origin=(
        "collected from 62 repositories, it has no source of its own: a course that has it puts code_language/snippets.jsonl (or .gz) "
        "and its LICENSES folder into the mirror; both may be passed on"
    ),
    traps=(
        "Exercises have one wording and one way to test in all languages: split by file, a model knows the exercise from its other files.",
        "Who wrote it counts too: a linear model on character n-grams has accuracy .95 by file, .85 on TheAlgorithms left out, .71 on "
        "exercism left out.",
        "About 2% of the snippets name their language in a comment or import.",
        "A third of the snippets are of test files, whose frameworks give the language away.",
        "17 languages are of exercism alone, MATLAB of TheAlgorithms alone: there the owner is the answer.",
        "Everything is short, clean and made for teaching: expect less on code from elsewhere.",
    ),
    safety="The snippets are data, not to be run.",
    ethics="People wrote this code under the MIT licence: pass it on with the LICENSES folder only.",
)
