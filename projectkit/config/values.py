"""Values and types in words, and whether a plain value fits a type.

A config holds plain values (null, booleans, numbers, text, lists, mappings); a type that no plain value can be is not decided
here.
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
    type(None): "null",
    None: "null",
    Any: "any value",
}
_MANY: dict[Any, str] = {int: "whole numbers", float: "numbers", str: "texts"}
_TEXT_TOO = (collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_LISTS = (list, tuple, set, frozenset, *_TEXT_TOO)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


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
    return "a mapping" if isinstance(value, dict) else str(value)[:40]


def described(hint: Any) -> str:
    """A type in words, such as `a whole number, text or null`."""
    words = list(dict.fromkeys(_words(hint)))
    if "a number" in words:
        words = [word for word in words if word != "a whole number"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def choices(hint: Any) -> list[str]:
    """The values of a Literal (or of one inside a union) as text."""
    hint, origin, members = _parts(hint)
    if origin is Literal:
        return [str(member) for member in members]
    return [choice for member in members for choice in choices(member)] if _is_union(origin) else []


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of this type; True where the type says nothing about plain values."""
    hint, origin, members = _parts(hint)
    if _is_union(origin):
        return any(fits(value, member) for member in members)
    if origin is Literal:
        return any(type(value) is type(member) and value == member for member in members)
    if (origin or hint) in _LISTS:
        return _fits_list(value, origin or hint, members)
    if (origin or hint) in _MAPPINGS:
        return isinstance(value, dict) and (len(members) != 2 or all(fits(item, members[1]) for item in value.values()))
    return value is None if hint in (None, type(None)) else _fits_class(value, hint)


def _fits_list(value: Any, kind: Any, members: tuple[Any, ...]) -> bool:
    if not isinstance(value, list):
        return isinstance(value, str) and kind in _TEXT_TOO and members in ((), (str,))
    if kind is tuple and members and members[-1] is not Ellipsis:
        return len(value) == len(members) and all(fits(item, part) for item, part in zip(value, members, strict=True))
    return not members or all(fits(item, members[0]) for item in value)


def _fits_class(value: Any, hint: Any) -> bool:
    """A number, text, or another class: of those, only a single value that is surely of the wrong kind is refused."""
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    if not isinstance(hint, type) or (isinstance(value, list | dict) and hint not in (bool, str)):
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
    if (origin or hint) in _LISTS:
        return [f"a list of {_MANY[members[0]]}" if members and members[0] in _MANY else "a list"]
    if (origin or hint) in _MAPPINGS:
        return ["a mapping"]
    return [_WORDS[hint] if hint in _WORDS else str(getattr(hint, "__name__", hint))]


def _parts(hint: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    return hint, typing.get_origin(hint), typing.get_args(hint)


def _is_union(origin: Any) -> bool:
    return origin is typing.Union or origin is types.UnionType
