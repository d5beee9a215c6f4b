"""CIFAR-10: 60,000 small colour photographs of ten kinds of animals and vehicles, from its makers' archive.

The binary version is read (records of one label byte and 3 x 32 x 32 pixels), not the Python version, whose pickles can run code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.samples import Samples
from projectkit.datasets.storage.archives import read_members
from projectkit.errors import WorkError

_FILE = RemoteFile(
    name="cifar-10-binary.tar.gz",
    size=170_052_171,
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_LIMIT = 200_000_000  # bytes; the six batches are 184,380,000, and two short texts lie beside them
_TEST = "test_batch.bin"
_BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), _TEST)


def read(files: Mapping[str, Path]) -> Samples:
    """The five training batches, then the test batch, whatever their order in the archive."""
    archive = files[_FILE.name]
    batches = {}
    for path, content in read_members(archive, limit=_LIMIT, wanted=lambda path: PurePosixPath(path).name in _BATCHES):
        name = PurePosixPath(path).name
        if not content or len(content) % _RECORD:
            raise _misfit(f"{name} has {len(content)} bytes, no multiple of {_RECORD}", archive)
        batches[name] = np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)
    missing = [name for name in _BATCHES if name not in batches]
    if missing:
        raise _misfit(f"the archive has no {missing[0]}", archive)
    records = [batches.pop(name) for name in _BATCHES]
    sizes = [sum(map(len, records[:-1])), len(records[-1])]
    return Samples(
        id=np.array(
            [f"{part}-{n:05d}" for part, size in zip(("train", "test"), sizes, strict=True) for n in range(size)]
        ),
        x=np.concatenate([batch[:, 1:] for batch in records]).reshape(-1, *_SHAPE),
        y={"object": np.concatenate([batch[:, 0] for batch in records]).astype(np.int64)},
        source=np.repeat(("train", "test"), sizes),
    )


def _misfit(what: str, archive: Path) -> WorkError:
    return WorkError(what, where=str(archive), remedy="use the archive that the card names")


CARD = Card(
    name="cifar10",
    title="CIFAR-10",
    description="60,000 colour photographs, 32 x 32, of ten kinds of animals and vehicles: 5,000 of each for training, 1,000 for test.",
    modality="image",
    targets={"object": Target("multiclass", _CLASSES, split="official")},
    default_target="object",
    licence="none stated; its makers ask for citation",
    redistributable=False,
    citation=(
        "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, University of Toronto, 2009, "
        "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf"
    ),
    read=read,
    splits={
        "official": SplitPolicy(
            "official",
            {"test_sources": {"test": ["test"]}},
            "the published 10,000 are the test set, validation is 12.5% of the 50,000; training pictures equal to a test picture go",
        )
    },
    files=(_FILE,),
    mirror_folder="cifar10",
    traps=(
        "3.3% of the test pictures have a near copy among the training pictures (Barz & Denzler 2020, doi:10.3390/jimaging6060041); only "
        "equal ones are taken out here.",
        "A linear model reaches .40, good networks .95 and more: say what your model is compared with.",
        "A mirrored picture is still of its class, a picture turned upside down hardly ever: augment accordingly.",
    ),
    ethics=(
        "The photographs were collected from web searches without asking their makers or the people in them. They are part "
        "of 80 Million Tiny Images, withdrawn by its makers in 2020 for offensive labels and pictures; the labels here are new ones."
    ),
)
