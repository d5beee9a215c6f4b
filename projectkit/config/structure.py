"""Whether a config has the right keys at the right level, before OmegaConf looks at the values.

OmegaConf's own errors lose the key where a mapping stands in place of a value or the other way round, and cannot say that a key belongs one
level deeper; both are what people get wrong most.
"""

from __future__ import annotations

import difflib
import functools
import types
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from projectkit.config.places import Places, join
from projectkit.config.schema import ClassConfig, Config
from projectkit.errors import UserError, did_you_mean

_ELSEWHERE = {  # what other tools call it -> what it is called here
    "lr": "optimizer.init_args.lr",
    "learning_rate": "optimizer.init_args.lr",
    "weight_decay": "optimizer.init_args.weight_decay",
    "momentum": "optimizer.init_args.momentum",
    "epochs": "trainer.max_epochs",
    "num_epochs": "trainer.max_epochs",
    "gpus": "trainer.devices",
    "dataset": "data.name",
}
_GIVEN_BY_PROJECTKIT = {
    "trainer.logger": "projectkit writes every metric to the run folder; set tracking.wandb for Weights & Biases",
    "trainer.callbacks": "list them under the top-level key callbacks",
    "trainer.default_root_dir": "each run has its own folder below runs/; set the environment variable PROJECTKIT_RUNS to move it",
}


def check_structure(data: dict[str, Any], places: Places) -> None:
    """Refuse unknown keys, and a value where a section must stand.

    Raises:
        UserError: the first of them, with its place and the key that was probably meant.
    """
    _section(data, Config, "", places)


def without_empty(data: dict[str, Any]) -> dict[str, Any]:
    """The config without the sections that are there but empty, such as `trainer:` with nothing but comments below it."""
    hints = _hints(Config)
    kept = {
        name: value
        for name, value in data.items()
        if value is not None or name not in hints or not _is_section(hints[name])
    }
    return {name: _without_empty_arguments(value) for name, value in kept.items()}


@functools.cache
def known_keys() -> tuple[str, ...]:
    """Every dotted key of the schema, the top level first; what stands inside lists and init_args is not among them."""
    return tuple(sorted(_keys(Config, ""), key=lambda key: key.count(".")))


def hint_of(key: str) -> Any:
    """The type of a dotted key in the schema; None where it is inside init_args or unknown."""
    hint: Any = Config
    for part in key.split("."):
        inner = _inner(hint)
        if is_dataclass(inner):
            hint = _hints(inner).get(part)
        elif typing.get_origin(inner) is list and part.isdecimal():
            hint = typing.get_args(inner)[0]
        else:
            return None
    return hint


def _section(value: Any, section: Any, key: str, places: Places) -> None:
    if not isinstance(value, dict):
        raise UserError(
            f"expected a mapping of keys, found {found(value)}",
            where=places.of(key),
            remedy=_as_mapping(value, section, key),
        )
    hints = _hints(section)
    for name, item in value.items():
        at = join(key, name)
        if name not in hints:
            raise _unknown(str(name), section, key, places)
        inner = _inner(hints[name])
        if item is None:
            continue
        if is_dataclass(inner):
            _section(item, inner, at, places)
        elif inner == dict[str, Any]:
            if not isinstance(item, dict):
                raise UserError(
                    f"expected a mapping of arguments, found {found(item)}",
                    where=places.of(at),
                    remedy=f"write {at}: {{name: value}}",
                )
            for argument in item:
                if not isinstance(argument, str):
                    raise UserError(
                        "the name of an argument must be text",
                        where=places.of(join(at, argument)),
                        remedy="write name: value",
                    )
        elif typing.get_origin(inner) is list:
            if not isinstance(item, list):
                remedy = "write `- class_path: ...` below it, one for each"
                raise UserError(f"expected a list, found {found(item)}", where=places.of(at), remedy=remedy)
            for number, part in enumerate(item):
                _section(part, typing.get_args(inner)[0], join(at, number), places)


def _unknown(name: str, section: Any, parent: str, places: Places) -> UserError:
    key = join(parent, name)
    if key in _GIVEN_BY_PROJECTKIT:
        return UserError("not a key of a config", where=places.of(key), remedy=_GIVEN_BY_PROJECTKIT[key])
    siblings = list(_hints(section))
    meant = _meant(name, siblings, parent, is_class=section is not None and issubclass(section, ClassConfig))
    return UserError(
        "unknown key", where=places.of(key), remedy=f"did you mean {meant}?" if meant else did_you_mean(name, siblings)
    )


def _meant(name: str, siblings: list[str], parent: str, *, is_class: bool) -> str | None:
    """The full key that was probably meant: the same word at another level, a close one here, a close one anywhere."""
    elsewhere = [
        key
        for key in known_keys()
        if key.rpartition(".")[2] == name and name not in ("class_path", "init_args", "name")
    ]
    close = difflib.get_close_matches(name, siblings, n=1, cutoff=0.7)
    if close:
        return join(parent, close[0])
    if is_class:
        return join(parent, f"init_args.{name}")
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    if elsewhere:
        return elsewhere[0]
    leaves = {key.rpartition(".")[2]: key for key in reversed(known_keys())}
    far = difflib.get_close_matches(name, leaves, n=1, cutoff=0.75)
    return leaves[far[0]] if far else None


def _as_mapping(value: Any, section: Any, key: str) -> str:
    if isinstance(value, str) and issubclass(section, ClassConfig):
        return f"write {key}: {{class_path: {value}}}"
    example = next(iter(_hints(section)))
    return f"write {key}: {{{example}: ...}}" if key else f"write `{example}: ...`, one key a line"


def found(value: Any) -> str:
    """A value as errors show it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text '{value if len(value) <= 40 else value[:37] + '...'}'"
    if isinstance(value, list | tuple):
        return "a list"
    return "a mapping" if isinstance(value, dict) else str(value)


def _keys(section: Any, parent: str) -> Iterator[str]:
    for name, hint in _hints(section).items():
        key = join(parent, name)
        yield key
        if is_dataclass(inner := _inner(hint)):
            yield from _keys(inner, key)


@functools.cache
def _hints(section: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(section)
    return {field.name: hints[field.name] for field in fields(section)}


def _inner(hint: Any) -> Any:
    """The section, list or mapping inside `X | None`; the hint itself where it is something else."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        return members[0] if len(members) == 1 else hint
    return hint


def _is_section(hint: Any) -> bool:
    """Whether null can only mean that nothing was written: the key is not optional, and holds a section or a list."""
    return bool(is_dataclass(hint)) or typing.get_origin(hint) is list


def _without_empty_arguments(value: Any) -> Any:
    if isinstance(value, dict) and "class_path" in value and value.get("init_args", ...) is None:
        return {key: item for key, item in value.items() if key != "init_args"}
    return [_without_empty_arguments(item) for item in value] if isinstance(value, list) else value
