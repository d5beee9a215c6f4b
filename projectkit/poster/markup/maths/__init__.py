r"""Formulas: a subset of LaTeX to a tree of plain values, which the typesetter draws and the HTML page writes as MathML.

| file | subject |
|---|---|
| tokens.py | LaTeX to tokens, each with its place |
| parser.py | `parse_maths`: tokens to a tree |
| structures.py | what the commands with arguments stand for |
| symbols.py | names of symbols, operators, accents, delimiters; alphabets |
| presentation.py | `mathml`: the tree for the HTML page |
| linear.py | `linear`: the tree as a line of text, for search and for counting words |

The kinds of nodes, each a dictionary with `kind`:

| kind | fields |
|---|---|
| `row` | `children`; `class` where it is spaced as one symbol |
| `glyph` | `text`: one character; `class`: a key of `symbols.CLASSES`, or empty; `upright`; `stretched` of an arrow below words |
| `big` | `text`, `class`, `size` in em: a delimiter of a given height |
| `number`, `words` | `text`: digits; upright words |
| `name` | `text`, `limits`: an operator such as `log`, and whether scripts may go below and above it |
| `space` | `em`, may be negative |
| `frac` | `above`, `below`, `bar`, `style`: `display`, `inline` or empty |
| `root` | `body`, `index` or None |
| `scripts` | `base`, `below` or None, `above` or None, `limits`: True, False, or None for what the base does by itself |
| `accent` | `base`, `accent`: a combining character, `wide` |
| `line` | `base`, `where`: `overline`, `underline`, `overbrace`, `underbrace`, `cancel`; `note` or None |
| `fenced` | `open`, `close`: characters or empty; `body`, in which a `middle` (`text`) grows as they do |
| `grid` | `rows`: lists of cells; `open`, `close`; `align` of each column: `left`, `center`, `right`; `style`: `matrix`, `cases`, |
| | `lines` (large), `stack` (small) |
| `style` | `style`: `display` or `inline`; `body` |
"""

from projectkit.poster.markup.maths.linear import linear as linear
from projectkit.poster.markup.maths.parser import parse_maths as parse_maths
from projectkit.poster.markup.maths.presentation import mathml as mathml

__all__ = ["linear", "mathml", "parse_maths"]
