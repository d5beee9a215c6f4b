"""Domain names made by malware (24 families) and benign ones.

The families' names come from the example lists of reimplemented domain-generation algorithms, at most 1,000 a family with a fixed seed;
the benign ones from OpenDNS's public lists. Nobody serves the file; `derivations/dga.py` makes it from the two repositories.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.derivations.dga import DERIVATION
from projectkit.datasets.readers.rows import columns_of
from projectkit.datasets.samples import Samples, content_key, encode_labels

_FILE = RemoteFile(
    name="dga_families.csv",
    size=785_421,
    sha256="6e3b40ba8e1d10d98ffad955348b90a02a7d839c91bc82bbdf5b38132fbec881",
    derivation=DERIVATION,
)
_BENIGN = "benign"
_CLASSES = (
    "banjori",
    "bazarbackdoor",
    _BENIGN,
    "charbot",
    "chinad",
    "fobber",
    "kraken",
    "monerodownloader",
    "murofet",
    "necurs",
    "newgoz",
    "ngioweb",
    "nymaim2",
    "pitou",
    "pushdo",
    "pykspa",
    "qakbot",
    "qsnatch",
    "shiotob",
    "simda",
    "suppobox",
    "tempedreve",
    "tinba",
    "tufik",
    "zloader",
)
_BENIGN_PARTS = 10


def read(files: Mapping[str, Path]) -> Samples:
    """The names in the file's order; a name is its own id, its group is its family."""
    domains, families = columns_of(files[_FILE.name], ("domain", "family"))
    return Samples(
        id=np.array(domains),
        x=Texts.of(domains),
        y={
            "family": encode_labels(families, _CLASSES, where=_FILE.name),
            "malicious": np.array([family != _BENIGN for family in families], dtype=np.int64),
        },
        group=np.array([_group(domain, family) for domain, family in zip(domains, families, strict=True)]),
    )


def _group(domain: str, family: str) -> str:
    """The family; benign names have none, so they are dealt into ten parts by their hash, of which some can be held out."""
    if family != _BENIGN:
        return family
    return f"{_BENIGN}-{int(content_key(domain), 16) % _BENIGN_PARTS}"


CARD = Card(
    name="dga",
    title="Domain names of domain-generation algorithms",
    description=(
        "30,496 distinct domain names: 20,496 made by the algorithms of 24 malware families (255 to 1,000 each) and 10,000 benign ones. "
        "Which family made a name, or whether any did, is to be told from its characters."
    ),
    modality="text",
    targets={
        "family": Target("multiclass", _CLASSES, split="stratified"),
        "malicious": Target("binary", (_BENIGN, "malicious"), split="leave_families_out"),
    },
    default_target="family",
    licence="GPL-2.0 (lists of the families); OpenDNS public domain lists (benign)",
    redistributable=False,
    citation=(
        "Bader, Domain Generation Algorithms, github.com/baderj/domain_generation_algorithms, commit 09961a1; "
        "OpenDNS public domain lists, in github.com/andrewaeva/DGA, commit 00b49f0"
    ),
    read=read,
    splits={
        "stratified": SplitPolicy("stratified", {}, "70 / 10 / 20 by class; every family is known to the training"),
        "leave_families_out": SplitPolicy(
            "leave_groups_out",
            {},
            "whole families are held out, drawn by the seed, five for test and two for validation: malware that nobody has met yet",
        ),
    },
    files=(_FILE,),
    mirror_folder="dga",
    origin="derived from baderj/domain_generation_algorithms at 09961a1 and the OpenDNS lists in andrewaeva/DGA at 00b49f0",
    traps=(
        "The top-level domain is a shortcut: without it a linear model falls from macro F1 .811 to .685.",
        "For target malicious, split stratified knows every family beforehand: a linear model has AUC .98 there, .91 to .99 (three draws) "
        "with families left out.",
        "suppobox joins real words: a linear model that had not met it found a tenth of its names.",
    ),
    safety="Never resolve or open these names: some have belonged to criminals, some to sinkholes that log who asks.",
    ethics=(
        "A family's algorithm can hit upon a name that somebody honest holds: what a model says of one name is no verdict on its owner."
    ),
)
