"""The keys of a YAML card: their names, types and defaults, and what does not go together.

Every key is a field of `Description`; `described.py` makes a `Card` of them, `plain.py` reads the files by them.
"""

from __future__ import annotations

import codecs
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias, get_args

from projectkit.config.places import Places
from projectkit.config.reading import read_yaml
from projectkit.datasets.card import Modality, TextUnit
from projectkit.errors import UserError, did_you_mean

Format = Literal["csv", "tsv", "jsonl", "images", "npz"]
SplitName = Literal["stratified", "by_group", "leave_groups_out", "by_time", "official"]
FolderLevel = Literal["class", "source", "group"]

NO_LICENCE = "not stated"


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a YAML card says; the fields are its keys.

    Args:
        format: of the files.
        files: name, size, sha256, and urls if there are any; looked for beside the card first. Several have the same columns.
        title: as people call the set.
        description: what a sample is.
        delimiter: of a csv file.
        encoding: of a text file.
        modality: of an npz file's `x`.
        text: the column with the text.
        numeric: columns with numbers; for an npz table, the names of the columns of `x`.
        categorical: columns with categories.
        x: of an npz file: the name of the inputs' array.
        size: of pictures: height and width in pixels, to which they are resized.
        colour: of pictures: `grey` is one channel, `rgb` three.
        folders: of pictures: what each level of folders means, from the top.
        label: the column with the classes; of an npz file the array, `y`; of pictures only the target's name.
        classes: of the label, in the order of their indices; of two, the one that is looked for comes last.
        targets: in place of label and classes, for several: name -> {column, classes, kind}.
        id: the column with a unique name of each row; None: file and row number.
        group: the column with what must not be split apart.
        time: the column with the time: numbers, or dates as ISO 8601 has them.
        time_format: of dates in another form, as `datetime.strptime` reads them.
        source: the column that says where a row comes from, or to which subset it belongs; None: the file's name.
        split: how the rows are divided.
        test: values of `source` (split official) or of `group` (leave_groups_out) that are the test set.
        val: values of `source` that are the validation set (official).
        near_duplicates: what is a copy beyond equal inputs: masked, minhash or perceptual_hash, or {method, threshold}.
        unit: of a text's encoding: characters, bytes, words or word_pieces.
        licence: as the makers state it.
        redistributable: whether others may pass the files on.
        citation: one line.
        traps: what misleads, one sentence each.
        safety: how to handle the samples.
        ethics: who is in the data, who may be harmed by its use.
        withheld: {subset, file, sha256} of labels that only the course has.
        mirror_folder: its folder below `$PROJECTKIT_MIRROR`, where that is not the card's name.
    """

    format: Format
    files: tuple[Mapping[str, Any], ...]
    title: str = ""
    description: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"
    modality: Modality | None = None
    text: str | None = None
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    x: str = "x"
    size: tuple[int, ...] = (32, 32)
    colour: Literal["grey", "rgb"] = "rgb"
    folders: tuple[FolderLevel, ...] = ("class",)
    label: str | None = None
    classes: tuple[str, ...] = ()
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    id: str | None = None
    group: str | None = None
    time: str | None = None
    time_format: str | None = None
    source: str | None = None
    split: SplitName | None = None
    test: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    near_duplicates: str | Mapping[str, Any] | None = None
    unit: TextUnit = "characters"
    licence: str = NO_LICENCE
    redistributable: bool = False
    citation: str = "not stated"
    traps: tuple[str, ...] = ()
    safety: str = ""
    ethics: str = ""
    withheld: Mapping[str, Any] | None = None
    mirror_folder: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Target name -> the column with its classes."""
        if self.targets:
            given = self.targets.items()  # a target that is no mapping is refused later, with its line
            return {
                name: str(target.get("column", name)) if isinstance(target, dict) else name for name, target in given
            }
        name = self.label or ("class" if self.format == "images" else "y")
        return {name: "class" if self.format == "images" else name}


def read_description(path: Path) -> tuple[Description, Places]:
    """The keys of a YAML card, each known and of its type, and where they stand.

    Raises:
        UserError: see `read_card`.
    """
    data, places = read_yaml(path)
    if not isinstance(data, dict):
        refuse(
            "not a card", places, "", "write `format:`, `files:` and `label:`, or let `projectkit data new` write it"
        )
    known = {each.name: each for each in fields(Description)}
    types_of = typing.get_type_hints(Description)
    for key in data:
        if key not in known:
            refuse("unknown key", places, str(key), did_you_mean(str(key), known))
    for key, each in known.items():
        if each.default is MISSING and each.default_factory is MISSING and data.get(key) is None:
            refuse(f"`{key}` is missing", places, "", f"add it: {EXAMPLES[key]}")
    given = {key: checked(types_of[key], value, key, places) for key, value in data.items() if value is not None}
    said = Description(**given)
    _refuse_misfits(said, places)
    return said, places


EXAMPLES = {
    "format": "`format: csv` (csv, tsv, jsonl, images or npz)",
    "files": "`files: [{name: flows.csv, size: 90112, sha256: ...}]`, as `projectkit data new` writes it",
}


def checked(kind: Any, value: Any, key: str, places: Places) -> Any:
    """The value as its field has it; one word may stand for a list of one."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        options = [option for option in get_args(kind) if option is not types.NoneType]
        fitting = [option for option in options if (typing.get_origin(option) is Mapping) == isinstance(value, dict)]
        return checked((fitting or options)[0], value, key, places)
    if origin is tuple:
        (item, _) = get_args(kind)
        values = value if isinstance(value, list) else [value]
        return tuple(checked(item, each, f"{key}.{n}", places) for n, each in enumerate(values))
    if origin is Literal:
        if value not in get_args(kind):
            choices = get_args(kind)
            refuse(f"{value!r} is not possible", places, key, f"write one of {', '.join(choices)}")
        return value
    if kind is str and isinstance(value, int | float | bool):
        return json.dumps(value)  # a class or a column called 1, or a licence that looks like a number
    if origin is not None:  # a mapping, whose items are looked at where they are used
        fits, wanted = isinstance(value, dict), "keys with values"
    else:
        fits, wanted = (
            type(value) is kind,
            {str: "text", int: "a whole number", bool: "true or false"}.get(kind, "text"),
        )
    if not fits:
        refuse(f"{value!r} is not {wanted}", places, key, f"write {wanted} there")
    return value


_Misfit: TypeAlias = tuple[bool, str, str, str]
"""Is it so, what is wrong, at which key, what to write instead."""


def _refuse_misfits(said: Description, places: Places) -> None:
    """What each value allows, but not together."""
    for wrong, what, key, remedy in (*_misfits_of_columns(said), *_misfits_of_format(said), *_misfits_of_split(said)):
        if wrong:
            refuse(what, places, key, remedy)


def _misfits_of_columns(said: Description) -> tuple[_Misfit, ...]:
    plain = said.format in ("csv", "tsv", "jsonl")
    inputs = [name for name in (said.text, *said.numeric, *said.categorical) if name is not None]
    given_away = sorted(set(inputs) & set(said.columns.values()))
    twice = sorted({name for name in inputs if inputs.count(name) > 1})
    return (
        (
            plain and bool(said.label) == bool(said.targets),
            "it must have one of `label` and `targets`",
            "label",
            "name the column with the classes: `label: attack`",
        ),
        (
            plain and bool(said.text) == bool(said.numeric or said.categorical),
            "it must say which columns are the input",
            "text",
            "write `text: message`, or `numeric: [...]` and `categorical: [...]` with the columns of a table",
        ),
        (
            plain and bool(given_away),
            f"the label {given_away} is an input as well",
            "label",
            "take it out of the inputs",
        ),
        (bool(twice), f"{twice} is an input twice", "numeric", "list it once"),
    )


def _misfits_of_format(said: Description) -> tuple[_Misfit, ...]:
    given = "image" if said.format == "images" else "text" if said.text else "tabular"
    return (
        (
            said.format != "npz" and said.modality not in (None, given),
            f"`modality: {said.modality}` does not fit: the samples are {given}",
            "modality",
            "remove it",
        ),
        (
            said.format == "npz" and said.modality is None,
            "an npz card says what `x` is",
            "modality",
            "write `modality: tabular` (or image, series, text)",
        ),
        (
            len(said.size) != 2 or not all(1 <= side <= 1024 for side in said.size),
            f"{list(said.size)} is no height and width",
            "size",
            "write `size: [32, 32]`, each from 1 to 1024",
        ),
        (
            said.folders.count("class") != 1,
            "one level of folders must be the class",
            "folders",
            "write `folders: [class]` or `folders: [source, class]`",
        ),
        (len(said.delimiter) != 1, f"{said.delimiter!r} is not one character", "delimiter", 'write `delimiter: ";"`'),
        (
            not _is_encoding(said.encoding),
            f"there is no encoding '{said.encoding}'",
            "encoding",
            "write utf-8, cp1252 or utf-16",
        ),
    )


def _misfits_of_split(said: Description) -> tuple[_Misfit, ...]:
    grouped = said.group is not None or "group" in said.folders
    sourced = said.source is not None or "source" in said.folders or len(said.files) > 1
    return (
        (
            said.split in ("by_group", "leave_groups_out") and not grouped,
            f"`split: {said.split}` needs groups",
            "split",
            "name their column: `group: host`",
        ),
        (
            said.split == "by_time" and said.time is None,
            "`split: by_time` needs times",
            "split",
            "name their column: `time: start`",
        ),
        (
            said.split == "official" and not said.test,
            "`split: official` needs its test set",
            "split",
            "name the values of `source`: `test: [test.csv]`",
        ),
        (
            (said.split == "official" or (said.split is None and bool(said.test))) and not sourced,
            "a test set of one file needs a column that says so",
            "test",
            "name the column: `source: subset`",
        ),
        (
            bool(said.test) and said.split not in (None, "official", "leave_groups_out"),
            f"`test` means nothing to `split: {said.split}`",
            "test",
            "remove it, or write `split: official`",
        ),
        (
            bool(said.val) and (said.split or "official") != "official",
            f"`val` means nothing to `split: {said.split}`",
            "val",
            "remove it: validation is cut from training",
        ),
        (
            bool(said.val) and not said.test,
            "`val` without `test`",
            "val",
            "name the test set too, or remove it: validation is cut from training",
        ),
        (
            said.withheld is not None and (not said.test or said.split == "leave_groups_out"),
            "labels are withheld of a test set that is drawn by `source`",
            "withheld",
            "write `split: official`, `source: subset` and `test: [test]`",
        ),
    )


def _is_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):  # a zero byte in it
        return False


def refuse(what: str, places: Places, key: str, remedy: str) -> NoReturn:
    """The error about a key, with its line.

    Raises:
        UserError: always.
    """
    raise UserError(what, where=places.of(key), remedy=remedy)
