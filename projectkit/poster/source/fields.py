"""The keys of a YAML mapping, with their types: of `poster.yaml` and of a directive's body.

Every error names `file:line:column`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projectkit.errors import UserError, did_you_mean
from projectkit.poster.source.files import CONTROL

MOST_CHARACTERS = 10_000  # of one value; a PDF holds no text of more than 32,767


@dataclass
class Fields:
    """One mapping.

    Args:
        values: the plain values.
        marks: key -> the place where it was written.
        place: the place of the mapping as a whole.
    """

    values: Mapping[str, Any]
    marks: Mapping[str, str]
    place: str

    def where(self, key: str) -> str:
        """The place of a key, or of the mapping where the key was not written."""
        return self.marks.get(key, self.place)

    def error(self, key: str, what: str, remedy: str) -> UserError:
        """An error at a key, to be raised by the caller."""
        return UserError(what, where=self.where(key), remedy=remedy)

    def only(self, known: Sequence[str], what: str) -> None:
        """Refuse every other key.

        Raises:
            UserError: an unknown key, with the nearest known one.
        """
        for key in self.values:
            if key not in known:
                raise self.error(key, f"{what} has no {key!r}", did_you_mean(key, known))

    def take(self, key: str) -> Any:
        """The value as it was written, None where the key is absent or empty."""
        return self.values.get(key)

    def text(self, key: str, default: str = "") -> str:
        """A string; a number is taken as it is written."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(key, f"{key} is not a text", f'write {key}: "..."')
        control = CONTROL.search(str(value))
        if control:
            raise self.error(key, f"{key} has a control character, U+{ord(control[0]):04X}", "take it out")
        if len(str(value)) > MOST_CHARACTERS:
            remedy = f"write at most {MOST_CHARACTERS:_} characters"
            raise self.error(key, f"{key} is of {len(str(value)):_} characters", remedy)
        return str(value).strip()

    def texts(self, key: str) -> list[str]:
        """A list of strings; a single string is a list of one, an absent key an empty list."""
        value = self.take(key)
        if value is None:
            return []
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str | int | float) for one in values):
            raise self.error(key, f"{key} is not a list of texts", f"write {key}: [first, second]")
        return [str(one) for one in values]

    def choice(self, key: str, known: Sequence[str], default: str) -> str:
        """One of the known words."""
        value = self.text(key, default)
        if value not in known:
            raise self.error(key, f"{key} is {value!r}", did_you_mean(value, known))
        return value


def read_fields(text: str, file: str, *, first_line: int = 1) -> Fields:
    """The mapping that a YAML text holds; an empty text is an empty mapping.

    Args:
        text: the YAML.
        file: the name that errors show.
        first_line: the line of that file on which the text starts.

    Raises:
        UserError: not YAML, a key written twice, or something else than a mapping.
    """
    from projectkit.config.reading import parse

    above = "\n" * (first_line - 1)  # places count from the file's top
    values, marks = parse(above + text, file)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise UserError(
            "not a mapping of keys to values", where=f"{file}:{first_line}", remedy="write lines of the form key: value"
        )
    return Fields({str(key): value for key, value in values.items()}, marks, f"{file}:{first_line}")
