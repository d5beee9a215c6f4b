"""`key=value` from the command line, applied to the data of the file.

The value is YAML, read as the file is, and replaces what stood at its key. A new `class_path` drops the `init_args` that the
file gave to the old class, since they are another class's arguments; those given on the command line stay, whatever the order.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

from projectkit.config.places import COMMAND_LINE, Places
from projectkit.config.reading import parse
from projectkit.config.references import value_at
from projectkit.config.schema import Config
from projectkit.config.values import found
from projectkit.errors import UserError


def override(
    data: dict[str, Any], overrides: Sequence[str], places: Places
) -> tuple[dict[str, Any], Places, tuple[str, ...]]:
    """The data with every override applied, its places, and a note for each class whose arguments were dropped.

    Raises:
        UserError: an override that is not `key=value`, a value that is not YAML, or a key below a value that holds none.
    """
    data = copy.deepcopy(data)
    pairs = [(*_pair(text), text[:60]) for text in overrides]
    notes = []
    for key, value in {key: value for key, value, _, _ in pairs}.items():
        if key.rpartition(".")[2] == "class_path":
            note, places = _drop_arguments(data, key, value, places)
            notes += [note] if note else []
    for key, value, marks, text in pairs:
        _put(data, key, value, text)
        made = {parent: COMMAND_LINE for parent in _parents(key) if parent not in places.marks}
        places = places.overridden(key, {**made, **marks})
    return data, places, tuple(notes)


def _parents(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _pair(text: str) -> tuple[str, Any, dict[str, str]]:
    key, equals, value = text.partition("=")
    key, text = key.strip(), text[:60]
    if not equals:
        raise UserError(f"'{text}' is not key=value", where=COMMAND_LINE, remedy=f"write {text}=VALUE")
    if not all(key.split(".")):
        what = "has no key before the =" if not key else "has an empty part in its key"
        raise UserError(f"'{text}' {what}", where=COMMAND_LINE, remedy="write key=value, such as trainer.max_epochs=3")
    parsed, marks = parse(value, COMMAND_LINE, key=key, lines=False)
    return key, parsed, {key: COMMAND_LINE, **marks}


def _drop_arguments(data: Any, key: str, class_path: Any, places: Places) -> tuple[str | None, Places]:
    """Drop the file's `init_args` beside a `class_path` that changes."""
    parent = key.rpartition(".")[0]
    _, spec = value_at(data, parent)
    if not isinstance(spec, dict) or not spec.get("init_args"):
        return None, places
    old = spec.get("class_path") or (Config().task.class_path if parent == "task" else None)
    if old in (None, class_path):
        return None, places
    names = ", ".join(map(str, spec.pop("init_args")))
    note = f"{parent}.class_path is another class than in {places.source}: its init_args there are left out ({names})"
    return note, places.overridden(f"{parent}.init_args", {})


def _put(data: dict[str, Any], key: str, value: Any, text: str) -> None:
    """Set a dotted key, making the sections on the way that are not there."""
    parts = key.split(".")
    here: Any = data
    at = ""
    for part, following in itertools.pairwise(parts):
        _enter(here, part, at, text)
        at = f"{at}.{part}" if at else part
        inside = here[int(part)] if isinstance(here, list) else here.get(part)
        if inside is None:
            inside = [] if at in ("callbacks", "data.augment") and following.isdecimal() else {}
            here[int(part) if isinstance(here, list) else part] = inside
        here = inside
    last = parts[-1]
    _enter(here, last, at, text)
    here[int(last) if isinstance(here, list) else last] = value


def _enter(here: Any, part: str, at: str, text: str) -> None:
    """Make sure that `part` can be set inside `here`; a list grows by one item."""
    if isinstance(here, dict):
        return
    if not isinstance(here, list):
        raise UserError(
            f"{at} is {found(here)} and holds no key '{part}' ('{text}')",
            where=COMMAND_LINE,
            remedy=f"write {at}=VALUE",
        )
    if not part.isdecimal() or int(part) > len(here):
        raise UserError(
            f"{at} is a list of {len(here)} and has no item '{part}' ('{text}')",
            where=COMMAND_LINE,
            remedy=f"write a number from 0 to {len(here)}, such as {at}.0",
        )
    if int(part) == len(here):
        here.append(None)
