"""`parse_maths`: a formula to a tree. What has arguments is in structures.py; here are rows, groups, scripts and symbols."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from projectkit.poster.markup.maths.structures import STRUCTURES
from projectkit.poster.markup.maths.symbols import CHARACTERS, NAMES, SHOWN_NAMES, SPACES, SYMBOLS, in_alphabet
from projectkit.poster.markup.maths.tokens import MathsError, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

Maths = dict[str, Any]

MOST_CHARACTERS = 2000  # of a formula
DEEPEST = 24  # arguments and groups within each other
_SPACES_IN_WORDS = {"\\,": "\u2009", "\\:": "\u2009", "\\;": "\u2009", "\\!": ""}  # \operatorname{arg\,max}
_UNUSUAL = {
    "&": (
        "an & outside of a table of formulas",
        r"write \& for the sign, or put the lines into \begin{aligned} ... \end{aligned}",
    ),
    "\\\\": ("a line break outside of a table of formulas", r"put the lines into \begin{aligned} ... \end{aligned}"),
    "}": ("a closing brace without its opening one", r"take it out, or write \} for the sign"),
    "#": ("a # in a formula", r"write \# for the sign"),
    "\\right": (r"a \right without its \left", r"write \left( ... \right)"),
    "\\middle": (r"a \middle outside of \left ... \right", r"write \left( ... \middle| ... \right)"),
    "\\end": (r"an \end without its \begin", r"take it out"),
}


def parse_maths(source: str) -> Maths:
    """The tree of a formula; its kinds of nodes are listed in the package's docstring.

    Args:
        source: LaTeX, without the dollar signs around it.

    Raises:
        MathsError: an unknown command, an unbalanced brace, a formula that is empty, too long or too deep.
    """
    if not source.strip():
        raise MathsError("an empty formula", 0, r"write something between the dollar signs, or \$ for the sign")
    if len(source) > MOST_CHARACTERS:
        raise MathsError(
            f"a formula of {len(source)} characters", 0, f"use at most {MOST_CHARACTERS}, in several formulas"
        )
    return Parser(tokens(source)).row(())


class Parser:
    """The tokens of one formula, and how far they were read.

    Args:
        tokens: of the whole formula.
    """

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self.at = 0
        self._depth = 0
        self._alphabet: str | None = None
        self._end = Token("", tokens[-1].offset + len(tokens[-1].text))

    def peek(self, *, spaces: bool = False) -> Token:
        """The next token, past white space unless `spaces`; a token without text at the end."""
        while not spaces and self.at < len(self._tokens) and self._tokens[self.at].is_space:
            self.at += 1
        return self._tokens[self.at] if self.at < len(self._tokens) else self._end

    def take(self, *, spaces: bool = False) -> Token:
        """The next token, as read."""
        token = self.peek(spaces=spaces)
        self.at += 1
        return token

    @contextmanager
    def letters(self, alphabet: str | None) -> Iterator[None]:
        """Letters within are of that alphabet; empty: upright, None: as they are."""
        before, self._alphabet = self._alphabet, alphabet
        yield
        self._alphabet = before

    def row(self, stops: Collection[str]) -> Maths:
        """Everything up to one of the stops, which is left unread, or to the end."""
        children = []
        with self._deeper():
            while (token := self.peek()).text and token.text not in stops:
                if token.text in ("\\displaystyle", "\\textstyle"):
                    self.take()
                    style = "display" if token.text == "\\displaystyle" else "inline"
                    children.append({"kind": "style", "style": style, "body": self.row(stops)})
                else:
                    children.append(self._with_scripts())
        return children[0] if len(children) == 1 else {"kind": "row", "children": children}

    def group(self, opening: Token) -> Maths:
        """What stands in braces, the first of which was read."""
        body = self.row(("}",))
        if not self.take().text:
            raise MathsError("a brace that is never closed", opening.offset, "close it with }")
        return body

    def argument(self, command: Token) -> Maths:
        """The next group, or the next symbol."""
        token = self.peek()
        if not token.text or token.text in ("}", "&", "\\\\", "^", "_"):
            raise MathsError(f"{command.text} without what it is about", command.offset, f"write {command.text}{{...}}")
        if len(token.text) > 1 and token.text[0].isdigit():  # as in LaTeX: x^10 is x^{1}0
            self._tokens[self.at : self.at + 1] = [
                Token(digit, token.offset + at) for at, digit in enumerate(token.text)
            ]
        with self._deeper():
            return self._atom()

    def raw_argument(self, command: Token) -> tuple[str, int]:
        """The characters in the next braces, as they stand, and where they start."""
        opening = self.take()
        if opening.text != "{":
            raise MathsError(f"{command.text} without braces", command.offset, f"write {command.text}{{...}}")
        parts = []
        while (token := self.take(spaces=True)).text != "}":
            if not token.text:
                raise MathsError("a brace that is never closed", opening.offset, "close it with }")
            if token.text in _SPACES_IN_WORDS:
                parts.append(_SPACES_IN_WORDS[token.text])
                continue
            if token.text == "{" or (
                token.text[0] == "\\" and token.text[1:] not in ("%", "&", "#", "_", "$", "{", "}", " ")
            ):
                raise MathsError(
                    f"{token.text} inside {command.text}", token.offset, f"end {command.text}{{...}} before it"
                )
            if not token.is_space and not token.text.isprintable():
                raise MathsError(f"the character U+{ord(token.text):04X} in a formula", token.offset, "take it out")
            parts.append(" " if token.is_space or token.text == "~" else token.text.removeprefix("\\"))
        return "".join(parts), opening.offset + 1

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise MathsError("a formula nested too deeply", self.peek().offset, "take groups out of each other")
        yield
        self._depth -= 1

    def _with_scripts(self) -> Maths:
        base = {"kind": "row", "children": []} if self.peek().text in ("^", "_", "'") else self._atom()
        below = above = limits = None
        primes = 0
        while (token := self.peek()).text in ("^", "_", "'", "\\limits", "\\nolimits"):
            self.take()
            if token.text == "'":
                primes += 1
            elif token.text in ("\\limits", "\\nolimits"):
                limits = token.text == "\\limits"
            elif (below if token.text == "_" else above) is not None:
                what = "subscripts" if token.text == "_" else "superscripts"
                raise MathsError(
                    f"two {what} at one symbol", token.offset, "put the second into braces: {x_i}_j or x_{i_j}"
                )
            elif token.text == "_":
                below = self.argument(token)
            else:
                above = self.argument(token)
        if primes:
            marks = [glyph("′", "normal") for _ in range(primes)]
            above = {"kind": "row", "children": [*marks, above] if above else marks}
        if base["kind"] == "line" and base["where"] in ("underbrace", "overbrace"):
            note = below if base["where"] == "underbrace" else above
            if note is not None:
                base = {**base, "note": note}
                below, above = (None, above) if base["where"] == "underbrace" else (below, None)
        if below is None and above is None:
            return base
        return {"kind": "scripts", "base": base, "below": below, "above": above, "limits": limits}

    def _atom(self) -> Maths:
        token = self.take()
        text = token.text
        if text in _UNUSUAL:
            what, remedy = _UNUSUAL[text]
            raise MathsError(what, token.offset, remedy)
        if text == "{":
            return self.group(token)
        if text.startswith("\\"):
            return self._command(token)
        if text == "~":
            return {"kind": "space", "em": SPACES[" "]}
        if text in CHARACTERS:
            return glyph(*CHARACTERS[text])
        if text[0].isdigit():
            return {"kind": "number", "text": "".join(self._in_alphabet(digit) for digit in text)}
        if text.isprintable() and not unicodedata.combining(text):
            return self._letter(text)
        raise MathsError(f"the character U+{ord(text):04X} in a formula", token.offset, "take it out")

    def _command(self, token: Token) -> Maths:
        name = token.text[1:]
        if name in STRUCTURES:
            return STRUCTURES[name](self, token)
        if name in NAMES:
            return {"kind": "name", "text": SHOWN_NAMES.get(name, name), "limits": NAMES[name]}
        if name in SPACES:
            return {"kind": "space", "em": SPACES[name]}
        if name in SYMBOLS:
            text, kind = SYMBOLS[name]
            return glyph(text, kind) if kind else self._letter(text)
        known = {*STRUCTURES, *NAMES, *SYMBOLS, "displaystyle", "textstyle", "limits", "nolimits"}
        near = get_close_matches(name, [one for one in known if one.isalpha()], n=1, cutoff=0.7)
        remedy = (
            f"did you mean \\{near[0]}?"
            if near
            else f"write \\operatorname{{{name}}} for a function, \\text{{{name}}} for a word"
        )
        raise MathsError(f"the formula has a command that is not known here, \\{name}", token.offset, remedy)

    def _letter(self, text: str) -> Maths:
        changed = self._in_alphabet(text)
        capital_greek = "Α" <= text <= "Ω"
        return glyph(changed, "", upright=changed == text and (self._alphabet == "" or capital_greek))

    def _in_alphabet(self, text: str) -> str:
        return in_alphabet(text, self._alphabet) if self._alphabet else text


def glyph(text: str, kind: str, *, upright: bool = False) -> Maths:
    """One character of a formula."""
    return {"kind": "glyph", "text": text, "class": kind, "upright": upright}
