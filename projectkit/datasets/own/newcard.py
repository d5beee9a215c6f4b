"""A card for files that have none: written beside copies of them, read back, and looked at before it is published.

Everything is made in a hidden folder first and moved to its place at the end: a broken picture or a bad line leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from projectkit.config.places import shown
from projectkit.datasets.card import Card, SplitPolicy
from projectkit.datasets.copies.duplicates import copies
from projectkit.datasets.own.cardtext import card_text
from projectkit.datasets.own.concerns import concerns, helpful_near_duplicates
from projectkit.datasets.own.described import read_card
from projectkit.datasets.own.description import NO_LICENCE
from projectkit.datasets.own.folders import check_name
from projectkit.datasets.own.pictures import pack
from projectkit.datasets.own.survey import Survey
from projectkit.datasets.own.withheld import SUBSET, Parted, part
from projectkit.datasets.samples import Samples
from projectkit.datasets.splits.split import make_split
from projectkit.errors import UserError, WorkError
from projectkit.findings import Finding

_MUCH = 20_000_000  # bytes; the large hosts of git warn at 50 MB and refuse 100 MB a file


@dataclass(frozen=True)
class NewCard:
    """What was written, and what was found in it.

    Args:
        path: of the card.
        files: its data, beside it.
        labels: the staff's file, where labels are withheld.
        samples: how many.
        test_samples: of them without a label.
        findings: what `concerns` found.
    """

    path: Path
    files: tuple[Path, ...]
    labels: Path | None
    samples: int
    test_samples: int
    findings: tuple[Finding, ...]


def default_name(paths: Sequence[Path]) -> str:
    """A name for the set: of its file, or of what several files have in common, or of their folder."""
    words = [re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", path.stem).lower()) for path in paths]
    shared = [each[0] for each in takewhile(lambda each: len(set(each)) == 1, zip(*words, strict=False))]
    for candidate in ("_".join(shared), re.sub(r"[^a-z0-9]+", "_", paths[0].resolve().parent.name.lower()).strip("_")):
        if len(candidate) > 2 and candidate[0].isalpha():
            return candidate
    return "our_data"


def write_new(
    paths: Sequence[Path],
    seen: Survey,
    keys: Mapping[str, Any],
    left_out: Mapping[str, str],
    *,
    name: str,
    folder: Path,
    urls: Sequence[str] = (),
    withhold: float = 0.0,
    force: bool = False,
) -> NewCard:
    """Write the card `<folder>/<name>.yaml` and put the files beside it.

    Args:
        paths: the files, or one folder of pictures.
        seen: what `survey` saw in them.
        keys: the card's keys without `files`, as `propose` gives them and a person corrected them.
        left_out: column -> why it has no part.
        name: of the set.
        folder: for the card; it is made.
        urls: where the files will be on the web; one a file, or a folder's address that ends in `/`.
        withhold: share of the rows whose labels only the staff get; 0 withholds none.
        force: write over what is there.

    Raises:
        UserError: a name that is malformed or taken, something there already, or what cannot be withheld.
        WorkError: the files are not what the keys say.
    """
    check_name(name, where="--name")
    target = folder / f"{name}.yaml"
    _refuse_existing([target], force=force)
    _refuse_others(name, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    except OSError as error:
        raise _unwritten(error, folder) from error
    try:
        files = _collect(paths, seen, name, work)
        card, samples = _read_back(name, keys, files, urls, left_out, work)
        near = helpful_near_duplicates(samples)
        if near is not None:
            keys = {**keys, "near_duplicates": near}
            card = _compose(name, keys, files, urls, left_out, work)
        findings = [*concerns(card, samples), *_publishing(card)]
        parted = None
        if withhold:
            parted, keys = _withhold(card, samples, seen, keys, withhold, name, paths, folder)
            files = [work / f"{name}{Path(seen.files[0]).suffix}"]
            files[0].write_bytes(parted.public)
            _compose(name, keys, files, urls, left_out, work).read({files[0].name: files[0]})
        labels = _labels_path(paths, name, folder) if parted else None
        _refuse_existing([folder / file.name for file in files if not _same(file, folder / file.name)], force=force)
        if labels and parted:
            _refuse_existing([labels], force=force)
            labels.touch()
            labels.chmod(0o600)  # before they are in it
            labels.write_bytes(parted.labels)
        for made in (*files, work / target.name):
            made.replace(folder / made.name)
    except OSError as error:
        raise _unwritten(error, folder) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    count, hidden = (parted.rows, parted.test_rows) if parted else (len(samples), 0)
    return NewCard(target, tuple(folder / file.name for file in files), labels, count, hidden, tuple(findings))


def _unwritten(error: OSError, folder: Path) -> WorkError:
    return WorkError(
        f"the card cannot be written: {error.strerror or error}",
        where=str(error.filename2 or folder),
        remedy="make room or mend the rights there, or name another folder: --output FOLDER",
    )


def _publishing(card: Card) -> list[Finding]:
    """What stands in the way of those who are to use the set."""
    found = []
    if card.licence == NO_LICENCE:
        advice = "ask the makers, and write `licence` into the card (docs/publish-data.md)"
        found.append(
            Finding(f"{card.name}/licence", "note", card.name, "no licence is stated: nobody may pass it on", advice)
        )
    if card.size > _MUCH:
        message = f"{card.size / 1e6:.0f} MB: git would keep them for ever"
        advice = "put the files on a web server (--url) or into a mirror, and their names into .gitignore"
        found.append(Finding(f"{card.name}/size", "warning", card.name, message, advice))
    return found


def _collect(paths: Sequence[Path], seen: Survey, name: str, work: Path) -> list[Path]:
    """The files in the work folder; pictures are packed."""
    if seen.form == "images":
        packed = work / f"{name}.zip"
        pack(paths[0], packed)
        return [packed]
    for path in paths:
        shutil.copyfile(path, work / path.name)
    return [work / path.name for path in paths]


def _read_back(
    name: str,
    keys: Mapping[str, Any],
    files: Sequence[Path],
    urls: Sequence[str],
    left_out: Mapping[str, str],
    work: Path,
) -> tuple[Card, Samples]:
    card = _compose(name, keys, files, urls, left_out, work)
    return card, card.read({file.name: file for file in files})


def _compose(
    name: str,
    keys: Mapping[str, Any],
    files: Sequence[Path],
    urls: Sequence[str],
    left_out: Mapping[str, str],
    work: Path,
) -> Card:
    """Write the YAML, and read it as anybody will."""
    entries = []
    for file in files:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        entry: dict[str, Any] = {"name": file.name, "size": file.stat().st_size, "sha256": digest}
        mine = _urls_of(file.name, urls, alone=len(files) == 1)
        entries.append(entry | ({"urls": mine} if mine else {}))
    path = work / f"{name}.yaml"
    path.write_text(card_text(name, {**keys, "files": entries}, left_out), encoding="utf-8", newline="\n")
    try:
        return read_card(path)
    except UserError as error:  # its place is in a file that is about to go
        key = (error.where or "").partition(", ")[2]
        raise UserError(error.what, where=", ".join(filter(None, (path.name, key))), remedy=error.remedy) from error


def _urls_of(file: str, urls: Sequence[str], *, alone: bool) -> list[str]:
    found = [
        url + file if url.endswith("/") else url
        for url in urls
        if alone or url.endswith("/") or url.rsplit("/", 1)[-1] in (file, f"{file}.gz")
    ]
    if urls and not found:
        raise UserError(
            f"none is for {file}", where="--url", remedy="give the address of their folder, with a slash at its end"
        )
    return found


def _withhold(
    card: Card,
    samples: Samples,
    seen: Survey,
    keys: Mapping[str, Any],
    share: float,
    name: str,
    paths: Sequence[Path],
    folder: Path,
) -> tuple[Parted, dict[str, Any]]:
    """Draw the test set, and take its labels out; the card then has an official split."""
    if seen.form not in ("csv", "tsv", "jsonl"):
        raise UserError(
            f"labels of {seen.form} data are not withheld", where="--withhold", remedy="write them as CSV, TSV or JSONL"
        )
    if any(path.resolve().is_relative_to(folder.resolve()) for path in paths):
        remedy = "move it out of there first: teams must not find it"
        raise UserError("the file with all labels lies where the card is to be", where=shown(paths[0]), remedy=remedy)
    policy = card.targets[card.default_target].split
    if policy == "official":
        remedy = "withhold a share of files that have no test set, or take its labels out by hand"
        raise UserError("the files have a test set already", where="--withhold", remedy=remedy)
    drawn = SplitPolicy(card.splits[policy].method, {**card.splits[policy].arguments, "test_fraction": share}, "")
    samples = replace(samples, copies=copies(samples.x, card.near_duplicates))
    split = make_split(replace(card, splits={policy: drawn}), samples, card.default_target, policy, 0)
    used = [keys["label"], keys.get("text"), *keys.get("numeric", []), *keys.get("categorical", [])]
    # Any other column may tell the label; an id and a time do where the file is sorted by class, or collected class by class. The id
    # is made up anew; the time is published where test is the latest part, so that no training row lies between its rows.
    kept = ("group", "time") if policy == "by_time" else ("group",)
    keys = {key: value for key, value in keys.items() if key not in {"id", "time", "time_format"} - set(kept)}
    used += [keys.get(part) for part in kept]
    parted = part(
        {column: seen.columns[column].cells for column in seen.columns if column in used},
        split.subsets,
        form=seen.form,
        delimiter="\t" if seen.form == "tsv" else seen.delimiter,
        label=keys["label"],
        name=name,
    )
    withheld = {"subset": "test", "file": f"{name}.labels.csv", "sha256": parted.sha256}
    changed = {"source": SUBSET, "split": "official", "test": ["test"], "withheld": withheld}
    return parted, {key: value for key, value in keys.items() if key != "encoding"} | changed


def _labels_path(paths: Sequence[Path], name: str, folder: Path) -> Path:
    """In the staff's folder, else beside the file with all labels, which is not published either."""
    chosen = os.environ.get("PROJECTKIT_LABELS")
    place = Path(chosen).expanduser().resolve() if chosen else paths[0].resolve().parent
    if not place.is_dir():
        raise UserError("no such folder", where=f"PROJECTKIT_LABELS={chosen}", remedy="make it or unset it")
    if place.is_relative_to(folder.resolve()):
        what = "the labels would lie in the folder of the card, which is published"
        raise UserError(what, where=f"PROJECTKIT_LABELS={chosen}", remedy="name a folder that only the staff can read")
    return place / f"{name}.labels.csv"


def _refuse_existing(paths: Sequence[Path], *, force: bool) -> None:
    there = next((path for path in paths if path.exists()), None)
    if there is not None and not force:
        raise UserError(
            "there is such a file already",
            where=shown(there),
            remedy="write over it with --force, or choose another --name",
        )


def _refuse_others(name: str, folder: Path) -> None:
    """A card of this name in another form would make two of it."""
    other = next((path for path in (folder / f"{name}.yml", folder / f"{name}.py") if path.exists()), None)
    if other is not None:
        remedy = "remove it, or choose another --name"
        raise UserError("the card stands there in another form", where=shown(other), remedy=remedy)


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and other.stat().st_size == one.stat().st_size and one.read_bytes() == other.read_bytes()
