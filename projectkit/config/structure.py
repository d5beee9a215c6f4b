"""Whether a config has the right keys at the right level, before OmegaConf looks at the values.

OmegaConf's own errors lose the key where a mapping stands in place of a value or the other way round, and cannot say that
a key belongs one level deeper; both are what people get wrong most.
"""

from __future__ import annotations

import difflib
import functools
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from projectkit.config.places import Places, join
from projectkit.config.schema import ClassConfig, Config
from projectkit.config.values import found
from projectkit.errors import UserError

MANY = 16  # more names than fit into one line with the rest

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
    "trainer.default_root_dir": "each run gets its own folder below runs/, which the variable PROJECTKIT_RUNS moves",
}


def check_structure(data: Any, places: Places) -> None:
    """Refuse unknown keys, and a value where a section must stand.

    Raises:
        UserError: the first of them, with its place and the key that was probably meant.
    """
    _check_section(data, Config, "", places)


def without_empty(data: dict[str, Any]) -> dict[str, Any]:
    """The config without what is there but empty, such as `trainer:` with nothing but comments below it."""
    hints = hints_of(Config)
    kept = {name: value for name, value in data.items() if value is not None or not _has_default_section(hints[name])}
    return {name: _without_empty_arguments(value) for name, value in kept.items()}


@functools.cache
def known_keys() -> tuple[str, ...]:
    """Every dotted key of the schema, the top level first; what stands inside lists and init_args is not among them."""
    return tuple(sorted(_keys(Config, ""), key=lambda key: key.count(".")))


def schema_of(key: str) -> tuple[Any, Any]:
    """The type and the default of a dotted key; None for the type of an unknown one, and for a default that is not there."""
    hint: Any = Config
    default: Any = None
    for part in key.split("."):
        section: Any = _inner(hint)
        if isinstance(section, type) and is_dataclass(section) and part in (hints := hints_of(section)):
            field = next(field for field in fields(section) if field.name == part)
            hint, default = hints[part], None if field.default is MISSING else field.default
        elif typing.get_origin(section) is list and part.isdecimal():
            hint, default = typing.get_args(section)[0], None
        else:
            return None, None
    return hint, default


def is_section(hint: Any) -> bool:
    """Whether a type of the schema is a section or a list of sections."""
    inner = _inner(hint)
    return is_dataclass(inner) or any(is_dataclass(member) for member in typing.get_args(inner))


@functools.cache
def hints_of(section: type[Any]) -> dict[str, Any]:
    """The resolved type of each field of a schema dataclass, in its order."""
    hints = typing.get_type_hints(section)
    return {field.name: hints[field.name] for field in fields(section)}


def _check_section(value: Any, section: Any, key: str, places: Places) -> None:
    if not isinstance(value, dict):
        remedy = _as_mapping(value, section, key)
        raise UserError(f"expected a mapping of keys, found {found(value)}", where=places.of(key), remedy=remedy)
    hints = hints_of(section)
    for name, item in value.items():
        at = join(key, name)
        if name not in hints:
            raise _unknown(str(name), section, key, places)
        inner = _inner(hints[name])
        if item is None:
            continue
        if is_dataclass(inner):
            _check_section(item, inner, at, places)
        elif inner == dict[str, Any]:
            _check_arguments(item, at, places)
        elif typing.get_origin(inner) is list:
            _check_list(item, typing.get_args(inner)[0], at, places)
        elif inner is bool and isinstance(item, int | float) and not isinstance(item, bool):
            raise UserError(f"expected true or false, found {item}", where=places.of(at), remedy=f"write {at}: true")
        elif inner is str and isinstance(item, bool | float):  # OmegaConf would write 1.10 as '1.1' and true as 'True'
            remedy = f'put quotes around it: {at}: "..."'
            raise UserError(f"expected text, found {found(item)}", where=places.of(at), remedy=remedy)


def _check_arguments(value: Any, key: str, places: Places) -> None:
    if not isinstance(value, dict):
        what = f"expected a mapping of arguments, found {found(value)}"
        raise UserError(what, where=places.of(key), remedy=f"write {key}: {{name: value}}")
    for name in value:
        if not isinstance(name, str):
            what = f"expected the name of an argument, found {found(name)}"
            raise UserError(what, where=places.of(join(key, name)), remedy="write name: value")


def _check_list(value: Any, inner: Any, key: str, places: Places) -> None:
    if not isinstance(value, list):
        remedy = f"write {key}: [a, b]" if inner is str else f"write {key}: [{{class_path: ...}}]"
        raise UserError(f"expected a list, found {found(value)}", where=places.of(key), remedy=remedy)
    for number, item in enumerate(value):
        at = join(key, number)
        if inner is not str:
            _check_section(item, inner, at, places)
        elif not isinstance(item, str):
            raise UserError(f"expected text, found {found(item)}", where=places.of(at), remedy="put quotes around it")


def _unknown(name: str, section: Any, parent: str, places: Places) -> UserError:
    key = join(parent, name)
    if key in _GIVEN_BY_PROJECTKIT:
        return UserError("projectkit sets this itself", where=places.of(key), remedy=_GIVEN_BY_PROJECTKIT[key])
    siblings = list(hints_of(section))
    meant = _meant(name, siblings, parent, is_class=issubclass(section, ClassConfig))
    known = (
        f"known: {', '.join(siblings)}" if len(siblings) <= MANY else "`projectkit train --print-config` shows them all"
    )
    remedy = f"did you mean {meant}?" if meant else known
    return UserError("unknown key", where=places.of(key), remedy=remedy)


def _meant(name: str, siblings: list[str], parent: str, *, is_class: bool) -> str | None:
    """The full key that was probably meant: a close word here, the same one at another level, a close one anywhere."""
    elsewhere = _ELSEWHERE.get(name, "")
    if elsewhere and (not parent or elsewhere.startswith(f"{parent}.")):
        return elsewhere
    close = difflib.get_close_matches(name, siblings, n=1, cutoff=0.7)
    if close:
        return join(parent, close[0])
    if is_class:
        return join(parent, f"init_args.{name}")
    leaves = {key.rpartition(".")[2]: key for key in reversed(known_keys())}
    far = difflib.get_close_matches(name, leaves, n=1, cutoff=0.75)
    return leaves[far[0]] if far else None


def _as_mapping(value: Any, section: Any, key: str) -> str:
    if isinstance(value, str) and issubclass(section, ClassConfig):
        return f"write {key}: {{class_path: {value[:60]}}}"
    example = next(iter(hints_of(section)))
    return f"write {key}: {{{example}: ...}}" if key else f"write `{example}: ...`, one key a line"


def _keys(section: Any, parent: str) -> Iterator[str]:
    for name, hint in hints_of(section).items():
        key = join(parent, name)
        yield key
        if is_dataclass(inner := _inner(hint)):
            yield from _keys(inner, key)


def _inner(hint: Any) -> Any:
    """The section, list or mapping inside `X | None`; the hint itself where it is something else."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        return members[0] if len(members) == 1 else hint
    return hint


def _has_default_section(hint: Any) -> bool:
    """Whether null can only mean that nothing was written: the key is not optional, and holds a section or a list."""
    return is_dataclass(hint) or typing.get_origin(hint) is list


def _without_empty_arguments(value: Any) -> Any:
    if isinstance(value, dict) and value.get("init_args", ...) is None:
        return {key: item for key, item in value.items() if key != "init_args"}
    return [_without_empty_arguments(item) for item in value] if isinstance(value, list) else value
