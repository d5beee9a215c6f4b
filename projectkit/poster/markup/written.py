"""A text as its team wrote it: where a piece of it stands, for errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projectkit.errors import UserError

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode


@dataclass(frozen=True)
class Written:
    """A text that is being parsed.

    Args:
        file: its name for errors.
        lines: of the file, all of them.
        above: lines of the file that stand before the text; 0 but for a text inside a fence.
        language: two or three letters.
    """

    file: str
    lines: tuple[str, ...]
    above: int
    language: str

    def line(self, node: SyntaxTreeNode) -> int:
        """The line of the file on which a node starts, from 1; of an inline the line of its block."""
        while node.map is None and node.parent is not None and not node.parent.is_root:
            node = node.parent
        return self.above + (node.map[0] + 1 if node.map else 1)

    def find(self, words: str, node: SyntaxTreeNode, offset: int = 0) -> tuple[int, int | None]:
        """Line and column, from 1, of a character of these words, which stand somewhere in the node; no column where they cannot be found.

        Args:
            words: as written, maybe in several lines.
            node: that holds them, or the block around it.
            offset: of the character.
        """
        rows = words.split("\n")
        row = words.count("\n", 0, offset)
        column = offset - words.rfind("\n", 0, offset) - 1
        indent = len(rows[row]) - len(rows[row].lstrip())  # in lists and quotations the file's is another
        start = self.line(node)
        for number in range(start, len(self.lines) + 1 - row):
            if rows[0].strip() in self.lines[number - 1]:
                at = self.lines[number + row - 1].find(rows[row].strip())
                return number + row, at + max(0, column - indent) + 1 if at >= 0 else None
        return start, None

    def error(self, what: str, node: SyntaxTreeNode, remedy: str) -> UserError:
        """An error at a node, to be raised by the caller."""
        return UserError(what, where=f"{self.file}:{self.line(node)}", remedy=remedy)

    def error_at(self, words: str, node: SyntaxTreeNode, what: str, remedy: str, offset: int = 0) -> UserError:
        """An error at a character of a node's words, with its column where it can be found."""
        line, column = self.find(words, node, offset)
        where = f"{self.file}:{line}" if column is None else f"{self.file}:{line}:{column}"
        return UserError(what, where=where, remedy=remedy)
