"""Where each key of a config was written, for the errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Places:
    """The place of each dotted key: `file:line:column`, or the command line.

    Args:
        source: the file as the user named it; the place of everything that was written nowhere.
        marks: dotted key -> place. The items of a list have their number as key (`callbacks.0.class_path`).
    """

    source: str
    marks: Mapping[str, str] = field(default_factory=dict)

    def of(self, key: str) -> str:
        """The place and the key, such as `configs/train.yaml:12:3, optimizer.init_args.lr`.

        Where the key itself was not written, it is the place of its nearest parent that was.
        """
        at = key
        while at and at not in self.marks:
            at = at.rpartition(".")[0]
        place = self.marks.get(at, self.source)
        return f"{place}, {key}" if key else place

    def overridden(self, key: str, marks: Mapping[str, str]) -> Places:
        """These places after `key` (with everything below it) was replaced by something written at `marks`."""
        kept = {known: place for known, place in self.marks.items() if not below(known, key)}
        return Places(self.source, {**kept, **marks})


def below(key: str, parent: str) -> bool:
    """Whether `key` is `parent` or a key inside it."""
    return key == parent or key.startswith(f"{parent}.")


def join(parent: str, key: object) -> str:
    """The dotted key of `key` inside `parent`."""
    return f"{parent}.{key}" if parent else str(key)


def shown(path: Path) -> str:
    """A path as errors show it: from the working directory where it lies below it, with forward slashes."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def shown_file(file: str, line: int | None) -> str:
    """A line of a source file as errors show it."""
    return f"{shown(Path(file))}:{line}" if line else shown(Path(file))
