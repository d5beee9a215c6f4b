"""HttpParams: values of HTTP parameters, normal or one of four kinds of attack.

The published halves (train, test) are kept as `source`. The published full file is exactly both of them, so it is not fetched. The column
`length` was counted before the texts were escaped and is no input.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, NearDuplicates, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.readers.rows import columns_of
from projectkit.datasets.samples import Samples, content_key, encode_labels

_AT = "https://raw.githubusercontent.com/Morzeux/HttpParamsDataset/926670a710283f87c05b554680facf3f9530548c"
_TRAIN = RemoteFile(
    name="payload_train.csv",
    size=1_330_236,
    sha256="dfa6e59c87b2bafc485c9cb14d37e3f86607d180e5a22e7c46dae6d3d1dd6a16",
    urls=(f"{_AT}/payload_train.csv",),
)
_TEST = RemoteFile(
    name="payload_test.csv",
    size=666_346,
    sha256="d8015e256ce4499c8ac7a8be8dd25de6487cf018601edf1a03a408a2c8f0e39d",
    urls=(f"{_AT}/payload_test.csv",),
)
_NORMAL = "norm"
_TYPES = (_NORMAL, "sqli", "xss", "path-traversal", "cmdi")
_BINARY = (_NORMAL, "anom")
_NORMAL_PARTS = 10


def read(files: Mapping[str, Path]) -> Samples:
    """The published training half, then the test half, in their order; the group is the kind of attack."""
    halves = [columns_of(files[file.name], ("payload", "attack_type", "label")) for file in (_TRAIN, _TEST)]
    sizes = [len(payloads) for payloads, _, _ in halves]
    payloads, types, labels = (first + second for first, second in zip(*halves, strict=True))
    return Samples(
        id=np.array([f"train-{n:05d}" for n in range(sizes[0])] + [f"test-{n:05d}" for n in range(sizes[1])]),
        x=Texts.of(payloads),
        y={
            "attack": encode_labels(labels, _BINARY, where="http_params"),
            "attack_type": encode_labels(types, _TYPES, where="http_params"),
        },
        group=np.array([_group(payload, kind) for payload, kind in zip(payloads, types, strict=True)]),
        source=np.repeat(["train", "test"], sizes),
    )


def _group(payload: str, kind: str) -> str:
    """The kind of attack; normal values have none, so they are dealt into ten parts by their hash, of which some can be held out."""
    return kind if kind != _NORMAL else f"{_NORMAL}-{int(content_key(payload), 16) % _NORMAL_PARTS}"


def _without(kind: str) -> SplitPolicy:
    return SplitPolicy(
        "leave_groups_out",
        {"test_groups": [kind]},
        f"{kind} is in test alone, one other kind of attack in validation alone; normal values are dealt out beside them",
    )


CARD = Card(
    name="http_params",
    title="HttpParamsDataset",
    description=(
        "31,067 distinct values of HTTP parameters: 19,304 normal ones from the requests of CSIC 2010, and 11,763 attacks (10,852 SQL "
        "injections, 532 cross-site scripting, 290 path traversals, 89 command injections) from scanners and lists of payloads."
    ),
    modality="text",
    targets={
        "attack": Target("binary", _BINARY, split="leave_types_out"),
        "attack_type": Target("multiclass", _TYPES, split="official"),
    },
    default_target="attack",
    licence="MIT",
    redistributable=True,
    citation="Morzeux, HttpParamsDataset, github.com/Morzeux/HttpParamsDataset, commit 926670a",
    read=read,
    splits={
        "leave_types_out": SplitPolicy(
            "leave_groups_out",
            {},
            "a kind of attack, drawn by the seed, is in test alone, another in validation alone: attacks that nobody has met yet",
        ),
        "leave_sqli_out": _without("sqli"),
        "leave_xss_out": _without("xss"),
        "leave_path_out": _without("path-traversal"),
        "leave_cmdi_out": _without("cmdi"),
        "official": SplitPolicy(
            "official",
            {"test_sources": {"test": ["test"]}, "by_group": False},
            "the published halves; training payloads that nearly equal one of the test are left out, validation is 12.5% of the rest",
        ),
    },
    files=(_TRAIN, _TEST),
    mirror_folder="http_params",
    near_duplicates=NearDuplicates("minhash", 0.8),
    traps=(
        "The published halves hold the same attacks by the same tools: .999 there says nothing about a new kind of attack, of which a "
        "linear model found a tenth or none.",
        "92% of the attacks are by sqlmap, whose payloads differ in numbers and four random letters: 58% of the test's equal a training "
        "one up to numbers and punctuation.",
        "With official, copies by MinHash are taken out of training, and 32% of the test's attacks still equal a training one in that way.",
        "leave_types_out has one kind in test, and the kinds differ: with seed 0 it is cmdi, 89 attacks in all; where it is sqli, 379 to "
        "822 attacks are left to learn from. Report all four leave_..._out, not one.",
        "Length alone, 32 characters or more, is right for 94%; one of the characters ()<>;=%*|\\ for 98%.",
        "Normal values are those of one Spanish web shop (names, streets, card numbers): nothing follows for another site.",
        "Everything is lower case and ASCII: what stood outside it was lost (`8?a`), which tells normal values apart.",
        "Four payloads hold the next line of a list that was read wrongly (`...,10,cmdi,anom $+|+dir...`), label included.",
    ),
    safety="The payloads are data: never send them to a server, never paste them into a shell, a browser or a database.",
    ethics=(
        "Names and addresses in the normal values look like those of people; CSIC 2010 generated its requests. Whoever publishes what a "
        "detector misses also tells attackers."
    ),
)
