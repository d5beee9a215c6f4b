"""YAML 1.2 mappings with the line of every key, for `poster.yaml` and for the body of a directive.

A `Fields` hands out typed values and knows where each was written, so that every error names `file:line`. Keys that nobody took
are unknown: `Fields.finish` names the nearest known one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from projectkit.errors import UserError, did_you_mean


@dataclass
class Fields:
    """The keys of one mapping, taken one by one.

    Args:
        file: the name that errors show.
        values: the plain values.
        lines: the line of each key in that file.
        line: the line that concerns the mapping as a whole.
    """

    file: str
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    line: int
    _known: list[str] = field(default_factory=list)

    def where(self, key: str | None = None) -> str:
        """`file:line` of a key, or of the mapping."""
        return f"{self.file}:{self.lines.get(key, self.line) if key else self.line}"

    def error(self, key: str | None, what: str, remedy: str) -> UserError:
        """An error at a key, to be raised by the caller."""
        return UserError(what, where=self.where(key), remedy=remedy)

    def take(self, key: str) -> Any:
        """The value as it was written, None where the key is absent or empty."""
        self._known.append(key)
        return self.values.get(key)

    def text(self, key: str, default: str = "") -> str:
        """A string; a number is taken as it is written."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(key, f"{key} is not a text", f'write {key}: "..."')
        return str(value).strip()

    def texts(self, key: str) -> list[str]:
        """A list of strings; a single string is a list of one."""
        value = self.take(key)
        if value is None:
            return []
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, Sequence) or not all(isinstance(one, str | int | float) for one in values):
            raise self.error(key, f"{key} is not a list of texts", f"write {key}: [first, second]")
        return [str(one) for one in values]

    def choice(self, key: str, known: Sequence[str], default: str) -> str:
        """One of the known words."""
        value = self.text(key, default)
        if value not in known:
            raise self.error(key, f"{key} is {value!r}", did_you_mean(value, known))
        return value

    def finish(self, what: str) -> None:
        """Refuse the keys that nobody took.

        Raises:
            UserError: an unknown key, with the nearest known one.
        """
        for key in self.values:
            if key not in self._known:
                raise self.error(key, f"{what} has no {key!r}", did_you_mean(key, self._known))


def read_fields(text: str, file: str, *, first_line: int = 1) -> Fields:
    """The mapping that a YAML text holds; an empty text is an empty mapping.

    Args:
        text: the YAML.
        file: the name that errors show.
        first_line: the line of that file on which the text starts.

    Raises:
        UserError: not YAML, a key written twice, or something else than a mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="rt", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark is not None else 0)
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise UserError(f"not valid YAML: {problem}", where=f"{file}:{line}", remedy="put quotes around texts that hold : or #") from error
    if loaded is None:
        return Fields(file, {}, {}, first_line)
    if not isinstance(loaded, Mapping):
        raise UserError("not a mapping of keys to values", where=f"{file}:{first_line}", remedy="write lines of the form key: value")
    for key in loaded:
        if not isinstance(key, str):
            raise UserError(f"the key {key!r} is not a text", where=f"{file}:{first_line}", remedy="put it in quotes")
    lines = {key: first_line + loaded.lc.key(key)[0] for key in loaded}
    return Fields(file, {key: _plain(value) for key, value in loaded.items()}, lines, first_line)


def _plain(value: Any) -> Any:
    """ruamel's round-trip nodes as plain containers."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    if isinstance(value, bool | None.__class__):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)
