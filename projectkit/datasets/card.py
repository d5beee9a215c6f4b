"""What a data set declares about itself.

A `Card` is everything that can be known about a data set without having it: what it is, who may pass it on, where its files
are and how they are checked, what its classes are, which splits do not leak, and how raw files become samples. Each set's card
stands in a file of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from projectkit.datasets.samples import Samples

Modality: TypeAlias = Literal["text", "tokens", "tabular", "image", "series"]
TargetKind: TypeAlias = Literal["binary", "multiclass", "anomaly"]
SplitMethod: TypeAlias = Literal["official", "stratified", "leave_groups_out", "by_time"]
TextUnit: TypeAlias = Literal["characters", "bytes", "words", "word_pieces"]

Members: TypeAlias = Callable[[], Iterator[tuple[str, bytes]]]
"""Iterates over an upstream archive: (path below the repository's root, content), in the archive's order."""


@dataclass(frozen=True)
class Upstream:
    """An archive from which a derived file is rebuilt; hosts do not keep its bytes stable, so it is not checked itself.

    Args:
        name: its name in `Derivation.build`'s argument.
        urls: of a `.tar.gz`, `.tgz` or `.zip`, pinned to a commit or a version, tried in this order.
        folder: what the archive puts before each path (`repository-commit`); it is cut off. None: whatever the first part is.
        limit: bytes of all members together; more is taken for a bomb.
    """

    name: str
    urls: tuple[str, ...]
    limit: int
    folder: str | None = None


@dataclass(frozen=True)
class Derivation:
    """How a file that nobody serves is made from archives that somebody does.

    Args:
        upstreams: the archives.
        build: upstream name -> members, to the content of the derived file; that content is then checked as any other.
    """

    upstreams: tuple[Upstream, ...]
    build: Callable[[Mapping[str, Members]], bytes]


@dataclass(frozen=True)
class RemoteFile:
    """A raw file, known by its content.

    Args:
        name: its name in the store and in a mirror, uncompressed.
        size: bytes of the uncompressed content.
        sha256: of the uncompressed content: hosts recompress archives, the content stays.
        urls: pinned to a commit or a version, tried in this order; where a URL ends in `.gz` and the name does not, it is decompressed.
        derivation: how the file is rebuilt where neither mirror nor URL has it.
        content: what size and SHA-256 are taken over: the file's `bytes`; or, for a `zip` (an `.npz` too), whose bytes differ from one zlib
            to the next, each member's name and content (`archives.zip_digest`).
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...] = ()
    derivation: Derivation | None = field(default=None, repr=False)
    content: Literal["bytes", "zip"] = "bytes"


@dataclass(frozen=True)
class Target:
    """What can be predicted from the samples.

    Args:
        kind: `binary` has the class that is looked for last, as index 1; so has `anomaly`, whose training subset may hold class 0 alone.
        class_names: in the order of the label indices.
        split: the card's split for this target that does not leak; the default.
    """

    kind: TargetKind
    class_names: tuple[str, ...]
    split: str


@dataclass(frozen=True)
class SplitPolicy:
    """A named way to split a data set: a function of `splits/policies.py` and its arguments.

    Args:
        method: the function's name.
        arguments: its keyword arguments, JSON-able; they go into the split's digest. Beside them `by_group` (`stratified`: groups stay
            together, or what `column` names, as "source"; `official`: false where they may part) and `shared_classes` (rows of a class that
            train or test lacks are left out).
        about: what it protects from, one sentence.
    """

    method: SplitMethod
    arguments: Mapping[str, Any]
    about: str


@dataclass(frozen=True)
class NearDuplicates:
    """What counts as a copy of a sample, beyond equal inputs; see `copies/`.

    Args:
        method: `masked`: texts that are equal in lower case, with each number as `0` and punctuation as a space; `minhash`: texts whose
            sets of character 5-grams are alike; `perceptual_hash`: images whose hashes differ in few bits.
        threshold: `minhash`: Jaccard similarity from which texts are copies, in (0, 1]; `perceptual_hash`: bits that may
            differ; unused by `masked`.
    """

    method: Literal["masked", "minhash", "perceptual_hash"]
    threshold: float = 0.8


@dataclass(frozen=True)
class Withheld:
    """Test labels that only the course's staff have.

    Args:
        subset: whose labels they are.
        file: name of the file with the labels, looked for in `$PROJECTKIT_LABELS`.
        sha256: of that file, which begins with a random salt, so that labels cannot be guessed from the digest.
    """

    subset: str
    file: str
    sha256: str


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
        origin: what the files are derived from, where they are not the makers' own.
        traps: what has misled people before, one sentence each.
        safety: how to handle the samples, empty where nothing is to be said.
        ethics: who is in the data, who may be harmed by its use, empty where nothing is to be said.
        near_duplicates: what counts as a copy beyond equal inputs; None: equal inputs alone.
        unit: of a text's encoding where the config names none.
        withheld: labels that only the course has, or None.
        folder: where a card of a team's or a course's own stands; its files are looked for there first. None for ours.
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
    ethics: str = ""
    near_duplicates: NearDuplicates | None = None
    unit: TextUnit = "characters"
    withheld: Withheld | None = None
    folder: Path | None = None
    revision: int = 1

    @property
    def size(self) -> int:
        """Bytes on disk, uncompressed."""
        return sum(file.size for file in self.files)

    @property
    def files_digest(self) -> str:
        """SHA-256 over the content of the raw files, whatever else the card says."""
        return hashlib.sha256("".join(f"{file.name}\0{file.sha256}\0" for file in self.files).encode()).hexdigest()

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
            "near_duplicates": None if self.near_duplicates is None else asdict(self.near_duplicates),
            "withheld": None if self.withheld is None else asdict(self.withheld),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
