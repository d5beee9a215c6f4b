r"""`${key}`: one key's value in another place, and nothing more.

OmegaConf's interpolation also calls resolvers (`${oc.env:HOME}` puts the environment into the config), nests and chains. A
config allows the one form that can be read at a glance: the full key of a value that is written out. `\${` is the text `${`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from projectkit.config.places import Places, join
from projectkit.config.structure import is_section, known_keys, schema_of
from projectkit.config.values import found
from projectkit.errors import UserError

MAX_REFERENCES = 100  # each can stand for a whole list: what a config grows to stays bounded

_OPENING = re.compile(r"(\\*)\$\{")
_REFERENCE = re.compile(r"\$\{([\w-]+(\.[\w-]+)*)\}")


def check_references(data: dict[str, Any], places: Places) -> None:
    """Refuse every `${...}` but the full key of a value that is written out.

    Raises:
        UserError: a resolver, a reference that is nested, relative or not closed, or a key that is not there.
    """
    for count, (key, text, reference) in enumerate(_references(data, "")):
        where = places.of(key)
        match = _REFERENCE.match(reference)
        if match is None and ":" in reference:
            remedy = "write the value itself: a run must repeat from its config alone"
            raise UserError(f"{found(text)} calls a resolver, which is not allowed", where=where, remedy=remedy)
        if match is None or count >= MAX_REFERENCES:
            what = "refers too often to other keys" if match else "is not a reference to a key"
            remedy = r"write ${seed}, with a full key, or \${ for the text"
            raise UserError(f"{found(text)} {what}", where=where, remedy=remedy)
        _check_target(match[1], data, where)


def _check_target(target: str, data: dict[str, Any], where: str) -> None:
    written, value = value_at(data, target)
    hint, default = schema_of(target)
    if is_section(hint):
        remedy = "name a single value, such as ${seed}"
        raise UserError(f"${{{target}}} names a section", where=where, remedy=remedy)
    if not written and default is None:
        known = {key.rpartition(".")[2]: key for key in (*_with_default(), *_leaves(data, ""))}
        near = difflib.get_close_matches(target.rpartition(".")[2], known, n=1, cutoff=0.7)
        remedy = f"did you mean ${{{known[near[0]]}}}?" if near else f"give {target} a value, or write the value itself"
        raise UserError(f"${{{target}}} names a key that has no value", where=where, remedy=remedy)
    if next(_references(value, ""), None) is not None:
        remedy = "name a value that is written out"
        raise UserError(f"${{{target}}} names another reference", where=where, remedy=remedy)


def value_at(data: Any, key: str) -> tuple[bool, Any]:
    """Whether a dotted key is written in the data, and its value."""
    for part in key.split("."):
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return False, None
    return True, data


def _references(value: Any, key: str) -> Iterator[tuple[str, str, str]]:
    """The key, the whole text and the text from `${` on, for every `${` that is not escaped."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _references(item, join(key, name))
    elif isinstance(value, str):
        for match in _OPENING.finditer(value):
            if len(match[1]) % 2 == 0:
                yield key, value, value[match.end() - 2 :]


def _leaves(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, join(key, name))
    else:
        yield key


def _with_default() -> list[str]:
    return [key for key in known_keys() if schema_of(key)[1] is not None]
