"""BATADAL: hourly readings of a simulated water network, a year without attacks and two spans with seven attacks each.

An hour is a sample: 43 readings, levels of 7 tanks (L_), flow (F_) and status (S_) of 11 pumps and a valve, pressure at 12 junctions (P_).
The copy that is read here has every hour of its three files labelled 0 or 1. The competition's own dataset04 named only some hours of the
attacks and gave -999, "not labelled", to all others; an hour with any other label than 0 and 1 is refused, so that it cannot slip in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import IndexArray, Table
from projectkit.datasets.samples import Samples
from projectkit.errors import WorkError

# The repository of one of the makers' papers (Taormina & Galelli 2018, doi:10.1061/(ASCE)WR.1943-5452.0000983), pinned to a commit.
_AT = "https://raw.githubusercontent.com/rtaormina/aeed/7851be0ed47fab100bd5a90f5c283cd2dd4fab2f/data"


def _file(part: str, size: int, sha256: str) -> RemoteFile:
    return RemoteFile(name=f"{part}.csv", size=size, sha256=sha256, urls=(f"{_AT}/{part}.csv",))


_PARTS = ("dataset03", "dataset04", "test_dataset")
_FILES = (
    _file("dataset03", 2_940_389, "8ca6cb851242254d2605b5a53ba3ba5009e2213a545d65396615f1ce0b426e1b"),
    _file("dataset04", 779_791, "a12c30bdd0d40de7f44a73d1cb17e9e4093d437eb97ca55feeb10eb76d16ed74"),
    _file("test_dataset", 521_401, "3dbe7914e83b1229533623fc36a5c38b87daa80537f720aedf96843128f0a5a7"),
)
_EPOCH = datetime(2014, 1, 1)  # the year of the first file
_CLASSES = ("normal", "attack")


def read(files: Mapping[str, Path]) -> Samples:
    """The hours of the three files, each in its order; `time` is in hours since the beginning of 2014."""
    parts = [_hours(files[f"{part}.csv"]) for part in _PARTS]
    names = parts[0][0]
    readings = np.concatenate([cells for _, _, cells, _ in parts])
    return Samples(
        id=np.array(
            [f"{part}-{n:04d}" for part, (_, times, _, _) in zip(_PARTS, parts, strict=True) for n in range(len(times))]
        ),
        x=Table(readings, names, np.empty((len(readings), 0), dtype=np.str_), ()),
        y={"attack": np.concatenate([labels for _, _, _, labels in parts])},
        time=np.concatenate([times for _, times, _, _ in parts]),
        source=np.repeat(_PARTS, [len(times) for _, times, _, _ in parts]),
    )


def _hours(path: Path) -> tuple[tuple[str, ...], IndexArray, NDArray[np.float32], IndexArray]:
    """Names of the readings, hours, readings (n, 43), labels. Some copies have a space before each name."""
    header, *lines = path.read_text(encoding="ascii").splitlines()
    names = [name.strip() for name in header.split(",")]
    # by numpy's own reader: the cells as Python strings would take five times the memory of the table
    labels = np.loadtxt(lines, np.float64, delimiter=",", usecols=len(names) - 1)
    if not np.isin(labels, (0, 1)).all():
        found = np.unique(labels).tolist()
        raise WorkError(
            f"the labels are {found}, not 0 and 1", where=str(path), remedy="use the files that the card names"
        )
    hours = [datetime.strptime(line.partition(",")[0].strip(), "%d/%m/%y %H") - _EPOCH for line in lines]
    return (
        tuple(names[1:-1]),
        np.array([hour.days * 24 + hour.seconds // 3600 for hour in hours], dtype=np.int64),
        np.loadtxt(lines, np.float32, delimiter=",", usecols=range(1, len(names) - 1), ndmin=2),
        labels.astype(np.int64),
    )


CARD = Card(
    name="batadal",
    title="BATADAL, the Battle of the Attack Detection Algorithms",
    description=(
        "15,027 hours of a simulated water network, 43 readings each: 8,761 without attacks (2014), 4,177 with seven attacks (2016, 492 "
        "hours) and 2,089 with seven others (2017, 407 hours)."
    ),
    modality="tabular",
    targets={"attack": Target("anomaly", _CLASSES, split="official")},
    default_target="attack",
    licence="none stated; public data of a competition (batadal.net)",
    redistributable=False,
    citation=(
        "Taormina et al., Battle of the Attack Detection Algorithms: Disclosing Cyber Attacks on Water Distribution Networks, Journal of "
        "Water Resources Planning and Management 144(8), 2018, doi:10.1061/(ASCE)WR.1943-5452.0000969"
    ),
    read=read,
    splits={
        "official": SplitPolicy(
            "official",
            {"test_sources": {"test": ["test_dataset"]}, "val_sources": ["dataset04"]},
            "train is the year without attacks, the threshold is chosen on 2016 with its seven attacks, 2017 is the test",
        ),
        "supervised": SplitPolicy(
            "official",
            # 970 of 12,938 hours: the cut lies in the normal month between the fourth and the fifth attack of dataset04
            {"test_sources": {"test": ["test_dataset"]}, "val_fraction": 0.075},
            "for models that learn from attacks: four of the seven of 2016 are in train, the three later ones in val, 2017 is the test",
        ),
    },
    files=_FILES,
    mirror_folder="batadal",
    traps=(
        "Never choose a threshold on the test set: choose it on val, whose attacks are others.",
        "An hour alone says little: the error of PCA with 15 components has AUC .84, its mean over the last six hours .93.",
        "Hours follow each other: 407 attack hours are seven events, so intervals over hours are far too narrow.",
        "A forest that learns from attacks finds .02 F1 on the new ones (AUC .68), .61 in a split of random hours, which shares events.",
        "dataset03 has up to nine decimals, the other files two: a model that sees both can tell the file from the digits.",
        "Pumps 3, 5 and 9 never run and pump 1 never stops in 2014 and 2016; pump 3 runs in 2017: do not divide by a deviation of zero.",
    ),
    safety="The network and its attacks are simulated; do not try what you learn on a real plant.",
    ethics="No person is in the data; the network, C-Town, is modelled on a real one.",
)
