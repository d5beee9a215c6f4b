"""A config from its three layers: the defaults of the schema, the YAML file, and `key=value` from the command line.

The layers are plain data with places until OmegaConf merges them into the schema, checks the types and resolves `${key}`; what comes out is
plain dataclasses and containers again, which a checkpoint can hold. Nothing outside this file knows OmegaConf.
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
from projectkit.config.schema import Config
from projectkit.config.structure import check_structure, found, hint_of, known_keys, without_empty
from projectkit.config.values import described
from projectkit.errors import UserError, did_you_mean


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
        raise UserError(
            "the config is empty", where=places.source, remedy="write at least `data: {name: digits}` and a model"
        )
    check_structure(data, places)
    data, places, notes = override(data, overrides, places)
    check_structure(data, places)
    data = without_empty(data)
    refuse_resolvers(data, "", places)
    config = _merged(data, places)
    check_ranges(config, places)
    return LoadedConfig(config, places, Path(path), notes)


def refuse_resolvers(value: Any, key: str, places: Places) -> None:
    """Refuse `${name:...}` anywhere: resolvers read the environment, the clock or files, and a run must be found again from its config."""
    if isinstance(value, dict):
        for name, item in value.items():
            refuse_resolvers(item, f"{key}.{name}" if key else str(name), places)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            refuse_resolvers(item, f"{key}.{number}", places)
    elif isinstance(value, str) and _has_resolver(value):
        raise UserError(
            f"{found(value)} calls a resolver, which a config must not",
            where=places.of(key),
            remedy="write the value itself, or ${key} for another key's value",
        )


def _has_resolver(text: str) -> bool:
    """Whether a colon stands inside `${...}`, however nested; an escaped `\\${` opens nothing."""
    depth = backslashes = position = 0
    while position < len(text):
        character = text[position]
        if text.startswith("${", position) and (depth or backslashes % 2 == 0):
            depth += 1
            position += 1
        elif depth and character == "}":
            depth -= 1
        elif depth and character == ":":
            return True
        backslashes = backslashes + 1 if character == "\\" else 0
        position += 1
    return False


def _merged(data: dict[str, Any], places: Places) -> Config:
    """The dataclasses, after OmegaConf has merged, checked the types and resolved `${key}`."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        merged = OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.create(data))
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise _told(error, data, places) from error
    except RecursionError as error:
        raise UserError("${...} refers to itself", where=places.of(""), remedy="write the value itself") from error
    assert isinstance(config, Config)
    return config


def _told(error: Any, data: dict[str, Any], places: Places) -> UserError:
    """OmegaConf's error with the place, what was expected and what was found."""
    from omegaconf import errors

    key = (error.full_key or "").replace("[", ".").replace("]", "")
    value = _at(data, key)
    hint = hint_of(key)
    if isinstance(error, errors.MissingMandatoryValue):
        return UserError(
            "missing",
            where=places.of(key),
            remedy=f"write {key}: {described(hint)}" if hint else f"write a value for {key}",
        )
    if isinstance(error, errors.InterpolationKeyError):
        name = str(value).partition("${")[2].partition("}")[0]
        return UserError(
            f"{found(value)} names a key that is not in the config",
            where=places.of(key),
            remedy=did_you_mean(name, known_keys()),
        )
    if isinstance(error, errors.InterpolationResolutionError | errors.GrammarParseError) and not isinstance(
        error, errors.ValidationError
    ):
        return UserError(
            f"{found(value)} cannot be resolved",
            where=places.of(key),
            remedy="write ${key} with the full key of a value",
        )
    if hint is not None:
        remedy = f"leave {key} out for its default" if value is None else f"write {key}: {described(hint)}"
        return UserError(f"expected {described(hint)}, found {found(value)}", where=places.of(key), remedy=remedy)
    return UserError(str(error).splitlines()[0], where=places.of(key), remedy="mend this value")


def _at(data: Any, key: str) -> Any:
    for part in key.split("."):
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data
