"""A config from its three layers: the defaults of the schema, the YAML file, and `key=value` from the command line.

The layers are plain data with places until OmegaConf merges them into the schema, checks the types and resolves `${key}`;
what comes out is plain dataclasses and containers again, which a checkpoint can hold. Only this file imports OmegaConf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.config.overrides import override
from projectkit.config.places import Places
from projectkit.config.ranges import check_ranges
from projectkit.config.reading import read_yaml
from projectkit.config.references import check_references, value_at
from projectkit.config.schema import Config
from projectkit.config.structure import check_structure, schema_of, without_empty
from projectkit.config.values import choices, described, found
from projectkit.errors import UserError, nearest

_TYPICAL = {"a whole number": "1", "a number": "0.5", "true or false": "true"}
_OTHER_WORDS = {
    "off": "disabled",
    "no": "disabled",
    "none": "disabled",
    "minimize": "min",
    "maximize": "max",
    "batch": "step",
}


@dataclass(frozen=True)
class LoadedConfig:
    """A config that was read and checked, and where each of its keys was written.

    Args:
        config: plain dataclasses and containers.
        places: for errors about a key that are found later.
        path: the file.
        notes: what the user should know about how it was merged, one line each.
    """

    config: Config
    places: Places
    path: Path
    notes: tuple[str, ...] = ()


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Read a config, apply the overrides, and check keys, types, ranges and what must go together.

    Args:
        path: a YAML file.
        overrides: `key=value` each, a dotted key and a value in YAML.

    Raises:
        UserError: anything that is wrong, with key, place, and what to write instead.
    """
    data, places = read_yaml(path)
    if data is None:
        remedy = "write at least `data: {name: digits}` and `model: {class_path: projectkit.models.MLP}`"
        raise UserError("the config is empty", where=places.source, remedy=remedy)
    check_structure(data, places)
    data, places, notes = override(data, overrides, places)
    check_structure(data, places)
    data = without_empty(data)
    check_references(data, places)
    config = _merged(data, places)
    check_ranges(config, places)
    return LoadedConfig(config, places, Path(path), notes)


def _merged(data: dict[str, Any], places: Places) -> Config:
    """The dataclasses, after OmegaConf has merged, checked the types and resolved `${key}`."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        merged = OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.create(data))
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise _told(error, data, places) from error
    assert isinstance(config, Config)
    return config


def _told(error: Any, data: dict[str, Any], places: Places) -> UserError:
    """OmegaConf's error with the place, what was expected and what was found."""
    from omegaconf.errors import MissingMandatoryValue

    key = (error.full_key or "").replace("[", ".").replace("]", "")
    where = places.of(key)
    hint, default = schema_of(key)
    if isinstance(error, MissingMandatoryValue):
        return UserError(
            f"{key} is missing", where=where, remedy=f"write {key}: {_example(hint)}" if hint else f"give {key} a value"
        )
    if hint is None:
        return UserError(str(error).partition("\n")[0], where=where, remedy="write a plain value")
    _, value = value_at(data, key)
    what = f"expected {described(hint)}, found {found(value)}"
    if value is None:
        return UserError(what, where=where, remedy=f"leave it out, or write {key}: {_example(hint, default)}")
    near = nearest(_OTHER_WORDS.get(str(value), str(value)), choices(hint))
    return UserError(
        what, where=where, remedy=f"did you mean {near}?" if near else f"write {key}: {_example(hint, default)}"
    )


def _example(hint: Any, default: Any = None) -> str:
    """A value that would be right: the default, the first choice, or a typical one."""
    if default is not None:
        return str(default)
    return next(iter(choices(hint)), _TYPICAL.get(described(hint).removesuffix(" or null"), "..."))
