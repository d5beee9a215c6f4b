"""A data set described in YAML: for plain CSV, TSV, JSONL, NPZ and picture folders, a card needs no Python.

```yaml
title: Flows of our lab
format: csv
files: [{name: flows.csv, size: 90112, sha256: 5f70..., urls: ["https://example.org/flows.csv"]}]
label: attack
classes: [benign, scan]
numeric: [duration, bytes]
categorical: [protocol]
group: host
split: by_group
licence: CC BY 4.0
```

`read_card` checks the file and gives a `Card`; `plain.py` turns the files into samples. Every key is a field of `Description`
(`description.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
import typing
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args

from projectkit.config.places import Places
from projectkit.datasets.card import Card, NearDuplicates, RemoteFile, SplitPolicy, Target, Withheld
from projectkit.datasets.copies.duplicates import MODALITIES, THRESHOLDS
from projectkit.datasets.own.description import EXAMPLES, Description, SplitName, checked, read_description, refuse
from projectkit.datasets.own.plain import read_samples

READER_VERSION = 1  # raised whenever `plain.py` returns other samples from the same files

_ABOUT = {
    "stratified": "the same share of every class in each subset; copies stay together",
    "by_group": "the same share of every class in each subset; rows of one {group} stay together",
    "leave_groups_out": "whole values of {group} are held out: the test asks about ones that training has never met",
    "by_time": "training is older than validation, validation older than test",
    "official": "the test set is where the data's makers drew it; validation is cut from training",
}


_READING = (  # what decides the samples beyond what the card's digest holds anyway
    *(
        "format",
        "delimiter",
        "encoding",
        "modality",
        "text",
        "numeric",
        "categorical",
        "x",
        "size",
        "colour",
        "folders",
    ),
    *("label", "targets", "id", "group", "time", "time_format", "source"),
)


def read_card(path: Path) -> Card:
    """The card that a YAML file describes; its data is not looked at.

    Raises:
        UserError: it is not YAML, has an unknown key or a wrong value, or lacks what its format needs.
    """
    said, places = read_description(path)
    targets = _targets(said, places)
    if said.mirror_folder is not None:  # `data export` writes there
        _check_name(said.mirror_folder, "mirror_folder", places)
    modality = said.modality or ("image" if said.format == "images" else "text" if said.text else "tabular")
    policy = said.split or ("official" if said.test else "by_group" if said.group else "stratified")
    facts = {key: getattr(said, key) for key in _READING} | {"version": READER_VERSION}
    revision = int(hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()[:12], 16)
    return Card(
        name=path.stem,
        title=said.title or path.stem,
        description=said.description or "not described",
        modality=modality,
        targets={name: Target(kind, classes, split=policy) for name, (kind, classes) in targets.items()},
        default_target=next(iter(targets)),
        licence=said.licence,
        redistributable=said.redistributable,
        citation=said.citation,
        read=partial(read_samples, said),
        splits={policy: _policy(said, policy, places)},
        files=_files(said, places),
        mirror_folder=said.mirror_folder,
        traps=said.traps,
        safety=said.safety,
        ethics=said.ethics,
        near_duplicates=_near(said, modality, places),
        unit=said.unit,
        withheld=_withheld(said, places),
        folder=path.resolve().parent,
        revision=revision,
    )


def _targets(said: Description, places: Places) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Target name -> kind, class names."""
    if not said.targets:
        (name,) = said.columns
        return {name: _target({"classes": list(said.classes)}, "classes", places)}
    if said.classes:
        refuse("with `targets`, each has its own classes", places, "classes", "move them there")
    return {name: _target(target, f"targets.{name}", places) for name, target in said.targets.items()}


def _target(target: object, key: str, places: Places) -> tuple[Any, tuple[str, ...]]:
    if not isinstance(target, dict) or set(target) - {"column", "classes", "kind"}:
        refuse(
            "a target has column, classes and kind", places, key, "write `{column: attack, classes: [benign, scan]}`"
        )
    classes = checked(tuple[str, ...], target.get("classes", []), key, places)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        refuse("at least two different classes are needed", places, key, "list them: `classes: [benign, scan]`")
    kind = target.get("kind", "binary" if len(classes) == 2 else "multiclass")
    if kind not in ("binary", "multiclass", "anomaly") or (kind != "multiclass" and len(classes) != 2):
        refuse(
            f"kind {kind!r} does not fit {len(classes)} classes",
            places,
            key,
            "write binary or anomaly for two, else multiclass",
        )
    return kind, classes


def _policy(said: Description, name: SplitName, places: Places) -> SplitPolicy:
    about = _ABOUT[name].format(group=said.group or "the group")
    if name == "official":
        arguments: dict[str, Any] = {"test_sources": {"test": list(said.test)}}
        return SplitPolicy("official", arguments | ({"val_sources": list(said.val)} if said.val else {}), about)
    if name == "leave_groups_out":
        return SplitPolicy("leave_groups_out", {"test_groups": list(said.test)} if said.test else {}, about)
    if name == "by_time":
        return SplitPolicy("by_time", {}, about)
    return SplitPolicy("stratified", {"by_group": True} if name == "by_group" else {}, about)


def _files(said: Description, places: Places) -> tuple[RemoteFile, ...]:
    found = []
    for number, file in enumerate(said.files):
        key = f"files.{number}"
        if not isinstance(file, dict) or not {"name", "size", "sha256"} <= set(file) <= {
            "name",
            "size",
            "sha256",
            "urls",
        }:
            refuse("a file has name, size, sha256 and, if it is on the web, urls", places, key, EXAMPLES["files"])
        name, size, sha256 = str(file["name"]), file["size"], str(file["sha256"]).lower()
        _check_name(name, key, places)
        if type(size) is not int or size < 0 or not re.fullmatch("[0-9a-f]{64}", sha256):
            refuse(f"size or SHA-256 of {name} is malformed", places, key, "let `projectkit data new` write them")
        urls = checked(tuple[str, ...], file.get("urls") or [], f"{key}.urls", places)
        if not all(url.startswith(("http://", "https://")) for url in urls):
            refuse("not a URL", places, f"{key}.urls", "write https://...")
        if any("@" in url.split("/")[2] for url in urls):  # every team would have it, and every error would show it
            what = "a user name or a password stands in the URL"
            refuse(what, places, f"{key}.urls", "serve the file without one, or give it in a mirror or beside the card")
        found.append(RemoteFile(name=name, size=size, sha256=sha256, urls=urls))
    if not found or len({file.name for file in found}) != len(found):
        refuse("it needs files of different names", places, "files", EXAMPLES["files"])
    return tuple(found)


def _check_name(name: str, key: str, places: Places) -> None:
    """Refuse what leads out of its folder, cannot be a file on every system, or is the store's own."""
    if re.search(r'[/\\:*?"<>|]', name) or not name.isprintable() or name != name.strip(" ") or name.endswith("."):
        refuse(f"{name!r} is not the name of a file", places, key, "write a plain name without a folder")
    if name.startswith(".") or name.endswith((".part", ".bad", ".download", ".download.json")):
        remedy = "rename the file: no dot before its name; .part, .bad and .download after it are the store's"
        refuse(f"the store would take {name!r} for its own", places, key, remedy)


def _near(said: Description, modality: str, places: Places) -> NearDuplicates | None:
    if said.near_duplicates is None:
        return None
    given = said.near_duplicates if isinstance(said.near_duplicates, Mapping) else {"method": said.near_duplicates}
    methods = get_args(typing.get_type_hints(NearDuplicates)["method"])
    threshold: Any = given.get("threshold", 4 if given.get("method") == "perceptual_hash" else 0.8)
    if (
        set(given) - {"method", "threshold"}
        or given.get("method") not in methods
        or type(threshold) not in (int, float)
    ):
        refuse("not a way to find copies", places, "near_duplicates", f"write one of {', '.join(methods)}")
    method = typing.cast(Any, given["method"])
    if modality not in MODALITIES[method]:
        fitting = [name for name, modalities in MODALITIES.items() if modality in modalities]
        remedy = f"write {' or '.join(fitting)}" if fitting else "remove the line: equal inputs are copies anyway"
        refuse(f"{method} is not for {modality} data", places, "near_duplicates", remedy)
    low, high = THRESHOLDS[method]
    if not low <= threshold <= high:
        refuse(f"threshold {threshold} makes no sense for {method}", places, "near_duplicates", f"give {low} to {high}")
    return NearDuplicates(method, float(threshold))


def _withheld(said: Description, places: Places) -> Withheld | None:
    if said.withheld is None:
        return None
    if set(said.withheld) != {"subset", "file", "sha256"} or said.withheld["subset"] != "test":
        refuse(
            "it has `subset: test`, file and sha256",
            places,
            "withheld",
            "write it with `projectkit data new FILE --withhold 0.2`",
        )
    _check_name(str(said.withheld["file"]), "withheld.file", places)
    return Withheld(*(str(said.withheld[key]) for key in ("subset", "file", "sha256")))
