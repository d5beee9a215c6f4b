"""MNIST: 70,000 handwritten digits, 28 x 28, from American census workers and high-school students."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.readers.idx import read_pictures
from projectkit.datasets.samples import Samples

# Two public copies of the makers' files, the same content.
_FROM = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")


def _file(name: str, size: int, sha256: str) -> RemoteFile:
    return RemoteFile(name=name, size=size, sha256=sha256, urls=tuple(f"{host}/{name}.gz" for host in _FROM))


_FILES = (
    _file("train-images-idx3-ubyte", 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    _file("train-labels-idx1-ubyte", 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    _file("t10k-images-idx3-ubyte", 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    _file("t10k-labels-idx1-ubyte", 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
)


def read(files: Mapping[str, Path]) -> Samples:
    """The training digits, then the test digits, each in the file's order."""
    return read_pictures(files, "digit")


CARD = Card(
    name="mnist",
    title="MNIST",
    description="70,000 grey pictures of handwritten digits, 28 x 28: 60,000 for training and 10,000 for test, by other writers.",
    modality="image",
    targets={"digit": Target("multiclass", tuple(str(digit) for digit in range(10)), split="official")},
    default_target="digit",
    licence="CC BY-SA 3.0, as usually stated; no licence comes with the files",
    redistributable=False,
    citation=(
        "LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, Proceedings of the IEEE 86(11), 1998, "
        "doi:10.1109/5.726791"
    ),
    read=read,
    splits={
        "official": SplitPolicy(
            "official",
            {"test_sources": {"test": ["t10k"]}},
            "the published 10,000 are the test set, by writers who are not in training; validation is 12.5% of the 60,000",
        )
    },
    files=_FILES,
    mirror_folder="mnist",
    traps=(
        "The two halves of the test set differ: a linear model gets .82 of the first 5,000 right and .90 of the last; use all of it.",
        "Writers are not recorded, so validation shares its writers with training and is easier than the test set may be.",
        "15 test labels are known to be wrong (Northcutt, Athalye & Mueller 2021), and small CNNs pass .99: models no longer differ here.",
    ),
    ethics=(
        "Handwriting of some hundred people, census workers and high-school students, collected by NIST; no writer's name or number is in "
        "the files. Nothing follows for hands that write digits in other ways."
    ),
)
