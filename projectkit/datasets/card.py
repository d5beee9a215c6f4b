"""What a data set declares about itself.

A `Card` is everything that can be known about a data set without having it: what it is, who may pass it on, where its files
are and how they are checked, what its classes are, which splits do not leak, and how raw files become samples. Each set's card
stands in a file of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from projectkit.datasets.samples import Samples

Modality: TypeAlias = Literal["text", "tabular", "image"]
TargetKind: TypeAlias = Literal["binary", "multiclass"]
SplitMethod: TypeAlias = Literal["official", "stratified", "leave_groups_out"]


@dataclass(frozen=True)
class RemoteFile:
    """A raw file, known by its content.

    Args:
        name: its name in the store and in a mirror, uncompressed.
        size: bytes of the uncompressed content.
        sha256: of the uncompressed content: hosts recompress archives, the content stays.
        urls: pinned to a commit or a version, tried in this order; one that ends in `.gz` is decompressed. Empty: from a mirror only.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """What can be predicted from the samples.

    Args:
        kind: `binary` has the class that is looked for last, as index 1.
        class_names: in the order of the label indices.
        split: the card's split for this target that does not leak; the default.
    """

    kind: TargetKind
    class_names: tuple[str, ...]
    split: str


@dataclass(frozen=True)
class SplitPolicy:
    """A named way to split a data set: a function of `split.py` and its arguments.

    Args:
        method: the function's name.
        arguments: its keyword arguments, JSON-able; they go into the split's digest.
        about: what it protects from, one sentence.
    """

    method: SplitMethod
    arguments: Mapping[str, Any]
    about: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """A data set, as far as it is known before it is here.

    Args:
        name: one spelling everywhere, `snake_case`; also its file in this room and its folder in the store.
        title: as its makers call it.
        description: what a sample is, two or three sentences.
        modality: decides the form of `Samples.x`.
        targets: target name -> Target.
        default_target: where the config names none.
        licence: as its makers state it.
        redistributable: whether a course may pass the files on.
        citation: one line, with DOI or URL.
        read: raw files (name -> path, checked) to samples.
        splits: split name -> policy.
        files: raw files; empty for what a dependency carries or a generator makes.
        mirror_folder: its folder below `$PROJECTKIT_MIRROR`; sets of one source share one.
        origin: for files without a URL: what they are derived from, so that the error can say it.
        traps: what has misled people before, one sentence each.
        safety: how to handle the samples, empty where nothing is to be said.
        revision: raised whenever `read` returns other samples from the same files.
    """

    name: str
    title: str
    description: str
    modality: Modality
    targets: Mapping[str, Target]
    default_target: str
    licence: str
    redistributable: bool
    citation: str
    read: Callable[[Mapping[str, Path]], Samples] = field(repr=False)
    splits: Mapping[str, SplitPolicy]
    files: tuple[RemoteFile, ...] = ()
    mirror_folder: str | None = None
    origin: str = ""
    traps: tuple[str, ...] = ()
    safety: str = ""
    revision: int = 1

    @property
    def size(self) -> int:
        """Bytes on disk, uncompressed."""
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """SHA-256 over what decides the samples and their splits; a better description or a new URL leaves it as it is."""
        facts = {
            "name": self.name,
            "revision": self.revision,
            "modality": self.modality,
            "targets": {name: asdict(target) for name, target in self.targets.items()},
            "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in self.files],
            "splits": {name: [policy.method, policy.arguments] for name, policy in self.splits.items()},
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
