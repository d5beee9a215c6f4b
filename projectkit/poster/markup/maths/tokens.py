"""LaTeX to tokens, each with its place in the source."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\\operatorname\*|\\[A-Za-z]+|\\[^A-Za-z]|\s+|[0-9]+(?:[.][0-9]+)?|.", re.DOTALL)


class MathsError(Exception):
    """A formula that cannot be read.

    Args:
        what: is wrong, a clause without a full stop.
        offset: of the character in the formula, from 0.
        remedy: what to write instead.
    """

    def __init__(self, what: str, offset: int, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset
        self.remedy = remedy


@dataclass(frozen=True)
class Token:
    r"""A command such as `\\alpha`, a number, a run of white space, or one other character."""

    text: str
    offset: int

    @property
    def is_space(self) -> bool:
        """Whether it is white space, which means nothing between symbols."""
        return self.text.isspace()


def tokens(source: str) -> list[Token]:
    """The tokens of a formula, white space among them.

    Raises:
        MathsError: a backslash at the end, a comment.
    """
    found = [Token(match.group(), match.start()) for match in _TOKEN.finditer(source)]
    for token in found:
        if token.text == "\\":
            raise MathsError("a formula ends in a backslash", token.offset, "take it out")
        if token.text == "%":
            raise MathsError("a comment in a formula", token.offset, r"write \% for the sign")
        if token.text == "$":
            raise MathsError(
                "a dollar sign in a formula", token.offset, r"write \$ for the sign, or end the formula first"
            )
    return found
