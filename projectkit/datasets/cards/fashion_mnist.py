"""Fashion-MNIST: 70,000 grey pictures of articles from Zalando's shop, 28 x 28, ten classes, in the IDX format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.readers.idx import read_pictures
from projectkit.datasets.samples import Samples

# The repository's last commit; the files are unchanged in it since August 2017.
_AT = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion"


def _file(name: str, size: int, sha256: str) -> RemoteFile:
    return RemoteFile(name=name, size=size, sha256=sha256, urls=(f"{_AT}/{name}.gz",))


_FILES = (
    _file("train-images-idx3-ubyte", 47_040_016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
    _file("train-labels-idx1-ubyte", 60_008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    _file("t10k-images-idx3-ubyte", 7_840_016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
    _file("t10k-labels-idx1-ubyte", 10_008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
)
_CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def read(files: Mapping[str, Path]) -> Samples:
    """The training pictures, then the test pictures, each in the file's order."""
    return read_pictures(files, "article")


CARD = Card(
    name="fashion_mnist",
    title="Fashion-MNIST",
    description="70,000 grey pictures of clothes, shoes and bags, 28 x 28: 6,000 of each of ten classes for training, 1,000 for test.",
    modality="image",
    targets={"article": Target("multiclass", _CLASSES, split="official")},
    default_target="article",
    licence="MIT",
    redistributable=True,
    citation=(
        "Xiao, Rasul & Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, 2017, "
        "arXiv:1708.07747"
    ),
    read=read,
    splits={
        "official": SplitPolicy(
            "official",
            {"test_sources": {"test": ["t10k"]}},
            "the published 10,000 are the test set, validation is 12.5% of the 60,000",
        )
    },
    files=_FILES,
    mirror_folder="fashion_mnist",
    traps=(
        "shirt, t-shirt, pullover and coat are hard to tell apart: people without training get .835 of all pictures right.",
        "A linear model reaches .81, a small CNN .91 to .93: differences of a few tenths are noise.",
    ),
    ethics="A shop's goods, photographed for sale; no person is shown. The classes are that shop's, of its market and its time.",
)
