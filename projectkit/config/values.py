"""Types in words, and whether a plain value fits one.

A config holds plain values (null, booleans, numbers, text, lists, mappings); a type that no plain value can be is not decided here.
"""

from __future__ import annotations

import collections.abc
import os
import types
import typing
from typing import Any, Literal

_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "a mapping",
    type(None): "null",
}
_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def described(hint: Any) -> str:
    """A type in words, such as `a whole number, text or null`."""
    words = list(dict.fromkeys(_words(hint)))
    if "a number" in words:
        words = [word for word in words if word != "a whole number"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of this type; True where the type says nothing about plain values."""
    hint, origin, members = _parts(hint)
    if _is_union(origin):
        return any(fits(value, member) for member in members)
    if origin is Literal:
        return any(type(value) is type(member) and value == member for member in members)
    kind = origin or hint
    if kind in _LISTS:
        return _fits_list(value, kind, members)
    if kind in _MAPPINGS:
        return isinstance(value, dict) and (len(members) != 2 or all(fits(item, members[1]) for item in value.values()))
    if hint is None or hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return _fits_class(value, hint)


def _fits_list(value: Any, kind: Any, members: tuple[Any, ...]) -> bool:
    if not isinstance(value, list):
        return isinstance(value, str) and kind in (
            collections.abc.Sequence,
            collections.abc.Iterable,
            collections.abc.Collection,
        )
    if kind is tuple and members and members[-1] is not Ellipsis:
        return len(value) == len(members) and all(
            fits(item, member) for item, member in zip(value, members, strict=True)
        )
    return not members or all(fits(item, members[0]) for item in value)


def _fits_class(value: Any, hint: Any) -> bool:
    """Another class: only a value that says something for sure, a single one of the wrong kind, is refused."""
    if not isinstance(hint, type) or isinstance(value, list | dict):
        return True
    if issubclass(hint, os.PathLike):
        return isinstance(value, str)
    try:
        return isinstance(value, hint)
    except TypeError:  # a protocol, which cannot be asked
        return True


def _words(hint: Any) -> list[str]:
    hint, origin, members = _parts(hint)
    if _is_union(origin):
        return [word for member in members for word in _words(member)]
    if origin is Literal:
        return [str(member) for member in members]
    kind = origin or hint
    if kind in _LISTS and members:
        return [f"a list of {_plural(members[0])}"]
    if kind in _LISTS or kind in _MAPPINGS:
        return [_WORDS[list if kind in _LISTS else dict]]
    return [_WORDS.get(hint) or getattr(hint, "__name__", str(hint))]


def _plural(hint: Any) -> str:
    words = {int: "whole numbers", float: "numbers", str: "texts", bool: "true or false"}
    return words.get(hint, "items")


def _parts(hint: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    return hint, typing.get_origin(hint), typing.get_args(hint)


def _is_union(origin: Any) -> bool:
    return origin is typing.Union or origin is types.UnionType
